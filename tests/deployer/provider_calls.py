"""What deploying calls: a row for each call, who makes it, on what, when, and where that stands.

`deployer/actions.py` is held to this: each action that a row needs must be allowed there on the row's ARN, and no
action may be allowed there that no row needs.

A source names a file below `internal/service` of hashicorp/terraform-provider-aws, and the function. Read were these,
by the newest stored version that could be had: bedrockagentcore/gateway.go 59588cf, gateway_target.go (after #49447),
agent_runtime.go bc6ffa6, policy_engine.go 05e0f72, policy.go 05f9d75, resource_policy.go 0359598; iam/role.go 0040ea6,
role_policy.go 02f97af; kms/key.go 00a3530, alias.go 4c72bcc; logs/group.go b11fc0f, delivery.go 009ebbb;
cloudwatch/metric_alarm.go 055611a, dashboard.go 0620f2a; lambda/function.go 0156d84; s3/bucket.go (v6, before PR
#45251, and that PR), object.go 033c721, bucket_versioning.go and bucket_ownership_controls.go 01c0800;
dynamodb/table.go (v6, in parts); sqs/queue.go and sns/topic.go 00a3530; secretsmanager/secret.go 00c21ce,
secret_version.go 0042e8e; ssm/parameter.go 0073593; apigateway/rest_api.go and deployment.go 00a3530, stage.go
050ac11 (older). Of gateway_target.go the deleting and the finding was read, the rest as others told it; kms/find.go,
s3/tags.go, the emptying of a bucket and what keeps the tags are named after what calls them.
Of tokens: cognitoidp/user_pool.go 015edb1, user_pool_domain.go 01c0800, resource_server.go 088e087,
user_pool_client.go 01f4311 (from its update on); bedrockagentcore/oauth2_credential_provider.go 033bb28,
workload_identity.go 129e9f8, api_key_credential_provider.go 01af78c (older: the vault keeps each key). Of
conversations: bedrockagentcore/memory.go and memory_strategy.go 014b1c9,
s3/bucket_lifecycle_configuration.go edd8342 (its older half). What only resembles its siblings says so. Nothing of it
was seen against AWS by us.

A gateway's interceptors are a part of CreateGateway and UpdateGateway. Their right is the gateway's role's (AgentCore
developer guide, "Gateway interceptors", permissions); whether AWS checks anything of the caller for them nobody said.

SAR is the Service Authorization Reference. A resource is deployed whatever it was before: where the provider puts a
setting with one call and takes it off with another, the row's condition says which of them the new inputs need.
The provider also asks sts:GetCallerIdentity, which takes no permission; partition and Region it knows by itself.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from tests.deployer.deciding import ACCOUNT, AGENTCORE, REGION

type Properties = Mapping[str, Any]
type Resources = Sequence[Mapping[str, Any]]

CREATE, READ, UPDATE, DELETE, TAGS = "create", "read", "update", "delete", "tags"
"""The provider's four functions, and the interceptor that keeps tags for all of them (`internal/provider`)."""
AWS = "AWS"
"""What AWS checks of the caller besides the call."""
OURS = "toolgate"

STACK_TAG = "toolgate:stack"


@dataclass(frozen=True)
class Call:
    """One row.

    Attributes:
        by: Who calls.
        does: Operations of the API, the first with the prefix of its IAM actions; of what AWS checks: IAM actions.
        source: Where that stands.
        on: ARNs as templates of the resource's properties, or a function that finds them; left out: the type's own.
        when: Whether these properties need it.
        facts: What is known of the request, by condition key.
    """

    by: str
    does: str
    source: str
    on: str | tuple[str, ...] | Callable[[Properties, Resources], list[str]] = ""
    when: Callable[[Properties], bool] = lambda _properties: True
    facts: Mapping[str, str | None] = field(default_factory=dict)

    def actions(self) -> list[str]:
        """Its IAM actions."""
        prefix, _, listed = self.does.partition(":")
        names = [NAMES.get(f"{prefix}:{name}", name) for name in listed.split()]
        return sorted({f"{prefix}:{action}" for name in names for action in name.split()})


# S3 user guide, "Required permissions for Amazon S3 API operations": where an action has another name.
NAMES = {
    "s3:DeleteBucketEncryption": "PutEncryptionConfiguration",
    "s3:DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "s3:PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "s3:DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "s3:DeleteBucketTagging": "PutBucketTagging",
    "s3:DeleteObjects": "DeleteObject DeleteObjectVersion",
    "s3:DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "s3:GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "s3:GetBucketCors": "GetBucketCORS",
    "s3:GetBucketEncryption": "GetEncryptionConfiguration",
    "s3:GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "s3:GetBucketReplication": "GetReplicationConfiguration",
    "s3:GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "s3:GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "s3:HeadBucket": "ListBucket",
    "s3:HeadObject": "GetObject",
    "s3:ListObjectVersions": "ListBucketVersions",
    # Of a large object: CreateMultipartUpload, UploadPart and CompleteMultipartUpload are PutObject, too.
    "s3:CreateMultipartUpload": "PutObject",
    "s3:PutBucketEncryption": "PutEncryptionConfiguration",
    "s3:PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    # SAR, "Amazon API Gateway Management": an action for each HTTP method.
    **{f"apigateway:Create{it}": "POST" for it in ("RestApi", "Deployment", "Stage")},
    **{f"apigateway:Get{it}": "GET" for it in ("RestApi", "Resources", "Deployment", "Stage", "Tags")},
    **{f"apigateway:Update{it}": "PATCH" for it in ("RestApi", "Deployment", "Stage")},
    **{f"apigateway:Delete{it}": "DELETE" for it in ("RestApi", "Deployment", "Stage")},
    "apigateway:PutRestApi": "PUT",
    "apigateway:TagResource": "PUT",
    "apigateway:UntagResource": "DELETE",
}


def given(*path: str) -> Callable[[Properties], bool]:
    """Whether the program gave something at the path."""

    def when(properties: Properties) -> bool:
        value: Any = properties
        for step in path:
            value = value.get(step) if isinstance(value, Mapping) else None
        return bool(value)

    return when


def lacking(*path: str) -> Callable[[Properties], bool]:
    """The contrary."""
    return lambda properties: not given(*path)(properties)


def reserves(properties: Properties) -> bool:
    """Whether the function reserves runs; 0 is a reservation as well."""
    return int(properties.get("reservedConcurrentExecutions", -1)) >= 0


def starts(name: str, begin: str) -> Callable[[Properties], bool]:
    """Whether the property's text begins so."""
    return lambda properties: str(properties.get(name)).startswith(begin)


def through(service: str) -> dict[str, str | None]:
    """The request comes through this service."""
    return {"kms:ViaService": f"{service}.{REGION}.amazonaws.com"}


def passed_to(service: str) -> dict[str, str | None]:
    """The role is handed to this service."""
    return {"iam:PassedToService": service}


def _gateways_of_policy(properties: Properties, resources: Resources) -> list[str]:
    engine = f":policy-engine/{properties['policyEngineId']}"
    asking = [it["outputs"] for it in resources if it["type"].endswith(":AgentcoreGateway")]
    return [
        it["gatewayArn"] for it in asking if it.get("policyEngineConfiguration", {}).get("arn", "").endswith(engine)
    ]


def _profiles(properties: Properties, _resources: Resources) -> list[str]:
    listed = [statement["Resource"] for statement in json.loads(properties["policy"])["Statement"]]
    arns = [arn for resources in listed for arn in ([resources] if isinstance(resources, str) else resources)]
    return [arn for arn in arns if "inference-profile/" in arn]


def _keys_of_rules(properties: Properties, _resources: Resources) -> list[str]:
    rules = [rule.get("applyServerSideEncryptionByDefault", {}) for rule in properties["rules"]]
    return [rule["kmsMasterKeyId"] for rule in rules if rule.get("kmsMasterKeyId")]


def _key_of_table(properties: Properties, _resources: Resources) -> list[str]:
    arn = (properties.get("serverSideEncryption") or {}).get("kmsKeyArn")
    return [arn] if arn else []


_ENDPOINT = "{agentRuntimeArn}/runtime-endpoint/DEFAULT"
_DIRECTORY = f"{AGENTCORE}:workload-identity-directory/default"
_VAULT = f"{AGENTCORE}:token-vault/default"
_POOL = f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{{userPoolId}}"
_SECRETS = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:bedrock-agentcore-identity!default"
_ENGINE = f"{AGENTCORE}:policy-engine/{{policyEngineId}}"
_POLICY = (_ENGINE, f"{_ENGINE}/policy/any-0123456789")
_LOGS = f"arn:aws:logs:{REGION}:{ACCOUNT}"
_ENDS = (f"{_LOGS}:delivery-source:{{deliverySourceName}}", "{deliveryDestinationArn}", "{arn}")
_GROUP = ("{arn}", "{arn}:*")
_BUCKET, _OBJECT = "arn:aws:s3:::{bucket}", "arn:aws:s3:::{bucket}/{key}"
_ANY_OBJECT = "arn:aws:s3:::{bucket}/some/object"
_GRANTED = {**through("bedrock-agentcore"), "kms:GrantConstraintType": "EncryptionContextSubset"}
_ON_CREATE: dict[str, str | None] = {f"aws:RequestTag/{STACK_TAG}": "{stack}", f"aws:ResourceTag/{STACK_TAG}": None}

_ENCRYPTED = 'AgentCore developer guide, "Encrypt your AgentCore policy engine with a customer-managed KMS key"'
_IDENTITY = 'AgentCore developer guide, "Gateway prerequisites" and "IAM permissions for AgentCore Runtime"'
_INTERCEPTOR = "internal/provider, the tags interceptor: lists after a read, changes before an update; on create SAR"
_SERVICE_ROLES = 'AgentCore developer guide, "Using service-linked roles"'


_STAGE = "{targetConfiguration[mcp][apiGateway][restApiId]}/stages/{targetConfiguration[mcp][apiGateway][stage]}"
_BOTH = "SAR: on it and on what it is in"


def _keeps_secret(properties: Properties) -> bool:
    settings = properties["oauth2ProviderConfig"]
    settings = json.loads(settings["plaintext"]) if "plaintext" in settings else settings  # a plan marks the secret
    return settings["customOauth2ProviderConfig"].get("clientSecret") is not None


def _vault(kind: str, keeps: Callable[[Properties], bool]) -> tuple[Call, ...]:
    return (
        Call(
            AWS,
            "bedrock-agentcore:CreateTokenVault GetTokenVault",
            "Boise-State-Development/agentcore-public-stack#628: the first provider makes the vault",
            on=_VAULT,
        ),
        Call(
            AWS,
            "secretsmanager:CreateSecret DeleteSecret DescribeSecret PutSecretValue TagResource UpdateSecret",
            "Boise-State-Development/agentcore-public-stack#182, #186: the secret, with the caller's rights",
            on=f"{_SECRETS}/{kind}/{{name}}-AbCdEf",
            when=keeps,
        ),
    )


def _endpoint(properties: Properties) -> str:
    """The runtime that a target's endpoint names; "" where it is none's."""
    server = properties["targetConfiguration"]["mcp"].get("mcpServer") or {}
    found = re.fullmatch(r"https://bedrock-agentcore\..*/runtimes/(.*)/invocations.*", server.get("endpoint", ""))
    return unquote(found[1]) if found else ""


def _signs_in(how: str) -> str:
    return f"{{credentialProviderConfiguration[{how}][providerArn]}}"


def _identities(name: str) -> Call:
    on = (_DIRECTORY, f"{_DIRECTORY}/workload-identity/{{{name}}}-0123456789")
    return Call(AWS, "bedrock-agentcore:CreateWorkloadIdentity DeleteWorkloadIdentity", _IDENTITY, on=on)


def _uses_key(by: str) -> tuple[Call, ...]:
    used = "kms:Decrypt DescribeKey GenerateDataKey"
    return (
        Call(AWS, used, _ENCRYPTED, on=f"{{{by}}}", when=given(by), facts=through("bedrock-agentcore")),
        Call(AWS, "kms:CreateGrant", _ENCRYPTED, on=f"{{{by}}}", when=given(by), facts=_GRANTED),
    )


def _service_role(service: str, name: str, when: Callable[[Properties], bool] = lambda _properties: True) -> Call:
    on = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/{service}/{name}"
    return Call(
        AWS, "iam:CreateServiceLinkedRole", _SERVICE_ROLES, on=on, when=when, facts={"iam:AWSServiceName": service}
    )


def _tags(does: str, source: str = _INTERCEPTOR, on: str | tuple[str, ...] = "") -> Call:
    return Call(TAGS, does, source, on=on)


_AGENTCORE_TAGS = _tags("bedrock-agentcore:ListTagsForResource TagResource UntagResource")
_LOG_TAGS = _tags("logs:ListTagsForResource TagResource UntagResource")
_APIS, _API_TAGS = f"arn:aws:apigateway:{REGION}::/restapis", f"arn:aws:apigateway:{REGION}::/tags/of-it"

ON = {
    "aws:iam/role:Role": "{arn}",
    "aws:iam/rolePolicy:RolePolicy": f"arn:aws:iam::{ACCOUNT}:role/{{role}}",
    "aws:kms/key:Key": "{arn}",
    "aws:kms/alias:Alias": "{arn}",
    "aws:cloudwatch/logGroup:LogGroup": "{arn}:*",
    "aws:cloudwatch/logDeliverySource:LogDeliverySource": "{arn}",
    "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination": "{arn}",
    "aws:cloudwatch/logDelivery:LogDelivery": "{arn}",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "{arn}",
    "aws:cloudwatch/dashboard:Dashboard": "{dashboardArn}",
    "aws:lambda/function:Function": "{arn}",
    "aws:dynamodb/table:Table": "{arn}",
    "aws:sqs/queue:Queue": "{arn}",
    "aws:sns/topic:Topic": "{arn}",
    "aws:apigateway/restApi:RestApi": "{arn}",
    "aws:apigateway/restApiPolicy:RestApiPolicy": f"{_APIS}/{{restApiId}}",
    "aws:apigateway/deployment:Deployment": f"{_APIS}/{{restApi}}/deployments/{{id}}",
    "aws:apigateway/stage:Stage": "{arn}",
    "aws:secretsmanager/secret:Secret": "{arn}",
    "aws:secretsmanager/secretVersion:SecretVersion": "{secretId}",
    "aws:ssm/parameter:Parameter": "{arn}",
    "aws:s3/bucket:Bucket": _BUCKET,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _BUCKET,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _BUCKET,
    "aws:s3/bucketPolicy:BucketPolicy": _BUCKET,
    "aws:s3/bucketVersioning:BucketVersioning": _BUCKET,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _BUCKET,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _BUCKET,
    "aws:s3/bucketObjectv2:BucketObjectv2": _OBJECT,
    "aws:bedrock/agentcoreGateway:AgentcoreGateway": "{gatewayArn}",
    "aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget": f"{AGENTCORE}:gateway/{{gatewayIdentifier}}",
    "aws:bedrock/agentcorePolicyEngine:AgentcorePolicyEngine": "{policyEngineArn}",
    "aws:bedrock/agentcorePolicy:AgentcorePolicy": _ENGINE,
    "aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime": "{agentRuntimeArn}",
    "aws:bedrock/agentcoreMemory:AgentcoreMemory": "{arn}",
    "aws:bedrock/agentcoreMemoryStrategy:AgentcoreMemoryStrategy": f"{AGENTCORE}:memory/{{memoryId}}",
    "aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy": "{resourceArn}",
    "aws:cognito/userPool:UserPool": "{arn}",
    "aws:cognito/userPoolDomain:UserPoolDomain": _POOL,
    "aws:cognito/resourceServer:ResourceServer": _POOL,
    "aws:cognito/userPoolClient:UserPoolClient": _POOL,
    "aws:bedrock/agentcoreWorkloadIdentity:AgentcoreWorkloadIdentity": "{workloadIdentityArn}",
    "aws:bedrock/agentcoreOauth2CredentialProvider:AgentcoreOauth2CredentialProvider": "{credentialProviderArn}",
    "aws:bedrock/agentcoreApiKeyCredentialProvider:AgentcoreApiKeyCredentialProvider": "{credentialProviderArn}",
}
"""On what the calls of a type are authorized (SAR), in words of its own properties."""

CALLS: Mapping[str, tuple[Call, ...]] = {
    "aws:iam/role:Role": (
        Call(CREATE, "iam:CreateRole", "iam/role.go resourceRoleCreate"),
        Call(
            READ,
            "iam:GetRole ListRolePolicies GetRolePolicy ListAttachedRolePolicies",
            "iam/role.go resourceRoleRead, readRoleInlinePolicies, readRolePolicyAttachments",
        ),
        Call(UPDATE, "iam:UpdateAssumeRolePolicy UpdateRoleDescription UpdateRole", "iam/role.go resourceRoleUpdate"),
        Call(
            UPDATE,
            "iam:PutRolePermissionsBoundary",
            # Its counterpart, DeleteRolePermissionsBoundary, is withheld: who takes it off is not bounded by it.
            "iam/role.go resourceRoleUpdate",
            when=given("permissionsBoundary"),
        ),
        # RemoveRoleFromInstanceProfile only for a role that somebody put into one.
        Call(
            DELETE, "iam:ListInstanceProfilesForRole DeleteRole", "iam/role.go DeleteRole, deleteRoleInstanceProfiles"
        ),
        Call(TAGS, "iam:TagRole UntagRole", "iam/role.go roleUpdateTags; CreateRole with tags: IAM user guide"),
    ),
    "aws:iam/rolePolicy:RolePolicy": (
        Call(CREATE, "iam:PutRolePolicy GetRolePolicy", "iam/role_policy.go resourceRolePolicyPut"),
        Call(READ, "iam:GetRolePolicy", "iam/role_policy.go resourceRolePolicyRead"),
        Call(DELETE, "iam:DeleteRolePolicy", "iam/role_policy.go resourceRolePolicyDelete"),
        Call(
            READ,
            "bedrock:GetInferenceProfile",
            "components/iam/bedrock_models.py: the profile whose models are granted",
            on=_profiles,
        ),
    ),
    "aws:kms/key:Key": (
        Call(CREATE, "kms:CreateKey", "kms/key.go resourceKeyCreate", on="*", facts=_ON_CREATE),
        Call(
            AWS,
            "kms:TagResource PutKeyPolicy",
            "SAR, CreateKey: dependent; LeanerCloud/CUDly#1670; aws-samples/rds-snapshot-export-to-s3-pipeline#8",
            on="*",
            facts=_ON_CREATE,
        ),
        Call(
            CREATE,
            "kms:EnableKeyRotation",
            "kms/key.go resourceKeyCreate, updateKeyRotationEnabled",
            when=given("enableKeyRotation"),
        ),
        Call(
            READ,
            "kms:DescribeKey GetKeyPolicy GetKeyRotationStatus ListResourceTags",
            "kms/key.go findKeyInfo; the waiters ask the same",
        ),
        Call(UPDATE, "kms:UpdateKeyDescription PutKeyPolicy", "kms/key.go resourceKeyUpdate"),
        Call(
            UPDATE, "kms:DisableKeyRotation", "kms/key.go updateKeyRotationEnabled", when=lacking("enableKeyRotation")
        ),
        Call(DELETE, "kms:ScheduleKeyDeletion DescribeKey", "kms/key.go resourceKeyDelete, waitKeyDeleted"),
        _tags("kms:ListResourceTags TagResource UntagResource"),
    ),
    "aws:kms/alias:Alias": (
        Call(
            CREATE,
            "kms:CreateAlias",
            "kms/alias.go resourceAliasCreate; SAR: on the alias and on the key",
            on=("{arn}", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{{targetKeyId}}"),
        ),
        Call(READ, "kms:ListAliases", "kms/find.go FindAliasByName; SAR: no resource", on="*"),
        Call(
            UPDATE,
            "kms:UpdateAlias",
            "kms/alias.go resourceAliasUpdate",
            on=("{arn}", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{{targetKeyId}}"),
        ),
        Call(
            DELETE,
            "kms:DeleteAlias",
            "kms/alias.go resourceAliasDelete",
            on=("{arn}", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{{targetKeyId}}"),
        ),
    ),
    "aws:cloudwatch/logGroup:LogGroup": (
        Call(CREATE, "logs:CreateLogGroup", "logs/group.go resourceGroupCreate", on=_GROUP),
        Call(READ, "logs:DescribeLogGroups", "logs/group.go LookupGroup, by prefix; SAR: no resource", on="*"),
        Call(
            CREATE,
            "logs:PutRetentionPolicy",
            "logs/group.go resourceGroupCreate, resourceGroupUpdate",
            on=_GROUP,
            when=given("retentionInDays"),
        ),
        Call(
            UPDATE,
            "logs:DeleteRetentionPolicy",
            "logs/group.go resourceGroupUpdate",
            on=_GROUP,
            when=lacking("retentionInDays"),
        ),
        Call(UPDATE, "logs:AssociateKmsKey", "logs/group.go resourceGroupUpdate", on=_GROUP, when=given("kmsKeyId")),
        Call(
            UPDATE, "logs:DisassociateKmsKey", "logs/group.go resourceGroupUpdate", on=_GROUP, when=lacking("kmsKeyId")
        ),
        Call(DELETE, "logs:DeleteLogGroup", "logs/group.go resourceGroupDelete", on=_GROUP),
        _tags("logs:ListTagsForResource TagResource UntagResource", on=_GROUP),
    ),
    "aws:cloudwatch/logDeliverySource:LogDeliverySource": (
        Call(CREATE, "logs:PutDeliverySource GetDeliverySource", "logs/delivery_source.go, by its siblings"),
        Call(READ, "logs:GetDeliverySource", "logs/delivery_source.go, by its siblings"),
        Call(DELETE, "logs:DeleteDeliverySource", "logs/delivery_source.go, by its siblings"),
        _LOG_TAGS,
        Call(
            AWS,
            "bedrock-agentcore:AllowVendedLogDeliveryForResource",
            'CloudWatch Logs user guide, V2, "Service-specific permissions"',
            on="{resourceArn}",
        ),
    ),
    "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination": (
        Call(
            CREATE,
            "logs:PutDeliveryDestination GetDeliveryDestination",
            "logs/delivery_destination.go, by its siblings",
        ),
        Call(READ, "logs:GetDeliveryDestination", "logs/delivery_destination.go, by its siblings"),
        Call(DELETE, "logs:DeleteDeliveryDestination", "logs/delivery_destination.go, by its siblings"),
        _LOG_TAGS,
        Call(
            AWS,
            "logs:DescribeLogGroups DescribeResourcePolicies PutResourcePolicy",
            'CloudWatch Logs user guide, V2, "Logs sent to CloudWatch Logs"',
            on="*",
            when=starts("deliveryDestinationType", "CWL"),
        ),
        Call(
            AWS,
            "xray:GetTraceSegmentDestination ListResourcePolicies PutResourcePolicy",
            'CloudWatch Logs user guide, V2, "Traces sent to X-Ray"',
            on="*",
            when=starts("deliveryDestinationType", "XRAY"),
        ),
    ),
    "aws:cloudwatch/logDelivery:LogDelivery": (
        Call(CREATE, "logs:CreateDelivery", "logs/delivery.go Create; SAR: on both ends, too", on=_ENDS),
        Call(READ, "logs:GetDelivery", "logs/delivery.go Read, findDeliveryByID"),
        Call(
            UPDATE,
            "logs:UpdateDeliveryConfiguration",
            "logs/delivery.go Update; SAR: on both ends, too",
            on=_ENDS,
            when=lambda it: any(it.get(name) for name in ("fieldDelimiter", "recordFields", "s3DeliveryConfiguration")),
        ),
        Call(DELETE, "logs:DeleteDelivery", "logs/delivery.go Delete"),
        _LOG_TAGS,
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": (
        Call(CREATE, "cloudwatch:PutMetricAlarm", "cloudwatch/metric_alarm.go resourceMetricAlarmCreate, -Update"),
        Call(
            READ,
            "cloudwatch:DescribeAlarms",
            "cloudwatch/metric_alarm.go findMetricAlarmByName; on all alarms: mattclay/aws-terminator#63, not SAR",
            on=f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:*",
        ),
        Call(DELETE, "cloudwatch:DeleteAlarms", "cloudwatch/metric_alarm.go resourceMetricAlarmDelete"),
        _tags("cloudwatch:ListTagsForResource TagResource UntagResource"),
    ),
    "aws:cloudwatch/dashboard:Dashboard": (
        Call(CREATE, "cloudwatch:PutDashboard", "cloudwatch/dashboard.go resourceDashboardPut, which updates, too"),
        Call(READ, "cloudwatch:GetDashboard", "cloudwatch/dashboard.go findDashboardByName"),
        Call(DELETE, "cloudwatch:DeleteDashboards", "cloudwatch/dashboard.go resourceDashboardDelete"),
    ),
    "aws:lambda/function:Function": (
        Call(
            CREATE,
            "lambda:CreateFunction GetFunction",
            "lambda/function.go resourceFunctionCreate, waitFunctionCreated",
        ),
        Call(
            AWS,
            "iam:PassRole",
            "SAR, CreateFunction, dependent actions",
            on="{role}",
            facts=passed_to("lambda.amazonaws.com"),
        ),
        Call(
            READ,
            # Of the code signing only in partition `aws`.
            "lambda:GetFunction ListVersionsByFunction GetFunctionCodeSigningConfig",
            "lambda/function.go resourceFunctionRead, findLatestFunctionVersionByName",
        ),
        Call(AWS, "lambda:ListTags", "Lambda API reference, GetFunction, Tags: for whoever may list them only"),
        Call(
            UPDATE,
            "lambda:UpdateFunctionConfiguration UpdateFunctionCode",
            "lambda/function.go resourceFunctionUpdate; its waiter asks GetFunction",
        ),
        Call(
            CREATE,
            "lambda:PutFunctionConcurrency",
            "lambda/function.go resourceFunctionCreate, resourceFunctionUpdate",
            when=reserves,
        ),
        Call(
            UPDATE,
            "lambda:DeleteFunctionConcurrency",
            "lambda/function.go resourceFunctionUpdate",
            when=lambda properties: not reserves(properties),
        ),
        Call(DELETE, "lambda:DeleteFunction", "lambda/function.go resourceFunctionDelete"),
        Call(TAGS, "lambda:TagResource UntagResource", _INTERCEPTOR),
        Call(
            AWS,
            "ec2:DescribeSecurityGroups DescribeSubnets DescribeVpcs",
            'Lambda developer guide, "Giving Lambda functions access to resources in an Amazon VPC"',
            on="*",
            when=given("vpcConfig"),
        ),
        Call(
            AWS,
            "kms:CreateGrant Decrypt Encrypt",
            'Lambda developer guide, "Securing Lambda environment variables"',
            on="{kmsKeyArn}",
            when=given("kmsKeyArn"),
            facts=through("lambda"),
        ),
    ),
    "aws:dynamodb/table:Table": (
        Call(CREATE, "dynamodb:CreateTable DescribeTable", "dynamodb/table.go resourceTableCreate, waitTableActive"),
        Call(
            READ,
            "dynamodb:DescribeTable DescribeContinuousBackups DescribeTimeToLive",
            "dynamodb/table.go resourceTableRead",
        ),
        Call(
            UPDATE,
            "dynamodb:UpdateTable UpdateTimeToLive UpdateContinuousBackups",
            "dynamodb/table.go resourceTableUpdate, which takes the last two off with the same calls",
        ),
        Call(DELETE, "dynamodb:DeleteTable", "dynamodb/table.go resourceTableDelete"),
        _tags("dynamodb:ListTagsOfResource TagResource UntagResource"),
        Call(
            AWS,
            "kms:CreateGrant Decrypt DescribeKey Encrypt GenerateDataKey ReEncryptFrom ReEncryptTo",
            'DynamoDB developer guide, "Authorizing use of your customer managed key"',
            on=_key_of_table,
            facts=through("dynamodb"),
        ),
    ),
    "aws:lambda/permission:Permission": (
        Call(
            CREATE,
            "lambda:AddPermission GetPolicy RemovePermission",
            "lambda/permission.go, by what it resembles: not read",
            on=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{{function}}",
        ),
    ),
    "aws:apigateway/restApi:RestApi": (
        Call(CREATE, "apigateway:CreateRestApi", "apigateway/rest_api.go resourceRestAPICreate", on=_APIS),
        Call(CREATE, "apigateway:PutRestApi", "apigateway/rest_api.go resourceRestAPICreate"),
        Call(READ, "apigateway:GetRestApi", "apigateway/rest_api.go resourceRestAPIRead"),
        Call(READ, "apigateway:GetResources", "apigateway/rest_api.go resourceRestAPIRead", on="{arn}/resources"),
        Call(UPDATE, "apigateway:UpdateRestApi", "apigateway/rest_api.go resourceRestAPIUpdate"),
        Call(DELETE, "apigateway:DeleteRestApi", "apigateway/rest_api.go resourceRestAPIDelete"),
        Call(AWS, "apigateway:UpdateRestApiPolicy", "SAR, Amazon API Gateway Management", on=(_APIS, "{arn}")),
        _tags("apigateway:GetTags TagResource UntagResource", on=_API_TAGS),
    ),
    "aws:apigateway/restApiPolicy:RestApiPolicy": (
        Call(CREATE, "apigateway:UpdateRestApi GetRestApi", "apigateway/rest_api_policy.go, by its purpose: not read"),
        Call(AWS, "apigateway:UpdateRestApiPolicy", "SAR, Amazon API Gateway Management"),
    ),
    "aws:apigateway/deployment:Deployment": (
        Call(
            CREATE,
            "apigateway:CreateDeployment",
            "apigateway/deployment.go resourceDeploymentCreate",
            on=f"{_APIS}/{{restApi}}/deployments",
        ),
        Call(READ, "apigateway:GetDeployment", "apigateway/deployment.go resourceDeploymentRead"),
        Call(UPDATE, "apigateway:UpdateDeployment", "apigateway/deployment.go resourceDeploymentUpdate"),
        Call(DELETE, "apigateway:DeleteDeployment", "apigateway/deployment.go resourceDeploymentDelete"),
    ),
    "aws:apigateway/stage:Stage": (
        Call(
            CREATE,
            "apigateway:CreateStage",
            "apigateway/stage.go resourceStageCreate",
            on=f"{_APIS}/{{restApi}}/stages",
        ),
        Call(READ, "apigateway:GetStage", "apigateway/stage.go resourceStageRead"),
        Call(UPDATE, "apigateway:UpdateStage", "apigateway/stage.go resourceStageUpdate"),
        Call(DELETE, "apigateway:DeleteStage", "apigateway/stage.go resourceStageDelete"),
        _tags("apigateway:GetTags TagResource UntagResource", on=_API_TAGS),
    ),
    "aws:sqs/queue:Queue": (
        Call(CREATE, "sqs:CreateQueue", "sqs/queue.go resourceQueueCreate"),
        Call(READ, "sqs:GetQueueAttributes", "sqs/queue.go findQueueAttributesByURL; all waiters ask the same"),
        Call(UPDATE, "sqs:SetQueueAttributes", "sqs/queue.go resourceQueueUpdate"),
        Call(DELETE, "sqs:DeleteQueue", "sqs/queue.go resourceQueueDelete"),
        _tags("sqs:ListQueueTags TagQueue UntagQueue"),
    ),
    "aws:sns/topic:Topic": (
        Call(CREATE, "sns:CreateTopic SetTopicAttributes", "sns/topic.go resourceTopicCreate, putTopicAttributes"),
        Call(READ, "sns:GetTopicAttributes", "sns/topic.go findTopicAttributesByARN"),
        Call(DELETE, "sns:DeleteTopic", "sns/topic.go resourceTopicDelete"),
        _tags("sns:ListTagsForResource TagResource UntagResource"),
    ),
    "aws:secretsmanager/secret:Secret": (
        Call(CREATE, "secretsmanager:CreateSecret", "secretsmanager/secret.go resourceSecretCreate"),
        Call(
            READ,
            "secretsmanager:DescribeSecret GetResourcePolicy",
            "secretsmanager/secret.go resourceSecretRead, which has the tags from it; the waiters ask the first",
        ),
        Call(UPDATE, "secretsmanager:UpdateSecret", "secretsmanager/secret.go resourceSecretUpdate"),
        Call(
            CREATE,
            "secretsmanager:PutResourcePolicy",
            "secretsmanager/secret.go putSecretPolicy",
            when=given("policy"),
        ),
        Call(
            UPDATE,
            "secretsmanager:DeleteResourcePolicy",
            "secretsmanager/secret.go deleteSecretPolicy",
            when=lacking("policy"),
        ),
        Call(DELETE, "secretsmanager:DeleteSecret", "secretsmanager/secret.go resourceSecretDelete"),
        Call(TAGS, "secretsmanager:TagResource UntagResource", _INTERCEPTOR),
        Call(
            AWS,
            "kms:Decrypt GenerateDataKey",
            'Secrets Manager user guide, "Secret encryption and decryption", "Permissions for the KMS key"',
            on="{kmsKeyId}",
            when=starts("kmsKeyId", "arn:"),
            facts=through("secretsmanager"),
        ),
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": (
        Call(
            CREATE,
            "secretsmanager:PutSecretValue GetSecretValue",
            "secretsmanager/secret_version.go resourceSecretVersionCreate",
        ),
        Call(READ, "secretsmanager:GetSecretValue", "secretsmanager/secret_version.go findSecretVersionByTwoPartKey"),
        Call(
            UPDATE,
            "secretsmanager:ListSecretVersionIds",
            "secretsmanager/secret_version.go resourceSecretVersionUpdate: of stages that the program names",
            when=given("written", "versionStages"),
        ),
        Call(
            DELETE,
            "secretsmanager:UpdateSecretVersionStage",
            "secretsmanager/secret_version.go resourceSecretVersionDelete, resourceSecretVersionUpdate",
        ),
    ),
    "aws:ssm/parameter:Parameter": (
        Call(CREATE, "ssm:PutParameter", "ssm/parameter.go resourceParameterCreate, resourceParameterUpdate"),
        Call(READ, "ssm:GetParameter", "ssm/parameter.go findParameterByName"),
        Call(READ, "ssm:DescribeParameters", "ssm/parameter.go findParameterMetadataByName; SAR: no resource", on="*"),
        Call(DELETE, "ssm:DeleteParameter", "ssm/parameter.go resourceParameterDelete"),
        _tags("ssm:ListTagsForResource AddTagsToResource RemoveTagsFromResource"),
        Call(
            AWS,
            "kms:Decrypt Encrypt GenerateDataKey",
            'Systems Manager user guide, "AWS KMS encryption for Parameter Store SecureString parameters"',
            on="{keyId}",
            when=starts("keyId", "arn:"),
            facts=through("ssm"),
        ),
    ),
    "aws:s3/bucket:Bucket": (
        Call(CREATE, "s3:CreateBucket HeadBucket", "s3/bucket.go resourceBucketCreate"),
        Call(
            READ,
            "s3:HeadBucket GetBucketPolicy GetBucketAcl GetBucketCors GetBucketWebsite GetBucketVersioning "
            "GetBucketAccelerateConfiguration GetBucketRequestPayment GetBucketLogging GetBucketLifecycleConfiguration "
            "GetBucketReplication GetBucketEncryption GetObjectLockConfiguration",
            "s3/bucket.go resourceBucketRead: each setting, also those that the program does not make",
        ),
        Call(DELETE, "s3:DeleteBucket", "s3/bucket.go resourceBucketDelete"),
        Call(
            DELETE,
            "s3:ListObjectVersions",
            "s3/bucket.go emptyBucket",
            when=given("forceDestroy"),
        ),
        Call(
            DELETE,
            "s3:DeleteObjects",
            "s3/bucket.go emptyBucket, which deletes by version, `null` included",
            on=_ANY_OBJECT,
            when=given("forceDestroy"),
        ),
        _tags(
            "s3:ListTagsForResource TagResource UntagResource", "hashicorp/terraform-provider-aws#45251: by S3 Control"
        ),
        _tags(
            "s3:GetBucketTagging PutBucketTagging DeleteBucketTagging",
            "the same: where S3 Control refuses, as in other partitions (hashicorp/terraform-provider-aws#45784)",
        ),
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": (
        Call(CREATE, "s3:PutPublicAccessBlock", "s3/bucket_public_access_block.go, by its siblings; updates, too"),
        Call(READ, "s3:GetPublicAccessBlock", "s3/bucket_public_access_block.go, by its siblings"),
        Call(DELETE, "s3:DeletePublicAccessBlock", "s3/bucket_public_access_block.go, by its siblings"),
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": (
        Call(CREATE, "s3:PutBucketOwnershipControls", "s3/bucket_ownership_controls.go -Create, -Update"),
        Call(READ, "s3:GetBucketOwnershipControls", "s3/bucket_ownership_controls.go -Read"),
        Call(DELETE, "s3:DeleteBucketOwnershipControls", "s3/bucket_ownership_controls.go -Delete"),
    ),
    "aws:s3/bucketPolicy:BucketPolicy": (
        Call(CREATE, "s3:PutBucketPolicy", "s3/bucket_policy.go, by its siblings; updates, too"),
        Call(READ, "s3:GetBucketPolicy", "s3/bucket_policy.go, by its siblings"),
        Call(DELETE, "s3:DeleteBucketPolicy", "s3/bucket_policy.go, by its siblings"),
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": (
        Call(CREATE, "s3:PutBucketLifecycleConfiguration", "s3/bucket_lifecycle_configuration.go -Create, -Update"),
        Call(READ, "s3:GetBucketLifecycleConfiguration", "s3/bucket_lifecycle_configuration.go -Read, the waiter"),
        Call(DELETE, "s3:DeleteBucketLifecycle", "s3/bucket_lifecycle_configuration.go -Delete"),
    ),
    "aws:s3/bucketVersioning:BucketVersioning": (
        Call(CREATE, "s3:PutBucketVersioning", "s3/bucket_versioning.go -Create, -Update; -Delete suspends"),
        Call(READ, "s3:GetBucketVersioning", "s3/bucket_versioning.go -Read"),
        Call(
            DELETE, "s3:ListObjectVersions", "s3/object.go resourceObjectDelete: an object with versions, all of them"
        ),
        Call(
            DELETE,
            "s3:DeleteObjectVersion",
            "the same, deleteAllObjectVersions",
            on=_ANY_OBJECT,
        ),
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        Call(
            CREATE,
            "s3:PutBucketEncryption",
            "s3/bucket_server_side_encryption_configuration.go, by its siblings; updates, too",
        ),
        Call(READ, "s3:GetBucketEncryption", "s3/bucket_server_side_encryption_configuration.go, by its siblings"),
        Call(DELETE, "s3:DeleteBucketEncryption", "s3/bucket_server_side_encryption_configuration.go, by its siblings"),
        Call(
            AWS,
            "kms:Decrypt GenerateDataKey",
            'S3 user guide, "Using server-side encryption with AWS KMS keys": putting an object in parts also reads',
            on=_keys_of_rules,
            facts=through("s3"),
        ),
    ),
    "aws:s3/bucketObjectv2:BucketObjectv2": (
        Call(
            CREATE,
            "s3:PutObject CreateMultipartUpload AbortMultipartUpload",
            "s3/object.go resourceObjectUpload, by the SDK's uploader: in parts above 5 MB, given up when one fails",
        ),
        Call(READ, "s3:HeadObject", "s3/object.go findObjectByBucketAndKey"),
        Call(
            AWS,
            "s3:GetObjectVersion",
            'AgentCore developer guide, "Direct code deployment": whoever reads the zip, which it does not say',
        ),
        Call(DELETE, "s3:DeleteObject", "s3/object.go resourceObjectDelete, deleteObjectVersion"),
        _tags(
            "s3:GetObjectTagging PutObjectTagging DeleteObjectTagging", "s3/tags.go objectListTags, objectUpdateTags"
        ),
    ),
    "aws:bedrock/agentcoreGateway:AgentcoreGateway": (
        Call(CREATE, "bedrock-agentcore:CreateGateway", "bedrockagentcore/gateway.go Create; SAR: no resource", on="*"),
        Call(
            READ,
            "bedrock-agentcore:GetGateway",
            "bedrockagentcore/gateway.go findGatewayByID; the waiters ask the same",
        ),
        Call(UPDATE, "bedrock-agentcore:UpdateGateway", "bedrockagentcore/gateway.go Update"),
        Call(
            DELETE,
            "bedrock-agentcore:ListGatewayTargets DeleteGatewayTarget GetGatewayTarget DeleteGateway",
            "bedrockagentcore/gateway.go Delete, deleteAllGatewayTargets",
        ),
        Call(
            AWS,
            "bedrock-agentcore:SynchronizeGatewayTargets",
            'AgentCore developer guide, "Create an AgentCore gateway", note on search; aws/agentcore-cli#1361',
            when=given("protocolConfiguration", "mcp", "searchType"),
        ),
        Call(
            AWS,
            "iam:PassRole",
            "SAR, CreateGateway and UpdateGateway, dependent actions",
            on="{roleArn}",
            facts=passed_to("bedrock-agentcore.amazonaws.com"),
        ),
        *_uses_key("kmsKeyArn"),
        _identities("name"),
        _AGENTCORE_TAGS,
    ),
    "aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget": (
        Call(
            CREATE,
            "bedrock-agentcore:CreateGatewayTarget GetGatewayTarget",
            "bedrockagentcore/gateway_target.go Create, waitGatewayTargetCreated",
        ),
        Call(READ, "bedrock-agentcore:GetGatewayTarget", "bedrockagentcore/gateway_target.go findGatewayTarget"),
        Call(UPDATE, "bedrock-agentcore:UpdateGatewayTarget", "bedrockagentcore/gateway_target.go Update"),
        Call(DELETE, "bedrock-agentcore:DeleteGatewayTarget", "bedrockagentcore/gateway_target.go deleteGatewayTarget"),
        # Inferred, but for the last: nobody has said whether AWS looks them up with the caller's rights.
        Call(
            AWS,
            "bedrock-agentcore:GetAgentRuntime",
            "the runtime behind the target",
            on=lambda properties, _resources: [_endpoint(properties)],
            when=lambda properties: bool(_endpoint(properties)),
        ),
        *(
            Call(
                AWS,
                f"bedrock-agentcore:{does}",
                f"the target's credential provider; {_BOTH}",
                on=(_VAULT, _signs_in(how)),
                when=given("credentialProviderConfiguration", how),
            )
            for how, does in (("apiKey", "GetApiKeyCredentialProvider"), ("oauth", "GetOauth2CredentialProvider"))
        ),
        Call(
            AWS,
            "apigateway:GET",
            'AgentCore developer guide, "Amazon API Gateway REST API stages as targets"',
            on=f"arn:aws:apigateway:{REGION}::/restapis/{_STAGE}/exports/oas30",
            when=given("targetConfiguration", "mcp", "apiGateway"),
        ),
    ),
    "aws:bedrock/agentcorePolicyEngine:AgentcorePolicyEngine": (
        Call(
            CREATE,
            "bedrock-agentcore:CreatePolicyEngine",
            "bedrockagentcore/policy_engine.go Create; SAR: no resource",
            on="*",
        ),
        Call(
            READ,
            "bedrock-agentcore:GetPolicyEngine",
            "bedrockagentcore/policy_engine.go findPolicyEngineByID; the waiters ask the same",
        ),
        Call(
            UPDATE,
            "bedrock-agentcore:UpdatePolicyEngine",
            "bedrockagentcore/policy_engine.go Update: of a description that is there, and nothing else",
            when=given("description"),
        ),
        Call(DELETE, "bedrock-agentcore:DeletePolicyEngine", "bedrockagentcore/policy_engine.go Delete"),
        *_uses_key("encryptionKeyArn"),
        # SAR names no policy engine for these; the provider calls them on its ARN.
        _AGENTCORE_TAGS,
    ),
    "aws:bedrock/agentcorePolicy:AgentcorePolicy": (
        Call(CREATE, "bedrock-agentcore:CreatePolicy", "bedrockagentcore/policy.go Create"),
        Call(
            READ,
            "bedrock-agentcore:GetPolicy",
            "bedrockagentcore/policy.go findPolicyByTwoPartKey; the waiters ask the same; SAR: on engine and policy",
            on=_POLICY,
        ),
        Call(UPDATE, "bedrock-agentcore:UpdatePolicy", "bedrockagentcore/policy.go Update", on=_POLICY),
        Call(DELETE, "bedrock-agentcore:DeletePolicy", "bedrockagentcore/policy.go Delete", on=_POLICY),
        Call(
            OURS,
            "bedrock-agentcore:ListPolicies",
            "components/iam/iam_propagation.py: a policy that failed holds its name until it is deleted",
        ),
        Call(
            AWS,
            "bedrock-agentcore:InvokeGateway ManageResourceScopedPolicy",
            'AgentCore developer guide, "Policy permissions": CreatePolicy checks the actions against the gateway',
            on=_gateways_of_policy,
        ),
        Call(
            AWS,
            "bedrock-agentcore:ListGatewayTargets",
            "awslabs/fullstack-solution-template-for-agentcore#118",
            on=_gateways_of_policy,
        ),
    ),
    "aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime": (
        Call(
            CREATE,
            "bedrock-agentcore:CreateAgentRuntime",
            "bedrockagentcore/agent_runtime.go Create; SAR: no resource",
            on="*",
        ),
        Call(
            READ,
            "bedrock-agentcore:GetAgentRuntime",
            "bedrockagentcore/agent_runtime.go findAgentRuntimeByID; the waiters ask the same",
        ),
        Call(UPDATE, "bedrock-agentcore:UpdateAgentRuntime", "bedrockagentcore/agent_runtime.go Update"),
        Call(DELETE, "bedrock-agentcore:DeleteAgentRuntime", "bedrockagentcore/agent_runtime.go Delete"),
        Call(AWS, "bedrock-agentcore:CreateAgentRuntimeEndpoint", _IDENTITY),
        Call(AWS, "bedrock-agentcore:DeleteAgentRuntimeEndpoint", _IDENTITY, on=("{agentRuntimeArn}", _ENDPOINT)),
        Call(
            AWS,
            "iam:PassRole",
            "SAR, CreateAgentRuntime and UpdateAgentRuntime, dependent actions",
            on="{roleArn}",
            facts=passed_to("bedrock-agentcore.amazonaws.com"),
        ),
        Call(
            OURS,
            "bedrock-agentcore:InvokeAgentRuntime",
            "`toolgate ask` after a deployment; SAR: on runtime and endpoint",
            on=("{agentRuntimeArn}", _ENDPOINT),
        ),
        _identities("agentRuntimeName"),
        _AGENTCORE_TAGS,
        _service_role(
            "runtime-identity.bedrock-agentcore.amazonaws.com", "AWSServiceRoleForBedrockAgentCoreRuntimeIdentity"
        ),
        _service_role(
            "network.bedrock-agentcore.amazonaws.com",
            "AWSServiceRoleForBedrockAgentCoreNetwork",
            when=given("networkConfiguration", "networkModeConfig"),
        ),
    ),
    "aws:cognito/userPool:UserPool": (
        Call(
            CREATE,
            "cognito-idp:CreateUserPool",
            "cognitoidp/user_pool.go resourceUserPoolCreate; SAR: no resource",
            on="*",
        ),
        Call(
            READ,
            "cognito-idp:DescribeUserPool GetUserPoolMfaConfig",
            "cognitoidp/user_pool.go resourceUserPoolRead, which has the tags from the first",
        ),
        # SetUserPoolMfaConfig only of a pool with a second factor, which no user of ours has.
        Call(UPDATE, "cognito-idp:UpdateUserPool", "cognitoidp/user_pool.go resourceUserPoolUpdate"),
        Call(DELETE, "cognito-idp:DeleteUserPool", "cognitoidp/user_pool.go resourceUserPoolDelete"),
        _tags("cognito-idp:TagResource UntagResource"),
    ),
    "aws:cognito/userPoolDomain:UserPoolDomain": (
        Call(CREATE, "cognito-idp:CreateUserPoolDomain", "cognitoidp/user_pool_domain.go resourceUserPoolDomainCreate"),
        Call(
            READ,
            "cognito-idp:DescribeUserPoolDomain",
            "cognitoidp/user_pool_domain.go resourceUserPoolDomainRead; the waiters ask the same; SAR: no resource",
            on="*",
        ),
        # As others told it: a managed login version is changed in place.
        Call(UPDATE, "cognito-idp:UpdateUserPoolDomain", "cognitoidp/user_pool_domain.go resourceUserPoolDomainUpdate"),
        Call(DELETE, "cognito-idp:DeleteUserPoolDomain", "cognitoidp/user_pool_domain.go resourceUserPoolDomainDelete"),
    ),
    "aws:cognito/resourceServer:ResourceServer": (
        Call(CREATE, "cognito-idp:CreateResourceServer", "cognitoidp/resource_server.go resourceResourceServerCreate"),
        Call(READ, "cognito-idp:DescribeResourceServer", "cognitoidp/resource_server.go resourceResourceServerRead"),
        Call(UPDATE, "cognito-idp:UpdateResourceServer", "cognitoidp/resource_server.go resourceResourceServerUpdate"),
        Call(DELETE, "cognito-idp:DeleteResourceServer", "cognitoidp/resource_server.go resourceResourceServerDelete"),
    ),
    "aws:cognito/userPoolClient:UserPoolClient": (
        Call(CREATE, "cognito-idp:CreateUserPoolClient", "cognitoidp/user_pool_client.go Create"),
        Call(
            READ, "cognito-idp:DescribeUserPoolClient", "cognitoidp/user_pool_client.go findUserPoolClientByTwoPartKey"
        ),
        Call(UPDATE, "cognito-idp:UpdateUserPoolClient", "cognitoidp/user_pool_client.go Update"),
        Call(DELETE, "cognito-idp:DeleteUserPoolClient", "cognitoidp/user_pool_client.go Delete"),
    ),
    "aws:bedrock/agentcoreWorkloadIdentity:AgentcoreWorkloadIdentity": (
        *(
            Call(by, f"bedrock-agentcore:{does}", f"bedrockagentcore/workload_identity.go {by}; {_BOTH}", on=on)
            for by, does in (
                (CREATE, "CreateWorkloadIdentity"),
                (READ, "GetWorkloadIdentity"),
                (UPDATE, "UpdateWorkloadIdentity"),
                (DELETE, "DeleteWorkloadIdentity"),
            )
            for on in ((_DIRECTORY, "{workloadIdentityArn}"),)
        ),
        _AGENTCORE_TAGS,
    ),
    "aws:bedrock/agentcoreOauth2CredentialProvider:AgentcoreOauth2CredentialProvider": (
        *(
            Call(
                by, f"bedrock-agentcore:{does}", f"bedrockagentcore/oauth2_credential_provider.go {by}; {_BOTH}", on=on
            )
            for by, does in (
                (CREATE, "CreateOauth2CredentialProvider"),
                (READ, "GetOauth2CredentialProvider"),
                (UPDATE, "UpdateOauth2CredentialProvider"),
                (DELETE, "DeleteOauth2CredentialProvider"),
            )
            for on in ((_VAULT, "{credentialProviderArn}"),)
        ),
        *_vault("oauth2", _keeps_secret),
        _AGENTCORE_TAGS,
    ),
    "aws:bedrock/agentcoreApiKeyCredentialProvider:AgentcoreApiKeyCredentialProvider": (
        *(
            Call(
                by, f"bedrock-agentcore:{does}", f"bedrockagentcore/api_key_credential_provider.go {by}; {_BOTH}", on=on
            )
            for by, does in (
                (CREATE, "CreateApiKeyCredentialProvider"),
                (READ, "GetApiKeyCredentialProvider"),
                (UPDATE, "UpdateApiKeyCredentialProvider"),
                (DELETE, "DeleteApiKeyCredentialProvider"),
            )
            for on in ((_VAULT, "{credentialProviderArn}"),)
        ),
        *_vault("apikey", given("apiKey")),
        _AGENTCORE_TAGS,
    ),
    "aws:bedrock/agentcoreMemory:AgentcoreMemory": (
        Call(CREATE, "bedrock-agentcore:CreateMemory", "bedrockagentcore/memory.go Create; SAR: no resource", on="*"),
        Call(
            READ, "bedrock-agentcore:GetMemory", "bedrockagentcore/memory.go findMemoryByID; the waiters ask the same"
        ),
        Call(UPDATE, "bedrock-agentcore:UpdateMemory", "bedrockagentcore/memory.go Update"),
        Call(DELETE, "bedrock-agentcore:DeleteMemory", "bedrockagentcore/memory.go Delete"),
        Call(
            AWS,
            "iam:PassRole",
            "SAR, CreateMemory: dependent",
            on="{memoryExecutionRoleArn}",
            when=given("memoryExecutionRoleArn"),
            facts=passed_to("bedrock-agentcore.amazonaws.com"),
        ),
        *_uses_key("encryptionKeyArn"),
        _AGENTCORE_TAGS,
    ),
    "aws:bedrock/agentcoreMemoryStrategy:AgentcoreMemoryStrategy": (
        Call(CREATE, "bedrock-agentcore:UpdateMemory", "bedrockagentcore/memory_strategy.go Create, Update, Delete"),
        Call(READ, "bedrock-agentcore:GetMemory", "bedrockagentcore/memory_strategy.go findMemoryStrategyByTwoPartKey"),
    ),
    "aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy": (
        Call(CREATE, "bedrock-agentcore:PutResourcePolicy", "bedrockagentcore/resource_policy.go Create, Update"),
        Call(
            READ, "bedrock-agentcore:GetResourcePolicy", "bedrockagentcore/resource_policy.go findResourcePolicyByARN"
        ),
        Call(DELETE, "bedrock-agentcore:DeleteResourcePolicy", "bedrockagentcore/resource_policy.go Delete"),
    ),
}


@dataclass(frozen=True)
class Needed:
    """One action that deploying must be allowed."""

    action: str
    on: str
    facts: tuple[tuple[str, str | None], ...]
    by: str


def needed(deployment: Mapping[str, Any], kind: str | None = None) -> Iterator[Needed]:
    """What deploying this needs, by the table; of one type alone, if one is named."""
    resources = deployment["deployment"]["resources"]
    stacks = {
        it["outputs"]["arn"]: it["inputs"].get("tags", {}).get(STACK_TAG)
        for it in resources
        if it["type"] in ("aws:kms/key:Key", "aws:cognito/userPool:UserPool")
    }
    for resource in resources:
        if resource["type"].startswith("aws:") and kind in (None, resource["type"]):
            properties = {**resource["inputs"], **resource["outputs"], "written": resource["inputs"]}
            for call in CALLS[resource["type"]]:
                if call.when(properties):
                    for arn in _arns(call, resource, properties, resources):
                        own = stacks.get(properties.get("arn") if arn == "*" else arn)
                        facts = tuple(sorted(_facts(call, arn, own).items()))
                        yield from (Needed(action, arn, facts, call.by) for action in call.actions())


def _arns(call: Call, resource: Mapping[str, Any], properties: Properties, resources: Resources) -> list[str]:
    if callable(call.on):
        return call.on(properties, resources)
    templates = (call.on,) if isinstance(call.on, str) else call.on
    return [(template or ON[resource["type"]]).format_map(properties) for template in templates]


def _facts(call: Call, arn: str, stack: str | None) -> dict[str, str | None]:
    """The call's facts. A key or a pool of ours is made with its tag and carries it; others have none."""
    told = {key: value and value.replace("{stack}", stack or "") for key, value in call.facts.items()}
    if stack:
        return told if arn == "*" else {**told, f"aws:ResourceTag/{STACK_TAG}": stack}
    return {key: value for key, value in told.items() if STACK_TAG not in key}
