"""Prompts and resources of MCP servers through a gateway with a policy engine, for MCP's own client."""

import json
import shutil
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest
from mcp import ClientSession, McpError
from mcp.types import TextContent, TextResourceContents
from pydantic import AnyUrl

from tests.e2e.examples import copied
from tests.local.serve.gateway.test_mcp_gateway import _with_session
from toolgate.local.plan import plan
from toolgate.local.serve import access_log
from toolgate.local.serve.server import Serving, serve

SERVER = '''
from mcp.server.fastmcp import FastMCP

server = FastMCP("NAME")


@server.tool()
def find_NAME(sku: str) -> str:
    """Find an item."""
    return sku


@server.prompt()
def letter(to: str) -> str:
    """A letter."""
    return f"NAME writes to {to}"


@server.prompt()
def broken() -> str:
    """One that fails."""
    raise RuntimeError("secret-of-the-server")


@server.resource("text://NAME/about")
def about() -> str:
    """What this is."""
    return "about NAME"


@server.resource("item://NAME/{sku}")
def item(sku: str) -> str:
    """An item."""
    if sku == "none":
        raise RuntimeError("secret-of-the-server")
    return f"{sku} of NAME"


@server.resource("text://shared")
def shared() -> str:
    """What both have."""
    return "shared by NAME"
'''
PROGRAM = """
from toolgate import AgentRuntime, Authorization, McpServer, ToolGateway, agent_code

accepted = ["prompts", "resources"]
guide = McpServer("guide", {"directory": "servers/guide", "undecided": accepted})
notes = McpServer("notes", {"directory": "servers/notes", "undecided": accepted})
targets = {"guide": guide.target, "notes": notes.target}
gateway = ToolGateway("shop", {"targets": targets, "authorization": Authorization.TOOL})
clerk = {"code": agent_code("../../agent"), "model_id": "MODEL", "tools": [gateway.tools("guide___find_guide")]}
AgentRuntime("clerk", clerk)
"""
MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
NAMES = ("guide", "notes")

type Make = Callable[..., Serving]


@pytest.fixture(scope="module")
def accepting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
    """Serves the program as if it accepted of each server what is named: a server may have got more since its plan."""
    program = copied("servers", tmp_path_factory.mktemp("clone"))
    shutil.rmtree(program / "servers")
    for name in NAMES:
        (program / "servers" / name).mkdir(parents=True)
        (program / "servers" / name / "server.py").write_text(SERVER.replace("NAME", name))
    (program / "__main__.py").write_text(PROGRAM.replace("MODEL", MODEL))
    planned = plan(root=program).deployment
    with ExitStack() as stack:

        def make(accepted: Mapping[str, list[str]], denied: str = "nothing") -> Serving:
            allows, denies = (json.dumps(f'"Sid": "{denied}", "Effect": "{it}')[1:-1] for it in ("Allow", "Deny"))
            made = json.loads(json.dumps(planned).replace(allows, denies))
            of_gateways = [it for it in made["deployment"]["resources"] if it["type"] == "toolgate:index:ToolGateway"]
            for name, target in of_gateways[0]["inputs"]["targets"].items():
                assert target["mcp_server"]["undecided"] == ["prompts", "resources"]
                target["mcp_server"]["undecided"] = accepted[name]
            logs = tmp_path_factory.mktemp("logs")
            return stack.enter_context(serve(made, program, logs=logs))

        yield make


@pytest.fixture(scope="module")
def both(accepting: Make) -> Serving:
    return accepting({"guide": ["prompts", "resources"], "notes": ["prompts", "resources"]})


@pytest.fixture(scope="module")
def one_each(accepting: Make) -> Serving:
    return accepting({"guide": ["prompts"], "notes": ["resources"]})


def ask[T](serving: Serving, use: Callable[[ClientSession], Awaitable[T]]) -> T:
    """Ask the gateway as the agent, by a client that signs."""
    [gateway], [agent] = serving.deployment.gateways, serving.deployment.agents
    return _with_session(serving.gateway_url(gateway.id), serving.session(agent.role_arn), use)


def lines(serving: Serving, method: str) -> list[dict[str, Any]]:
    """The lines of the access log about a method."""
    every = (json.loads(it) for it in serving.access_log.read_text().splitlines())
    return [it for it in every if it["method"] == method]


def prompts(serving: Serving) -> set[str]:
    return {it.name for it in ask(serving, lambda session: session.list_prompts()).prompts}


def resources(serving: Serving) -> set[str]:
    return {str(it.uri) for it in ask(serving, lambda session: session.list_resources()).resources}


def templates(serving: Serving) -> set[str]:
    return {it.uriTemplate for it in ask(serving, lambda session: session.list_resource_templates()).resourceTemplates}


def letter(serving: Serving, name: str) -> str:
    """What a prompt says."""
    [message] = ask(serving, lambda session: session.get_prompt(name, {"to": "Ann"})).messages
    assert isinstance(message.content, TextContent)
    return message.content.text


def read(serving: Serving, uri: str) -> str:
    """What a resource holds."""
    [content] = ask(serving, lambda session: session.read_resource(AnyUrl(uri))).contents
    assert isinstance(content, TextResourceContents)
    return content.text


def test_what_is_accepted_is_listed_by_its_name_at_the_gateway(both: Serving) -> None:
    assert prompts(both) == {"guide___letter", "guide___broken", "notes___letter", "notes___broken"}
    assert resources(both) == {"text://guide/about", "text://notes/about", "text://shared"}
    assert templates(both) == {"item://guide/{sku}", "item://notes/{sku}"}


@pytest.mark.parametrize("name", NAMES)
def test_each_server_is_asked_for_its_own(both: Serving, name: str) -> None:
    assert letter(both, f"{name}___letter") == f"{name} writes to Ann"
    assert read(both, f"text://{name}/about") == f"about {name}"
    assert read(both, f"item://{name}/lamp") == f"lamp of {name}"


def test_a_resource_that_both_have_is_the_first_ones(both: Serving) -> None:
    assert read(both, "text://shared") == "shared by guide"


def test_what_is_not_accepted_is_neither_listed_nor_passed(one_each: Serving) -> None:
    assert prompts(one_each) == {"guide___letter", "guide___broken"}
    assert resources(one_each) == {"text://notes/about", "text://shared"}
    assert templates(one_each) == {"item://notes/{sku}"}
    assert letter(one_each, "guide___letter") == "guide writes to Ann"
    assert read(one_each, "text://shared") == "shared by notes"
    for name in ("notes___letter", "guide__letter", "letter", "nobody___letter"):
        with pytest.raises(McpError, match=f"Unknown prompt: {name}"):
            letter(one_each, name)
    for uri in ("text://guide/about", "item://guide/lamp", "text://nobody"):
        with pytest.raises(McpError, match="Resource not found"):
            read(one_each, uri)


@pytest.mark.parametrize(
    ("accepted", "offered"),
    [
        (["prompts"], {"prompts"}),
        (["resources"], {"resources"}),
        ([], set()),
        (["prompts", "resources"], {"prompts", "resources"}),
    ],
)
def test_the_gateway_says_what_it_then_has(accepting: Make, accepted: list[str], offered: set[str]) -> None:
    async def said(session: ClientSession) -> set[str]:
        capabilities = (await session.initialize()).capabilities
        return {name for name in ("prompts", "resources") if getattr(capabilities, name)}

    assert ask(accepting({"guide": accepted, "notes": []}), said) == offered


@pytest.mark.parametrize(
    ("method", "use"),
    [
        ("prompts/get", lambda session: session.get_prompt("guide___broken")),
        ("resources/read", lambda session: session.read_resource(AnyUrl("item://guide/none"))),
    ],
)
def test_what_fails_stays_in_the_servers_log(both: Serving, method: str, use: Any) -> None:
    with pytest.raises(McpError, match=r"Target guide could not carry out the call\. Request id: ") as raised:
        ask(both, use)
    assert "secret" not in str(raised.value)
    line = lines(both, method)[-1]
    assert (line["status"], line["target"], line["error_type"]) == ("target_failed", "guide", "JsonRpcError")
    assert line["request_id"] in both.target_logs["guide"].read_text()


def test_the_log_says_that_cedar_is_not_asked(both: Serving) -> None:
    prompts(both)
    line = lines(both, "prompts/list")[-1]
    assert line["decision"] == "allowed"
    told = "prompts and resources pass whatever policies say; the program accepts those of guide, notes"
    assert access_log.why(line["decided_by"]).endswith(f"Cedar is not asked: {told}")


def test_the_servers_door_is_as_shut_as_for_tools(accepting: Make) -> None:
    serving = accepting({"guide": ["prompts"], "notes": []}, "InvokeServers")
    with pytest.raises(McpError, match="Access denied while calling target guide"):
        letter(serving, "guide___letter")
    line = lines(serving, "prompts/get")[-1]
    assert (line["decision"], line["target"]) == ("denied", "guide")
    assert "InvokeAgentRuntime" in access_log.why(line["decided_by"])
