import json
from typing import Any

import pytest

from tests.deployer.deciding import ACCOUNT, AGENTCORE, REGION, allowed, decided
from tests.local.conftest import BOUNDARY
from tests.planning import planned
from toolgate.deployer import deployer_policy


@pytest.mark.parametrize(
    ("resource", "actions"),
    [
        # refresh, update in place, tags: hashicorp/terraform-provider-aws, internal/service/<service>
        (
            "arn:aws:iam::{account}:role/toolgate-dev-math-role-1234567",
            "iam:GetRole ListRolePolicies GetRolePolicy ListAttachedRolePolicies ListInstanceProfilesForRole "
            "UpdateAssumeRolePolicy UpdateRole UpdateRoleDescription TagRole UntagRole",
        ),
        (
            "arn:aws:lambda:{region}:{account}:function:toolgate-dev-math",
            "lambda:GetFunction ListVersionsByFunction GetFunctionCodeSigningConfig "
            "UpdateFunctionCode UpdateFunctionConfiguration ListTags TagResource UntagResource",
        ),
        (
            "arn:aws:logs:{region}:{account}:log-group:/aws/lambda/toolgate-dev-math:*",
            "logs:PutRetentionPolicy DeleteLogGroup",
        ),
        (
            "arn:aws:logs:{region}:{account}:log-group:/aws/lambda/toolgate-dev-math",
            "logs:ListTagsForResource TagResource UntagResource",
        ),
        ("*", "logs:DescribeLogGroups"),
        (
            "arn:aws:s3:::toolgate-dev-assistant-code-1234567",
            "s3:ListBucket GetBucketPolicy GetBucketAcl GetBucketCORS GetBucketWebsite "
            "GetBucketVersioning GetAccelerateConfiguration GetBucketRequestPayment GetBucketLogging "
            "GetLifecycleConfiguration GetReplicationConfiguration GetEncryptionConfiguration "
            "GetBucketObjectLockConfiguration GetBucketTagging PutBucketTagging ListTagsForResource TagResource "
            "UntagResource ListBucketVersions",
        ),
        (
            "arn:aws:s3:::toolgate-dev-assistant-code-1234567/assistant/x.zip",
            "s3:GetObject GetObjectTagging PutObject PutObjectTagging AbortMultipartUpload DeleteObject "
            "DeleteObjectTagging DeleteObjectVersion",
        ),
        (
            "{agentcore}:gateway/toolgate-dev-tools-abcdefghij",
            "bedrock-agentcore:ListTagsForResource TagResource UntagResource",
        ),
        (
            "{agentcore}:runtime/toolgate_dev_assistant-abcdefghij",
            "bedrock-agentcore:ListTagsForResource TagResource UntagResource",
        ),
        # what AgentCore does in the caller's name: AgentCore developer guide, sources in the table
        (
            "{agentcore}:runtime/toolgate_dev_assistant-abcdefghij",
            "bedrock-agentcore:CreateAgentRuntimeEndpoint DeleteAgentRuntimeEndpoint",
        ),
        (
            "{agentcore}:workload-identity-directory/default",
            "bedrock-agentcore:CreateWorkloadIdentity DeleteWorkloadIdentity",
        ),
        (
            "{agentcore}:workload-identity-directory/default/workload-identity/"
            "toolgate-dev-tools-abcdefghij",
            "bedrock-agentcore:CreateWorkloadIdentity DeleteWorkloadIdentity",
        ),
        (
            "{agentcore}:workload-identity-directory/default/workload-identity/"
            "toolgate_dev_assistant-abcdefghij",
            "bedrock-agentcore:CreateWorkloadIdentity DeleteWorkloadIdentity",
        ),
        # what components/iam/bedrock_models.py looks up
        (
            "arn:aws:bedrock:{region}:{account}:inference-profile/us.anthropic.claude-haiku-4-5-20251001-v1:0",
            "bedrock:GetInferenceProfile",
        ),
        # ask.py: authorized on the runtime and on its endpoint
        (
            "{agentcore}:runtime/toolgate_dev_assistant-abcdefghij",
            "bedrock-agentcore:InvokeAgentRuntime",
        ),
        (
            "{agentcore}:runtime/toolgate_dev_assistant-abcdefghij/runtime-endpoint/DEFAULT",
            "bedrock-agentcore:InvokeAgentRuntime",
        ),
    ],
)  # fmt: skip
def test_what_hangs_on_a_deployment_besides_is_allowed(document: dict[str, Any], resource: str, actions: str) -> None:
    service, _, listed = actions.partition(":")
    on = resource.format(region=REGION, account=ACCOUNT, agentcore=AGENTCORE)
    assert [it for it in listed.split() if not allowed(document, f"{service}:{it}", on)] == []


def test_the_engines_tags_are_the_deployers_too(tool: dict[str, Any]) -> None:
    document = deployer_policy.permissions(tool)
    engine = f"{AGENTCORE}:policy-engine/toolgate_dev_tools-abcdefghij"
    assert allowed(document, "bedrock-agentcore:TagResource", engine)
    assert allowed(document, "bedrock-agentcore:DeletePolicy", f"{engine}/policy/toolgate_dev_adder_tools-abcdefghij")


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        # more power
        ("iam:AttachRolePolicy", "arn:aws:iam::{account}:role/toolgate-dev-math-role-1234567"),
        ("iam:CreateUser", "arn:aws:iam::{account}:user/somebody"),
        ("iam:CreateAccessKey", "arn:aws:iam::{account}:user/deployer"),
        ("iam:PutRolePolicy", "arn:aws:iam::{account}:role/deployer"),
        ("iam:DeleteRolePermissionsBoundary", "arn:aws:iam::{account}:role/toolgate-dev-math-role-1234567"),
        ("iam:CreatePolicyVersion", "arn:aws:iam::{account}:policy/toolgate-deployer"),
        ("sts:AssumeRole", "arn:aws:iam::{account}:role/toolgate-dev-math-role-1234567"),
        ("iam:PassRole", "arn:aws:iam::{account}:role/admin"),
        ("organizations:LeaveOrganization", "*"),
        # names that only look like the stack's
        ("iam:DeleteRole", "arn:aws:iam::{account}:role/toolgate-dev-math-role-12345678"),
        ("iam:DeleteRole", "arn:aws:iam::{account}:role/toolgate-dev-math-role"),
        ("iam:DeleteRole", "arn:aws:iam::{account}:role/xtoolgate-dev-math-role-1234567"),
        ("iam:PutRolePolicy", "arn:aws:iam::{account}:role/toolgate-prod-math-role-1234567"),
        ("s3:GetObject", "arn:aws:s3:::toolgate-prod-assistant-code-1234567/assistant/x.zip"),
        ("iam:DeleteRole", "arn:aws:iam::999999999999:role/toolgate-dev-math-role-1234567"),
        ("bedrock-agentcore:DeleteGateway", "{agentcore}:gateway/toolgate-dev-tools2-abcdefghij"),
        ("bedrock-agentcore:DeleteGateway", "{agentcore}:gateway/toolgate-prod-tools-abcdefghij"),
        (
            "bedrock-agentcore:DeleteGateway",
            "arn:aws:bedrock-agentcore:eu-west-1:{account}:gateway/toolgate-dev-tools-abcdefghij",
        ),
        ("bedrock-agentcore:UpdateAgentRuntime", "{agentcore}:runtime/toolgate_prod_assistant-abcdefghij"),
        ("bedrock-agentcore:InvokeAgentRuntime", "{agentcore}:runtime/other-abcdefghij"),
        ("lambda:UpdateFunctionCode", "arn:aws:lambda:{region}:{account}:function:toolgate-dev-mathematics"),
        ("logs:DeleteLogGroup", "arn:aws:logs:{region}:{account}:log-group:/aws/lambda/toolgate-prod-math:*"),
        ("s3:GetObject", "arn:aws:s3:::somebody-elses/secret"),
        ("s3:DeleteBucket", "arn:aws:s3:::toolgate-dev-assistant-code"),
        ("s3:ListAllMyBuckets", "*"),
        # what the deployed parts may do, and their deployer not
        ("lambda:InvokeFunction", "arn:aws:lambda:{region}:{account}:function:toolgate-dev-math"),
        ("bedrock:InvokeModel", "arn:aws:bedrock:{region}::foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0"),
        ("bedrock-agentcore:GetWorkloadAccessToken", "{agentcore}:workload-identity-directory/default"),
        ("logs:GetLogEvents", "arn:aws:logs:{region}:{account}:log-group:/aws/lambda/toolgate-dev-math:*"),
        # what only authorization `tool` needs
        ("bedrock-agentcore:InvokeGateway", "{agentcore}:gateway/toolgate-dev-tools-abcdefghij"),
        ("bedrock-agentcore:CreatePolicyEngine", "*"),
        ("bedrock-agentcore:ManageAdminPolicy", "*"),
        # what opens the gateway or the code to others
        ("bedrock-agentcore:PutResourcePolicy", "{agentcore}:gateway/toolgate-dev-tools-abcdefghij"),
        ("lambda:AddPermission", "arn:aws:lambda:{region}:{account}:function:toolgate-dev-math"),
        ("s3:PutBucketPolicy", "arn:aws:s3:::toolgate-dev-assistant-code"),
        ("s3:PutBucketAcl", "arn:aws:s3:::toolgate-dev-assistant-code-1234567"),
        # what the provider never calls
        ("lambda:GetFunctionConfiguration", "arn:aws:lambda:{region}:{account}:function:toolgate-dev-math"),
        ("logs:DeleteRetentionPolicy", "arn:aws:logs:{region}:{account}:log-group:/aws/lambda/toolgate-dev-math:*"),
        ("s3:GetBucketLocation", "arn:aws:s3:::toolgate-dev-assistant-code-1234567"),
        # other services
        ("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:{region}:{account}:secret:x"),
        ("kms:Decrypt", "arn:aws:kms:{region}:{account}:key/x"),
        ("ec2:RunInstances", "*"),
        ("dynamodb:Scan", "arn:aws:dynamodb:{region}:{account}:table/x"),
    ],
)  # fmt: skip
def test_nothing_else_is_allowed(document: dict[str, Any], action: str, resource: str) -> None:
    on = resource.format(region=REGION, account=ACCOUNT, agentcore=AGENTCORE)
    assert not allowed(document, action, on, iam_PassedToService="lambda.amazonaws.com")


LOGS = f"arn:aws:logs:{REGION}:{ACCOUNT}"
POLICIES = {
    "CWL": ("logs:PutResourcePolicy", "logs:DescribeResourcePolicies"),
    "XRAY": ("xray:PutResourcePolicy", "xray:ListResourcePolicies", "xray:GetTraceSegmentDestination"),
}


@pytest.mark.parametrize(
    ("resource", "actions"),
    [
        # CloudWatch Logs user guide, V2: connecting a source with a destination is authorized on both, too
        (f"{LOGS}:delivery-source:toolgate-dev-tools-logs", "logs:CreateDelivery TagResource"),
        (f"{LOGS}:delivery-destination:toolgate_dev_assistant-traces", "logs:CreateDelivery UntagResource"),
        (f"{LOGS}:delivery:0123456789abcdef", "logs:CreateDelivery ListTagsForResource"),
        # the same, "Service-specific permissions"
        (
            f"{AGENTCORE}:gateway/toolgate-dev-tools-abcdefghij",
            "bedrock-agentcore:AllowVendedLogDeliveryForResource",
        ),
        (
            f"{AGENTCORE}:runtime/toolgate_dev_assistant-abcdefghij",
            "bedrock-agentcore:AllowVendedLogDeliveryForResource",
        ),
        # hashicorp/terraform-provider-aws, internal/service/cloudwatch
        (
            f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:toolgate-dev-tools-throttles",
            "cloudwatch:DeleteAlarms TagResource UntagResource ListTagsForResource",
        ),
        (f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/toolgate-dev-overview", "cloudwatch:DeleteDashboards"),
    ],
)
def test_what_observing_calls_besides_is_allowed_there_and_nowhere_else(
    watched: dict[str, Any], document: dict[str, Any], resource: str, actions: str
) -> None:
    observing = deployer_policy.permissions(watched)
    service, _, listed = actions.partition(":")
    others = resource.replace("dev", "prod").replace(":delivery:", ":deliveries:")
    for action in (f"{service}:{it}" for it in listed.split()):
        assert allowed(observing, action, resource)
        assert not allowed(observing, action, others)
        assert not allowed(document, action, resource)


@pytest.mark.parametrize(("kept", "dropped"), [("CWL", "XRAY"), ("XRAY", "CWL")])
def test_whoever_delivers_logs_only_may_not_write_the_policies_of_x_ray_and_the_other_way_round(
    watched: dict[str, Any], kept: str, dropped: str
) -> None:
    resources = [
        it
        for it in watched["deployment"]["resources"]
        if not it["type"].endswith(":LogDelivery") and it["outputs"].get("deliveryDestinationType") != dropped
    ]
    document = deployer_policy.permissions({"version": 3, "deployment": {"resources": resources}})
    assert all(allowed(document, action, "*") for action in POLICIES[kept])
    assert not any(allowed(document, action, "*") for action in POLICIES[dropped])


def test_checking_cedar_policies_needs_the_gateway_they_are_about_and_no_other(tool: dict[str, Any]) -> None:
    document = deployer_policy.permissions(tool)
    gateway = f"{AGENTCORE}:gateway/toolgate-dev-tools-abcdefghij"
    for action in ("bedrock-agentcore:InvokeGateway", "bedrock-agentcore:ManageResourceScopedPolicy"):
        assert allowed(document, action, gateway)
        assert not allowed(document, action, gateway.replace("-tools-", "-others-"))
    assert not allowed(document, "bedrock-agentcore:ManageAdminPolicy", "*")


@pytest.mark.parametrize(
    "on",
    ["gateway/toolgate-dev-tools-abcdefghij", "runtime/toolgate_dev_assistant-abcdefghij/runtime-endpoint/DEFAULT"],
)
def test_a_resource_policy_is_put_on_its_own_resource_only(on: str, dev: dict[str, Any]) -> None:
    kind, arn = "aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy", f"{AGENTCORE}:{on}"
    properties = {"resourceArn": arn, "policy": "{}"}
    policy = {"urn": f"urn:pulumi:dev::toolgate::{kind}::private", "type": kind, "custom": True}
    resources = [*dev["deployment"]["resources"], policy | {"inputs": properties, "outputs": properties}]
    document = deployer_policy.permissions({**dev, "deployment": {**dev["deployment"], "resources": resources}})
    for action in ("PutResourcePolicy", "GetResourcePolicy", "DeleteResourcePolicy"):
        assert allowed(document, f"bedrock-agentcore:{action}", arn.replace("abcdefghij", "0123456789"))
        assert not allowed(document, f"bedrock-agentcore:{action}", arn.replace("toolgate", "other"))
        assert not allowed(document, f"bedrock-agentcore:{action}", f"{AGENTCORE}:policy-engine/x-abcdefghij")


ROLES = {stack: f"arn:aws:iam::{ACCOUNT}:role/toolgate-{stack}-math-role-1234567" for stack in ("dev", "prod")}
WRITES = ("iam:CreateRole", "iam:PutRolePolicy", "iam:DeleteRolePolicy", "iam:PutRolePermissionsBoundary")


def test_within_a_boundary_every_role_is_written_within_that_boundary_only(prod: dict[str, Any]) -> None:
    document = deployer_policy.permissions(prod)
    for action in WRITES:
        assert allowed(document, action, ROLES["prod"], iam_PermissionsBoundary=BOUNDARY), action
        assert not allowed(document, action, ROLES["prod"], iam_PermissionsBoundary=f"{BOUNDARY}2"), action
        assert not allowed(document, action, ROLES["prod"]), action
    for action in ("iam:DeleteRolePermissionsBoundary", "iam:AttachRolePolicy"):
        assert not allowed(document, action, ROLES["prod"], iam_PermissionsBoundary=BOUNDARY), action
    for action in ("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion", "iam:DeletePolicy"):
        assert not allowed(document, action, BOUNDARY), action


def test_without_one_nobody_sets_a_boundary(document: dict[str, Any]) -> None:
    assert allowed(document, "iam:PutRolePolicy", ROLES["dev"])
    assert not allowed(document, "iam:PutRolePermissionsBoundary", ROLES["dev"])


KMS = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"


OWN = {"aws_ResourceTag/toolgate:stack": "toolgate/prod"}
GRANT = {
    "kms_ViaService": f"bedrock-agentcore.{REGION}.amazonaws.com",
    "kms_GrantConstraintType": "EncryptionContextSubset",
}


@pytest.mark.parametrize(
    ("action", "facts", "holds"),
    [
        ("kms:Decrypt", {"kms_ViaService": f"bedrock-agentcore.{REGION}.amazonaws.com"}, True),
        ("kms:GenerateDataKey", {"kms_ViaService": f"s3.{REGION}.amazonaws.com"}, True),
        ("kms:Decrypt", {"kms_ViaService": f"secretsmanager.{REGION}.amazonaws.com"}, False),
        ("kms:Encrypt", {"kms_ViaService": f"s3.{REGION}.amazonaws.com"}, False),
        ("kms:CreateGrant", GRANT, True),
        ("kms:CreateGrant", {"kms_ViaService": f"bedrock-agentcore.{REGION}.amazonaws.com"}, False),
    ],
)
def test_a_key_is_used_through_what_it_encrypts_only(
    prod: dict[str, Any], action: str, facts: dict[str, str], holds: bool
) -> None:
    document = deployer_policy.permissions(prod)
    assert allowed(document, action, KMS, **OWN, **facts) is holds
    assert not allowed(document, action, KMS, **facts)


ADMINISTERED = (
    *("kms:ScheduleKeyDeletion", "kms:PutKeyPolicy", "kms:CreateAlias", "kms:DescribeKey", "kms:EnableKeyRotation"),
    *("kms:TagResource", "kms:UntagResource"),
)


@pytest.mark.parametrize("tag", ["toolgate/dev", "toolgate/prod2", "Toolgate/prod", None])
def test_before_it_is_made_a_key_is_known_by_its_tag_and_no_other_key_is_touched(
    prod: dict[str, Any], tag: str | None
) -> None:
    document = deployer_policy.permissions(prod)
    for action in ADMINISTERED:
        assert allowed(document, action, KMS, **OWN), action
        assert not decided(document, action, KMS, {"aws:ResourceTag/toolgate:stack": tag}), action


def test_a_key_is_made_with_the_stacks_tag_and_no_other_stacks_key_gets_it(prod: dict[str, Any]) -> None:
    document = deployer_policy.permissions(prod)
    asked, there = "aws:RequestTag/toolgate:stack", "aws:ResourceTag/toolgate:stack"
    for action in ("kms:CreateKey", "kms:TagResource", "kms:PutKeyPolicy"):
        assert decided(document, action, "*", {asked: "toolgate/prod", there: None})
        for without in ({asked: "toolgate/dev", there: None}, {asked: None, there: None}):
            assert not decided(document, action, "*", without)
    assert not decided(document, "kms:TagResource", KMS, {asked: "toolgate/prod", there: "toolgate/dev"})


def test_a_key_is_administered_by_its_own_arn_once_it_has_one(prod: dict[str, Any]) -> None:
    [arn] = [it["outputs"]["arn"] for it in prod["deployment"]["resources"] if it["type"] == "aws:kms/key:Key"]
    made = deployer_policy.permissions(prod, planned=False)
    for action in ADMINISTERED:
        assert allowed(made, action, arn)
        assert not allowed(made, action, KMS, **OWN)
    asked = {"aws:RequestTag/toolgate:stack": "toolgate/prod", "aws:ResourceTag/toolgate:stack": None}
    assert not decided(made, "kms:CreateKey", "*", asked)
    assert not decided(made, "kms:TagResource", KMS, asked)


def test_the_keys_own_policy_lets_the_deployer_do_what_its_document_says(prod: dict[str, Any]) -> None:
    [key] = [it for it in prod["deployment"]["resources"] if it["type"] == "aws:kms/key:Key"]
    statements = json.loads(key["inputs"]["policy"])["Statement"]
    lets = {
        action
        for it in statements
        if "AWS" in it["Principal"]
        for action in ([it["Action"]] if isinstance(it["Action"], str) else it["Action"])
    }
    made = deployer_policy.permissions(prod, planned=False)
    actions = {action for it in made["Statement"] if key["outputs"]["arn"] in it["Resource"] for action in it["Action"]}
    assert len(actions) > 10
    assert actions <= lets


def test_alarms_are_looked_up_among_all_and_changed_by_name(watched: dict[str, Any]) -> None:
    document, alarm = deployer_policy.permissions(watched), f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm"
    assert allowed(document, "cloudwatch:DescribeAlarms", f"{alarm}:*")
    assert not allowed(document, "cloudwatch:DeleteAlarms", f"{alarm}:*")
    assert not allowed(document, "cloudwatch:DeleteAlarms", f"{alarm}:toolgate-prod-tools-throttles")


def test_a_role_that_somebody_else_makes_is_handed_over_and_not_changed() -> None:
    theirs = f"arn:aws:iam::{ACCOUNT}:role/service/existing"
    deployment = planned(config={"toolgate:targets": json.dumps({"math": {"roleArn": theirs}})}).deployment
    document = deployer_policy.permissions(deployment)
    assert allowed(document, "iam:PassRole", theirs, iam_PassedToService="lambda.amazonaws.com")
    assert not allowed(document, "iam:PassRole", theirs, iam_PassedToService="bedrock-agentcore.amazonaws.com")
    assert not allowed(document, "iam:PutRolePolicy", theirs)


def test_of_a_given_key_nothing_is_administered(dev: dict[str, Any]) -> None:
    document = deployer_policy.permissions(planned(config={"toolgate:kmsKey": KMS}).deployment)
    assert allowed(document, "kms:GenerateDataKey", KMS, kms_ViaService=f"s3.{REGION}.amazonaws.com")
    assert allowed(document, "logs:AssociateKmsKey", f"{LOGS}:*")
    for action in ("kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:CreateKey", "kms:CreateAlias"):
        assert not allowed(document, action, KMS), action
    assert not allowed(deployer_policy.permissions(dev), "logs:AssociateKmsKey", f"{LOGS}:*")


LOGS = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/toolgate-dev-math"


def test_a_runtime_in_a_vpc_makes_agentcores_network_role(prod: dict[str, Any], document: dict[str, Any]) -> None:
    service = "network.bedrock-agentcore.amazonaws.com"
    role = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/{service}/AWSServiceRoleForBedrockAgentCoreNetwork"
    facts = {"iam_AWSServiceName": service}
    assert allowed(deployer_policy.permissions(prod), "iam:CreateServiceLinkedRole", role, **facts)
    assert not allowed(document, "iam:CreateServiceLinkedRole", role, **facts)
