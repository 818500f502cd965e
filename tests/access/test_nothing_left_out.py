"""Whatever document is handed to whomever by whichever carrier: who can reach the gateway by it leaves a trace."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toolgate.access.deployment.deployment import parse
from toolgate.access.matrix.access_matrix import Matrix, matrix

ACCOUNT = "123456789012"
INVOKE = "bedrock-agentcore:InvokeGateway"
AGENTCORE = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}"
GATEWAY = f"{AGENTCORE}:gateway/tools-abcdefghij"
IAM = f"arn:aws:iam::{ACCOUNT}"
SET = "arn:aws:sso:::permissionSet/ssoins-1111222233334444/ps-1111222233334444"
MANAGED = f"{IAM}:policy/m"

Resource = tuple[str, str, Mapping[str, Any]]

ACTIONS = [INVOKE, "bedrock-agentcore:*", "*", "BEDROCK-AGENTCORE:Invoke*", "s3:GetObject", "bedrock-agentcore:Get*"]
RESOURCES = [
    GATEWAY,
    "*",
    f"{AGENTCORE}:gateway/*",
    f"{AGENTCORE}:gateway/other-abcdefghij",
    AGENTCORE,
    "arn:aws:s3:::bucket",
    f"{AGENTCORE}:gateway/${{aws:PrincipalTag/team}}-abcdefghij",
]
OF_THE_REQUEST: list[Mapping[str, Any]] = [
    {},
    {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
    {"Null": {"aws:TokenIssueTime": "true"}},
    {"Bool": {"aws:SecureTransport": "true"}},
    {"Bool": {"aws:SecureTransport": "false"}},
    {"NoSuchOperator": {"aws:SourceIp": "x"}},
]
OF_THE_CALLER: list[Mapping[str, Any]] = [
    {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/*"}},
    {"ArnNotLike": {"aws:PrincipalArn": f"{IAM}:role/*"}},
    {"StringEquals": {"aws:PrincipalType": "User"}},
    {"StringEquals": {"aws:username": "contractor"}},
    {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}},
]


def _statements(conditions: Sequence[Mapping[str, Any]]) -> st.SearchStrategy[list[dict[str, Any]]]:
    @st.composite
    def statement(draw: st.DrawFn) -> dict[str, Any]:
        action = draw(st.sampled_from(["Action", "Action", "Action", "NotAction"]))
        resource = draw(st.sampled_from(["Resource", "Resource", "Resource", "NotResource"]))
        condition = draw(st.sampled_from(conditions))
        return {
            "Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"])),
            action: draw(st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=2)),
            resource: draw(st.lists(st.sampled_from(RESOURCES), min_size=1, max_size=2)),
            **({"Condition": condition} if condition else {}),
        }

    return st.lists(statement(), min_size=1, max_size=3)


def _managed(document: str) -> Resource:
    return "aws:iam/policy:Policy", "m", {"arn": MANAGED, "policy": document}


def _inline(kind: str) -> Callable[[str], list[Resource]]:
    type_ = f"aws:iam/{kind}Policy:{kind.capitalize()}Policy"
    return lambda document: [(type_, "written", {kind: "contractor", "policy": document})]


def _attached(kind: str) -> Callable[[str], list[Resource]]:
    type_ = f"aws:iam/{kind}PolicyAttachment:{kind.capitalize()}PolicyAttachment"
    return lambda document: [_managed(document), (type_, "attached", {kind: "contractor", "policyArn": MANAGED})]


def _to_many(kind: str) -> Callable[[str], list[Resource]]:
    many = {"policyArn": MANAGED, f"{kind}s": ["contractor"]}
    return lambda document: [_managed(document), ("aws:iam/policyAttachment:PolicyAttachment", "many", many)]


def _member(document: str) -> list[Resource]:
    member = {"user": "contractor", "groups": ["ops"]}
    return [
        ("aws:iam/groupPolicy:GroupPolicy", "written", {"group": "ops", "policy": document}),
        ("aws:iam/userGroupMembership:UserGroupMembership", "member", member),
    ]


def _in_set(document: str) -> list[Resource]:
    type_ = "aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy"
    return [(type_, "set", {"permissionSetArn": SET, "inlinePolicy": document})]


def _attached_to_set(document: str) -> list[Resource]:
    type_ = "aws:ssoadmin/managedPolicyAttachment:ManagedPolicyAttachment"
    return [_managed(document), (type_, "set", {"permissionSetArn": SET, "managedPolicyArn": MANAGED})]


def _named_in_set(document: str) -> list[Resource]:
    type_ = "aws:ssoadmin/customerManagedPolicyAttachment:CustomerManagedPolicyAttachment"
    reference = {"permissionSetArn": SET, "customerManagedPolicyReference": {"name": "m", "path": "/"}}
    return [_managed(document), (type_, "set", reference)]


ROLE, USER, GROUP = f"{IAM}:role/contractor", f"{IAM}:user/contractor", f"{IAM}:group/contractor"
OF_SET = "permission-set/ps-1111222233334444"
CARRIERS: dict[str, tuple[Callable[[str], list[Resource]], str, str]] = {
    "inline in a role": (_inline("role"), ROLE, ROLE),
    "inline in a user": (_inline("user"), USER, USER),
    "inline in a group": (_inline("group"), GROUP, USER),
    "attached to a role": (_attached("role"), ROLE, ROLE),
    "attached to a user": (_attached("user"), USER, USER),
    "attached to a group": (_attached("group"), GROUP, USER),
    "attached to many, a role": (_to_many("role"), ROLE, ROLE),
    "attached to many, a user": (_to_many("user"), USER, USER),
    "attached to many, a group": (_to_many("group"), GROUP, USER),
    "a group's member": (_member, USER, USER),
    "inline in a permission set": (_in_set, OF_SET, ROLE),
    "attached to a permission set": (_attached_to_set, OF_SET, ROLE),
    "named in a permission set": (_named_in_set, OF_SET, ROLE),
}
"""How a document is handed on; to whom; and which principal, held by the deployment, could do the same."""


def _held(document: str) -> list[Resource]:
    """A role and a user that the deployment holds, and that have the document."""
    trust = {"Effect": "Allow", "Principal": {"Service": "bedrock-agentcore.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = {"name": "contractor", "arn": f"{IAM}:role/contractor", "assumeRolePolicy": json.dumps({"Statement": trust})}
    user = {"name": "contractor", "arn": f"{IAM}:user/contractor"}
    return [
        ("aws:iam/role:Role", "contractor", role),
        ("aws:iam/user:User", "contractor", user),
        *_inline("role")(document),
        *_inline("user")(document),
    ]


def _rows(found: Matrix) -> dict[str, str]:
    entries = (e for e in found.entries if e.agent is None and e.gateway == GATEWAY and e.tool == "math___add")
    return {e.principal: str(e.decision) for e in entries}


ALONE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _found(case: Callable[..., Any], resources: list[Resource]) -> Matrix:
    return matrix(parse(case(more=resources).export()))


@pytest.mark.parametrize(("carrier", "who", "alike"), CARRIERS.values(), ids=CARRIERS.keys())
@given(statements=_statements([*OF_THE_REQUEST, *OF_THE_CALLER]))
@ALONE
def test_who_could_reach_the_gateway_if_the_deployment_held_them_is_a_row_and_a_line(
    case: Callable[..., Any],
    carrier: Callable[[str], list[Resource]],
    who: str,
    alike: str,
    statements: list[dict[str, Any]],
) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    held, found = _rows(_found(case, _held(document))), _found(case, carrier(document))
    rows = _rows(found)
    assert set(rows.values()) <= {"undecided"}
    assert all(any(line.startswith(it) for line in found.unsupported) for it in rows)
    assert who in rows or alike not in held


@pytest.mark.parametrize(("carrier", "who", "alike"), CARRIERS.values(), ids=CARRIERS.keys())
@given(statements=_statements(OF_THE_REQUEST))
@ALONE
def test_who_could_not_is_none(
    case: Callable[..., Any],
    carrier: Callable[[str], list[Resource]],
    who: str,
    alike: str,
    statements: list[dict[str, Any]],
) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    held, rows = _rows(_found(case, _held(document))), _rows(_found(case, carrier(document)))
    assert (who in rows) is (alike in held)
