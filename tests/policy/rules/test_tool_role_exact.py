from typing import Any

import pytest

from tests.policy import making
from tests.policy.driver import UNKNOWN, Pack, Registration, Violation
from tests.policy.making import ACCOUNT, FUNCTION, document, statement
from toolgate.components.iam import role_statements
from toolgate.policy.rules import tool_role_exact

RULE = "tool-role-exact"
TABLE = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/orders"
ROLE = making.role(name="orders", trusted="lambda.amazonaws.com")
COMPONENT = "toolgate:index:LambdaTools"


def function(**inputs: Any) -> Registration:
    props = {"name": "shop-math", "role": ROLE.outputs["arn"], **inputs}
    return Registration("aws:lambda/function:Function", "orders", props, {"arn": FUNCTION})


def found(pack: Pack, *entries: Any, more: tuple[Registration, ...] = ()) -> list[Violation]:
    policy = making.role_policy(document(*entries), of="orders")
    resources = [ROLE, policy, function(), making.target(), *more]
    return [violation for violation in pack.run(resources) if violation.rule == RULE]


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        (statement("*", TABLE), 'the actions "*"'),
        (statement("dynamodb:*", TABLE), 'the actions "dynamodb:*"'),
        (statement(["dynamodb:GetItem", "dynamodb:Put?tem"], TABLE), 'the actions "dynamodb:Put?tem"'),
        (statement("dynamodb:GetItem", "*"), '"dynamodb:GetItem" on "*"'),
        (statement("dynamodb:GetItem", ["arn:aws:dynamodb:*:*:table/*", TABLE]), "table/*"),
        (statement("s3:GetObject", "arn:aws:s3:::*"), "arn:aws:s3:::*"),
        (statement("s3:GetObject", "arn:aws:s3*"), "arn:aws:s3*"),
        (statement(["sts:GetCallerIdentity", "sqs:SendMessage"], "*"), '"sts:GetCallerIdentity" on "*"'),
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": TABLE}, "every action but its NotAction"),
        ({"Effect": "Allow", "Action": "s3:GetObject", "NotResource": TABLE}, "on everything but its NotResource"),
        (statement("s3:GetObject", "*", Condition={"StringEquals": {"aws:RequestedRegion": "x"}}), 'on "*"'),
    ],
    ids=str,
)
def test_a_wildcard_violates(pack: Pack, entry: Any, what: str) -> None:
    (violation,) = found(pack, statement("dynamodb:GetItem", TABLE), entry)
    assert violation.level == "mandatory"
    assert f'allows the tools of AgentcoreGatewayTarget "tools-math" {what}' in violation.message.replace("\\", "") or (
        what in violation.message
    )
    assert "Statement[1]" in violation.message


@pytest.mark.parametrize(
    "entry",
    [
        statement(["dynamodb:GetItem", "dynamodb:Query"], [TABLE, f"{TABLE}/index/*"]),
        statement("s3:GetObject", "arn:aws:s3:::shop-files/*"),
        statement("s3:GetObject", f"arn:aws:s3:::{UNKNOWN}"),
        statement("s3:GetObject", UNKNOWN),
        statement(["cloudwatch:PutMetricData", "STS:getcalleridentity"], "*"),
        statement(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], "arn:aws:logs:*:*:*"),
        statement(["ec2:CreateNetworkInterface", "ec2:DescribeSubnets"], "*"),
        {"Effect": "Deny", "Action": "*", "Resource": "*"},
    ],
    ids=str,
)
def test_what_is_named_passes(pack: Pack, entry: Any) -> None:
    assert found(pack, entry) == []


def test_the_role_of_a_function_behind_no_target_is_nobody_s_business(pack: Pack) -> None:
    policy = making.role_policy(document(statement("*", "*")), of="orders")
    assert [it for it in pack.run([ROLE, policy, function()]) if it.rule == RULE] == []


@pytest.mark.parametrize("path", ["", "platform/"])
def test_a_role_that_others_made_is_judged_by_what_is_written_into_it_here(pack: Pack, path: str) -> None:
    by_arn = function(role=f"arn:aws:iam::{ACCOUNT}:role/{path}existing")
    policy = making.role_policy(document(statement("s3:*", "*")), of="existing")
    other = making.role_policy(document(statement("s3:*", "*")), of="other", name="other")
    resources = [by_arn, policy, other, making.target()]
    assert [it.urn for it in pack.run(resources) if it.rule == RULE] == [policy.urn]


def test_a_version_of_the_function_is_the_function(pack: Pack) -> None:
    at_version = making.target()
    at_version.inputs["targetConfiguration"]["mcp"]["lambda"]["lambdaArn"] = f"{FUNCTION}:7"
    policy = making.role_policy(document(statement("s3:*", "*")), of="orders")
    assert len([it for it in pack.run([ROLE, policy, function(), at_version]) if it.rule == RULE]) == 1


WIDE = making.role_policy(document(statement("s3:*", "*")), of="orders")


@pytest.mark.parametrize(
    "resources",
    [
        (ROLE, WIDE, function(), making.target()),
        (ROLE, function(), making.target(), WIDE),
        (function(), making.target(), WIDE),
        (making.target(), ROLE, WIDE, function()),
    ],
    ids=lambda it: " ".join(resource.name for resource in it),
)
def test_an_update_is_stopped_before_the_last_piece_is_there(
    updating: Pack, resources: tuple[Registration, ...]
) -> None:
    said = [it for it in updating.analyze_each(resources) if it.rule == RULE]
    assert [it.urn for it in said] == [resources[-1].urn]


def test_a_reason_counts_in_an_update_too(updating: Pack) -> None:
    written = {"actions": ["s3:*"], "resources": ["*"], "reason": "It lists what there is."}
    component = Registration(COMPONENT, "orders", {"statements": [written]})
    policy = Registration(WIDE.type, "tools", WIDE.inputs, {}, component.urn)
    resources = (component, ROLE, policy, function(), making.target())
    assert [it for it in updating.analyze_each(resources) if it.rule == RULE] == []


def test_what_is_attached_counts_too(pack: Pack) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:policy/wide"
    policy = Registration(
        "aws:iam/policy:Policy", "wide", {"name": "wide", "policy": document(statement("s3:*", "*"))}, {"arn": arn}
    )
    attached = Registration(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment", "wide", {"role": "orders", "policyArn": arn}
    )
    (violation,) = found(pack, more=(policy, attached))
    assert violation.urn == attached.urn


def test_before_anything_is_there_the_graph_tells(pack: Pack) -> None:
    role = making.role(name="orders", trusted="lambda.amazonaws.com")
    policy = Registration(
        "aws:iam/rolePolicy:RolePolicy",
        "wide",
        {"role": UNKNOWN, "policy": document(statement("s3:*", "*"))},
        {},
        "",
        {"role": [role.urn]},
    )
    made = Registration("aws:lambda/function:Function", "orders", {"role": UNKNOWN}, {}, "", {"role": [role.urn]})
    configuration = {"mcp": {"lambda": {"lambdaArn": UNKNOWN}}}
    kind = "aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget"
    for_it = Registration(
        kind, "math", {"targetConfiguration": configuration}, {}, "", {"targetConfiguration": [made.urn]}
    )
    (violation,) = [it for it in pack.run([role, policy, made, for_it]) if it.rule == RULE]
    assert violation.urn == policy.urn


@pytest.mark.parametrize(("reason", "violations"), [("It lists what there is.", 0), (None, 1), ("", 1)])
def test_a_reason_beside_it_is_enough(pack: Pack, reason: str | None, violations: int) -> None:
    written = {"actions": ["s3:ListBucket"], "resources": ["*"], **({} if reason is None else {"reason": reason})}
    component = Registration(COMPONENT, "orders", {"statements": [written]})
    policy = Registration(
        "aws:iam/rolePolicy:RolePolicy",
        "tools",
        {"role": "orders", "policy": document(statement("s3:ListBucket", "*"))},
        {},
        component.urn,
    )
    resources = [component, ROLE, policy, function(), making.target()]
    assert len([it for it in pack.run(resources) if it.rule == RULE]) == violations


def test_a_reason_is_for_its_own_statement_and_component(pack: Pack) -> None:
    written = {"actions": ["s3:ListBucket"], "resources": ["*"], "reason": "It lists what there is."}
    component = Registration(COMPONENT, "orders", {"statements": [written]})
    elsewhere = making.role_policy(document(statement("s3:ListBucket", "*")), of="orders", name="elsewhere")
    other = Registration(
        "aws:iam/rolePolicy:RolePolicy",
        "tools",
        {"role": "orders", "policy": document(statement("s3:DeleteBucket", "*"))},
        {},
        component.urn,
    )
    resources = [component, ROLE, elsewhere, other, function(), making.target()]
    violating = {it.urn for it in pack.run(resources) if it.rule == RULE}
    assert violating == {elsewhere.urn, other.urn}


AGENT = "toolgate:index:AgentRuntime"


@pytest.mark.parametrize(
    ("written", "violations"),
    [
        ({"actions": ["s3:ListBucket"], "resources": [UNKNOWN]}, 1),
        ({"actions": ["s3:ListBucket"], "resources": [UNKNOWN], "reason": "It lists what there is."}, 0),
        ({"actions": ["s3:GetObject"], "resources": [UNKNOWN]}, 0),
    ],
)
def test_what_an_agent_was_given_is_judged_and_nothing_else_of_its_role(
    pack: Pack, written: Any, violations: int
) -> None:
    component = Registration(AGENT, "helper", {"statements": [written]})
    role = making.role()
    given = [statement("s3:ListBucket", "*"), statement("logs:DescribeLogGroups", "*")]
    policy = Registration(
        "aws:iam/rolePolicy:RolePolicy", "s", {"role": "agent", "policy": document(*given)}, {}, component.urn
    )
    beside = making.role_policy(document(statement("s3:ListBucket", "*")), name="beside")
    found = [it for it in pack.run([component, role, policy, beside]) if it.rule == RULE]
    assert [it.urn for it in found] == [policy.urn] * violations
    assert all('allows AgentRuntime "helper" "s3:ListBucket" on "*"' in it.message for it in found)


def test_the_program_says_the_same_of_what_takes_no_resources() -> None:
    assert tool_role_exact.WITHOUT_RESOURCES == role_statements.WITHOUT_RESOURCES


@pytest.mark.parametrize(
    ("arn", "nothing"),
    [
        ("*", True),
        ("arn:*", True),
        ("arn:aws:s3*", True),
        ("arn:aws:s3:::*", True),
        ("arn:aws:s3:::*/*", True),
        ("arn:aws:s3:::reports/*", False),
        ("arn:aws:sns:us-east-1:123456789012:*", True),
        ("arn:aws:sns:us-east-1:123456789012:orders*", False),
        ("arn:aws:sqs:*:*:*", True),
        ("arn:aws:execute-api:us-east-1:123456789012:*/prod/GET/", False),
        ("arn:aws:execute-api:us-east-1:123456789012:*/*/*/*", True),
        ("arn:aws:dynamodb:*:*:table/*", True),
        ("arn:aws:dynamodb:*:*:table/orders", False),
        ("arn:aws:lambda:us-east-1:123456789012:function:*", True),
        ("arn:aws:lambda:us-east-1:123456789012:function:*:?", True),
        ("arn:aws:logs:us-east-1:123456789012:log-group:*", True),
        ("arn:aws:logs:us-east-1:123456789012:log-group:/aws/x:*", False),
        ("arn:aws:kms:us-east-1:123456789012:key/*", True),
    ],
)
def test_the_program_says_the_same_of_what_names_nothing(arn: str, nothing: bool) -> None:
    assert tool_role_exact.names_nothing(arn) is nothing
    assert role_statements.names_nothing(arn) is nothing


def test_the_program_says_the_same_of_services_whose_arns_have_no_type() -> None:
    assert tool_role_exact.WITHOUT_TYPES == role_statements.WITHOUT_TYPES
