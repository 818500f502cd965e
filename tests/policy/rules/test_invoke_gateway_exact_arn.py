import json
from typing import Any

import pytest

from tests.policy import making
from tests.policy.driver import UNKNOWN, Pack, Registration, rules
from tests.policy.making import ACCOUNT, GATEWAY, document, statement

RULE = "invoke-gateway-exact-arn"
INVOKE = "bedrock-agentcore:InvokeGateway"
PREFIX = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}"

WIDE_RESOURCES = [
    "*",
    "**",
    "arn:*",
    "arn:aws:bedrock-agentcore",
    "arn:aws:bedrock-agentcore:*",
    f"{PREFIX}:*",
    f"{PREFIX}:gateway/*",
    f"{PREFIX}:gateway*",
    f"{PREFIX}:*/shop-dev-tools-abcdefghij",
    f"{PREFIX}:gateway/shop-*",
    f"{PREFIX}:gateway/shop-dev-tools-??????????",
    f"{PREFIX}:g?teway/shop-dev-tools-abcdefghij",
    f"arn:aws:bedrock-agentcore:*:{ACCOUNT}:gateway/shop-dev-tools-abcdefghij",
    "arn:aws:bedrock-agentcore:us-east-1:*:gateway/shop-dev-tools-abcdefghij",
    "arn:aws:bedrock-agentcore:us-east-1:????????????:gateway/shop-dev-tools-abcdefghij",
    f"arn:*:bedrock-agentcore:us-east-1:{ACCOUNT}:gateway/shop-dev-tools-abcdefghij",
    f"arn:aws:*:us-east-1:{ACCOUNT}:gateway/shop-dev-tools-abcdefghij",
    f"{PREFIX}:gateway/${{aws:PrincipalTag/gateway}}",
    "arn:aws:bedrock-agentcore:us-east-1:${aws:PrincipalAccount}:gateway/shop-dev-tools-abcdefghij",
    f"{PREFIX}:gateway/${{aws:PrincipalTag/gateway, 'shop-dev-tools-abcdefghij'}}",
    ["arn:aws:s3:::bucket/*", f"{PREFIX}:gateway/*"],
]


@pytest.mark.parametrize("resource", WIDE_RESOURCES, ids=str)
def test_a_resource_that_can_be_another_gateway_violates(pack: Pack, resource: Any) -> None:
    found = pack.analyze(making.role_policy(document(statement(INVOKE, resource, Sid="Invoke"))))
    assert rules(found) == [RULE]
    assert found[0].level == "mandatory"
    assert 'RolePolicy "policy", policy, statement "Invoke"' in found[0].message


@pytest.mark.parametrize(
    "action",
    [
        INVOKE.lower(),
        INVOKE.upper(),
        "*",
        "*:*",
        "bedrock-agentcore:*",
        "Bedrock-AgentCore:invoke*",
        "bedrock-agentcore:*Gateway",
        "bedrock-agentcore:Invoke?ateway",
        "bedrock-*:InvokeGateway",
        ["s3:GetObject", INVOKE],
    ],
    ids=str,
)
def test_every_way_to_write_the_action(pack: Pack, action: Any) -> None:
    assert rules(pack.analyze(making.role_policy(document(statement(action, "*"))))) == [RULE]


@pytest.mark.parametrize("not_action", ["s3:*", ["iam:*", "organizations:*"], "bedrock-agentcore:Create*"], ids=str)
def test_not_action_covers_what_it_leaves_out(pack: Pack, not_action: Any) -> None:
    entry = {"Effect": "Allow", "NotAction": not_action, "Resource": "*"}
    assert rules(pack.analyze(making.role_policy(document(entry)))) == [RULE]


@pytest.mark.parametrize("not_action", ["bedrock-agentcore:*", ["s3:*", "BEDROCK-agentcore:invoke*"], "*"], ids=str)
def test_not_action_that_leaves_invoke_gateway_out_passes(pack: Pack, not_action: Any) -> None:
    entry = {"Effect": "Allow", "NotAction": not_action, "Resource": "*"}
    assert RULE not in rules(pack.analyze(making.role_policy(document(entry))))


@pytest.mark.parametrize(
    "not_resource",
    [
        GATEWAY,
        ["arn:aws:s3:::*"],
        f"{PREFIX}:gateway/shop-*",
        "arn:aws:bedrock-agentcore:*:*:gateway/${aws:PrincipalTag/team}",
        "arn:aws:bedrock-agentcore:*:*:gateway/${aws:username}",
        "arn:aws:${aws:PrincipalTag/service}:*",
    ],
    ids=str,
)
def test_not_resource_violates(pack: Pack, not_resource: Any) -> None:
    entry = {"Effect": "Allow", "Action": INVOKE, "NotResource": not_resource}
    assert rules(pack.analyze(making.role_policy(document(entry)))) == [RULE]


@pytest.mark.parametrize(
    "not_resource", ["*", "arn:aws:bedrock-agentcore:*:*:gateway/*", ["arn:aws:bedrock-agentcore:*"]], ids=str
)
def test_not_resource_that_leaves_every_gateway_out_passes(pack: Pack, not_resource: Any) -> None:
    entry = {"Effect": "Allow", "Action": "*", "NotResource": not_resource}
    assert RULE not in rules(pack.analyze(making.role_policy(document(entry))))


def test_a_condition_is_no_excuse(pack: Pack) -> None:
    entry = statement(INVOKE, "*", Condition={"StringEquals": {"aws:ResourceTag/team": "shop"}})
    assert rules(pack.analyze(making.role_policy(document(entry)))) == [RULE]


def test_a_single_statement_object_and_other_spellings_are_read(pack: Pack) -> None:
    entry = {"effect": "Allow", "action": INVOKE, "resource": "*"}
    assert rules(pack.analyze(making.role_policy(json.dumps({"statement": entry})))) == [RULE]


def test_a_document_given_as_an_object_is_read_leaf_by_leaf(pack: Pack) -> None:
    """An unknown leaf does not hide the known violation beside it."""
    wide = {"Statement": [statement(INVOKE, [UNKNOWN, f"{PREFIX}:gateway/*"])]}
    assert rules(pack.analyze(making.role_policy(wide))) == [RULE]
    assert pack.analyze(making.role_policy({"Statement": [statement(INVOKE, [UNKNOWN, GATEWAY])]})) == []
    assert pack.analyze(making.role_policy({"Statement": UNKNOWN})) == []
    second = {"Statement": [UNKNOWN, statement(INVOKE, "*")]}
    assert rules(pack.analyze(making.role_policy(second))) == [RULE]


def test_a_wildcard_beside_unknown_text_violates(pack: Pack) -> None:
    wide = document(statement(INVOKE, f"{UNKNOWN}*"))
    assert rules(pack.analyze(making.role_policy(wide))) == [RULE]
    assert pack.analyze(making.role_policy(document(statement(INVOKE, f"{PREFIX}:gateway/{UNKNOWN}")))) == []


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        ("aws:iam/policy:Policy", {"policy": document(statement(INVOKE, "*"))}),
        ("aws:iam/userPolicy:UserPolicy", {"policy": document(statement(INVOKE, "*"))}),
        ("aws:iam/groupPolicy:GroupPolicy", {"policy": document(statement(INVOKE, "*"))}),
        ("aws:iam/role:Role", {"inlinePolicies": [{}, {"name": "x", "policy": document(statement(INVOKE, "*"))}]}),
        (
            "aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy",
            {"inlinePolicy": document(statement(INVOKE, "*"))},
        ),
    ],
)
def test_every_carrier_of_a_document(pack: Pack, kind: str, inputs: dict[str, Any]) -> None:
    inputs = {"assumeRolePolicy": making.trust("ec2.amazonaws.com"), **inputs}
    assert rules(pack.analyze(Registration(kind, "carrier", inputs))) == [RULE]


@pytest.mark.parametrize("managed", ["BedrockAgentCoreFullAccess", "AdministratorAccess", "PowerUserAccess"])
@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("aws:iam/role:Role", "managedPolicyArns"),
        ("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "policyArn"),
        ("aws:iam/userPolicyAttachment:UserPolicyAttachment", "policyArn"),
        ("aws:iam/groupPolicyAttachment:GroupPolicyAttachment", "policyArn"),
        ("aws:iam/policyAttachment:PolicyAttachment", "policyArn"),
        ("aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive", "policyArns"),
        ("aws:iam/userPolicyAttachmentsExclusive:UserPolicyAttachmentsExclusive", "policyArns"),
        ("aws:iam/groupPolicyAttachmentsExclusive:GroupPolicyAttachmentsExclusive", "policyArns"),
        ("aws:ssoadmin/managedPolicyAttachment:ManagedPolicyAttachment", "managedPolicyArn"),
    ],
)
def test_every_attachment_of_a_managed_policy(pack: Pack, kind: str, key: str, managed: str) -> None:
    arn = f"arn:aws:iam::aws:policy/{managed}"
    inputs: dict[str, Any] = {"assumeRolePolicy": making.trust("ec2.amazonaws.com"), key: [UNKNOWN, arn]}
    if not key.endswith("s"):
        inputs[key] = arn
    found = pack.analyze(Registration(kind, "attachment", inputs))
    assert rules(found) == [RULE]
    assert f'managed policy "{managed}"' in found[0].message


@pytest.mark.parametrize(
    "arn", ["arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::123456789012:policy/AdministratorAccess", UNKNOWN]
)
def test_other_managed_policies_pass(pack: Pack, arn: str) -> None:
    attachment = Registration("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "a", {"policyArn": arn})
    assert pack.analyze(attachment) == []


@pytest.mark.parametrize(
    "entry",
    [
        statement(INVOKE, GATEWAY),
        statement(INVOKE, [GATEWAY, GATEWAY.replace("tools", "more")]),
        statement(INVOKE, GATEWAY.replace("arn:aws:", "arn:aws-us-gov:").replace("us-east-1", "us-gov-west-1")),
        # Other services' ARNs, wild or not, cannot be a gateway.
        statement([INVOKE, "s3:GetObject"], [GATEWAY, "arn:aws:s3:::bucket/*"]),
        statement("bedrock-agentcore:*", [f"{PREFIX}:browser/*", f"{PREFIX}:memory/*"]),
        statement("bedrock-agentcore:*", [GATEWAY, f"{GATEWAY}/*"]),
        statement("bedrock-agentcore:InvokeAgentRuntime", f"{PREFIX}:runtime/shop_*"),
        statement("bedrock:*", "*"),
        statement(["s3:*", "lambda:Invoke*"], "*"),
        {"Effect": "Deny", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "NotAction": "s3:*", "NotResource": GATEWAY},
    ],
    ids=str,
)
def test_exact_arns_and_other_grants_pass(pack: Pack, entry: Any) -> None:
    assert pack.analyze(making.role_policy(document(entry))) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is not JSON"),
        ("", "is not JSON"),
        ("[]", "is not a JSON object"),
        ("{}", "has no Statement list"),
        ('{"Statement": 3}', "has no Statement list"),
        ('{"Statement": ["x"]}', "not an object"),
        ('{"Statement": [{"Effect": "Allow", "Resource": "*"}]}', "neither Action nor NotAction"),
        ('{"Statement": [{"Effect": "Permit", "Action": "*", "Resource": "*"}]}', "neither Allow nor Deny"),
        ('{"Statement": [{"Effect": "Allow", "Action": "*", "NotAction": "*"}]}', "both Action and NotAction"),
        ('{"Statement": [{"Effect": "Allow", "Action": {"a": 1}, "Resource": "*"}]}', "neither text nor a list"),
        ('{"Statement": [{"Effect": "Allow", "Action": "s3:*", "Action": "*"}]}', "a key twice"),
        ('{"Statement": [{"Effect": "Allow", "Action": "s3:*", "action": "*"}]}', "an element twice"),
        ('{"Statement": [{"Effect": "Allow", "Action": NaN}]}', "holds NaN"),
        ('{"Statement": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deeply"),
        ('{"Statement": ' + "9" * 10_000 + "}", "a number in it is too long"),
    ],
    ids=lambda value: value[:40],
)
def test_a_broken_document_is_a_violation_that_says_so(pack: Pack, text: str, reason: str) -> None:
    (found,) = pack.analyze(making.role_policy(text))
    assert (found.rule, found.level) == (RULE, "mandatory")
    assert reason in found.message


def test_what_a_broken_document_holds_is_not_shown(pack: Pack) -> None:
    (found,) = pack.analyze(making.role_policy('{"Statement": hunter2-the-secret}'))
    assert "hunter2" not in found.message


def test_a_hidden_secret_is_not_a_broken_document(pack: Pack) -> None:
    """`pulumi policy analyze` on an export shows secret documents as this text."""
    assert pack.analyze(making.role_policy("[secret]")) == []


def test_our_component_is_judged_by_its_inputs(pack: Pack) -> None:
    """In a first preview its documents are unknown; a typed-in pattern is not."""
    tools = [{"gateway_arn": UNKNOWN}, {"gateway_arn": f"{PREFIX}:gateway/*", "gateway_url": UNKNOWN}]
    found = pack.analyze(Registration("toolgate:index:AgentRuntime", "assistant", {"tools": tools}))
    assert rules(found) == [RULE]
    assert "tools" in found[0].message
    narrow = [{"gateway_arn": UNKNOWN}, {"gateway_arn": GATEWAY}]
    assert pack.analyze(Registration("toolgate:index:AgentRuntime", "assistant", {"tools": narrow})) == []
    by_token = [{"gateway_arn": f"{PREFIX}:gateway/*", "bearer": {"issuer": "tokens", "discovery_url": UNKNOWN}}]
    assert pack.analyze(Registration("toolgate:index:AgentRuntime", "assistant", {"tools": by_token})) == []
    assert pack.analyze(Registration("toolgate:index:AgentRuntime", "assistant", {"tools": UNKNOWN})) == []


@pytest.mark.parametrize(
    ("arn", "judged"),
    [
        ("arn:aws:iam::aws:policy/AdministratorAccess", False),  # where it is attached
        ("arn:aws-cn:iam::aws:policy/BedrockAgentCoreFullAccess", False),
        ("arn:aws:iam::aws:policy/aws-service-role/SomeServiceRolePolicy", False),
        ("arn:aws:iam::aws:policy/OneThatThisPackDoesNotKnow", True),
        (f"arn:aws:iam::{ACCOUNT}:policy/AdministratorAccess", True),
        (f"arn:aws:iam::{ACCOUNT}:policy/aws-service-role/SomeServiceRolePolicy", True),
        (None, True),
    ],
)
def test_a_policy_of_aws_that_a_scan_found_is_judged_where_it_is_attached(
    pack: Pack, arn: str | None, judged: bool
) -> None:
    inputs = {"name": "p", "policy": document(statement(INVOKE, "*")), **({"arn": arn} if arn else {})}
    assert rules(pack.analyze(Registration("aws:iam/policy:Policy", "p", inputs, inputs))) == [RULE] * judged
    attached = {"role": "admin", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}
    attachment = Registration("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "a", attached)
    assert RULE in rules(pack.analyze(attachment))
