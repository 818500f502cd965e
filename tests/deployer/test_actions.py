import functools
import re
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest

from tests.deployer.deciding import ACCOUNT, AGENTCORE, REGION, allowed
from tests.local.cloud.conftest import (
    BUCKET,
    GOOD,
    PARAMETER,
    QUEUE,
    SECRET,
    SECRET_VERSION,
    TABLE,
    TOPIC,
    VERSIONING,
)
from tests.local.conftest import BOUNDARY
from tests.planning import planned
from toolgate.deployer import deployer_policy
from toolgate.deployer.actions import TYPES
from toolgate.local.cloud.catalogue import TYPES as REPRODUCED
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.store import MemoryStore

# S3 user guide, "Required permissions for Amazon S3 API operations": where an action has another name.
S3_NAMES = {
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "DeleteBucketTagging": "PutBucketTagging",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
}
# Service Authorization Reference: actions that are no operation of the API of their name.
PERMISSION_ONLY = {
    "iam:PassRole": "",
    "bedrock-agentcore:ManageResourceScopedPolicy": "",
    "bedrock-agentcore:InvokeGateway": "",
    "bedrock-agentcore:AllowVendedLogDeliveryForResource": "",
    "s3:GetAccelerateConfiguration": "GetBucketAccelerateConfiguration",
    "s3:GetBucketCORS": "GetBucketCors",
    "s3:GetBucketObjectLockConfiguration": "GetObjectLockConfiguration",
    "s3:GetBucketPublicAccessBlock": "GetPublicAccessBlock",
    "s3:PutBucketPublicAccessBlock": "PutPublicAccessBlock",
    "s3:GetEncryptionConfiguration": "GetBucketEncryption",
    "s3:PutEncryptionConfiguration": "PutBucketEncryption",
    "s3:GetLifecycleConfiguration": "GetBucketLifecycleConfiguration",
    "s3:GetReplicationConfiguration": "GetBucketReplication",
    "s3:ListBucket": "ListObjects",
    "s3:ListBucketVersions": "ListObjectVersions",
    "s3:DeleteObjectVersion": "DeleteObject",
    "kms:ReEncryptFrom": "ReEncrypt",
    "kms:ReEncryptTo": "ReEncrypt",
}
APIS = {
    "iam": ["iam"],
    "kms": ["kms"],
    "logs": ["logs"],
    "cloudwatch": ["cloudwatch"],
    "xray": ["xray"],
    "lambda": ["lambda"],
    "s3": ["s3", "s3control"],
    "dynamodb": ["dynamodb"],
    "sqs": ["sqs"],
    "sns": ["sns"],
    "secretsmanager": ["secretsmanager"],
    "ssm": ["ssm"],
    "ec2": ["ec2"],
    "bedrock": ["bedrock"],
    "bedrock-agentcore": ["bedrock-agentcore-control", "bedrock-agentcore"],
}
# Service Authorization Reference: on what the operations of a type are authorized, in words of its own properties.
ON = {
    "aws:iam/role:Role": "{arn}",
    "aws:iam/rolePolicy:RolePolicy": f"arn:aws:iam::{ACCOUNT}:role/{{role}}",
    "aws:kms/key:Key": "{arn}",
    "aws:kms/alias:Alias": "{arn}",
    "aws:cloudwatch/logGroup:LogGroup": "{arn}:*",
    "aws:lambda/function:Function": "{arn}",
    "aws:s3/bucket:Bucket": "arn:aws:s3:::{bucket}",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "arn:aws:s3:::{bucket}",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "arn:aws:s3:::{bucket}",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": "arn:aws:s3:::{bucket}",
    "aws:s3/bucketObjectv2:BucketObjectv2": "arn:aws:s3:::{bucket}/{key}",
    "aws:s3/bucketVersioning:BucketVersioning": "arn:aws:s3:::{bucket}",
    "aws:dynamodb/table:Table": "{arn}",
    "aws:sqs/queue:Queue": "{arn}",
    "aws:sns/topic:Topic": "{arn}",
    "aws:secretsmanager/secret:Secret": "{arn}",
    "aws:secretsmanager/secretVersion:SecretVersion": "{secretId}",
    "aws:ssm/parameter:Parameter": "{arn}",
    "aws:bedrock/agentcoreGateway:AgentcoreGateway": "{gatewayArn}",
    "aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget": (f"{AGENTCORE}:gateway/{{gatewayIdentifier}}"),
    "aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime": "{agentRuntimeArn}",
    "aws:bedrock/agentcorePolicyEngine:AgentcorePolicyEngine": "{policyEngineArn}",
    "aws:bedrock/agentcorePolicy:AgentcorePolicy": (f"{AGENTCORE}:policy-engine/{{policyEngineId}}"),
    "aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy": "{resourceArn}",
    "aws:cloudwatch/logDeliverySource:LogDeliverySource": "{arn}",
    "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination": "{arn}",
    "aws:cloudwatch/logDelivery:LogDelivery": "{arn}",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "{arn}",
    "aws:cloudwatch/dashboard:Dashboard": "{dashboardArn}",
}
TAKE_NO_RESOURCE = {"CreateGateway", "CreateAgentRuntime", "CreatePolicyEngine", "CreateKey"}


@functools.cache
def operations(service: str) -> list[str]:
    names: list[str] = botocore.session.Session().get_service_model(service).operation_names
    return names


def calls(deployment: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What makes, reads, changes and removes each resource, by the requests that the stand-in for AWS checks."""
    for resource in deployment["deployment"]["resources"]:
        if not resource["type"].startswith("aws:"):
            continue
        properties = {**resource["inputs"], **resource["outputs"]}
        for request in REPRODUCED[resource["type"]].requests:
            if request.when is not None and properties.get(request.when) in (None, request.unless):
                continue
            known = operations(request.service)
            noun = re.sub("^(Create|Put)", "", request.operation)
            for operation in (request.operation, *(verb + noun for verb in ("Get", "Update", "Delete"))):
                if operation in known:
                    on = "*" if operation in TAKE_NO_RESOURCE else ON[resource["type"]].format_map(properties)
                    yield f"{request.service.removesuffix('-control')}:{S3_NAMES.get(operation, operation)}", on


@pytest.mark.parametrize("which", ["dev", "tool", "watched", "prod"])
def test_every_call_that_the_deployment_makes_is_allowed(which: str, request: pytest.FixtureRequest) -> None:
    deployment = request.getfixturevalue(which)
    document = deployer_policy.permissions(deployment)
    made = set(calls(deployment))
    assert len(made) > 40
    within = {"iam_PermissionsBoundary": BOUNDARY}
    assert [call for call in sorted(made) if not allowed(document, *call, **within)] == []


def test_the_same_holds_for_what_tools_keep_data_in(dev: dict[str, Any]) -> None:
    plane = ControlPlane(CloudEnvironment(), MemoryStore(), {})
    made: list[dict[str, Any]] = []
    for token in (BUCKET, VERSIONING, TABLE, QUEUE, TOPIC, SECRET, SECRET_VERSION, PARAMETER):
        inputs = dict(GOOD[token])
        if token == SECRET_VERSION:
            inputs["secretId"] = made[-1]["outputs"]["arn"]
        outputs = dict(plane.create(token, inputs).outputs)
        urn = f"urn:pulumi:dev::toolgate::{token}::data"
        made.append({"urn": urn, "type": token, "inputs": inputs, "outputs": {**inputs, **outputs}})
    resources = [*dev["deployment"]["resources"], *made]
    document = deployer_policy.permissions({"version": 3, "deployment": {"resources": resources}})
    called = set(calls({"deployment": {"resources": made}}))
    assert len(called) > 20
    assert [call for call in sorted(called) if not allowed(document, *call)] == []
    secret = made[5]["outputs"]["arn"]
    assert allowed(document, "secretsmanager:DeleteSecret", secret[:-6] + "abcdef")  # made anew
    assert not allowed(document, "secretsmanager:DeleteSecret", secret[:-6] + "abcdefg")
    assert not allowed(document, "dynamodb:GetItem", made[2]["outputs"]["arn"])


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
            "lambda:GetFunction GetFunctionConfiguration ListVersionsByFunction GetFunctionCodeSigningConfig "
            "UpdateFunctionCode UpdateFunctionConfiguration ListTags TagResource UntagResource",
        ),
        (
            "arn:aws:logs:{region}:{account}:log-group:/aws/lambda/toolgate-dev-math:*",
            "logs:PutRetentionPolicy DeleteRetentionPolicy DeleteLogGroup",
        ),
        (
            "arn:aws:logs:{region}:{account}:log-group:/aws/lambda/toolgate-dev-math",
            "logs:ListTagsForResource TagResource UntagResource",
        ),
        ("*", "logs:DescribeLogGroups"),
        (
            "arn:aws:s3:::toolgate-dev-assistant-code-1234567",
            "s3:ListBucket GetBucketLocation GetBucketPolicy GetBucketAcl GetBucketCORS GetBucketWebsite "
            "GetBucketVersioning GetAccelerateConfiguration GetBucketRequestPayment GetBucketLogging "
            "GetLifecycleConfiguration GetReplicationConfiguration GetEncryptionConfiguration "
            "GetBucketObjectLockConfiguration GetBucketTagging PutBucketTagging ListTagsForResource TagResource "
            "UntagResource ListBucketVersions",
        ),
        (
            "arn:aws:s3:::toolgate-dev-assistant-code-1234567/assistant/x.zip",
            "s3:GetObject GetObjectTagging PutObject PutObjectTagging AbortMultipartUpload DeleteObject "
            "DeleteObjectVersion",
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
        ("s3:PutBucketPolicy", "arn:aws:s3:::toolgate-dev-assistant-code-1234567"),
        ("s3:PutBucketAcl", "arn:aws:s3:::toolgate-dev-assistant-code-1234567"),
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
        (f"{LOGS}:delivery:0123456789abcdef", "logs:UpdateDeliveryConfiguration ListTagsForResource"),
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
            "cloudwatch:DescribeAlarms DeleteAlarms TagResource UntagResource ListTagsForResource",
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


def test_every_action_is_one_that_aws_has() -> None:
    session = botocore.session.Session()
    known = {
        f"{prefix}:{operation}"
        for prefix, services in APIS.items()
        for service in services
        for operation in session.get_service_model(service).operation_names
    }
    actions = {action for grants in TYPES.values() for grant in grants for action in grant.actions}
    unknown = {action for action in actions if action not in known}
    assert unknown <= set(PERMISSION_ONLY)
    for action in unknown:
        operation = PERMISSION_ONLY[action]
        assert not operation or f"{action.partition(':')[0]}:{operation}" in known


def test_every_type_that_the_stand_in_reproduces_has_its_actions() -> None:
    assert set(REPRODUCED) <= set(TYPES)


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


@pytest.mark.parametrize(
    ("action", "facts", "holds"),
    [
        ("kms:Decrypt", {"kms_ViaService": f"bedrock-agentcore.{REGION}.amazonaws.com"}, True),
        ("kms:GenerateDataKey", {"kms_ViaService": f"s3.{REGION}.amazonaws.com"}, True),
        ("kms:Decrypt", {"kms_ViaService": f"secretsmanager.{REGION}.amazonaws.com"}, False),
        ("kms:Encrypt", {"kms_ViaService": f"s3.{REGION}.amazonaws.com"}, False),
        (
            "kms:CreateGrant",
            {
                "kms_ViaService": f"bedrock-agentcore.{REGION}.amazonaws.com",
                "kms_GrantConstraintType": "EncryptionContextSubset",
            },
            True,
        ),
        ("kms:CreateGrant", {"kms_ViaService": f"bedrock-agentcore.{REGION}.amazonaws.com"}, False),
    ],
)
def test_a_key_is_used_through_what_it_encrypts_only(
    prod: dict[str, Any], action: str, facts: dict[str, str], holds: bool
) -> None:
    assert allowed(deployer_policy.permissions(prod), action, KMS, **facts) is holds


def test_a_key_is_administered_by_its_own_arn_once_it_has_one(prod: dict[str, Any]) -> None:
    [arn] = [it["outputs"]["arn"] for it in prod["deployment"]["resources"] if it["type"] == "aws:kms/key:Key"]
    planned, made = deployer_policy.permissions(prod), deployer_policy.permissions(prod, planned=False)
    for action in ("kms:ScheduleKeyDeletion", "kms:PutKeyPolicy", "kms:CreateAlias"):
        assert allowed(planned, action, KMS)
        assert allowed(made, action, arn)
        assert not allowed(made, action, KMS)


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
