"""The program with MCP servers in `servers/`."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.components.conftest import ACCOUNT, REGION, SECRETS
from tests.components.servers.conftest import ADD
from toolgate.components.checks.arguments import UsageError

SOURCES = {"bundle": "sources"}
SECRET = f"{SECRETS}:stock-a1B2c3"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/given"
STOCK = ADD.replace("def add", "def count") + '\n@server.tool()\ndef reserve(sku: str) -> bool:\n    """Reserve."""\n'


@pytest.fixture
def servers(folder_of_target: Callable[..., None]) -> Any:
    """Writes an MCP server."""

    def write(name: str = "stock", source: str = STOCK, settings: str | None = None, lambdas: bool = True) -> None:
        folder_of_target(f"servers/{name}", {"server.py": source, "target.py": settings}, lambdas=lambdas)

    return write


def listed(recorded: Any, target: str) -> list[str]:
    mcp = recorded.one("AgentcoreGatewayTarget", target).inputs["targetConfiguration"]["mcp"]
    tools = json.loads(mcp["mcpServer"]["mcpToolSchema"]["inlinePayload"]["payload"])["tools"]
    return [tool["name"] for tool in tools]


def test_a_folder_of_servers_is_a_target_beside_those_of_lambdas(run: Any, program: Any, servers: Any) -> None:
    servers()
    recorded = run(program, SOURCES)
    assert listed(recorded, "tools-stock") == ["count", "reserve"]
    assert recorded.outputs["agents"]["assistant"]["tools"][-2:] == ["stock___count", "stock___reserve"]
    runtime = recorded.one("AgentcoreAgentRuntime", "stock-runtime").inputs
    assert runtime["environmentVariables"] == {"AWS_REGION": REGION, "SERVER_LOG_LEVEL": "info"}


def test_a_program_of_servers_alone(run: Any, program: Any, servers: Any) -> None:
    servers(lambdas=False)
    servers("depot", STOCK.replace("count", "weigh").replace("reserve", "send"), lambdas=False)
    recorded = run(program, {**SOURCES, "observability": {"dashboard": True}})
    assert {name for kind, name in recorded.types() if kind == "AgentcoreGatewayTarget"} == {
        "tools-depot",
        "tools-stock",
    }
    [dashboard] = [it for it in recorded.resources if it.type == "toolgate:index:Dashboard"]
    assert set(dashboard.inputs["runtimes"]) == {"assistant", "depot", "stock"}


def test_agents_and_gateways_name_its_tools(run: Any, program: Any, servers: Any) -> None:
    servers()
    named = {
        "one": {"targets": ["stock___count"], "authorization": "tool"},
        "two": {"targets": ["math"], "authorization": "tool"},
    }
    agents = {"clerk": {"tools": ["one/stock"]}, "other": {"tools": ["two/math___add_numbers"]}}
    recorded = run(program, {**SOURCES, "gateways": named, "agents": agents})
    assert listed(recorded, "one-stock") == ["count"]
    assert recorded.outputs["agents"]["clerk"]["tools"] == ["stock___count"]


def test_a_stack_says_what_differs_from_target_py(run: Any, program: Any, servers: Any) -> None:
    servers(settings="def settings(opts):\n    return {'environment': {'A': '1', 'B': '1'}, 'description': 'Stock'}\n")
    entry = {"environment": {"B": "2"}, "secrets": {"TOKEN": SECRET}, "roleArn": ROLE}
    recorded = run(program, {**SOURCES, "targets": {"stock": entry}, "logLevel": "warning"})
    runtime = recorded.one("AgentcoreAgentRuntime", "stock-runtime").inputs
    written = {"A": "1", "B": "2", "TOKEN": SECRET, "SERVER_LOG_LEVEL": "warning", "AWS_REGION": REGION}
    assert runtime["environmentVariables"] == written
    assert runtime["roleArn"] == ROLE
    assert runtime["description"] == "Stock"
    assert recorded.one("RolePolicy", "stock-secrets").inputs["role"] == "given"


TWO = {"one": {}, "two": {"targets": ["math"]}, "three": {"targets": ["stock"]}}


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (
            {"targets": {"stock": {"memorySize": 5}}},
            "targets.stock: memorySize is not for an MCP server. It takes envir",
        ),
        ({"targets": {"stock": {"credential": {}}}}, "targets.stock: credential is for an API"),
        ({"targets": {"stock": {"functionArn": "x", "tools": "y"}}}, "targets.stock: has a folder"),
        ({"gateways": TWO}, "the MCP server 'stock' is behind 'one' and 'three', and only one gateway's role"),
        (
            {"agents": {"stock": {}}},
            "servers/stock: gets the same runtime name 'toolgate_dev_stock' as the agent 'stock'",
        ),
        (
            {"agents": {"a": {"roleArn": ROLE}}, "targets": {"stock": {"roleArn": ROLE}}},
            "targets.stock.roleArn: .* is the role of toolgate:agents.a.roleArn as well",
        ),
        ({"targets": {"nowhere": {}}}, "targets.nowhere: there is no such target"),
    ],
)
def test_what_a_stack_cannot_say(run: Any, program: Any, servers: Any, config: Any, says: str) -> None:
    servers()
    with pytest.raises(UsageError, match=says):
        run(program, {**SOURCES, **config})


def test_targets_have_one_name(run: Any, program: Any, servers: Any) -> None:
    servers("math")
    with pytest.raises(UsageError, match="servers/math: there is another target of this name"):
        run(program, SOURCES)


def test_every_servers_mistake_is_told(run: Any, program: Any, servers: Any) -> None:
    servers("one", "import nowhere\n")
    servers("two", "x = 1\n")
    with pytest.raises(UsageError) as raised:
        run(program, SOURCES)
    assert [line.split("server.py")[0] for line in str(raised.value).splitlines()] == ["servers/one/", "servers/two/"]


def test_one_behind_no_gateway_is_left_out(run: Any, program: Any, servers: Any) -> None:
    servers()
    recorded = run(program, {**SOURCES, "gateways": {"one": {"targets": ["math"]}}})
    assert not [name for kind, name in recorded.types() if kind == "McpServer"]
