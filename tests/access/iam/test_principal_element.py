"""Who appears in a matrix besides the agents."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from toolgate.access.deployment.deployment import parse
from toolgate.access.matrix.access_matrix import matrix

ACCOUNT, FOREIGN = "123456789012", "999999999999"
INVOKE = "bedrock-agentcore:InvokeGateway"
GATEWAY = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:gateway/tools-abcdefghij"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/agents/caller"
STRANGER = f"arn:aws:iam::{FOREIGN}:role/stranger"
USER = f"arn:aws:iam::{ACCOUNT}:user/anna"
ALLOW = {"Effect": "Allow", "Action": INVOKE, "Resource": GATEWAY}
DOCUMENT = json.dumps({"Version": "2012-10-17", "Statement": [ALLOW]})
ELSEWHERE = DOCUMENT.replace("tools", "other")

MakeCase = Callable[..., Any]


def _others(case: Any) -> dict[str, str]:
    """Who but the agent may call `math___add`, and what the matrix says of it."""
    entries = matrix(parse(case.export())).entries
    return {e.principal: str(e.decision) for e in entries if e.agent is None and e.tool == "math___add"}


def _user(name: str = "anna", **more: str) -> tuple[str, str, dict[str, Any]]:
    return "aws:iam/user:User", name, {"name": name, "arn": f"arn:aws:iam::{ACCOUNT}:user/{name}", **more}


def _role(name: str, principal: Any, **condition: Any) -> tuple[str, str, dict[str, Any]]:
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **condition}
    arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    return "aws:iam/role:Role", name, {"name": name, "arn": arn, "assumeRolePolicy": json.dumps({"Statement": [trust]})}


def _inline(document: str = DOCUMENT) -> tuple[str, str, dict[str, Any]]:
    return "aws:iam/userPolicy:UserPolicy", "up", {"user": "anna", "policy": document}


def _attached(arn: str = "arn:managed") -> tuple[str, str, dict[str, Any]]:
    return "aws:iam/userPolicyAttachment:UserPolicyAttachment", "a", {"user": "anna", "policyArn": arn}


def _managed(name: str = "managed", document: str = DOCUMENT) -> tuple[str, str, dict[str, Any]]:
    return "aws:iam/policy:Policy", name, {"arn": f"arn:{name}", "policy": document}


TO_MANY = ("aws:iam/policyAttachment:PolicyAttachment", "a", {"users": ["anna"], "policyArn": "arn:managed"})
MEMBERS = ("aws:iam/groupMembership:GroupMembership", "m", {"group": "ops", "users": ["anna"]})
GROUPS = ("aws:iam/userGroupMembership:UserGroupMembership", "m", {"user": "anna", "groups": ["ops"]})
GROUP_POLICY = ("aws:iam/groupPolicy:GroupPolicy", "gp", {"group": "ops", "policy": DOCUMENT})


@pytest.mark.parametrize(
    "resources",
    [
        [_user(), _inline()],
        [
            _user(),
            _managed(),
            _attached(),
        ],
        [
            _user(),
            _managed(),
            ("aws:iam/policyAttachment:PolicyAttachment", "a", {"users": ["anna"], "policyArn": "arn:managed"}),
        ],
        [_user(), GROUP_POLICY, MEMBERS],
        [
            _user(),
            GROUP_POLICY,
            ("aws:iam/userGroupMembership:UserGroupMembership", "m", {"user": "anna", "groups": ["ops"]}),
        ],
    ],
    ids=["inline", "attached", "attached to many", "group's members", "user's groups"],
)
def test_a_user_may_by_every_way_a_policy_can_be_theirs(case: MakeCase, resources: list[Any]) -> None:
    assert _others(case(more=resources))[USER] == "allow"


@pytest.mark.parametrize(
    ("resources", "decision"),
    [
        ([_user(), _inline(ELSEWHERE)], None),
        ([_user(), ("aws:iam/groupPolicy:GroupPolicy", "gp", {"group": "ops", "policy": ELSEWHERE}), MEMBERS], None),
        (
            [
                _user(permissionsBoundary="arn:limit"),
                _managed("limit", ELSEWHERE),
                _inline(),
            ],
            None,
        ),
        ([_user(permissionsBoundary="arn:unknown"), _inline()], "undecided"),
        ([_user(permissionsBoundary="arn:unknown")], None),
        (
            [
                _user(),
                _attached("arn:aws:x"),
            ],
            "undecided",
        ),
    ],
    ids=[
        "another gateway",
        "group without a grant",
        "boundary",
        "unknown boundary",
        "nothing to limit",
        "unknown policy",
    ],
)
def test_a_user_that_may_not_or_cannot_be_judged(case: MakeCase, resources: list[Any], decision: str | None) -> None:
    assert _others(case(more=resources)) == ({USER: decision} if decision else {})


def test_a_user_named_by_the_resource_policy_is_not_limited_by_its_boundary(case: MakeCase) -> None:
    resources = [_user(permissionsBoundary="arn:limit"), _managed("limit", ELSEWHERE)]
    assert _others(case(more=resources, resource=[{**ALLOW, "Principal": {"AWS": USER}}])) == {USER: "allow"}


def test_conditions_on_the_type_of_principal_know_users_and_roles(case: MakeCase) -> None:
    condition = {"Condition": {"StringEquals": {"aws:PrincipalType": "User"}}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [{**ALLOW, **condition}]})
    user = [_user(), _inline(document)]
    role = [
        _role("other", {"Service": "x"}),
        ("aws:iam/rolePolicy:RolePolicy", "rp", {"role": "other", "policy": document}),
    ]
    assert _others(case(more=[*user, *role])) == {USER: "allow"}


RESOURCE_ROWS: dict[str, tuple[list[Mapping[str, Any]], Mapping[str, str]]] = {
    "everybody": ([{**ALLOW, "Principal": "*"}], {"*": "allow"}),
    "everybody, written as an object": ([{**ALLOW, "Principal": {"AWS": "*"}}], {"*": "allow"}),
    "everybody of an organization": (
        [{**ALLOW, "Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}],
        {"*": "conditional"},
    ),
    "everybody whose ARN is like that": (
        [{**ALLOW, "Principal": "*", "Condition": {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{FOREIGN}:role/*"}}}],
        {"*": "conditional"},
    ),
    "everybody who is the stranger": (
        [{**ALLOW, "Principal": "*", "Condition": {"ArnEquals": {"aws:PrincipalArn": STRANGER}}}],
        {STRANGER: "undecided"},
    ),
    "everybody, but all are denied except the agent": (
        [
            {**ALLOW, "Principal": "*"},
            {
                **ALLOW,
                "Effect": "Deny",
                "Principal": "*",
                "Condition": {"ArnNotEquals": {"aws:PrincipalArn": [ROLE]}},
            },
        ],
        {},
    ),
    "everybody, from another gateway": ([{**ALLOW, "Principal": "*", "Resource": GATEWAY + "x"}], {}),
    "a foreign role": ([{**ALLOW, "Principal": {"AWS": STRANGER}}], {STRANGER: "undecided"}),
    "a foreign account": ([{**ALLOW, "Principal": {"AWS": FOREIGN}}], {f"arn:aws:iam::{FOREIGN}:root": "undecided"}),
    "a foreign account, written as its root": (
        [{**ALLOW, "Principal": {"AWS": f"arn:aws:iam::{FOREIGN}:root"}}],
        {f"arn:aws:iam::{FOREIGN}:root": "undecided"},
    ),
    "a foreign session": (
        [{**ALLOW, "Principal": {"AWS": f"arn:aws:sts::{FOREIGN}:assumed-role/stranger/s"}}],
        {STRANGER: "undecided"},
    ),
    "a role of the account elsewhere": (
        [{**ALLOW, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/elsewhere"}}],
        {f"arn:aws:iam::{ACCOUNT}:role/elsewhere": "undecided"},
    ),
    "a stranger who is denied": (
        [{**ALLOW, "Principal": {"AWS": STRANGER}}, {**ALLOW, "Effect": "Deny", "Principal": {"AWS": STRANGER}}],
        {},
    ),
    "the account itself": ([{**ALLOW, "Principal": {"AWS": ACCOUNT}}], {}),
    "a service": ([{**ALLOW, "Principal": {"Service": "x.amazonaws.com"}}], {}),
}


@pytest.mark.parametrize(("statements", "expected"), RESOURCE_ROWS.values(), ids=RESOURCE_ROWS.keys())
def test_whom_a_resource_policy_lets_in(
    case: MakeCase, statements: list[Mapping[str, Any]], expected: Mapping[str, str]
) -> None:
    assert _others(case(resource=statements)) == expected


@pytest.mark.parametrize(
    ("authorizer", "expected"),
    [("NONE", {"*": "allow"}), ("AUTHENTICATE_ONLY", {"*": "allow"}), ("CUSTOM_JWT", {"*": "undecided"})],
)
def test_a_gateway_that_does_not_ask_iam_tells_of_anybody_and_repeats_it_for_nobody_else(
    case: MakeCase, authorizer: str, expected: Mapping[str, str]
) -> None:
    user = [_user(), _inline()]
    assert _others(case(more=user, gateway={"authorizerType": authorizer})) == expected


def test_anybody_may_what_a_role_may_that_anybody_may_assume(case: MakeCase) -> None:
    open_role = _role("open", {"AWS": "*"})
    policy = ("aws:iam/rolePolicy:RolePolicy", "rp", {"role": "open", "policy": DOCUMENT})
    assert _others(case(more=[open_role, policy])) == {open_role[2]["arn"]: "allow", "*": "allow"}
    assert "*" not in _others(case(more=[open_role]))
    guarded = _role("open", "*", Condition={"StringEquals": {"sts:ExternalId": "x"}})
    export = case(more=[guarded, policy]).export()
    (entry,) = (e for e in matrix(parse(export)).entries if e.principal == "*" and e.tool == "math___add")
    assert (str(entry.decision), entry.conditions) == (
        "conditional",
        ("sts:AssumeRole on open if StringEquals sts:ExternalId x",),
    )


def test_a_trust_policy_that_cannot_be_read_leaves_open_what_anybody_may(case: MakeCase) -> None:
    statement = {"Effect": "Allow", "NotPrincipal": {"AWS": STRANGER}, "Action": "sts:AssumeRole"}
    type_, name, role = _role("open", "*")
    role["assumeRolePolicy"] = json.dumps({"Statement": [statement]})
    policy = ("aws:iam/rolePolicy:RolePolicy", "rp", {"role": "open", "policy": DOCUMENT})
    assert _others(case(more=[(type_, name, role), policy])) == {role["arn"]: "allow", "*": "undecided"}


def _permit(who: str, condition: str = "") -> str:
    gateway = f'resource == AgentCore::Gateway::"{GATEWAY}"'
    return f'permit({who}, action == AgentCore::Action::"math___add", {gateway}){condition};'


@pytest.mark.parametrize(
    ("who", "condition", "expected"),
    [
        ("principal is AgentCore::IamEntity", "", {"*": "allow"}),
        ("principal", ' when { principal.id like "arn:aws:sts::1*" }', {"*": "conditional"}),
        ("principal is AgentCore::OAuthUser", "", {}),
        (f'principal == AgentCore::IamEntity::"arn:aws:sts::{ACCOUNT}:assumed-role/caller"', "", {}),
        (
            f'principal == AgentCore::IamEntity::"arn:aws:sts::{FOREIGN}:assumed-role/stranger"',
            "",
            {STRANGER: "undecided"},
        ),
        (f'principal == AgentCore::IamEntity::"{STRANGER}"', "", {}),
    ],
)
def test_cedar_decides_about_anybody_too(case: MakeCase, who: str, condition: str, expected: Mapping[str, str]) -> None:
    """The resource policy lets everybody in; Cedar says who may go on."""
    everybody = [{**ALLOW, "Principal": "*"}]
    assert _others(case(resource=everybody, cedar={"p": _permit(who, condition)})) == expected


EVERY_ENTITY = _permit("principal is AgentCore::IamEntity")
ELSEWHERE_ENTITY = f'principal == AgentCore::IamEntity::"arn:aws:sts::{ACCOUNT}:assumed-role/elsewhere"'
FORBID_TAG = _permit(ELSEWHERE_ENTITY).replace("permit", "forbid").replace("add", "tag")


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        ({"cedar": {"p": _permit(ELSEWHERE_ENTITY)}}, {f"arn:aws:iam::{ACCOUNT}:role/elsewhere": "undecided"}),
        ({"cedar": {"p": _permit(ELSEWHERE_ENTITY)}, "mode": "LOG_ONLY"}, {}),
        ({"cedar": {"p": EVERY_ENTITY, "f": FORBID_TAG}}, {}),
        (
            {
                "resource": [{**ALLOW, "Principal": {"AWS": FOREIGN}}],
                "cedar": {"p": _permit("principal", f' when {{ principal.id like "arn:aws:sts::{FOREIGN}:*" }}')},
            },
            {f"arn:aws:iam::{FOREIGN}:root": "undecided"},
        ),
    ],
)
def test_strangers_whom_cedar_concerns(
    case: MakeCase, documents: Mapping[str, Any], expected: Mapping[str, str]
) -> None:
    assert _others(case(**documents)) == expected


def test_who_may_call_one_tool_is_listed_with_the_gateways_others(case: MakeCase) -> None:
    permit = _permit("principal is AgentCore::IamEntity")
    export = case(resource=[{**ALLOW, "Principal": "*"}], cedar={"p": permit}).export()
    told = {e.tool: str(e.decision) for e in matrix(parse(export)).entries if e.principal == "*"}
    assert told == {"math___add": "allow", "math___repeat": "deny", "math___tag": "deny"}
