"""A gateway behind a gateway: the inner one decides on the outer one's role."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.access import servers
from tests.access.servers import GATE, MAY_DECIDE, Part, allow, role
from toolgate.access.deployment.deployment import parse
from toolgate.access.matrix.access_matrix import matrix
from toolgate.access.output.explanation import explain

INNER = f"arn:aws:bedrock-agentcore:us-east-1:{servers.ACCOUNT}:gateway/inner-abcdefghij"
ENGINE = f"arn:aws:bedrock-agentcore:us-east-1:{servers.ACCOUNT}:policy-engine/inner-abcdefghij"
INVOKE = "bedrock-agentcore:InvokeGateway"
CALL = allow(INVOKE, "*")
TOOL = "stock___shop___count"
LISTED = {**servers.TOOL, "name": "shop___count"}
PERMIT = 'permit(principal == AgentCore::IamEntity::"arn:aws:sts::123456789012:assumed-role/gate", action, resource);'


def inner(cedar: str | None = None, circle: bool = False) -> list[Part]:
    ids = {"gatewayArn": INNER, "gatewayId": "inner-abcdefghij", "gatewayUrl": _url("inner-abcdefghij")}
    gateway: dict[str, Any] = {"name": "inner", "authorizerType": "AWS_IAM", "roleArn": GATE, **ids}
    type_, _, target = servers.target(_url("tools-abcdefghij" if circle else "elsewhere-abcdefghij"))
    parts: list[Part] = [
        ("aws:bedrock/agentcoreGateway:AgentcoreGateway", "inner", gateway),
        (type_, "shop", {**target, "name": "shop", "gatewayIdentifier": "inner-abcdefghij", "targetId": "T8"}),
    ]
    if cedar is None:
        return parts
    gateway["policyEngineConfiguration"] = {"arn": ENGINE, "mode": "ENFORCE"}
    ids = {"policyEngineArn": ENGINE, "policyEngineId": "inner-abcdefghij"}
    policy = {"name": "one", "policyEngineId": "inner-abcdefghij", "definition": {"cedar": {"statement": cedar}}}
    return [
        *parts,
        ("aws:bedrock/agentcorePolicyEngine:AgentcorePolicyEngine", "inner", {"name": "inner", **ids}),
        ("aws:bedrock/agentcorePolicy:AgentcorePolicy", "one", {**policy, "policyId": "one"}),
    ]


def _url(gateway: str) -> str:
    return f"https://{gateway}.gateway.bedrock-agentcore.us-east-1.amazonaws.com/mcp"


def world(case: Callable[..., Any], *parts: Part) -> Any:
    more = [servers.target(_url("inner-abcdefghij"), [LISTED]), *parts]
    return parse(case(identity=[CALL], more=more, gateway={"roleArn": GATE}).export())


@pytest.mark.parametrize(
    ("statements", "cedar", "decision"),
    [
        ([allow(INVOKE, INNER)], None, "allow"),
        ([allow(INVOKE, f"{INNER}x")], None, "deny"),
        ([allow(INVOKE, INNER)], PERMIT, "allow"),
        ([allow(INVOKE, INNER)], PERMIT.replace("gate", "another"), "deny"),
        ([allow(INVOKE, f"{INNER}x")], PERMIT, "deny"),
    ],
)
def test_iam_and_cedar_of_the_inner_gateway_decide(
    case: Callable[..., Any], statements: list[Any], cedar: str | None, decision: str
) -> None:
    deployment = world(case, *role(GATE, MAY_DECIDE, *statements), *inner(cedar))
    found = {it.tool: str(it.decision) for it in matrix(deployment).entries if it.agent == "caller"}
    assert found[TOOL] == decision
    # The agent may invoke both, and Cedar at the inner one names the outer one's role.
    assert found["shop___count"] == ("deny" if cedar else "allow")
    told = explain(deployment, "caller", TOOL)
    assert told.startswith(f"{decision}: caller")
    assert f"gateway inner-abcdefghij, behind this one, as gate, the gateway's role: {decision}" in told


def test_the_outer_gateways_role_is_a_principal_at_the_inner_one(case: Callable[..., Any]) -> None:
    deployment = world(case, *role(GATE, MAY_DECIDE, allow(INVOKE, INNER)), *inner(PERMIT))
    rows = [(it.principal, it.tool, it.agent) for it in matrix(deployment).entries if it.gateway == INNER]
    assert (GATE, "shop___count", None) in rows


def test_gateways_that_stand_behind_each_other_have_an_end(case: Callable[..., Any]) -> None:
    deployment = world(case, *role(GATE, MAY_DECIDE, allow(INVOKE, INNER)), *inner(circle=True))
    assert {it.tool: str(it.decision) for it in matrix(deployment).entries if it.agent == "caller"}[TOOL] == "allow"
