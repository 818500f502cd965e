"""What interceptors are told of a gateway's callers: written for each grant, by the client's id."""

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest

from tests.planning import ROOT
from toolgate.components.agent_runtime import AgentRuntime
from toolgate.components.checks.arguments import UsageError
from toolgate.components.machine_client import MachineClient
from toolgate.components.token_issuer import TokenIssuer
from toolgate.components.tool_gateway import ToolGateway

from ..test_tool_gateway import TARGETS

CODE = ROOT / "pyproject.toml"  # any file stands for the zip
FOREIGN = {"issuer": "okta", "discovery_url": "https://example.com/.well-known/openid-configuration", "scopes": ["a"]}
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:okta-a1B2c3"
SOURCE = "from intercept import *\n@filter_tools\ndef visible(tool: Tool, caller: Caller): ...\n"


@pytest.fixture
def asked(tmp_path: Path) -> Any:
    folders = tmp_path / "interceptors"
    (folders / "shown").mkdir(parents=True)
    (folders / "intercept.py").write_text("")
    (folders / "callers.py").write_text("")
    (folders / "shown" / "interceptor.py").write_text(SOURCE)
    return {"response": {"directory": str(folders / "shown")}}


def gateway(name: str, inbound: Any, **more: Any) -> ToolGateway:
    args: Any = {"targets": TARGETS, "inbound": inbound, "authorization": "tool", **more}
    return ToolGateway(name, args)


def agent(name: str, *tools: Any, **more: Any) -> AgentRuntime:
    args: Any = {
        "code": str(CODE),
        "model_id": "us.anthropic.claude-haiku-4-5-20251001-v1:0",
        "tools": [*tools],
        **more,
    }
    return AgentRuntime(name, args)


def credentials(client_id: str) -> Any:
    return [{"issuer": "okta", "client_id": client_id, "secret_arn": SECRET, "json_key": "secret"}]


def parameters(recorded: Any) -> dict[str, Any]:
    made = [it for it in recorded.resources if it.type.endswith(":Parameter")]
    assert all(it.inputs["type"] == "String" for it in made)
    assert not any(it.protect for it in made)
    return {it.inputs["name"]: json.loads(it.inputs["insecureValue"]) for it in made}


def test_each_caller_stands_in_the_table_by_its_client(run: Any, asked: Any) -> None:
    def program() -> None:
        inbound = TokenIssuer("tokens", {}).inbound
        tools = gateway("tools", inbound, interceptors=asked)
        other = gateway("other", inbound)
        agent("whole", tools.tools(), tags={"team": "a"})
        agent("some", tools.tools("math", when='context.input.x == "a"'), tools.tools("people___greet"))
        agent("elsewhere", other.tools())
        MachineClient("batch", {"tools": [tools.tools("people"), other.tools("math")]})

    recorded = run(program)
    table = "/toolgate/callers/toolgate-dev-tools"
    assert parameters(recorded) == {
        f"{table}/whole-tokens-client-id": {"name": "whole", "tools": ["math___*", "people___*"]},
        f"{table}/some-tokens-client-id": {
            "name": "some",
            "tools": ["math___add", "math___multiply", "people___greet"],
        },
        f"{table}/batch-client-id": {"name": "batch", "tools": ["people___greet"]},
    }
    own = recorded.one("Parameter", "whole-toolgate-dev-tools-caller")
    assert own.name in recorded.one("AgentcoreAgentRuntime", "whole-runtime").dependencies
    assert own.inputs["tags"] == {"team": "a"}


def test_who_may_call_every_tool_of_a_gateway_is_told_so_by_its_targets(run: Any, asked: Any) -> None:
    def program() -> None:
        tools = gateway("tools", TokenIssuer("tokens", {}).inbound, interceptors=asked, authorization="gateway")
        agent("whole", tools.tools())

    assert [it["tools"] for it in parameters(run(program)).values()] == [["math___*", "people___*"]]


def test_a_client_of_a_foreign_issuer(run: Any, asked: Any) -> None:
    def program(client_id: str) -> None:
        agent("a", gateway("tools", FOREIGN, interceptors=asked).tools(), credentials=credentials(client_id))

    recorded = run(lambda: program("0oa1.B_c-2"))
    assert list(parameters(recorded)) == ["/toolgate/callers/toolgate-dev-tools/0oa1.B_c-2"]
    for refused in ("api://x", "a/b", "a:b"):
        with pytest.raises(UsageError, match=r"credentials: okta: '.*' cannot be part of an SSM parameter's name"):
            run(lambda: program(refused))  # noqa: B023  # run at once


def test_where_no_interceptor_asks_there_is_none(run: Any) -> None:
    def program() -> None:
        agent("a", gateway("tools", TokenIssuer("tokens", {}).inbound).tools())

    assert parameters(run(program)) == {}


def test_grants_that_are_written_out_as_outputs(run: Any, asked: Any) -> None:
    """As a program in another language hands them over."""

    def program(*, twice: bool) -> None:
        tools = gateway("tools", TokenIssuer("tokens", {}).inbound, interceptors=asked)
        names = ["math___add", "people___greet"] if twice else ["math___add"]
        grants: list[Any] = [
            {**tools.tools(name), "tools": pulumi.Output.from_input([name]), "callers": tools.callers} for name in names
        ]
        for grant in grants:
            del grant["actions"]
        agent("a", *grants)

    recorded = run(lambda: program(twice=False))
    assert [it["tools"] for it in parameters(recorded).values()] == [["math___add"]]
    with pytest.raises(
        UsageError, match=r"^/toolgate/callers/toolgate-dev-tools/: one gateway's tools are handed over"
    ):
        run(lambda: program(twice=True))


def test_what_a_parameter_cannot_hold_is_told_before_anything_is_made_of_it(run: Any, asked: Any) -> None:
    tools = [{"name": f"t{number:03}_{'x' * 40}", "description": "D."} for number in range(100)]
    schema = {"type": "object", "properties": {}}
    targets = {"many": {**TARGETS["math"], "tools": [{**tool, "inputSchema": schema} for tool in tools]}}

    def program(name: str, *asked_for: str) -> None:
        made = gateway("tools", TokenIssuer("tokens", {}).inbound, interceptors=asked, targets=targets)
        agent(name, made.tools(*asked_for))

    run(lambda: program("a"))
    with pytest.raises(
        UsageError, match=r"'a'\.tools: what the interceptors .* has 5\d+ bytes; an SSM parameter takes"
    ):
        run(lambda: program("a", "many"))


def test_a_table_is_for_callers_with_tokens(run: Any) -> None:
    def program() -> None:
        grant: Any = {
            "gateway_arn": "a",
            "gateway_url": "u",
            "tools": ["math___add"],
            "callers": "/toolgate/callers/x/",
        }
        with pytest.raises(
            UsageError, match=r"tools\[0\]: has 'callers', which names clients, and its gateway takes no"
        ):
            agent("a", grant)

    assert run(program).resources == []
