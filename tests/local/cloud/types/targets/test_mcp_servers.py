import json
from collections.abc import Callable
from typing import Any

import pytest
from pulumi.runtime.proto.provider_pb2 import PropertyDiff

from tests.local.cloud.conftest import GATEWAY, GOOD, ROLE_POLICY, TARGET, tool
from tests.local.cloud.types.targets.conftest import KINDS, RUNTIME_URL, changed, given, listing
from toolgate.local.cloud import provider_state
from toolgate.local.cloud.catalogue import TYPES
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.resource_type import Made
from toolgate.local.cloud.values import UNKNOWN
from toolgate.local.engine.provider_diff import REPLACING, planned_changes, read_inputs

Check = Callable[..., list[str]]
HOST = "https://bedrock-agentcore.us-east-1.amazonaws.com"
ARN = "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/orders-a1B2c3D4e5"
NO_RUNTIME = "is none of AgentCore Runtime"


def payload(text: str) -> Any:
    return {"inlinePayload": {"payload": text}}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"endpoint": None}, "must not be null"),
        ({"endpoint": "http://orders.test/mcp"}, "regular expression pattern"),
        ({"endpoint": "https://"}, "names no host"),
        ({"endpoint": "https://[x/mcp"}, "is no URL"),
        ({"endpoint": f"{HOST}/runtimes/{ARN}/invocations"}, NO_RUNTIME),
        ({"endpoint": f"{HOST}/runtimes/{ARN.replace('/', '%2F')}/invocations"}, NO_RUNTIME),
        ({"endpoint": f"{HOST}/runtimes/orders-a1B2c3D4e5/invocations"}, NO_RUNTIME),
        ({"endpoint": RUNTIME_URL.replace("/invocations", "/mcp")}, NO_RUNTIME),
        ({"endpoint": RUNTIME_URL.replace("/runtimes/", "/runtime/")}, NO_RUNTIME),
        ({"endpoint": f"{HOST}/mcp"}, NO_RUNTIME),
        ({"resourcePriority": -1}, "greater than or equal to 0"),
        ({"resourcePriority": 1001}, "less than or equal to 1000"),
        ({"listingMode": "NEVER"}, "enum value set"),
        ({"mcpToolSchema": None}, "does not reproduce targetConfiguration.mcp.mcpServer without mcpToolSchema"),
        ({"mcpToolSchema": None, "listingMode": "DEFAULT"}, "write mcp_tool_schema"),
        ({"mcpToolSchema": {}}, "exactly one of"),
        ({"mcpToolSchema": {"s3": {"uri": "s3://bucket/tools.json"}}}, "does not reproduce"),
        ({"mcpToolSchema": {"inlinePayload": {"text": "x"}}}, "does not reproduce"),
        ({"mcpToolSchema": payload("tools:")}, "is no JSON"),
        ({"mcpToolSchema": payload("[" * 100_000)}, "is no JSON"),
        ({"mcpToolSchema": payload("{}")}, "has no list of tools"),
        ({"mcpToolSchema": payload('"tools"')}, "has no list of tools"),
        ({"mcpToolSchema": listing({"inputSchema": {"type": "object"}})}, "has no list of tools"),
        ({"mcpToolSchema": listing(tool(), tool())}, "duplicate tool name 'add'"),
        ({"mcpToolSchema": listing({"name": "add"})}, "inputSchema of tool 'add' must be of type object"),
        ({"mcpToolSchema": listing(tool(type="string"))}, "inputSchema of tool 'add' must be of type object"),
        ({"mcpToolSchema": listing(tool(description="x" * 1024 * 1024))}, "and at most 1048576 are taken"),
        ({"timeout": 5}, "does not reproduce targetConfiguration.mcp.mcpServer.timeout"),
    ],
)
def test_servers_that_are_refused(changes: dict[str, Any], reason: str, check: Check) -> None:
    [found] = check(TARGET, **given("mcpServer", **changes))
    assert reason in found


@pytest.mark.parametrize(
    "changes",
    [
        {"endpoint": "https://mcp.example.com/mcp"},
        {"endpoint": RUNTIME_URL.replace("?qualifier=DEFAULT", "")},
        {"endpoint": "https://tools-0123456789.gateway.bedrock-agentcore.us-east-1.amazonaws.com/mcp"},
        {"endpoint": UNKNOWN},
        {"resourcePriority": 0, "listingMode": "DYNAMIC"},
        {"mcpToolSchema": None, "listingMode": "DYNAMIC"},
        {"mcpToolSchema": payload(json.dumps([tool()]))},
        {"mcpToolSchema": UNKNOWN},
        {"mcpToolSchema": payload(UNKNOWN)},  # type: ignore[arg-type]  # as a preview has it
    ],
)
def test_servers_that_are_taken(changes: dict[str, Any], check: Check) -> None:
    assert check(TARGET, **given("mcpServer", **changes)) == []


@pytest.fixture
def server(plane: ControlPlane, gateway: Made) -> tuple[dict[str, Any], Made]:
    """The inputs of a target, and the target, which the gateway's role may not call: AWS is not known to ask."""
    plane.delete(ROLE_POLICY, "gateway-role:invoke")
    inputs = GOOD[TARGET] | given("mcpServer") | {"gatewayIdentifier": gateway.id}
    return inputs, plane.create(TARGET, inputs)


def changes(made: Made, inputs: dict[str, Any]) -> dict[str, PropertyDiff]:
    return planned_changes(TYPES[TARGET], dict(made.outputs), inputs)


def test_a_second_plan_shows_no_change(server: tuple[dict[str, Any], Made]) -> None:
    inputs, made = server
    state = made.outputs["targetConfiguration"]["mcp"]["mcpServer"]
    assert (state["listingMode"], state["resourcePriority"]) == ("DEFAULT", 1000)
    assert changes(made, inputs) == {}


def test_what_is_taken_back_stays_as_it_was(server: tuple[dict[str, Any], Made], plane: ControlPlane) -> None:
    """Both are optional and computed, and an unknown is what it was (gateway_target.go, UseStateForUnknown)."""
    inputs, made = server
    moved = plane.update(TARGET, made.id, inputs | {"targetConfiguration": changed("mcpServer", resourcePriority=10)})
    assert changes(moved, inputs) == {}
    again = plane.update(TARGET, made.id, inputs | {"description": "new"})
    assert again.outputs["targetConfiguration"]["mcp"]["mcpServer"]["resourcePriority"] == 10


def test_what_changes(server: tuple[dict[str, Any], Made]) -> None:
    inputs, made = server
    priority = inputs | {"targetConfiguration": changed("mcpServer", resourcePriority=10)}
    assert [*changes(made, priority)] == ["targetConfiguration.mcp.mcpServer.resourcePriority"]
    function = inputs | {"targetConfiguration": changed("lambda")}
    assert {it.kind for it in changes(made, function).values()} <= REPLACING


def test_an_imported_target_has_its_configuration(server: tuple[dict[str, Any], Made], plane: ControlPlane) -> None:
    _, made = server
    held = provider_state.held(TYPES[TARGET], plane.read(TARGET, made.id).inputs)  # type: ignore[union-attr]  # it is there
    read = read_inputs(TYPES[TARGET], held, {})
    assert read["targetConfiguration"]["mcp"]["mcpServer"]["endpoint"] == KINDS["mcpServer"]["endpoint"]


def test_a_target_needs_its_gateway(server: tuple[dict[str, Any], Made], plane: ControlPlane) -> None:
    _, made = server
    assert plane.read(TARGET, made.id) is not None
    plane.delete(GATEWAY, made.id.partition(",")[0])
    assert plane.read(TARGET, made.id) is None
