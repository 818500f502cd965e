"""What a scan reads and what it makes of what it cannot read: pages, throttling, denials, what is gone or unknown."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.access.scan.fake_account import (
    ACCOUNT,
    CORE,
    DENIED,
    FUNCTION,
    GONE,
    REGION,
    SECRET,
    Answer,
    FakeAccount,
    Given,
    allow,
    document,
    gateway_arn,
    role,
)
from toolgate.access.deployment.deployment import parse
from toolgate.access.deployment.not_read import NotRead
from toolgate.access.matrix.access_matrix import Matrix, matrix
from toolgate.access.output.explanation import explain
from toolgate.access.scan.scan import scan
from toolgate.local.plan import judge

INVOKE = "bedrock-agentcore:InvokeGateway"
AGENT = f"arn:aws:iam::{ACCOUNT}:role/agent"


def account(**more: Any) -> FakeAccount:
    """An agent that may invoke the gateway `tools` and not `other`, and a role that may nothing."""
    roles = [role("agent", allow(INVOKE, gateway_arn("tools"))), role("idle")]
    return FakeAccount(roles=roles, gateways=["tools", "other"], runtimes={"agent": "agent"}, **more)


def scanned(fake: FakeAccount, *regions: str) -> dict[str, Any]:
    return scan(fake.session(), regions, lambda _: None)


def resources(made: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Inputs and outputs of a type's resources by their names."""
    listed = made["deployment"]["resources"]
    return {it["urn"].rpartition("::")[2]: it["outputs"] for it in listed if it["type"].endswith(f":{kind}")}


def cells(judged: Matrix, gateway: str = "tools") -> dict[str, str]:
    """By principal, the decisions on one tool."""
    wanted = gateway_arn(gateway), "math___add"
    return {it.principal: str(it.decision) for it in judged.entries if (it.gateway, it.tool) == wanted}


def test_all_pages_of_everything_are_read() -> None:
    permit = {"cedar": {"statement": "permit(principal, action, resource);"}}
    fake = account(engines={"tools": [{"name": it, "definition": permit} for it in "ab"]})
    made = scanned(fake)
    assert len(resources(made, "Role")) == 2
    assert set(resources(made, "AgentcoreGateway")) == {f"{REGION}/tools", f"{REGION}/other"}
    assert len(resources(made, "AgentcoreGatewayTarget")) == 4
    assert set(resources(made, "AgentcorePolicy")) == {f"{REGION}/tools/a", f"{REGION}/tools/b"}
    assert set(resources(made, "Alias")) == {f"{REGION}/math/blue", f"{REGION}/math/green"}
    assert set(resources(made, "FunctionUrl")) == {f"{REGION}/math", f"{REGION}/math/blue"}
    assert set(resources(made, "AgentcoreAgentRuntimeEndpoint")) == {f"{REGION}/agent/prod"}
    asked = {(given.get("Qualifier"), given["FunctionName"]) for _, it, given in fake.asked if it == "GetPolicy"}
    assert asked == {(None, "math"), ("1", "math"), ("blue", "math"), ("green", "math")}
    assert parse(made).not_read == ()


def test_a_harness_shows_where_its_tools_lead_and_no_header() -> None:
    remote = {"type": "remote_mcp", "name": "r", "config": {"remoteMcp": {"url": "u", "headers": {"k": SECRET}}}}
    gateway = {"type": "agentcore_gateway", "name": "g", "config": {"agentCoreGateway": {"gatewayArn": "arn:g"}}}
    described = {
        **{"harnessId": "h-abcdefghij", "harnessName": "h", "arn": "arn:h", "executionRoleArn": "arn:r"},
        **{"tools": [remote, gateway], "environmentVariables": {"K": SECRET}, "status": "READY"},
    }
    fake = account()
    fake.answers["ListHarnesses"] = lambda _: {"harnesses": [{"harnessId": "h-abcdefghij", "harnessName": "h"}]}
    fake.answers["GetHarness"] = lambda _: {"harness": described}
    made = scanned(fake)
    assert SECRET not in json.dumps(made)
    assert resources(made, "AgentcoreHarness")[f"{REGION}/h"]["tools"] == [
        {"type": "remote_mcp", "name": "r"},
        {"type": "agentcore_gateway", "name": "g", "config": {"agentcoreGateway": {"gatewayArn": "arn:g"}}},
    ]


def test_what_is_throttled_is_asked_again() -> None:
    made = scanned(account(throttled={"ListGateways": 1, "GetAccountAuthorizationDetails": 1}))
    assert parse(made).not_read == ()
    assert cells(matrix(parse(made))) == {AGENT: "allow"}


def test_no_secret_is_in_the_file() -> None:
    made = scanned(account())
    assert SECRET not in json.dumps(made)
    assert resources(made, "AgentcoreAgentRuntime")[f"{REGION}/agent"]["environmentVariables"] == {"TOKEN": None}
    assert parse(made).runtimes[0].hidden == ("TOKEN",)
    assert parse(made).functions[0].hidden == ("TOKEN",)


def test_a_resource_policy_that_may_not_be_read_leaves_everybody_undecided_who_is_not_denied() -> None:
    deny = {"Effect": "Deny", "Action": INVOKE, "Resource": "*"}
    fake = account(answers={"GetResourcePolicy": lambda _: DENIED})
    fake.roles.append(role("denied", allow(INVOKE), deny))
    fake.runtimes["locked"] = "denied"
    judged = matrix(parse(scanned(fake)))
    # `*` stands for the role that no other statement concerns.
    assert cells(judged) == {AGENT: "undecided", f"arn:aws:iam::{ACCOUNT}:role/denied": "deny", "*": "undecided"}
    assert cells(judged, "other")[AGENT] == "undecided"
    told = [it for it in judged.unsupported if f"resource policy of gateway '{REGION}/tools'" in it]
    assert len(told) == 1
    assert "GetResourcePolicy: AccessDeniedException" in told[0]
    assert not [it for it in judged.unsupported if "policy variable" in it]
    assert "it was not read" in explain(parse(scanned(fake)), "agent", "math___add")


@pytest.mark.parametrize("page", [0, 1])
def test_iams_details_that_may_not_be_read_leave_agents_and_the_account_undecided(page: int) -> None:
    fake = account()

    def details(given: Given) -> Answer:
        return DENIED if int(given.get("Marker") or 0) >= page else fake._get_account_authorization_details(given)

    fake.answers["GetAccountAuthorizationDetails"] = details
    fake.roles.reverse()
    judged = matrix(parse(scanned(fake)))
    assert cells(judged) == {AGENT: "undecided", f"arn:aws:iam::{ACCOUNT}:root": "undecided"}
    assert any("GetAccountAuthorizationDetails: AccessDenied" in it for it in judged.unsupported)


def test_a_group_that_iam_does_not_list_leaves_its_users_undecided() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:user/people/ann"
    user = {"Path": "/people/", "UserName": "ann", "UserId": "AIDA", "Arn": arn, "GroupList": ["admins"]}
    assert cells(matrix(parse(scanned(account(users=[user])))))[arn] == "undecided"


def test_policies_that_are_attached_count_and_those_of_groups() -> None:
    aws = "arn:aws:iam::aws:policy/AdministratorAccess"
    ours = f"arn:aws:iam::{ACCOUNT}:policy/x/AdministratorAccess"

    def managed(arn: str, resource: str) -> dict[str, Any]:
        version = {"VersionId": "v2", "IsDefaultVersion": True, "Document": document(allow(INVOKE, resource))}
        older = {"VersionId": "v1", "IsDefaultVersion": False, "Document": document()}
        return {"Arn": arn, "PolicyName": "AdministratorAccess", "Path": "/", "PolicyVersionList": [older, version]}

    fake = account(
        policies=[
            managed(aws, gateway_arn("tools")),
            managed(ours, gateway_arn("other")),
            managed("a:b:c:d:aws:x", "*"),
        ]
    )
    fake.roles[1]["AttachedManagedPolicies"] = [{"PolicyName": "a", "PolicyArn": aws}]
    fake.groups.append(
        {
            **{"Path": "/", "GroupName": "staff", "GroupId": "AGPA", "Arn": f"arn:aws:iam::{ACCOUNT}:group/staff"},
            "AttachedManagedPolicies": [{"PolicyName": "a", "PolicyArn": ours}],
        }
    )
    ann = f"arn:aws:iam::{ACCOUNT}:user/ann"
    fake.users.append({"Path": "/", "UserName": "ann", "UserId": "AIDA", "Arn": ann, "GroupList": ["staff"]})
    fake.users.append(
        {
            **{"Path": "/", "UserName": "bob", "UserId": "AIDB", "Arn": f"arn:aws:iam::{ACCOUNT}:user/bob"},
            "GroupList": ["staff"],
            "PermissionsBoundary": {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": aws},
        }
    )
    made = scanned(fake)
    assert set(resources(made, "Policy")) == {"aws/AdministratorAccess", "AdministratorAccess"}
    judged = matrix(parse(made))
    assert cells(judged) == {AGENT: "allow", f"arn:aws:iam::{ACCOUNT}:role/idle": "allow"}
    assert cells(judged, "other") == {AGENT: "deny", ann: "allow"}


def test_a_document_that_is_not_understood_makes_its_owner_undecided_and_the_file_usable() -> None:
    odd = {"PolicyName": "odd", "PolicyDocument": "no JSON"}
    fake = account()
    fake.roles[1]["RolePolicyList"] = [odd]
    judged = matrix(parse(scanned(fake)))
    assert cells(judged)[f"arn:aws:iam::{ACCOUNT}:role/idle"] == "undecided"
    assert any("RolePolicy 'idle/odd'" in it for it in judged.unsupported)


def test_a_role_whose_trust_is_not_understood_is_a_stranger() -> None:
    fake = account()
    fake.roles[0]["AssumeRolePolicyDocument"] = "no JSON"
    fake.roles[1]["AssumeRolePolicyDocument"] = "no JSON"
    judged = matrix(parse(scanned(fake)))
    assert cells(judged) == {AGENT: "undecided", f"arn:aws:iam::{ACCOUNT}:role/idle": "undecided"}
    assert any("Role 'idle'" in it for it in judged.unsupported)


def test_a_gateway_that_vanishes_is_told_and_one_that_may_not_be_read_is_no_deny() -> None:
    def get(given: Given) -> Answer:
        return GONE if given["gatewayIdentifier"].startswith("other") else DENIED

    judged = matrix(parse(scanned(account(answers={"GetGateway": get}))))
    assert [(it.principal, it.gateway, str(it.decision)) for it in judged.entries] == [
        (AGENT, gateway_arn("tools"), "undecided")
    ]
    assert any(
        f"gateway '{REGION}/other'' could not be read by the scan (it was deleted while the scan ran)" in it
        for it in judged.unsupported
    )
    assert any(
        f"gateway '{REGION}/tools'' could not be read by the scan (GetGateway: AccessDenied" in it
        for it in judged.unsupported
    )


def test_a_gateway_that_failed_is_there_and_told() -> None:
    fake = account()
    plain = fake._get_gateway

    def get(given: Given) -> Answer:
        answer = plain(given)
        assert isinstance(answer, dict)
        missing = {"gatewayUrl", "roleArn", "policyEngineConfiguration"}
        return {key: it for key, it in answer.items() if key not in missing} | {"status": "FAILED"}

    fake.answers["GetGateway"] = get
    judged = matrix(parse(scanned(fake)))
    assert cells(judged) == {AGENT: "allow"}
    assert any(
        f"gateway '{REGION}/tools'' could not be read by the scan (its status is FAILED" in it
        for it in judged.unsupported
    )


def test_an_answer_that_lacks_a_member_costs_one_line() -> None:
    made = scanned(account(answers={"ListMemories": lambda _: {"memories": [{"status": "ACTIVE"}]}}))
    assert cells(matrix(parse(made))) == {AGENT: "allow"}
    assert parse(made).not_read == (NotRead(f"one of the memories in {REGION}", "AWS's answer has no 'id'"),)


def test_targets_of_kinds_that_nobody_knows() -> None:
    fake = account()

    def get(given: Given) -> Answer:
        unknown: dict[str, Any] = {"mcp": {"telepathy": {}}} if given["targetId"] == "Tmath" else {"future": {"x": "y"}}
        return {"targetId": given["targetId"], "name": "odd", "status": "READY", "targetConfiguration": unknown}

    fake.answers["GetGatewayTarget"] = get
    made = scanned(fake)
    judged = matrix(parse(made))
    assert any("mcp.telepathy" in it for it in judged.unsupported)
    assert any("AgentcoreGatewayTarget" in it and "text" in it for it in judged.unsupported)


@pytest.mark.parametrize("operation", ["ListPolicies", "ListPolicyEngines"])
def test_without_all_policies_an_engine_decides_nothing(operation: str) -> None:
    statement = f'permit(principal, action, resource == AgentCore::Gateway::"{gateway_arn("tools")}");'
    policies = [{"name": it, "definition": {"cedar": {"statement": statement}}} for it in "ab"]
    fake = account(engines={"tools": policies})
    assert cells(matrix(parse(scanned(fake)))) == {AGENT: "allow"}
    own = getattr(fake, {"ListPolicies": "_list_policies", "ListPolicyEngines": "_list_policy_engines"}[operation])
    late = operation == "ListPolicies"
    fake.answers[operation] = lambda given: DENIED if not late or given.get("nextToken") else own(given)
    assert cells(matrix(parse(scanned(fake)))) == {AGENT: "undecided"}


@pytest.mark.parametrize(
    ("status", "decision"),
    [("ACTIVE", "allow"), ("CREATE_FAILED", "deny"), ("UPDATE_FAILED", "undecided"), ("DELETING", "undecided")],
)
def test_a_policy_that_is_not_active(status: str, decision: str) -> None:
    statement = f'permit(principal, action, resource == AgentCore::Gateway::"{gateway_arn("tools")}");'
    policy = {"name": "a", "status": status, "definition": {"cedar": {"statement": statement}}}
    judged = matrix(parse(scanned(account(engines={"tools": [policy]}))))
    assert cells(judged) == {AGENT: decision}
    assert any(f"its status is {status}" in it for it in judged.unsupported) == (status != "ACTIVE")


def test_an_endpoint_that_runs_an_earlier_version_with_another_role_is_told() -> None:
    fake = account()
    newest = fake._get_agent_runtime

    def get(given: Given) -> Answer:
        answer = newest(given)
        assert isinstance(answer, dict)
        return answer | {"roleArn": "arn:aws:iam::1:role/old"} if "agentRuntimeVersion" in given else answer

    listed = {"name": "prod", "agentRuntimeEndpointArn": f"{CORE}:runtime/x/runtime-endpoint/prod", "liveVersion": "1"}
    fake.answers["GetAgentRuntime"] = get
    fake.answers["ListAgentRuntimeEndpoints"] = lambda _: {"runtimeEndpoints": [listed]}
    [told] = parse(scanned(fake)).not_read
    assert "role of version 1, which endpoint 'prod'" in told.what
    assert "arn:aws:iam::1:role/old" in told.why


def statement(**more: Any) -> dict[str, Any]:
    of = {"Sid": "s", "Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": FUNCTION}
    return {**of, "Principal": {"Service": "s3.amazonaws.com"}, **more}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (statement(), {"principal": "s3.amazonaws.com"}),
        (statement(Principal="*"), {"principal": "*"}),
        (statement(Principal={"AWS": "arn:aws:iam::1:root"}), {"principal": "arn:aws:iam::1:root"}),
        (
            statement(Condition={"ArnLike": {"AWS:SourceArn": "arn:x"}, "StringEquals": {"AWS:SourceAccount": "1"}}),
            {"principal": "s3.amazonaws.com", "sourceArn": "arn:x", "sourceAccount": "1"},
        ),
        (
            statement(Principal="*", Condition={"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}),
            {"principal": "*", "functionUrlAuthType": "NONE"},
        ),
        (
            statement(Principal="*", Condition={"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}),
            {"principal": "*", "invokedViaFunctionUrl": True},
        ),
        (statement(Effect="Deny"), None),
        (statement(Action=["lambda:InvokeFunction", "lambda:GetFunction"]), None),
        (statement(Principal={"AWS": ["a", "b"]}), None),
        (statement(Principal={"AWS": "*", "Service": "x"}), None),
        (statement(Principal={"Federated": "x"}), None),
        (statement(NotPrincipal="*"), None),
        (statement(Resource="*"), None),
        (statement(Condition={"StringLike": {"aws:SourceAccount": "1"}}), None),
        (statement(Condition={"StringEquals": {"aws:SourceAccount": ["1", "2"]}}), None),
        (statement(Condition={"StringEquals": {"aws:SourceVpce": "1"}}), None),
    ],
)
def test_a_statement_on_a_function_is_a_permission_or_not_read(
    written: dict[str, Any], read: dict[str, Any] | None
) -> None:
    text = json.dumps({"Version": "2012-10-17", "Statement": [written]})
    made = scanned(account(answers={"GetPolicy": lambda given: GONE if "Qualifier" in given else {"Policy": text}}))
    permissions = resources(made, "Permission")
    if read is None:
        assert permissions == {}
        assert parse(made).unread(FUNCTION, "resourcePolicy")
        assert len(parse(made).not_read) == 1
    else:
        more = {"function": FUNCTION, "statementId": "s", "action": "lambda:InvokeFunction"}
        assert permissions == {f"{REGION}/math/s": {**read, **more}}
        assert parse(made).not_read == ()


@pytest.mark.parametrize(
    ("operation", "part"),
    [("GetPolicy", "resourcePolicy"), ("ListAliases", "resourcePolicy"), ("ListFunctionUrlConfigs", "urls")],
)
def test_what_is_not_known_of_a_function_is_noted(operation: str, part: str) -> None:
    deployment = parse(scanned(account(answers={operation: lambda _: DENIED})))
    assert deployment.unread(FUNCTION, part)
    assert not deployment.unread(FUNCTION, "urls" if part == "resourcePolicy" else "resourcePolicy")


def ways_around(made: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """By principal and way, whether somebody gets to the function past the gateway."""
    return {(it.principal, it.way): str(it.access.decision) for it in matrix(parse(made)).bypasses}


def asked(made: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """By principal and how, whether somebody may ask the agent."""
    return {(it.principal, it.how): str(it.access.decision) for it in matrix(parse(made)).asks}


NO_URL: dict[str, Any] = {"ListFunctionUrlConfigs": lambda _: {"FunctionUrlConfigs": []}}


def test_a_function_whose_policy_may_not_be_read_is_open_to_nobody_knows_whom() -> None:
    invoke = allow("lambda:InvokeFunction", FUNCTION)
    fake = account(answers={**NO_URL})
    fake.roles.append(role("ops", invoke))
    ops = f"arn:aws:iam::{ACCOUNT}:role/ops"
    assert ways_around(scanned(fake)) == {(ops, "lambda:InvokeFunction"): "allow"}
    fake.answers["GetPolicy"] = lambda _: DENIED
    assert ways_around(scanned(fake)) == {("*", "lambda:InvokeFunction"): "undecided"}


def test_a_url_that_asks_nobody_is_open_by_its_permissions_alone() -> None:
    fake = account()
    closed = scanned(fake)
    assert ways_around(closed) == {}
    unsigned = {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}
    through = {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}
    both = [
        statement(Sid="url", Principal="*", Action="lambda:InvokeFunctionUrl", Condition=unsigned),
        statement(Sid="invoke", Principal="*", Condition=through),
    ]
    text = json.dumps({"Version": "2012-10-17", "Statement": both})
    fake.answers["GetPolicy"] = lambda given: GONE if "Qualifier" in given else {"Policy": text}
    public = scanned(fake)
    assert ways_around(public) == {("*", "function URL"): "allow"}
    rules = {"function-url-signed", "lambda-permission-pinned"}
    assert not rules & {it.rule for it in judge(closed).violations}
    assert rules & {it.rule for it in judge(public).violations} == {"lambda-permission-pinned"}
    fake.answers["GetPolicy"] = lambda _: DENIED
    assert ways_around(scanned(fake))[("*", "function URL")] == "undecided"


def test_a_grant_on_a_version_alone_is_a_way_around() -> None:
    fake = account(answers={**NO_URL})
    fake.roles.append(role("ops", allow("lambda:InvokeFunction", f"{FUNCTION}:1")))
    assert ways_around(scanned(fake)) == {(f"arn:aws:iam::{ACCOUNT}:role/ops", "lambda:InvokeFunction"): "allow"}


def test_a_runtime_whose_policy_may_not_be_read_is_asked_by_nobody_knows_whom() -> None:
    fake = account(answers={**NO_URL})
    assert asked(scanned(fake)) == {}
    runtime = f"{CORE}:runtime/agent-abcdefghij"
    fake.answers["GetResourcePolicy"] = lambda given: DENIED if given["resourceArn"] == runtime else GONE
    assert asked(scanned(fake)) == {("*", "ask"): "undecided", ("*", "commands"): "undecided"}


def test_an_inline_policy_of_a_group_that_is_not_understood_leaves_its_members_undecided() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:user/ann"
    user = {"Path": "/", "UserName": "ann", "UserId": "AIDA", "Arn": arn, "GroupList": ["staff"]}
    group = {"Path": "/", "GroupName": "staff", "GroupId": "AGPA", "Arn": f"arn:aws:iam::{ACCOUNT}:group/staff"}
    odd = [{"PolicyName": "odd", "PolicyDocument": "no JSON"}]
    fake = account(users=[user], groups=[{**group, "GroupPolicyList": odd}])
    assert cells(matrix(parse(scanned(fake)))) == {AGENT: "allow", arn: "undecided"}


def test_two_policies_of_aws_with_one_name_are_two_resources() -> None:
    arns = ["arn:aws:iam::aws:policy/A", "arn:aws:iam::aws:policy/service-role/A"]
    version = {"VersionId": "v1", "IsDefaultVersion": True, "Document": document(allow("s3:GetObject"))}
    fake = account(policies=[{"Arn": it, "PolicyVersionList": [version]} for it in arns])
    fake.roles[1]["AttachedManagedPolicies"] = [{"PolicyName": "A", "PolicyArn": it} for it in arns]
    urns = [it["urn"] for it in scanned(fake)["deployment"]["resources"]]
    assert len(urns) == len(set(urns))
    assert sum(urn.endswith("::aws/A (2)") for urn in urns) == 1


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:far:live", "eu-west-1 was not scanned"),
        (f"arn:aws:lambda:{REGION}:210987654321:function:far", "it is of account 210987654321"),
        (f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:far", "Lambda does not list it"),
    ],
)
def test_a_function_that_is_out_of_reach(function: str, why: str) -> None:
    def get(given: Given) -> Answer:
        target = {"mcp": {"lambda": {"lambdaArn": function, "toolSchema": {"s3": {"uri": "s3://b/k"}}}}}
        return {"targetId": given["targetId"], "name": "far", "status": "READY", "targetConfiguration": target}

    deployment = parse(scanned(account(answers={"GetGatewayTarget": get})))
    [told] = deployment.not_read
    assert why in told.why
    assert deployment.unread(function.removesuffix(":live"), "urls")
    assert deployment.functions == ()


def test_several_regions_have_names_of_their_own() -> None:
    made = scanned(account(), REGION, "eu-west-1", REGION)
    assert {it.partition("/")[0] for it in resources(made, "AgentcoreGateway")} == {REGION, "eu-west-1"}
    urns = [it["urn"] for it in made["deployment"]["resources"]]
    assert len(urns) == len(set(urns))


def test_a_name_cannot_break_out_of_its_line() -> None:
    fake = account()
    fake.answers["ListMemories"] = lambda _: {"memories": []}
    fake.answers["GetResourcePolicy"] = lambda _: type(DENIED)("Bad\x1b[2J\n", 403, "a\nb\x07" * 400)
    text = json.dumps({"Statement": [statement(Sid="a\nb\x1b[2J" * 99, Effect="Deny")]})
    fake.answers["GetPolicy"] = lambda _: {"Policy": text}
    told = parse(scanned(fake)).not_read
    assert any("GetResourcePolicy" in it.why for it in told)
    assert any("a b [2J" in it.what for it in told)
    assert all(it.what.isprintable() and it.why.isprintable() and len(it.what + it.why) < 700 for it in told)
