"""A gateway behind a gateway: what the outer one's role may do at the inner one, and no more."""

import json
from typing import Any

import pytest

from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants.tool_grants import Authorization
from toolgate.components.tool_gateway import ToolGateway

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:math"
INNER = "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/toolgate-dev-inner-a1b2c3d4e5"
OUTER_ROLE = "outer-role-1234567"
NUMBERS = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
TOOLS = [{"name": name, "description": "Counts.", "inputSchema": NUMBERS} for name in ("add", "multiply")]
BY_TOOL = Authorization.TOOL


def inner(name: str = "inner", **others: Any) -> ToolGateway:
    args: Any = {"targets": {"math": {"function_arn": FUNCTION, "tools": TOOLS}}, **others}
    return ToolGateway(name, args)


def outer(target: Any, **others: Any) -> ToolGateway:
    args: Any = {"targets": {"shared": target}, **others}
    return ToolGateway("outer", args)


def statements(recorded: Any) -> list[str]:
    found = [it for it in recorded.resources if it.type.endswith(":AgentcorePolicy")]
    assert {it.inputs["policyEngineId"] for it in found} <= {"toolgate_dev_inner-a1b2c3d4e5"}
    return [it.inputs["definition"]["cedar"]["statement"] for it in found]


def test_the_outer_gateway_signs_to_exactly_the_inner_one(run: Any, allows: Any) -> None:
    recorded = run(lambda: outer(inner().target()))
    target = recorded.one("AgentcoreGatewayTarget", "outer-shared")
    server = target.inputs["targetConfiguration"]["mcp"]["mcpServer"]
    assert server["endpoint"].startswith("https://toolgate-dev-inner-a1b2c3d4e5.gateway.bedrock-agentcore.")
    assert target.inputs["credentialProviderConfiguration"] == {
        "gatewayIamRole": {"service": "bedrock-agentcore", "region": "us-east-1"}
    }
    listed = json.loads(server["mcpToolSchema"]["inlinePayload"]["payload"])["tools"]
    assert [tool["name"] for tool in listed] == ["math___add", "math___multiply"]
    assert [tool["inputSchema"] for tool in listed] == [NUMBERS, NUMBERS]
    document = recorded.one("RolePolicy", "outer-invoke").document()
    assert allows(document, "bedrock-agentcore:InvokeGateway", INNER)
    for other in (INNER[:-1] + "6", INNER.replace("inner", "outer")):
        assert not allows(document, "bedrock-agentcore:InvokeGateway", other)
    assert statements(recorded) == []


@pytest.mark.parametrize("asked", [(), ("math",), ("math___add",)])
def test_an_inner_gateway_that_decides_per_tool_permits_the_outer_role_what_was_handed_over(
    run: Any, permits: Any, asked: tuple[str, ...]
) -> None:
    recorded = run(lambda: outer(inner(authorization=BY_TOOL).target(*asked)))
    [statement] = statements(recorded)
    everything = "math___add" not in asked
    for tool, may in {"math___add": True, "math___multiply": everything}.items():
        assert permits([statement], OUTER_ROLE, tool, INNER, a=1) is may
        assert not permits([statement], "other-role", tool, INNER, a=1)
    policy = next(it for it in recorded.resources if it.type.endswith(":AgentcorePolicy"))
    assert policy.inputs["name"] == "toolgate_dev_outer_shared_gateway"
    assert policy.name in recorded.one("AgentcoreGatewayTarget", "outer-shared").dependencies


def test_a_condition_goes_with_the_grant(run: Any, permits: Any) -> None:
    handed = "context.input.a < 10"
    recorded = run(lambda: outer(inner(authorization=BY_TOOL).target("math___add", when=handed)))
    assert permits(statements(recorded), OUTER_ROLE, "math___add", INNER, a=9)
    assert not permits(statements(recorded), OUTER_ROLE, "math___add", INNER, a=10)


def test_an_outer_gateway_that_serves_less_is_permitted_less(run: Any, permits: Any) -> None:
    def program() -> ToolGateway:
        target: Any = inner(authorization=BY_TOOL).target()
        return outer({**target, "tools": target["tools"][:1]})

    recorded = run(program)
    assert permits(statements(recorded), OUTER_ROLE, "math___add", INNER, a=1)
    assert not permits(statements(recorded), OUTER_ROLE, "math___multiply", INNER, a=1)


def test_agents_call_the_tools_by_both_targets_names_and_conditions_fit_them(run: Any) -> None:
    def names(when: str) -> Any:
        handed = outer(inner().target(), authorization=BY_TOOL).tools("shared___math___add", when=when)
        return handed["tools"]

    run(lambda: names("context.input.a < 10"))
    with pytest.raises(UsageError, match="does not fit"):
        run(lambda: names("context.input.b < 10"))


def test_a_gateway_that_is_there_already_is_written_out(run: Any, allows: Any) -> None:
    arn = "arn:aws:bedrock-agentcore:eu-central-1:111122223333:gateway/other-a1b2c3d4e5"
    grant = {"gateway_arn": arn, "gateway_url": "https://x.example.com/mcp", "tools": ["math___add"]}
    recorded = run(lambda: outer({"gateway": grant, "tools": [{**TOOLS[0], "name": "math___add"}]}))
    target = recorded.one("AgentcoreGatewayTarget", "outer-shared").inputs
    assert target["credentialProviderConfiguration"]["gatewayIamRole"]["region"] == "eu-central-1"
    assert allows(recorded.one("RolePolicy", "outer-invoke").document(), "bedrock-agentcore:InvokeGateway", arn)


JWT = {"issuer": "corp", "discovery_url": "https://id.example.com/.well-known/openid-configuration", "audiences": ["x"]}


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (lambda: outer(inner(inbound=JWT).target()), "it takes tokens, and a gateway signs"),
        (lambda: outer({**inner().target(), "tools": TOOLS}), "'add' is not handed over by 'gateway'"),
        (
            lambda: outer({"gateway": {"gateway_arn": "x", "gateway_url": "y", "tools": ["a___b"]}, "tools": []}),
            "'x' is no ARN of a gateway",
        ),
        (
            lambda: ToolGateway("outer", {"targets": {"t" * 30: inner(authorization=BY_TOOL).target()}}),
            "policy name 'toolgate_dev_outer_t+_gateway' has 57 characters",
        ),
        (
            lambda: ToolGateway("outer", {"targets": {"t" * 51: inner().target()}}),
            "has 61 characters; at most 64|has 69 characters",
        ),
    ],
)
def test_what_cannot_stand_behind_a_gateway_is_refused(run: Any, program: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        run(program)
