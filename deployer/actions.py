"""What deploying calls, by resource type: the one table of the deployer's IAM actions.

Sources. The calls: hashicorp/terraform-provider-aws, folders iam, s3, logs, cloudwatch, lambda, dynamodb, sqs, sns,
secretsmanager, ssm and bedrockagentcore of `internal/service`, which Pulumi's AWS provider is made from. Action names,
and on which resources each can be allowed: Service Authorization Reference, page of the service in the prefix. What
AgentCore checks besides the call itself: AgentCore developer guide, "IAM permissions for AgentCore Runtime", "Gateway
prerequisites", "Using service-linked roles", "Policy permissions".
"""

from collections.abc import Callable, Mapping, Sequence

from toolgate.access.deployment.stack_export import Resource
from toolgate.deployer.grants import ANYTHING, WITHOUT_RESOURCE, Grant, always, given, having, key, owner
from toolgate.policy.language.agentcore_facts import (
    CEDAR_POLICY,
    FUNCTION,
    GATEWAY,
    LOG_DELIVERY,
    LOG_DELIVERY_SOURCE,
    POLICY_ENGINE,
    RESOURCE_POLICY,
    ROLE,
    ROLE_POLICY,
    RUNTIME,
    TARGET,
)

BUCKET = "aws:s3/bucket:Bucket"
SECRET = "aws:secretsmanager/secret:Secret"  # noqa: S105  # a type
OBSERVED = frozenset({GATEWAY, RUNTIME})
KEY = "aws:kms/key:Key"


def observed(source: Resource, resources: Sequence[Resource]) -> list[Resource]:
    """The gateway or runtime that a delivery source is about."""
    arn = source.get("resourceArn")
    return [it for it in resources if arn in (it.get("gatewayArn"), it.get("agentRuntimeArn")) and it.type in OBSERVED]


def gateways_of_engine(policy: Resource, resources: Sequence[Resource]) -> list[Resource]:
    """The gateways that ask the policy's engine."""
    engines = [it.get("policyEngineArn") for it in _ENGINE_OF_POLICY(policy, resources)]
    gateways = [it for it in resources if it.type == GATEWAY]
    return [it for it in gateways if it.mapping("policyEngineConfiguration").get("arn") in engines]


_ROLE_OF_POLICY = owner(ROLE, "name", "role")
_BUCKET_OF = owner(BUCKET, "bucket", "bucket")
_GATEWAY_OF_TARGET = owner(GATEWAY, "gatewayId", "gatewayIdentifier")
_ENGINE_OF_POLICY = owner(POLICY_ENGINE, "policyEngineId", "policyEngineId")

_IDENTITY_SERVICE = "runtime-identity.bedrock-agentcore.amazonaws.com"
# AgentCore names it after the gateway or runtime; which characters follow is not documented, hence the `*`.
_IDENTITY = "{place}:workload-identity-directory/default/workload-identity/{name}-*"
_IDENTITIES = Grant(
    "WorkloadIdentities",
    ("bedrock-agentcore:CreateWorkloadIdentity", "bedrock-agentcore:DeleteWorkloadIdentity"),
    ("{place}:workload-identity-directory/default", _IDENTITY),
)
_AGENTCORE_TAGS = Grant(
    "AgentCoreTags",
    (
        "bedrock-agentcore:ListTagsForResource",
        "bedrock-agentcore:TagResource",
        "bedrock-agentcore:UntagResource",
    ),
)
# Sources, destinations and deliveries in one statement, which is shorter: each action takes one of these types.
_DELIVERING = (
    "logs:CreateDelivery",
    "logs:DeleteDelivery",
    "logs:DeleteDeliveryDestination",
    "logs:DeleteDeliverySource",
    "logs:GetDelivery",
    "logs:GetDeliveryDestination",
    "logs:GetDeliverySource",
    "logs:ListTagsForResource",
    "logs:PutDeliveryDestination",
    "logs:PutDeliverySource",
    "logs:TagResource",
    "logs:UntagResource",
    "logs:UpdateDeliveryConfiguration",
)
_ENDPOINT = "{arn}/runtime-endpoint/DEFAULT"


def _service_role(sid: str, name: str, service: str, when: Callable[[Resource], bool] = always) -> Grant:
    return Grant(
        sid,
        ("iam:CreateServiceLinkedRole",),
        (f"arn:{{partition}}:iam::{{account}}:role/aws-service-role/{service}/{name}",),
        condition={"StringEquals": {"iam:AWSServiceName": service}},
        when=when,
    )


def _encrypted(by: str) -> tuple[Grant, ...]:
    """What AgentCore does with a key in the name of whoever makes, reads or changes what is encrypted with it.

    AgentCore developer guide, "Encrypt your AgentCore policy engine with a customer-managed KMS key", the caller's
    permissions; AWS managed policy BedrockAgentCoreFullAccess, which asks for the same for gateways.
    """
    through = {"kms:ViaService": "bedrock-agentcore.{region}.amazonaws.com"}
    granting = {"StringEquals": {**through, "kms:GrantConstraintType": "EncryptionContextSubset"}}
    used = ("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey")
    return (
        Grant("UseKey", used, of=key(by), condition={"StringEquals": through}, when=given(by)),
        Grant("GrantKey", ("kms:CreateGrant",), of=key(by), condition=granting, when=given(by)),
    )


_KEY_OF_ALIAS = owner(KEY, "keyId", "targetKeyId")
_KEY_OF_BUCKET = ("rules", "applyServerSideEncryptionByDefault", "kmsMasterKeyId")

TYPES: Mapping[str, tuple[Grant, ...]] = {
    ROLE: (
        Grant(
            "Roles",
            (
                "iam:DeleteRole",
                "iam:GetRole",
                "iam:ListAttachedRolePolicies",
                "iam:ListInstanceProfilesForRole",
                "iam:ListRolePolicies",
                "iam:TagRole",
                "iam:UntagRole",
                "iam:UpdateAssumeRolePolicy",
                "iam:UpdateRole",
                "iam:UpdateRoleDescription",
            ),
        ),
        Grant("BoundedRoles", ("iam:CreateRole",), bounded=True),
        # Not iam:DeleteRolePermissionsBoundary: who may take it off is not bounded by it.
        Grant("BoundedRoles", ("iam:PutRolePermissionsBoundary",), when=given("permissionsBoundary"), bounded=True),
    ),
    ROLE_POLICY: (
        Grant("RolePolicies", ("iam:GetRolePolicy",), of=_ROLE_OF_POLICY),
        Grant("BoundedRoles", ("iam:DeleteRolePolicy", "iam:PutRolePolicy"), of=_ROLE_OF_POLICY, bounded=True),
    ),
    KEY: (
        # It takes no resource: the key has no id yet.
        Grant(WITHOUT_RESOURCE, ("kms:CreateKey",), (ANYTHING,)),
        Grant(
            "Keys",
            (
                "kms:DescribeKey",
                "kms:DisableKeyRotation",
                "kms:EnableKeyRotation",
                "kms:GetKeyPolicy",
                "kms:GetKeyRotationStatus",
                "kms:ListResourceTags",
                "kms:PutKeyPolicy",
                "kms:ScheduleKeyDeletion",
                "kms:TagResource",
                "kms:UntagResource",
                "kms:UpdateKeyDescription",
            ),
        ),
    ),
    "aws:kms/alias:Alias": (
        # Authorized on the alias and on its key.
        Grant("Aliases", ("kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias")),
        Grant("Keys", ("kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"), of=_KEY_OF_ALIAS),
        # A look-up by name: it takes no resource.
        Grant(WITHOUT_RESOURCE, ("kms:ListAliases",), (ANYTHING,)),
    ),
    "aws:cloudwatch/logGroup:LogGroup": (
        # The service names the two forms of a log group's ARN for different actions (CloudWatch Logs API reference,
        # LogGroup); of these calls, tagging takes the first and the others the second.
        Grant(
            "LogGroups",
            (
                "logs:CreateLogGroup",
                "logs:DeleteLogGroup",
                "logs:DeleteRetentionPolicy",
                "logs:ListTagsForResource",
                "logs:PutRetentionPolicy",
                "logs:TagResource",
                "logs:UntagResource",
            ),
            ("{arn}", "{arn}:*"),
        ),
        Grant(
            "LogGroups",
            ("logs:AssociateKmsKey", "logs:DisassociateKmsKey"),
            ("{arn}", "{arn}:*"),
            when=given("kmsKeyId"),
        ),
        # A look-up by prefix: it takes no resource.
        Grant(WITHOUT_RESOURCE, ("logs:DescribeLogGroups",), (ANYTHING,)),
    ),
    LOG_DELIVERY_SOURCE: (
        Grant("Deliveries", _DELIVERING),
        # Leave to let the resource's logs out (CloudWatch Logs user guide, V2, "Service-specific permissions").
        Grant("LetLogsOut", ("bedrock-agentcore:AllowVendedLogDeliveryForResource",), of=observed),
    ),
    "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination": (
        Grant("Deliveries", _DELIVERING),
        # With a delivery, AWS lets its delivery service write there, in the caller's name: by resource policies of the
        # account, which are no resource to IAM (CloudWatch Logs user guide, V2, "Logs sent to CloudWatch Logs").
        Grant(
            WITHOUT_RESOURCE,
            ("logs:DescribeLogGroups", "logs:DescribeResourcePolicies", "logs:PutResourcePolicy"),
            (ANYTHING,),
            when=having("deliveryDestinationType", "CWL"),
        ),
        # The same for X-Ray ("Traces sent to X-Ray").
        Grant(
            WITHOUT_RESOURCE,
            ("xray:GetTraceSegmentDestination", "xray:ListResourcePolicies", "xray:PutResourcePolicy"),
            (ANYTHING,),
            when=having("deliveryDestinationType", "XRAY"),
        ),
    ),
    # AWS draws a delivery's id by lot, hence the `*`. Making one is authorized on its source and destination, too.
    LOG_DELIVERY: (Grant("Deliveries", _DELIVERING, ("{place}:delivery:*",)),),
    "aws:cloudwatch/metricAlarm:MetricAlarm": (
        Grant(
            "Alarms",
            (
                "cloudwatch:DeleteAlarms",
                "cloudwatch:DescribeAlarms",
                "cloudwatch:ListTagsForResource",
                "cloudwatch:PutMetricAlarm",
                "cloudwatch:TagResource",
                "cloudwatch:UntagResource",
            ),
        ),
    ),
    "aws:cloudwatch/dashboard:Dashboard": (
        Grant("Dashboards", ("cloudwatch:DeleteDashboards", "cloudwatch:GetDashboard", "cloudwatch:PutDashboard")),
    ),
    FUNCTION: (
        Grant(
            "Functions",
            (
                "lambda:CreateFunction",
                "lambda:DeleteFunction",
                "lambda:GetFunction",
                "lambda:GetFunctionCodeSigningConfig",
                "lambda:GetFunctionConfiguration",
                "lambda:ListTags",
                "lambda:ListVersionsByFunction",
                "lambda:TagResource",
                "lambda:UntagResource",
                "lambda:UpdateFunctionCode",
                "lambda:UpdateFunctionConfiguration",
            ),
        ),
        # Lambda looks subnets and security groups up in the caller's name (Lambda developer guide, "Giving Lambda
        # functions access to resources in an Amazon VPC", "Required IAM permissions"); they take no resource.
        Grant(
            WITHOUT_RESOURCE,
            ("ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"),
            (ANYTHING,),
            when=given("vpcConfig"),
        ),
        # The same guide, "Securing Lambda environment variables".
        Grant(
            "EncryptVariables",
            ("kms:CreateGrant", "kms:Decrypt", "kms:Encrypt"),
            of=key("kmsKeyArn"),
            condition={"StringEquals": {"kms:ViaService": "lambda.{region}.amazonaws.com"}},
            when=given("kmsKeyArn"),
        ),
    ),
    "aws:dynamodb/table:Table": (
        Grant(
            "Tables",
            (
                "dynamodb:CreateTable",
                "dynamodb:DeleteTable",
                "dynamodb:DescribeContinuousBackups",
                "dynamodb:DescribeTable",
                "dynamodb:DescribeTimeToLive",
                "dynamodb:ListTagsOfResource",
                "dynamodb:TagResource",
                "dynamodb:UntagResource",
                "dynamodb:UpdateContinuousBackups",
                "dynamodb:UpdateTable",
                "dynamodb:UpdateTimeToLive",
            ),
        ),
        # DynamoDB developer guide, "DynamoDB encryption at rest", "Authorizing use of your customer managed key":
        # it makes its grants in the name of whoever gives the table the key.
        Grant(
            "EncryptTables",
            (
                "kms:CreateGrant",
                "kms:Decrypt",
                "kms:DescribeKey",
                "kms:Encrypt",
                "kms:GenerateDataKey",
                "kms:ReEncryptFrom",
                "kms:ReEncryptTo",
            ),
            of=key("serverSideEncryption", "kmsKeyArn"),
            condition={"StringEquals": {"kms:ViaService": "dynamodb.{region}.amazonaws.com"}},
            when=given("serverSideEncryption", "kmsKeyArn"),
        ),
    ),
    "aws:sqs/queue:Queue": (
        Grant(
            "Queues",
            (
                "sqs:CreateQueue",
                "sqs:DeleteQueue",
                "sqs:GetQueueAttributes",
                "sqs:GetQueueUrl",
                "sqs:ListQueueTags",
                "sqs:SetQueueAttributes",
                "sqs:TagQueue",
                "sqs:UntagQueue",
            ),
        ),
    ),
    "aws:sns/topic:Topic": (
        Grant(
            "Topics",
            (
                "sns:CreateTopic",
                "sns:DeleteTopic",
                "sns:GetTopicAttributes",
                "sns:ListTagsForResource",
                "sns:SetTopicAttributes",
                "sns:TagResource",
                "sns:UntagResource",
            ),
        ),
    ),
    "aws:secretsmanager/secret:Secret": (
        Grant(
            "Secrets",
            (
                "secretsmanager:CreateSecret",
                "secretsmanager:DeleteSecret",
                "secretsmanager:DescribeSecret",
                "secretsmanager:GetResourcePolicy",
                "secretsmanager:TagResource",
                "secretsmanager:UntagResource",
                "secretsmanager:UpdateSecret",
            ),
        ),
        Grant(
            "SecretPolicies",
            (
                "secretsmanager:DeleteResourcePolicy",
                "secretsmanager:PutResourcePolicy",
                "secretsmanager:ValidateResourcePolicy",
            ),
            when=given("policy"),
        ),
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": (
        Grant(
            "SecretValues",
            (
                "secretsmanager:DescribeSecret",
                "secretsmanager:GetSecretValue",
                "secretsmanager:PutSecretValue",
                "secretsmanager:UpdateSecretVersionStage",
            ),
            of=owner(SECRET, "arn", "secretId"),
        ),
    ),
    "aws:ssm/parameter:Parameter": (
        Grant(
            "Parameters",
            (
                "ssm:AddTagsToResource",
                "ssm:DeleteParameter",
                "ssm:GetParameter",
                "ssm:GetParameters",
                "ssm:ListTagsForResource",
                "ssm:PutParameter",
                "ssm:RemoveTagsFromResource",
            ),
        ),
        # A look-up by name: it takes no resource.
        Grant(WITHOUT_RESOURCE, ("ssm:DescribeParameters",), (ANYTHING,)),
    ),
    BUCKET: (
        # The provider reads each of a bucket's settings, also those the program does not make.
        Grant(
            "Buckets",
            (
                "s3:CreateBucket",
                "s3:DeleteBucket",
                "s3:GetAccelerateConfiguration",
                "s3:GetBucketAcl",
                "s3:GetBucketCORS",
                "s3:GetBucketLocation",
                "s3:GetBucketLogging",
                "s3:GetBucketObjectLockConfiguration",
                "s3:GetBucketPolicy",
                "s3:GetBucketRequestPayment",
                "s3:GetBucketTagging",
                "s3:GetBucketVersioning",
                "s3:GetBucketWebsite",
                "s3:GetEncryptionConfiguration",
                "s3:GetLifecycleConfiguration",
                "s3:GetReplicationConfiguration",
                "s3:ListBucket",
                "s3:ListBucketVersions",
                "s3:ListTagsForResource",
                "s3:PutBucketTagging",
                "s3:TagResource",
                "s3:UntagResource",
            ),
        ),
        # A bucket that is destroyed with force takes along whatever is in it.
        Grant("Objects", ("s3:DeleteObject", "s3:DeleteObjectVersion"), ("{arn}/*",)),
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": (
        Grant("PublicAccess", ("s3:GetBucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock"), of=_BUCKET_OF),
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": (
        Grant("Ownership", ("s3:GetBucketOwnershipControls", "s3:PutBucketOwnershipControls"), of=_BUCKET_OF),
    ),
    "aws:s3/bucketVersioning:BucketVersioning": (
        Grant("Versioning", ("s3:GetBucketVersioning", "s3:PutBucketVersioning"), of=_BUCKET_OF),
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        Grant("Encryption", ("s3:GetEncryptionConfiguration", "s3:PutEncryptionConfiguration"), of=_BUCKET_OF),
        # Putting a large object in parts also reads (S3 user guide, "Using server-side encryption with AWS KMS keys").
        Grant(
            "EncryptCode",
            ("kms:Decrypt", "kms:GenerateDataKey"),
            of=key(*_KEY_OF_BUCKET),
            condition={"StringEquals": {"kms:ViaService": "s3.{region}.amazonaws.com"}},
            when=given(*_KEY_OF_BUCKET),
        ),
    ),
    "aws:s3/bucketObjectv2:BucketObjectv2": (
        # The key holds the zip's digest, hence the `*`; a large object is put in parts.
        Grant(
            "Code",
            (
                "s3:AbortMultipartUpload",
                "s3:DeleteObject",
                "s3:DeleteObjectVersion",
                "s3:GetObject",
                "s3:GetObjectTagging",
                "s3:PutObject",
                "s3:PutObjectTagging",
            ),
            ("{arn}/*",),
            _BUCKET_OF,
        ),
    ),
    GATEWAY: (
        # It takes no resource: the gateway has no id yet.
        Grant(WITHOUT_RESOURCE, ("bedrock-agentcore:CreateGateway",), (ANYTHING,)),
        Grant(
            "Gateways",
            (
                "bedrock-agentcore:DeleteGateway",
                "bedrock-agentcore:GetGateway",
                "bedrock-agentcore:UpdateGateway",
            ),
        ),
        *_encrypted("kmsKeyArn"),
        _IDENTITIES,
        _AGENTCORE_TAGS,
    ),
    TARGET: (
        Grant(
            "Targets",
            (
                "bedrock-agentcore:CreateGatewayTarget",
                "bedrock-agentcore:DeleteGatewayTarget",
                "bedrock-agentcore:GetGatewayTarget",
                "bedrock-agentcore:UpdateGatewayTarget",
            ),
            of=_GATEWAY_OF_TARGET,
        ),
    ),
    POLICY_ENGINE: (
        # It takes no resource: the engine has no id yet.
        Grant(WITHOUT_RESOURCE, ("bedrock-agentcore:CreatePolicyEngine",), (ANYTHING,)),
        Grant(
            "Engines",
            (
                "bedrock-agentcore:DeletePolicyEngine",
                "bedrock-agentcore:GetPolicyEngine",
                "bedrock-agentcore:UpdatePolicyEngine",
            ),
        ),
        *_encrypted("encryptionKeyArn"),
        _AGENTCORE_TAGS,
    ),
    CEDAR_POLICY: (
        Grant(
            "Policies",
            (
                "bedrock-agentcore:CreatePolicy",
                "bedrock-agentcore:DeletePolicy",
                "bedrock-agentcore:GetPolicy",
                "bedrock-agentcore:UpdatePolicy",
            ),
            # All policies of this engine are this stack's; their ids are not known before.
            ("{arn}", "{arn}/policy/*"),
            _ENGINE_OF_POLICY,
        ),
        # CreatePolicy checks the policy's actions against the gateway, as its caller.
        Grant(
            "CheckPolicies",
            ("bedrock-agentcore:InvokeGateway", "bedrock-agentcore:ManageResourceScopedPolicy"),
            of=gateways_of_engine,
        ),
    ),
    RUNTIME: (
        # It takes no resource: the runtime has no id yet.
        Grant(WITHOUT_RESOURCE, ("bedrock-agentcore:CreateAgentRuntime",), (ANYTHING,)),
        Grant(
            "Runtimes",
            (
                # With a runtime AgentCore makes its endpoint DEFAULT, with the caller's rights.
                "bedrock-agentcore:CreateAgentRuntimeEndpoint",
                "bedrock-agentcore:DeleteAgentRuntime",
                "bedrock-agentcore:DeleteAgentRuntimeEndpoint",
                "bedrock-agentcore:GetAgentRuntime",
                "bedrock-agentcore:UpdateAgentRuntime",
            ),
            ("{arn}", _ENDPOINT),
        ),
        # `ask.py` after a deployment. Whoever deploys an agent's code could call it anyway.
        Grant("Ask", ("bedrock-agentcore:InvokeAgentRuntime",), ("{arn}", _ENDPOINT)),
        _IDENTITIES,
        _AGENTCORE_TAGS,
        # The account's first runtime makes the one, its first one in a VPC the other.
        _service_role("RuntimeIdentityRole", "AWSServiceRoleForBedrockAgentCoreRuntimeIdentity", _IDENTITY_SERVICE),
        _service_role(
            "NetworkRole",
            "AWSServiceRoleForBedrockAgentCoreNetwork",
            "network.bedrock-agentcore.amazonaws.com",
            given("networkConfiguration", "networkModeConfig"),
        ),
    ),
    # Authorized on the gateway, runtime or endpoint that the policy is on.
    RESOURCE_POLICY: (
        Grant(
            "ResourcePolicies",
            (
                "bedrock-agentcore:DeleteResourcePolicy",
                "bedrock-agentcore:GetResourcePolicy",
                "bedrock-agentcore:PutResourcePolicy",
            ),
        ),
    ),
}
