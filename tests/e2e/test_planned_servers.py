"""A program with an MCP server, planned by the components and served: from server.py to a tool's answer."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mcp.shared.exceptions import McpError
from mcp.types import CallToolResult

from tests.local.serve.gateway.test_mcp_gateway import _with_session
from tests.local.serve.outbound.test_servers_in_runtime import PING, last_line, text
from toolgate.cli.up import _planned_anew
from toolgate.local.invoke_agent import ask
from toolgate.local.loopback_client import open_client
from toolgate.local.plan import plan
from toolgate.local.serve.server import Serving, serve
from toolgate.local.watch import Watching

ROOT = Path(__file__).parents[2]
PROGRAM = """
import pulumi
from toolgate import AgentRuntime, Authorization, McpServer, ToolGateway, agent_code

stock = McpServer("stock", {"directory": "servers/stock"})
gateway = ToolGateway("shop", {"targets": {"stock": stock.target}, "authorization": Authorization.TOOL})
clerk = AgentRuntime(
    "clerk",
    {
        "code": agent_code("agent"),
        "model_id": "us.anthropic.claude-haiku-4-5-20251001-v1:0",
        "tools": [gateway.tools("stock___count", "stock___fail")],
    },
)
pulumi.export("agents", {"clerk": {"runtime_arn": clerk.runtime_arn, "role_arn": clerk.role_arn}})
"""
SERVER = '''
from mcp.server.fastmcp import FastMCP

stock = FastMCP("stock")

@stock.tool()
def count(item: str, depot: str | None = None) -> int:
    """How many there are."""
    return len(item)

@stock.tool()
def fail() -> int:
    """Go wrong."""
    raise ValueError("secret-of-the-server")

@stock.tool()
def remove(item: str) -> str:
    """Take one away."""
    return "removed"
'''


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text("config:\n  aws:region: us-east-1\n")
    (folder / "__main__.py").write_text(PROGRAM)
    (folder / "agent").symlink_to(ROOT / "agent")
    (folder / "servers" / "stock").mkdir(parents=True)
    (folder / "servers" / "stock" / "server.py").write_text(SERVER)
    return folder


@pytest.fixture(scope="module")
def deployment(program: Path) -> Mapping[str, Any]:
    return plan("dev", root=program).deployment


@pytest.fixture(scope="module")
def serving(
    program: Path, deployment: Mapping[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Serving]:
    with serve(deployment, root=program, logs=tmp_path_factory.mktemp("logs")) as running:
        yield running


def call(serving: Serving, tool: str, **arguments: Any) -> CallToolResult:
    """Call a tool as the agent's role."""
    [gateway], [agent] = serving.deployment.gateways, serving.deployment.agents
    own, url = serving.session(agent.role_arn), serving.gateway_url(gateway.id)
    return _with_session(url, own, lambda session: session.call_tool(tool, arguments))


def invoke(serving: Serving) -> Any:
    """Invoke the server's runtime as the operator, whose own policy lets him."""
    client = open_client("bedrock-agentcore", serving.environment)
    return client.invoke_agent_runtime(
        agentRuntimeArn=serving.servers["stock"],
        payload=json.dumps(PING).encode(),
        contentType="application/json",
        accept="application/json, text/event-stream",
    )


def changed(deployment: Mapping[str, Any], kind: str, change: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The deployment without the statements of a type's documents that `change` says yes to."""
    made = json.loads(json.dumps(deployment))
    found = 0
    for resource in made["deployment"]["resources"]:
        if resource["type"].endswith(f":{kind}"):
            document = json.loads(resource["outputs"]["policy"])
            kept = [it for it in document["Statement"] if not change(it)]
            found += len(document["Statement"]) - len(kept)
            document["Statement"] = kept or [{**document["Statement"][0], "Action": "bedrock-agentcore:Nothing"}]
            for part in ("inputs", "outputs"):
                resource[part] = {**resource[part], "policy": json.dumps(document)}
    assert found
    return dict(made)


def test_a_tool_answers_and_what_was_not_handed_over_is_refused(serving: Serving) -> None:
    assert text(call(serving, "stock___count", item="shoe")) == "4"
    assert text(call(serving, "stock___count", item="shoe", depot="north")) == "4"
    with pytest.raises(McpError, match="No policy applies"):
        call(serving, "stock___remove", item="shoe")
    assert [it.tool for it in serving.denials] == ["stock___remove"]


def test_what_goes_wrong_in_the_servers_code_is_told_to_its_log_alone(serving: Serving) -> None:
    result = call(serving, "stock___fail")
    assert result.isError
    assert "secret-of-the-server" not in text(result)
    assert "secret-of-the-server" in serving.target_logs["stock"].read_text()


def test_the_agent_calls_it(serving: Serving) -> None:
    assert "4" in ask(serving.environment, serving.agents["clerk"], 'call stock___count {"item": "shoe"}')


def test_past_the_gateway_it_is_denied_to_everybody(serving: Serving) -> None:
    with pytest.raises(ClientError, match="with an explicit deny in a resource-based policy"):
        invoke(serving)


def test_without_its_statement_the_gateways_role_is_refused(
    deployment: Mapping[str, Any], program: Path, tmp_path: Path
) -> None:
    without = changed(deployment, "RolePolicy", lambda it: "InvokeAgentRuntime" in json.dumps(it["Action"]))
    with serve(without, root=program, logs=tmp_path) as serving:
        assert call(serving, "stock___count", item="shoe").isError
        assert (last_line(serving)["decision"], serving.calls) == ("denied", [])


def test_without_the_deny_the_operator_gets_in(deployment: Mapping[str, Any], program: Path, tmp_path: Path) -> None:
    without = changed(deployment, "AgentcoreResourcePolicy", lambda it: it["Effect"] == "Deny")
    with serve(without, root=program, logs=tmp_path) as serving:
        assert invoke(serving)["statusCode"] == 200


def test_an_edit_of_the_server_answers_the_next_call(program: Path, serving: Serving) -> None:
    said: list[str] = []
    file = program / "servers" / "stock" / "server.py"

    def planned() -> Mapping[str, Any]:
        return _planned_anew(program, "dev", None, ())

    watching = Watching(program, planned(), planned, serving, lambda: None, said.append, ())
    watching.start()
    file.write_text(SERVER.replace("len(item)", "len(item) + 1000"))
    watching.changed([file])
    assert "planned anew and served" in said[-1]
    assert text(call(serving, "stock___count", item="shoe")) == "1004"
    # A mistake is told with its place, and what was there answers on.
    file.write_text(SERVER + "\nnowhere()\n")
    watching.changed([file])
    assert f"server.py:{SERVER.count(chr(10)) + 2}" in said[-1]
    assert "What was there before is served on." in said[-1]
    assert text(call(serving, "stock___count", item="shoe")) == "1004"
