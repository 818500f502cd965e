"""Principals that the deployment does not hold, but names or writes into: none of them goes unseen."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from toolgate.access.deployment.deployment import parse
from toolgate.access.deployment.stack_export import DeploymentError
from toolgate.access.matrix.access_matrix import Matrix, matrix
from toolgate.access.output.access_difference import SOMEBODY_GAINS, difference
from toolgate.access.output.labels import principal_label
from toolgate.access.output.table import as_table

ACCOUNT, FOREIGN = "123456789012", "999999999999"
INVOKE = "bedrock-agentcore:InvokeGateway"
GATEWAY = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:gateway/tools-abcdefghij"
IAM = f"arn:aws:iam::{ACCOUNT}"
SET = "arn:aws:sso:::permissionSet/ssoins-1111222233334444/ps-1111222233334444"

Resource = tuple[str, str, Mapping[str, Any]]
MakeCase = Callable[..., Any]


def _allow(resource: Any = GATEWAY, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": INVOKE, "Resource": resource, **more}


def _document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


GRANT = _document(_allow())
DENY = _document(_allow(), _allow("*", Effect="Deny"))
NOTHING = _document({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"})


def _matrix(case: MakeCase, *more: Resource, **documents: Any) -> Matrix:
    return matrix(parse(case(more=more, **documents).export()))


def _outsiders(found: Matrix) -> dict[str, str]:
    return {
        principal_label(e.principal, None, e.gateway): str(e.decision)
        for e in found.entries
        if e.agent is None and e.tool == "math___add"
    }


def inline(kind: str, name: str, document: str = GRANT) -> Resource:
    capital = kind.capitalize()
    return f"aws:iam/{kind}Policy:{capital}Policy", "written", {kind: name, "policy": document}


def attachment(kind: str, name: str, arn: str = f"{IAM}:policy/m") -> Resource:
    capital = kind.capitalize()
    return f"aws:iam/{kind}PolicyAttachment:{capital}PolicyAttachment", "attached", {kind: name, "policyArn": arn}


def managed(document: str = GRANT, name: str = "m") -> Resource:
    return "aws:iam/policy:Policy", name, {"arn": f"{IAM}:policy/{name}", "policy": document}


def to_many(**names: Sequence[str]) -> Resource:
    return "aws:iam/policyAttachment:PolicyAttachment", "many", {"policyArn": f"{IAM}:policy/m", **names}


def members(group: str, *users: str) -> Resource:
    return "aws:iam/groupMembership:GroupMembership", "members", {"group": group, "users": list(users)}


def in_set(document: str = GRANT) -> Resource:
    type_ = "aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy"
    return type_, "inline", {"permissionSetArn": SET, "inlinePolicy": document}


def attached_to_set(arn: str = f"{IAM}:policy/m") -> Resource:
    type_ = "aws:ssoadmin/managedPolicyAttachment:ManagedPolicyAttachment"
    return type_, "attached", {"permissionSetArn": SET, "managedPolicyArn": arn}


def customer_managed(name: str = "m", **path: str) -> Resource:
    type_ = "aws:ssoadmin/customerManagedPolicyAttachment:CustomerManagedPolicyAttachment"
    return type_, "named", {"permissionSetArn": SET, "customerManagedPolicyReference": {"name": name, **path}}


OPS: Resource = ("aws:ssoadmin/permissionSet:PermissionSet", "ops", {"name": "Ops", "arn": SET})
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"

GRANTED: dict[str, tuple[list[Resource], str]] = {
    "inline in a role": ([inline("role", "contractor")], "role/contractor"),
    "inline in a user": ([inline("user", "bob")], "user/bob"),
    "inline in a group": ([inline("group", "ops")], "group/ops"),
    "attached to a role": ([managed(), attachment("role", "contractor")], "role/contractor"),
    "attached to a user": ([managed(), attachment("user", "bob")], "user/bob"),
    "attached to a group": ([managed(), attachment("group", "ops")], "group/ops"),
    "everything attached": (
        [managed(_document({"Effect": "Allow", "Action": "*", "Resource": "*"})), attachment("role", "contractor")],
        "role/contractor",
    ),
    "a policy that only AWS has": ([attachment("role", "contractor", ADMIN)], "role/contractor"),
    "attached to many, a role": ([managed(), to_many(roles=["contractor"])], "role/contractor"),
    "attached to many, a user": ([managed(), to_many(users=["bob"])], "user/bob"),
    "attached to many, a group": ([managed(), to_many(groups=["ops"])], "group/ops"),
    "on a condition": (
        [inline("role", "contractor", _document(_allow(Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})))],
        "role/contractor",
    ),
    "to users of a group": (
        [
            inline(
                "group",
                "ops",
                _document(_allow(Condition={"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/*"}})),
            )
        ],
        "group/ops",
    ),
    "by a permission set": ([OPS, in_set()], "permission-set/Ops"),
    "by a permission set of another stack": ([in_set()], "permission-set/ps-1111222233334444"),
    "attached to a permission set": ([OPS, managed(), attached_to_set()], "permission-set/Ops"),
    "a policy of AWS in a permission set": ([OPS, attached_to_set(ADMIN)], "permission-set/Ops"),
    "the account's own policy in a permission set": ([OPS, managed(), customer_managed()], "permission-set/Ops"),
    "one that is not there": ([OPS, customer_managed("x", path="/team/")], "permission-set/Ops"),
    "to the roles of a permission set": (
        [
            OPS,
            in_set(
                _document(
                    _allow(),
                    _allow(
                        "*", Effect="Deny", Condition={"ArnNotLike": {"aws:PrincipalArn": "*/AWSReservedSSO_Ops_*"}}
                    ),
                )
            ),
        ],
        "permission-set/Ops",
    ),
}


@pytest.mark.parametrize(("resources", "who"), GRANTED.values(), ids=GRANTED.keys())
def test_a_grant_to_whom_the_deployment_does_not_hold_is_a_gain(
    case: MakeCase, resources: list[Resource], who: str
) -> None:
    found = _matrix(case, *resources)
    assert _outsiders(found) == {who: "undecided"}
    assert any("not known" in line and line.startswith((who, f"{IAM}:{who}")) for line in found.unsupported)
    assert who in as_table(found)
    assert difference(_matrix(case), found).code == SOMEBODY_GAINS
    assert difference(_matrix(case), found).gains[0].before.decision == "deny"


NOT_GRANTED: dict[str, list[Resource]] = {
    "something else": [inline("role", "contractor", NOTHING)],
    "denied for certain": [inline("role", "contractor", DENY)],
    "another gateway's tools": [inline("role", "contractor", GRANT.replace(INVOKE, "bedrock-agentcore:GetGateway"))],
    "a group without a grant": [inline("group", "ops", NOTHING), members("ops", "bob")],
    "a permission set without a grant": [OPS, in_set(NOTHING)],
    "a managed policy that nobody has": [managed()],
    "members of a group that has nothing": [members("ops", "bob")],
    "an instance profile": [("aws:iam/instanceProfile:InstanceProfile", "p", {"role": "contractor", "name": "p"})],
}


@pytest.mark.parametrize("resources", NOT_GRANTED.values(), ids=NOT_GRANTED.keys())
def test_an_outsider_without_a_grant_is_no_row_and_no_line(case: MakeCase, resources: list[Resource]) -> None:
    found = _matrix(case, *resources)
    assert _outsiders(found) == {}
    assert found.unsupported == ()


def test_members_of_a_group_that_are_not_in_the_deployment_have_its_policies(case: MakeCase) -> None:
    found = _matrix(case, inline("group", "ops"), members("ops", "bob"))
    assert _outsiders(found) == {"user/bob": "undecided", "group/ops": "undecided"}
    of_user = ("aws:iam/userGroupMembership:UserGroupMembership", "m", {"user": "bob", "groups": ["ops"]})
    assert _outsiders(_matrix(case, inline("group", "ops"), of_user)) == _outsiders(found)


def test_a_group_of_the_deployment_may_have_other_members_and_is_told_by_its_own_arn(case: MakeCase) -> None:
    group = ("aws:iam/group:Group", "ops", {"name": "ops", "arn": f"{IAM}:group/team/ops"})
    found = _matrix(case, group, inline("group", "ops"))
    assert _outsiders(found) == {"group/team/ops": "undecided"}
    assert found.unsupported == (f"{IAM}:group/team/ops: not known: its other members",)


def test_an_outsider_whom_the_resource_policy_names_too_is_one_row(case: MakeCase) -> None:
    role = f"{IAM}:role/team/contractor"
    found = _matrix(case, inline("role", "contractor"), resource=[_allow(Principal={"AWS": role})])
    assert _outsiders(found) == {"role/team/contractor": "undecided"}


def test_a_deny_of_the_resource_policy_binds_an_outsider(case: MakeCase) -> None:
    nobody = _allow(Effect="Deny", Principal="*")
    assert _outsiders(_matrix(case, inline("role", "contractor"), in_set(), resource=[nobody])) == {}


def test_an_outsider_needs_the_policy_engine_too(case: MakeCase) -> None:
    entity = f"arn:aws:sts::{ACCOUNT}:assumed-role/contractor"
    permit = (
        f'permit(principal == AgentCore::IamEntity::"{entity}", action == AgentCore::Action::"math___add", '
        f'resource == AgentCore::Gateway::"{GATEWAY}");'
    )
    assert _outsiders(_matrix(case, inline("role", "contractor"), cedar={"p": permit})) == {
        "role/contractor": "undecided"
    }
    assert _outsiders(_matrix(case, inline("role", "other"), cedar={})) == {}


def test_roles_of_a_whole_account_may_be_those_that_a_condition_names(case: MakeCase) -> None:
    only = {"Condition": {"ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::{FOREIGN}:role/*"}}}
    policy = [_allow(Principal={"AWS": FOREIGN}), _allow(Effect="Deny", Principal="*", **only)]
    assert _outsiders(_matrix(case, resource=policy)) == {f"{FOREIGN}:root": "undecided"}


def test_a_user_whom_the_resource_policy_names_is_a_user_to_conditions(case: MakeCase) -> None:
    users = {"Condition": {"StringNotEquals": {"aws:PrincipalType": "User"}}}
    bob = f"arn:aws:iam::{FOREIGN}:user/bob"
    policy = [_allow(Principal={"AWS": bob}), _allow(Effect="Deny", Principal="*", **users)]
    assert _outsiders(_matrix(case, resource=policy)) == {f"{FOREIGN}:user/bob": "undecided"}


def _foreign_gateway() -> list[Resource]:
    arn = GATEWAY.replace(ACCOUNT, FOREIGN)
    ids = {"gatewayArn": arn, "gatewayId": "far-abcdefghij", "gatewayUrl": "https://far.example/mcp"}
    inputs = {"name": "far", "authorizerType": "AWS_IAM", "roleArn": "arn:aws:iam::1:role/g"}
    tool = {"name": "add", "description": "A tool.", "inputSchema": {"type": "object"}}
    function = {"lambdaArn": "arn:aws:lambda:us-east-1:1:function:f", "toolSchema": {"inlinePayloads": [tool]}}
    target = {"name": "math", "gatewayIdentifier": "far-abcdefghij", "targetId": "T2"}
    return [
        ("aws:bedrock/agentcoreGateway:AgentcoreGateway", "far", {**inputs, **ids}),
        (
            "aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget",
            "far",
            {**target, "targetConfiguration": {"mcp": {"lambda": function}}},
        ),
    ]


def test_a_name_alone_may_be_in_any_of_several_accounts(case: MakeCase) -> None:
    found = _matrix(case, inline("role", "contractor", _document(_allow("*"))), *_foreign_gateway())
    assert {(e.principal, str(e.decision)) for e in found.entries if e.agent is None} == {
        ("arn:aws:iam::*:role/contractor", "undecided")
    }
    assert _outsiders(found) == {"role/contractor": "undecided"}


def test_the_roles_of_a_permission_set_are_in_accounts_that_are_not_known(case: MakeCase) -> None:
    found = _matrix(case, OPS, in_set(_document(_allow("*"))), *_foreign_gateway())
    assert {it.gateway for it in found.blocks if it.principal == "permission-set/Ops"} == {
        GATEWAY,
        GATEWAY.replace(ACCOUNT, FOREIGN),
    }


def _role(name: str, **more: Any) -> Resource:
    trust = {"Effect": "Allow", "Principal": {"Service": "bedrock-agentcore.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    return "aws:iam/role:Role", name, {"name": name, "arn": f"{IAM}:role/{name}", "assumeRolePolicy": document, **more}


def test_two_roles_of_one_name_both_have_what_is_written_into_it(case: MakeCase) -> None:
    other = _role("ops", arn=f"arn:aws:iam::{FOREIGN}:role/ops")
    found = _matrix(case, _role("ops"), other, inline("role", "ops"))
    assert _outsiders(found) == {"role/ops": "allow"}  # the other one is in another account, which needs both sides
    open_to = [_allow(Principal={"AWS": FOREIGN})]
    found = _matrix(case, _role("ops"), other, inline("role", "ops"), resource=open_to)
    assert _outsiders(found)[f"{FOREIGN}:role/ops"] == "allow"
    both = f"{IAM}:role/ops, arn:aws:iam::{FOREIGN}:role/ops"
    assert found.unsupported[0] == f"ops: what is written into a role of this name is taken for all of {both}"


def test_a_grant_on_a_gateway_elsewhere_to_whom_the_deployment_does_not_hold_is_a_row(case: MakeCase) -> None:
    elsewhere = GATEWAY.replace("tools", "shared")
    given = [inline("role", "contractor", _document(_allow(elsewhere))), in_set(_document(_allow([elsewhere])))]
    found = _matrix(case, *given)
    rows = {(e.principal, e.tool, str(e.decision)) for e in found.entries if e.gateway == elsewhere}
    assert rows == {
        (f"{IAM}:role/contractor", "*", "undecided"),
        ("permission-set/ps-1111222233334444", "*", "undecided"),
    }
    assert difference(_matrix(case), found).code == SOMEBODY_GAINS
    wide = _matrix(case, inline("group", "ops", _document(_allow(GATEWAY[:-20] + "*"))))
    assert f'ops: may also invoke gateways that are not in the deployment: on "{GATEWAY[:-20]}*"' in wide.unsupported


def test_a_deployment_that_only_writes_policies_into_what_others_made(case: MakeCase) -> None:
    export = case(more=[inline("role", "contractor"), inline("user", "bob", _document(_allow("*")))]).export()
    listed = export["deployment"]["resources"]
    export["deployment"]["resources"] = [it for it in listed if it["type"].endswith(("RolePolicy", "UserPolicy"))]
    found = matrix(parse(export))
    assert [(e.principal, e.gateway, e.tool) for e in found.entries] == [
        ("arn:aws:iam::*:role/contractor", GATEWAY, "*")
    ]
    assert 'bob: may also invoke gateways that are not in the deployment: on "*"' in found.unsupported


def test_a_role_that_two_resources_stand_for_has_what_either_says(case: MakeCase) -> None:
    found = {"inlinePolicies": [{"name": "written", "policy": GRANT}]}
    for both in ([_role("ops"), _role("ops", **found)], [_role("ops", **found), _role("ops")]):
        assert _outsiders(_matrix(case, *both)) == {"role/ops": "allow"}
    foreign = {"Effect": "Allow", "Principal": {"AWS": FOREIGN}, "Action": "sts:AssumeRole"}
    trusting = _role("ops", assumeRolePolicy=_document(foreign))
    assert _outsiders(_matrix(case, trusting, _role("ops", **found))) == {
        "role/ops": "allow",
        f"{FOREIGN}:root": "undecided",
    }


def test_a_name_that_aws_makes_of_a_prefix_is_read_where_it_is_known_and_asked_for_where_it_is_not(
    case: MakeCase,
) -> None:
    named = _role("ops-20260101", namePrefix="ops-")
    assert _outsiders(_matrix(case, named, inline("role", "ops-20260101"))) == {"role/ops-20260101": "allow"}
    unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    with pytest.raises(DeploymentError, match="'role' is not known yet"):
        _matrix(case, inline("role", unknown))


def _one_of(name: str, *statements: Mapping[str, Any], on: str = GATEWAY) -> Resource:
    type_ = "aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy"
    return type_, name, {"resourceArn": on, "policy": _document(*statements)}


EVERYBODY, NOBODY = _allow(Principal="*"), _allow(Principal="*", Effect="Deny")
FOREIGN_ROLE = f"arn:aws:iam::{FOREIGN}:role/x"


def test_of_two_resource_policies_for_one_gateway_nobody_knows_which_stays(case: MakeCase) -> None:
    open_, shut = _one_of("open", EVERYBODY), _one_of("shut", NOBODY)
    for both in ((open_, shut), (shut, open_)):
        found = _matrix(case, *both)
        assert _outsiders(found) == {"*": "undecided"}
        assert {str(e.decision) for e in found.entries if e.agent} == {"undecided"}
        names = ", ".join(f"'{name}'" for _, name, _ in both)
        told = f"{GATEWAY}: several resource policies are put on it ({names}); AWS keeps one of them"
        assert found.unsupported[0] == f"{told}, and which is not known"
        assert difference(_matrix(case, shut), found).code == SOMEBODY_GAINS


def test_what_both_resource_policies_come_to_is_decided(case: MakeCase) -> None:
    named = _allow(Principal={"AWS": f"{IAM}:role/agents/caller"})
    either = _matrix(case, _one_of("one", named), _one_of("two", named, _allow(Principal={"AWS": FOREIGN_ROLE})))
    assert {str(e.decision) for e in either.entries if e.agent} == {"allow"}
    assert _outsiders(either) == {f"{FOREIGN}:role/x": "undecided"}
    denied = _matrix(case, _one_of("one", NOBODY), _one_of("two", NOBODY), identity=[_allow()])
    assert {str(e.decision) for e in denied.entries} == {"deny"}


def test_policies_of_several_resources_are_no_rivals(case: MakeCase) -> None:
    memory = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:memory/m-abcdefghij"
    deployment = parse(case(more=[_one_of("one", EVERYBODY), _one_of("two", NOBODY, on=memory)]).export())
    assert set(deployment.resource_policies) == {GATEWAY, memory}
    assert deployment.rival_policies == {}
    assert [policy.name for policy in deployment.policies_on(memory)] == ["two"]
    assert deployment.policies_on("arn:other") == ()


ROLE_ID, USER_ID, OTHER_ID = "AROAEXAMPLEID00000001", "AIDAEXAMPLEID00000002", "AROAEXAMPLEID00000003"


@pytest.mark.parametrize("element", [ROLE_ID, [ROLE_ID], [f"{IAM}:role/y", ROLE_ID]])
def test_a_role_that_a_policy_writes_by_its_unique_id_is_that_role(case: MakeCase, element: Any) -> None:
    export = case(resource=[_allow(Principal={"AWS": element})]).export()
    role = next(it for it in export["deployment"]["resources"] if it["type"] == "aws:iam/role:Role")
    role["outputs"]["uniqueId"] = ROLE_ID
    assert {str(e.decision) for e in matrix(parse(export)).entries if e.agent} == {"allow"}
    denied = case(identity=[_allow()], resource=[_allow(Principal={"AWS": element}, Effect="Deny")]).export()
    role = next(it for it in denied["deployment"]["resources"] if it["type"] == "aws:iam/role:Role")
    role["outputs"]["uniqueId"] = ROLE_ID
    assert {str(e.decision) for e in matrix(parse(denied)).entries if e.agent} == {"deny"}


def test_a_user_that_a_policy_writes_by_its_unique_id_is_that_user(case: MakeCase) -> None:
    user = ("aws:iam/user:User", "anna", {"name": "anna", "arn": f"{IAM}:user/anna", "uniqueId": USER_ID})
    assert _outsiders(_matrix(case, user, resource=[_allow(Principal={"AWS": USER_ID})])) == {"user/anna": "allow"}


def test_an_unknown_unique_id_is_a_stranger_of_that_name(case: MakeCase) -> None:
    found = _matrix(case, resource=[_allow(Principal={"AWS": OTHER_ID})])
    assert _outsiders(found) == {OTHER_ID: "undecided"}
    assert found.unsupported == (f"{OTHER_ID}: not known: its identity policies",)
    # Which Cedar principal it is, nobody says.
    permit = (
        f'permit(principal == AgentCore::IamEntity::"arn:aws:sts::{FOREIGN}:assumed-role/x", '
        f'action == AgentCore::Action::"math___add", resource == AgentCore::Gateway::"{GATEWAY}");'
    )
    found = _matrix(case, resource=[_allow(Principal={"AWS": OTHER_ID})], cedar={"p": permit})
    assert _outsiders(found) == {OTHER_ID: "undecided"}


def test_a_trust_policy_may_write_unique_ids_too(case: MakeCase) -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": [ROLE_ID, OTHER_ID]}, "Action": "sts:AssumeRole"}
    role = _role("open", assumeRolePolicy=_document(trust))
    export = case(more=[role, inline("role", "open")]).export()
    agent = next(it for it in export["deployment"]["resources"] if it["urn"].endswith("aws:iam/role:Role::caller"))
    agent["outputs"]["uniqueId"] = ROLE_ID
    deployment = parse(export)
    assert _outsiders(matrix(deployment)) == {"role/open": "allow", OTHER_ID: "undecided"}
    open_role = deployment.role(f"{IAM}:role/open")
    assert open_role is not None
    assert open_role.trust["Statement"][0]["Principal"] == {"AWS": [f"{IAM}:role/agents/caller", OTHER_ID]}


def _cedar_policy(mode: str | None, effect: str = "forbid") -> Resource:
    statement = f"{effect}(principal, action, resource is AgentCore::Gateway);"
    properties = {"name": "m", "policyEngineId": "tools-abcdefghij", "policyId": "m"}
    definition = {"definition": {"cedar": {"statement": statement}}}
    enforcement = {} if mode is None else {"enforcementMode": mode}
    return "aws:bedrock/agentcorePolicy:AgentcorePolicy", "m", {**properties, **definition, **enforcement}


PERMIT = "permit(principal is AgentCore::IamEntity, action, resource is AgentCore::Gateway);"


@pytest.mark.parametrize(
    ("cedar", "policy", "decision"),
    [
        ({"p": PERMIT}, _cedar_policy("LOG_ONLY"), "allow"),
        ({"p": PERMIT}, _cedar_policy("ACTIVE"), "deny"),
        ({"p": PERMIT}, _cedar_policy(None), "deny"),
        ({}, _cedar_policy("LOG_ONLY", "permit"), "deny"),
        ({}, _cedar_policy("ACTIVE", "permit"), "allow"),
        ({"p": PERMIT}, _cedar_policy("PARTLY"), "undecided"),
    ],
)
def test_a_policy_that_is_only_logged_has_no_say(
    case: MakeCase, cedar: Mapping[str, str], policy: Resource, decision: str
) -> None:
    found = _matrix(case, policy, identity=[_allow()], cedar=cedar)
    assert {str(e.decision) for e in found.entries if e.agent} == {decision}
    assert bool(found.unsupported) is (decision == "undecided")


def _mcp_server() -> Resource:
    server = {"targetConfiguration": {"mcp": {"mcpServer": {"endpoint": "https://example.com/mcp"}}}}
    target = {"name": "far", "gatewayIdentifier": "tools-abcdefghij", "targetId": "T9", **server}
    return "aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget", "far", target


def _far(found: Matrix) -> dict[str, str]:
    entries = (e for e in found.entries if e.tool == "far___*" and str(e.decision) != "deny")
    return {principal_label(e.principal, e.agent, e.gateway): str(e.decision) for e in entries}


def test_who_may_call_tools_that_the_deployment_does_not_list_is_a_row_as_well(case: MakeCase) -> None:
    before = _matrix(case, _mcp_server())
    found = _matrix(case, _mcp_server(), inline("role", "contractor"), identity=[_allow()])
    assert _far(before) == {}
    assert _far(found) == {"caller": "allow", "role/contractor": "undecided"}
    assert "far___*" in [change.tool for change in difference(before, found).gains]


@pytest.mark.parametrize(
    ("policies", "decision"),
    [
        ({}, {}),
        ({"f": PERMIT.replace("permit", "forbid")}, {}),
        ({"p": PERMIT}, {"caller": "undecided"}),
        ({"p": PERMIT.replace("action,", 'action == AgentCore::Action::"math___add",')}, {"caller": "undecided"}),
        ({"x": "permit everybody"}, {"caller": "undecided"}),
    ],
)
def test_what_an_engine_says_of_tools_that_nobody_lists_is_open(
    case: MakeCase, policies: Mapping[str, str], decision: Mapping[str, str]
) -> None:
    assert _far(_matrix(case, _mcp_server(), identity=[_allow()], cedar=policies)) == decision
