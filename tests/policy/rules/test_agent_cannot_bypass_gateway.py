from typing import Any

import pytest

from tests.policy import making
from tests.policy.driver import UNKNOWN, Pack, Registration, Violation
from tests.policy.making import FUNCTION, document, statement

RULE = "agent-cannot-bypass-gateway"
ROLE = making.role(name="agent")
GATEWAY_ROLE = making.role(name="gateway")
INVOKE = "lambda:InvokeFunction"


def runtime(role_arn: Any = ROLE.outputs["arn"], **dependencies: list[str]) -> Registration:
    kind = "aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime"
    return Registration(kind, "assistant", {"roleArn": role_arn}, {}, "", dependencies)


def target(arn: Any = FUNCTION, **dependencies: list[str]) -> Registration:
    configuration = {"mcp": {"lambda": {"lambdaArn": arn}}}
    kind = "aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget"
    return Registration(kind, "math", {"targetConfiguration": configuration}, {}, "", dependencies)


def found(pack: Pack, *resources: Registration) -> list[Violation]:
    return [violation for violation in pack.analyze_stack(resources) if violation.rule == RULE]


@pytest.mark.parametrize(
    "entry",
    [
        statement(INVOKE, FUNCTION),
        statement(INVOKE, f"{FUNCTION}:live"),
        statement("lambda:*", "arn:aws:lambda:us-east-1:123456789012:function:shop-*"),
        statement("lambda:*", "*"),
        statement("lambda:InvokeFunctionUrl", FUNCTION),
        statement("lambda:InvokeFunctionU*", f"{FUNCTION}:*"),
        {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
        {"Effect": "Allow", "Action": INVOKE, "NotResource": "arn:aws:s3:::*"},
        {"Effect": "Allow", "Action": INVOKE, "NotResource": "arn:aws:lambda:*:*:function:${aws:PrincipalTag/a}"},
        {"Effect": "Allow", "Action": INVOKE, "NotResource": "arn:aws:lambda:${aws:RequestedRegion}:*"},
    ],
    ids=str,
)
def test_an_agent_that_can_invoke_a_tool_s_function_violates(pack: Pack, entry: Any) -> None:
    policy = making.role_policy(document(entry))
    (violation,) = found(pack, ROLE, policy, target(), runtime())
    assert (violation.level, violation.urn) == ("mandatory", policy.urn)
    assert 'AgentcoreAgentRuntime "assistant" to invoke the function behind' in violation.message
    assert "Statement[0]" in violation.message


@pytest.mark.parametrize(
    "arn", ["arn:aws:iam::123456789012:role/agent", "arn:aws:iam::111122223333:role/platform/agent"]
)
def test_what_is_written_into_a_role_that_others_made_counts(pack: Pack, arn: str) -> None:
    policy = making.role_policy(document(statement(INVOKE, FUNCTION)))
    (violation,) = found(pack, policy, target(), runtime(arn))
    assert violation.urn == policy.urn
    assert found(pack, making.role_policy(document(statement(INVOKE, FUNCTION)), of="x"), target(), runtime(arn)) == []


@pytest.mark.parametrize(
    "entry",
    [
        statement(INVOKE, "arn:aws:lambda:us-east-1:123456789012:function:something-else"),
        statement(INVOKE, f"arn:aws:lambda:us-east-1:123456789012:function:{UNKNOWN}"),
        statement("lambda:GetFunction", "*"),
        statement("bedrock-agentcore:InvokeGateway", making.GATEWAY),
        {"Effect": "Allow", "Action": INVOKE, "NotResource": "arn:aws:lambda:*:*:function:*"},
    ],
    ids=str,
)
def test_other_grants_pass(pack: Pack, entry: Any) -> None:
    assert found(pack, ROLE, making.role_policy(document(entry)), target(), runtime()) == []


@pytest.mark.parametrize("action", ["*", "*:*", ["s3:GetObject", "*"]], ids=str)
def test_every_action_violates_even_without_a_target(pack: Pack, action: Any) -> None:
    (violation,) = found(pack, ROLE, making.role_policy(document(statement(action, "*"))), runtime())
    assert "every action" in violation.message


def test_a_policy_of_another_role_passes(pack: Pack) -> None:
    other = making.role_policy(document(statement(INVOKE, FUNCTION)), of="gateway")
    assert found(pack, ROLE, GATEWAY_ROLE, other, target(), runtime()) == []


def test_the_gateway_s_role_is_not_the_agent_s(pack: Pack) -> None:
    shared = making.gateway(roleArn=ROLE.outputs["arn"])
    (violation,) = found(pack, ROLE, shared, runtime())
    assert 'also the role of AgentcoreGateway "tools"' in violation.message
    assert found(pack, ROLE, GATEWAY_ROLE, making.gateway(), runtime()) == []


def test_a_preview_is_decided_by_the_graph(pack: Pack) -> None:
    """No ARN is known: roles, functions and documents are joined by their dependencies."""
    role = making.role(name=UNKNOWN)
    role = Registration(role.type, role.name, role.inputs)
    function = Registration("aws:lambda/function:Function", "math", {"name": "shop-math"})
    policy = Registration(
        "aws:iam/rolePolicy:RolePolicy",
        "policy",
        {"role": UNKNOWN, "policy": document(statement(INVOKE, "arn:aws:lambda:*:*:function:shop-*"))},
        property_dependencies={"role": [role.urn]},
    )
    agent = runtime(UNKNOWN, roleArn=[role.urn])
    tool = target(UNKNOWN, targetConfiguration=[function.urn])
    assert [violation.urn for violation in found(pack, role, policy, function, tool, agent)] == [policy.urn]
    nameless = Registration(function.type, function.name, {"name": UNKNOWN})
    assert found(pack, role, policy, nameless, tool, agent) == []
    everything = Registration(
        policy.type,
        policy.name,
        {"role": UNKNOWN, "policy": document(statement(INVOKE, "*"))},
        property_dependencies={"role": [role.urn]},
    )
    assert [violation.urn for violation in found(pack, role, everything, nameless, tool, agent)] == [policy.urn]


def test_a_shared_role_is_seen_in_a_preview(pack: Pack) -> None:
    role = Registration(ROLE.type, "both", {**ROLE.inputs, "name": UNKNOWN})
    gateway = making.gateway(roleArn=UNKNOWN)
    gateway = Registration(gateway.type, "tools", gateway.inputs, property_dependencies={"roleArn": [role.urn]})
    (violation,) = found(pack, role, gateway, runtime(UNKNOWN, roleArn=[role.urn]))
    assert violation.urn == runtime().urn


def test_attached_policies_count(pack: Pack) -> None:
    arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaRole"
    attached = Registration(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment", "wide", {"role": "agent", "policyArn": arn}
    )
    (violation,) = found(pack, ROLE, attached, target(), runtime())
    assert violation.urn == attached.urn


SESSION = f"arn:aws:sts::{making.ACCOUNT}:assumed-role/agent/session"


@pytest.mark.parametrize("principal", [ROLE.outputs["arn"], SESSION])
@pytest.mark.parametrize(
    "function", ["shop-math", FUNCTION, f"{FUNCTION}:live", f"{making.ACCOUNT}:function:shop-math"]
)
def test_a_function_that_lets_the_agent_in_violates(pack: Pack, function: str, principal: str) -> None:
    inputs = {"action": INVOKE, "function": function, "principal": principal}
    permission = Registration("aws:lambda/permission:Permission", "agent", inputs)
    (violation,) = found(pack, ROLE, permission, target(), runtime())
    assert violation.urn == permission.urn
    gateway_s = Registration(permission.type, "agent", {**inputs, "principal": GATEWAY_ROLE.outputs["arn"]})
    assert found(pack, ROLE, GATEWAY_ROLE, gateway_s, target(), runtime()) == []


@pytest.mark.parametrize(
    "principal",
    [f"arn:aws:iam::{making.ACCOUNT}:user/agent", "arn:aws:iam::444455556666:role/agent", "agent.amazonaws.com"],
)
def test_a_namesake_is_not_the_agent(pack: Pack, principal: str) -> None:
    inputs = {"action": INVOKE, "function": FUNCTION, "principal": principal}
    permission = Registration("aws:lambda/permission:Permission", "agent", inputs)
    assert found(pack, ROLE, permission, target(), runtime()) == []


AWS_LAMBDA = "arn:aws:iam::aws:policy/service-role/AWSLambdaRole"


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        ("rolePolicy:RolePolicy", {"role": "existing", "policy": document(statement("lambda:*", "*"))}),
        ("rolePolicyAttachment:RolePolicyAttachment", {"role": "existing", "policyArn": AWS_LAMBDA}),
        ("policyAttachment:PolicyAttachment", {"roles": ["x", "existing"], "policyArn": AWS_LAMBDA}),
    ],
)
def test_every_carrier_of_a_role_that_others_made(pack: Pack, kind: str, inputs: dict[str, Any]) -> None:
    carrier = Registration(f"aws:iam/{kind}", "given", inputs)
    by_arn = runtime("arn:aws:iam::123456789012:role/platform/existing")
    assert [it.urn for it in found(pack, carrier, target(), by_arn)] == [carrier.urn]


def test_a_target_that_is_no_function_is_nothing_to_bypass(pack: Pack) -> None:
    remote = Registration(target().type, "remote", {"targetConfiguration": {"mcp": {"mcpServer": {"endpoint": "x"}}}})
    assert found(pack, ROLE, making.role_policy(document(statement(INVOKE, "*"))), remote, runtime()) == []


INVOKES = making.role_policy(document(statement(INVOKE, FUNCTION)))
LETS_IN = Registration(
    "aws:lambda/permission:Permission", "p", {"action": INVOKE, "function": FUNCTION, "principal": ROLE.outputs["arn"]}
)


@pytest.mark.parametrize(
    "resources",
    [
        (ROLE, INVOKES, target(), runtime()),
        (ROLE, INVOKES, runtime(), target()),
        (ROLE, runtime(), target(), INVOKES),
        (target(), runtime("arn:aws:iam::123456789012:role/platform/agent"), INVOKES),
        (ROLE, target(), LETS_IN, runtime()),
        (ROLE, target(), runtime(), LETS_IN),
        (ROLE, making.gateway(roleArn=ROLE.outputs["arn"]), runtime()),
        (ROLE, runtime(), making.gateway(roleArn=ROLE.outputs["arn"])),
    ],
    ids=lambda it: " ".join(resource.name for resource in it),
)
def test_an_update_is_stopped_before_the_last_piece_is_there(
    updating: Pack, resources: tuple[Registration, ...]
) -> None:
    said = [it for it in updating.analyze_each(resources) if it.rule == RULE]
    assert [it.urn for it in said] == [resources[-1].urn]


def test_an_update_of_others_goes_on(updating: Pack) -> None:
    other = making.role_policy(document(statement(INVOKE, FUNCTION)), of="gateway", name="other")
    resources = (ROLE, GATEWAY_ROLE, target(), runtime(), making.gateway(), other)
    assert [it for it in updating.analyze_each(resources) if it.rule == RULE] == []
