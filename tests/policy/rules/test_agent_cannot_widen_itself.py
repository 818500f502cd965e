from typing import Any

import pytest

from tests.policy import making, making_tokens
from tests.policy.driver import UNKNOWN, Pack, Registration, Violation
from tests.policy.making import ACCOUNT, FUNCTION, document, statement
from toolgate.policy.agentcore import widening

RULE = "agent-cannot-widen-itself"
AGENT = making.role(name="agent")
TOOL = making.role(name="math", trusted="lambda.amazonaws.com")
GATEWAY_ROLE = making.role(name="gateway")
ROLE = f"arn:aws:iam::{ACCOUNT}:role"
AGENTCORE = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}"
OTHER = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:reports"
MATH = Registration(
    "aws:lambda/function:Function", "math", {"name": "shop-math", "role": TOOL.outputs["arn"]}, {"arn": FUNCTION}
)
RUNTIME = Registration(
    "aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime", "assistant", {"roleArn": AGENT.outputs["arn"]}
)


def found(pack: Pack, *entries: Any, of: str = "agent", more: tuple[Registration, ...] = ()) -> list[Violation]:
    policy = making.role_policy(document(*entries), of=of)
    stack = [AGENT, TOOL, GATEWAY_ROLE, policy, MATH, making.gateway(), making.target(), RUNTIME, *more]
    return [it for it in pack.run(stack) if it.rule == RULE]


ON_EVERYTHING = [action for way in widening.WAYS for action in way.actions]
WIDE = [
    statement("iam:*", "*"),
    statement("IAM:putrolepolicy", f"{ROLE}/agent"),
    statement("iam:Put*", "*"),
    statement("iam:CreatePolicyVersion", f"arn:aws:iam::{ACCOUNT}:policy/shop"),
    statement("iam:CreateAccessKey", f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}"),
    statement("iam:PassRole", f"{ROLE}/*"),
    statement(
        "iam:PassRole", f"{ROLE}/shop-*", Condition={"StringEquals": {"iam:PassedToService": "ecs.amazonaws.com"}}
    ),
    statement("sts:AssumeRole", "arn:aws:iam::*:role/*"),
    statement("sts:AssumeRole", "arn:aws:iam::*"),
    statement("lambda:UpdateFunctionCode", "*"),
    statement("lambda:UpdateFunctionCode", f"{FUNCTION[:-4]}*"),
    statement("lambda:CreateEventSourceMapping", "*"),
    statement("bedrock-agentcore:UpdateGateway", making.GATEWAY),
    statement("bedrock-agentcore:*", f"{AGENTCORE}:policy-engine/*"),
    statement("bedrock-agentcore:*Policy", making.ENGINE),
    statement("bedrock-agentcore:PutResourcePolicy", f"{AGENTCORE}:runtime/shop_assistant-abcdefghij"),
    statement("bedrock-agentcore:InvokeAgentRuntimeCommand", f"{AGENTCORE}:runtime/shop_assistant-abcdefghij"),
    {"Effect": "Allow", "NotAction": ["s3:*", "bedrock-agentcore:*"], "Resource": "*"},
    {"Effect": "Allow", "Action": "iam:AttachRolePolicy", "NotResource": "arn:aws:s3:::*"},
    {"Effect": "Allow", "Action": "sts:AssumeRole"},
]


@pytest.mark.parametrize("action", ON_EVERYTHING)
def test_each_action_of_the_table_violates_on_everything(pack: Pack, action: str) -> None:
    (violation,) = found(pack, statement(action, "*"))
    assert violation.level == "mandatory"
    assert f'allows a role that AgentCore may take {action} on "*": it ' in violation.message


@pytest.mark.parametrize("entry", WIDE, ids=str)
@pytest.mark.parametrize(("of", "whom"), [("agent", "a role that AgentCore may take"), ("math", "the tools of")])
def test_what_an_agent_or_tool_can_be_turned_into_violates(pack: Pack, entry: Any, of: str, whom: str) -> None:
    (violation,) = found(pack, statement("s3:GetObject", "arn:aws:s3:::shop/*"), entry, of=of)
    assert f"allows {whom}" in violation.message
    assert "Statement[1]" in violation.message


@pytest.mark.parametrize("of", ["agent", "math"])
@pytest.mark.parametrize(
    ("entry", "what"),
    [
        (
            statement("lambda:UpdateFunctionCode", FUNCTION),
            'on the function behind AgentcoreGatewayTarget "tools-math"',
        ),
        (statement("lambda:AddPermission", [OTHER, f"{FUNCTION}:live"]), "opens it to others"),
        (statement("sts:AssumeRole", f"{ROLE}/gateway"), 'on Role "gateway"'),
        (statement("iam:PassRole", f"{ROLE}/math"), 'on Role "math"'),
    ],
    ids=str,
)
def test_what_a_tool_depends_on_is_not_to_be_named(pack: Pack, entry: Any, what: str, of: str) -> None:
    (violation,) = found(pack, entry, of=of)
    assert what in violation.message


def test_a_role_that_holds_the_grant_is_not_to_be_taken(pack: Pack) -> None:
    caller = making.role(name="caller", trusted="ec2.amazonaws.com")
    taken = statement("sts:AssumeRole", f"{ROLE}/caller")
    for action, resource in (("bedrock-agentcore:InvokeGateway", making.GATEWAY), ("lambda:InvokeFunction", FUNCTION)):
        grant = making.role_policy(document(statement(action, resource)), of="caller", name="grant")
        (violation,) = found(pack, taken, more=(caller, grant))
        assert 'on Role "caller"' in violation.message
    other = making.role_policy(document(statement("lambda:InvokeFunction", OTHER)), of="caller", name="grant")
    assert found(pack, taken, more=(caller, other)) == []
    assert found(pack, taken, more=(caller,)) == []


@pytest.mark.parametrize("of", ["agent", "math"])
@pytest.mark.parametrize(
    "entry",
    [
        statement("sts:AssumeRole", "arn:aws:iam::444455556666:role/order-reader"),
        statement("sts:AssumeRole", "arn:aws:iam::*:role/audit/order-reader"),
        statement("iam:PassRole", [f"{ROLE}/report-task", f"{ROLE}/report-task-execution"]),
        statement("lambda:UpdateFunctionCode", OTHER),
        statement(["iam:GetRole", "iam:List*"], "*"),
        statement("iam:*", "arn:aws:s3:::shop/*"),
        statement("iam:PutRolePolicy", UNKNOWN),
        statement(UNKNOWN, "*"),
        statement(["bedrock-agentcore:GetMemory", "bedrock-agentcore:ListActors"], f"{AGENTCORE}:memory/a-abcdefghij"),
        statement("bedrock-agentcore:*", [f"{AGENTCORE}:code-interpreter/*", f"{AGENTCORE}:browser/*"]),
        statement("bedrock-agentcore:InvokeAgentRuntime", f"{AGENTCORE}:runtime/shop_other-abcdefghij"),
        statement(["bedrock-agentcore:GetGateway", "bedrock-agentcore:ListGatewayTargets"], making.GATEWAY),
        statement("lambda:GetFunction", "*"),
        {"Effect": "Deny", "Action": "iam:*", "Resource": "*"},
    ],
    ids=str,
)
def test_ordinary_rights_pass(pack: Pack, entry: Any, of: str) -> None:
    assert found(pack, entry, of=of) == []


@pytest.mark.parametrize(
    "arn", ["arn:aws:iam::111122223333:role/existing", "arn:aws:iam::111122223333:role/x/existing"]
)
def test_a_role_that_others_made_counts_as_well(pack: Pack, arn: str) -> None:
    policy = making.role_policy(document(statement("iam:PassRole", "*")), of="existing")
    runtime = Registration(RUNTIME.type, "assistant", {"roleArn": arn})
    messages = [it.message for it in pack.run([policy, runtime]) if it.rule == RULE]
    assert ['RolePolicy "policy"' in message for message in messages] == [True]


def test_somebody_else_s_role_is_not_an_agent_s(pack: Pack) -> None:
    deployer = making.role(name="deployer", trusted="codebuild.amazonaws.com")
    assert found(pack, *WIDE, of="deployer", more=(deployer,)) == []


def test_what_another_rule_reports_of_the_same_entry_is_not_reported_twice(pack: Pack) -> None:
    for action, rule in (("*", "invoke-gateway-exact-arn"), ("lambda:*", "gateway-role-exact-lambda")):
        policy = making.role_policy(document(statement(action, "*")))
        found_rules = {it.rule for it in pack.run([AGENT, policy])}
        assert rule in found_rules
        assert RULE not in found_rules
    assert found(pack, statement("lambda:*", "*"), of="math")
    assert found(pack, statement("lambda:*", OTHER.replace("reports", "*:live")), of="math")
    assert found(pack, statement(["lambda:InvokeFunction", "lambda:Update*"], "*"))


def test_several_ways_of_one_statement_are_one_violation(pack: Pack) -> None:
    (violation,) = found(pack, statement(["iam:*", "sts:AssumeRole"], "*"))
    assert "iam:PutRolePolicy" in violation.message
    assert ", and by 5 more ways" in violation.message


def test_before_the_policy_is_created(pack: Pack) -> None:
    pack.analyze(AGENT)
    policy = making.role_policy(document(statement("iam:PassRole", "*")))
    assert [it.rule for it in pack.analyze(policy)] == [RULE]


def test_managed_policies_that_write_rights(pack: Pack) -> None:
    role = making.role(managedPolicyArns=["arn:aws:iam::aws:policy/IAMFullAccess"])
    assert [it.rule for it in pack.analyze(role)] == [RULE]


def test_the_statements_of_a_component_are_judged_before_anything_is_there(pack: Pack) -> None:
    written = {"actions": ["iam:PassRole"], "resources": [f"{ROLE}/*"], "reason": "It starts tasks."}
    agent = Registration("toolgate:index:AgentRuntime", "helper", {"statements": [written]})
    assert RULE in [it.rule for it in pack.analyze(agent)]


def test_a_role_whose_name_is_not_known_is_found_by_the_graph(pack: Pack) -> None:
    role = Registration(AGENT.type, "agent", {**AGENT.inputs, "name": UNKNOWN})
    function = Registration(MATH.type, "math", {"name": "shop-math"})
    policy = Registration(
        "aws:iam/rolePolicy:RolePolicy",
        "policy",
        {"role": UNKNOWN, "policy": document(statement("lambda:UpdateFunctionCode", FUNCTION))},
        property_dependencies={"role": [role.urn]},
    )
    runtime = Registration(RUNTIME.type, "assistant", {"roleArn": UNKNOWN}, {}, "", {"roleArn": [role.urn]})
    configuration = {"mcp": {"lambda": {"lambdaArn": UNKNOWN}}}
    target = Registration(
        "aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget",
        "math",
        {"targetConfiguration": configuration},
        {},
        "",
        {"targetConfiguration": [function.urn]},
    )
    stack = [role, function, policy, target, runtime]
    assert [it.urn for it in pack.run(stack) if it.rule == RULE] == [policy.urn]


POOL = making_tokens.POOL_ARN
TOKENS = (making_tokens.pool(), making_tokens.gateway())


@pytest.mark.parametrize(
    ("entry", "issuing", "alone"),
    [
        (statement("cognito-idp:CreateUserPoolClient", POOL), 1, 0),
        (statement("cognito-idp:DescribeUserPoolClient", [POOL.replace("AbCd", "Other"), POOL]), 1, 0),
        (statement("cognito-idp:UpdateUserPoolClient", POOL.replace("AbCd", "Other")), 0, 0),
        (statement("cognito-idp:UpdateResourceServer", f"{POOL[:-3]}*"), 1, 1),
        (statement("cognito-idp:*", "*"), 1, 1),
        (statement("cognito-idp:AdminGetUser", POOL), 0, 0),
        (statement("cognito-idp:ListUserPoolClientSecrets", "*"), 0, 0),
        (statement("cognito-idp:DescribeUserPoolClient", UNKNOWN), 0, 0),
        ({**statement("cognito-idp:*", POOL), "Effect": "Deny"}, 0, 0),
        (statement("bedrock-agentcore:UpdateOauth2CredentialProvider", making_tokens.PROVIDER), 1, 1),
        (statement("bedrock-agentcore:CreateWorkloadIdentity", making_tokens.DIRECTORY), 1, 1),
        (statement("bedrock-agentcore:SetTokenVaultCMK", making_tokens.VAULT), 1, 1),
        (statement("bedrock-agentcore:GetOauth2CredentialProvider", making_tokens.PROVIDER), 0, 0),
    ],
    ids=str,
)
def test_who_is_a_client_is_not_the_agent_s_to_say(pack: Pack, entry: Any, issuing: int, alone: int) -> None:
    """A pool that an agent is given by name is in order, if no gateway and no agent takes its tokens."""
    assert len(found(pack, entry, more=TOKENS)) == issuing
    assert len(found(pack, entry, more=(making_tokens.pool(),))) == alone


def test_a_pool_that_is_new_is_known_by_nothing_that_names_another(pack: Pack) -> None:
    new = Registration(making_tokens.POOL, "pool", {})
    taking = making_tokens.gateway(authorizerConfiguration=making_tokens.authorizer(discoveryUrl=UNKNOWN))
    entry = statement("cognito-idp:CreateUserPoolClient", POOL)
    assert found(pack, entry, more=(new, taking)) == []
