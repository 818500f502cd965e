"""The program with several gateways: what it makes, and that exactly the declared pairs come of it."""

import json
from typing import Any

import pytest

from tests.components.test_program import SOURCES, TOOLS, stack_config

INVOKE = "bedrock-agentcore:InvokeGateway"


def named_as_one(config: dict[str, Any]) -> dict[str, Any]:
    """The same configuration, its one gateway named."""
    agents = {
        name: {**entry, **({"tools": [f"tools/{it}" for it in entry["tools"]]} if "tools" in entry else {})}
        for name, entry in config.get("agents", {"assistant": {}}).items()
    }
    return {**config, "gateways": {"tools": {}}, "agents": agents}


def registered(recorded: Any) -> list[dict[str, Any]]:
    """All that was registered. Hooks are named anew in each run."""
    found = sorted(recorded.resources, key=lambda it: (it.type, it.name))
    return [vars(it) | {"hooks": len(it.hooks)} for it in found]


@pytest.mark.parametrize("stack", ["dev", "agents", "jwt", "prod"])  # gateways has two
@pytest.mark.parametrize("preview", [True, False], ids=["preview", "up"])
def test_one_gateway_that_is_named_is_the_one_that_is_not(run: Any, program: Any, stack: str, preview: bool) -> None:
    config = {**SOURCES, **stack_config(stack)}
    one = run(program, config, stack=stack, preview=preview)
    named = run(program, named_as_one(config), stack=stack, preview=preview)
    assert registered(named) == registered(one)
    if not preview:
        url, arn = one.outputs["gateway_url"], one.outputs["gateway_arn"]
        others = {key: it for key, it in one.outputs.items() if key not in {"gateway_url", "gateway_arn"}}
        assert named.outputs == {"gateways": {"tools": {"url": url, "arn": arn}}, **others}
        assert {"agents"} <= others.keys() <= {"agents", "token_issuer"}


def test_the_stack_of_two_gateways(run: Any, program: Any, allows: Any) -> None:
    recorded = run(program, {**SOURCES, **stack_config("gateways")}, stack="gateways")
    own = {"calculator": TOOLS[:2], "greeter": TOOLS[2:]}
    assert {name: it["tools"] for name, it in recorded.outputs["agents"].items()} == own
    gateways = recorded.outputs["gateways"]
    assert list(gateways) == ["arithmetic", "greetings"]
    kinds = [kind for kind, _ in recorded.types()]
    assert kinds.count("AgentcoreGateway") == 2
    assert not {"AgentcorePolicyEngine", "AgentcorePolicy"} & {*kinds}
    for agent, reached in {"calculator": "arithmetic", "greeter": "greetings"}.items():
        document = recorded.one("RolePolicy", f"{agent}-tools").document()
        assert [name for name, it in gateways.items() if allows(document, INVOKE, it["arn"])] == [reached]
        variables = recorded.one("AgentcoreAgentRuntime", f"{agent}-runtime").inputs["environmentVariables"]
        assert variables["GATEWAY_URL"] == gateways[reached]["url"]


def listed(recorded: Any, resource: str) -> list[str]:
    target = recorded.one("AgentcoreGatewayTarget", resource).inputs["targetConfiguration"]["mcp"]["lambda"]
    return [tool["name"] for tool in target["toolSchema"]["inlinePayloads"]]


def test_a_target_behind_two_gateways_is_one_function_that_both_roles_may_invoke(
    run: Any, program: Any, allows: Any
) -> None:
    gateways = {"one": {}, "two": {"targets": ["math___greeting"], "authorization": "tool"}}
    recorded = run(program, {**SOURCES, "gateways": gateways, "agents": {"a": {"tools": ["two"]}}})
    [function] = [it for it in recorded.resources if it.type.endswith(":Function")]
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:{function.inputs['name']}"
    assert listed(recorded, "one-math") == [tool.removeprefix("math___") for tool in TOOLS]
    assert listed(recorded, "two-math") == ["greeting"]
    roles = {it.inputs["roleArn"] for it in recorded.resources if it.type.endswith(":AgentcoreGateway")}
    assert len(roles) == 2
    for gateway in gateways:
        assert allows(recorded.one("RolePolicy", f"{gateway}-invoke").document(), "lambda:InvokeFunction", arn)
    assert recorded.one("AgentcoreGateway", "two-gateway").inputs["policyEngineConfiguration"]["mode"] == "ENFORCE"
    assert "policyEngineConfiguration" not in recorded.one("AgentcoreGateway", "one-gateway").inputs


def test_a_folder_behind_no_gateway_is_left_out_and_told(
    run: Any, program: Any, tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    find = {"name": "find", "description": "Finds.", "inputSchema": {"type": "object", "properties": {}}}
    (tmp_path / "orders.json").write_text(json.dumps([find]))
    arn = "arn:aws:lambda:us-east-1:111122223333:function:orders"
    config = {
        "targets": {"orders": {"functionArn": arn, "tools": str(tmp_path / "orders.json")}},
        "gateways": {"shop": {"targets": ["orders"]}},
    }
    recorded = run(program, {**SOURCES, **config})
    assert recorded.outputs["agents"]["assistant"]["tools"] == ["orders___find"]
    assert not {kind for kind, _ in recorded.types()} & {"LambdaTools", "Function"}
    assert "lambdas/math is behind no gateway of this stack (toolgate:gateways): it is left out." in caplog.text


def test_each_gateway_may_have_a_role_that_is_there_already(run: Any, program: Any) -> None:
    role = "arn:aws:iam::123456789012:role/platform/gateway"
    config = {"gateways": {"one": {"roleArn": role}, "two": {}}, "agents": {}}
    recorded = run(program, {**SOURCES, **config, "permissionsBoundary": "arn:aws:iam::123456789012:policy/b"})
    assert recorded.one("AgentcoreGateway", "one-gateway").inputs["roleArn"] == role
    assert ("Role", "one-role") not in recorded.types()
    assert ("Role", "two-role") in recorded.types()


def test_every_gateway_is_watched_and_on_the_dashboard(run: Any, program: Any) -> None:
    seen = {"logs": True, "alarms": True, "dashboard": True}
    agents = {"a": {"tools": ["one"]}}
    recorded = run(program, {**SOURCES, "gateways": {"one": {}, "two": {}}, "agents": agents, "observability": seen})
    body = recorded.one("Dashboard", "overview-dashboard").inputs["dashboardBody"]
    sources = [it.inputs["resourceArn"] for it in recorded.resources if it.type.endswith(":LogDeliverySource")]
    for gateway in recorded.outputs["gateways"].values():
        assert gateway["arn"] in body
        assert gateway["arn"] in sources


def test_a_gateway_behind_another_one_permits_that_ones_role_the_tools_it_has(
    run: Any, program: Any, allows: Any, permits: Any
) -> None:
    gateways = {"outer": {"targets": ["shared___math___greeting"]}, "inner": {"authorization": "tool"}}
    targets = {"shared": {"gateway": "inner"}}
    config = {**SOURCES, "gateways": gateways, "targets": targets, "agents": {"a": {"tools": ["outer"]}}}
    recorded = run(program, config)
    assert recorded.outputs["agents"]["a"]["tools"] == ["shared___math___greeting"]
    inner = recorded.outputs["gateways"]["inner"]["arn"]
    role = recorded.one("AgentcoreGateway", "outer-gateway").inputs["roleArn"].rpartition("/")[2]
    [policy] = [it for it in recorded.resources if it.type.endswith(":AgentcorePolicy")]
    statement = policy.inputs["definition"]["cedar"]["statement"]
    assert permits([statement], role, "math___greeting", inner, name="x")
    assert not permits([statement], role, TOOLS[0], inner, a=1, b=2)
    assert allows(recorded.one("RolePolicy", "outer-invoke").document(), INVOKE, inner)
    assert not allows(recorded.one("RolePolicy", "a-tools").document(), INVOKE, inner)
