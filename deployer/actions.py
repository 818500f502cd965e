"""What deploying calls, by resource type: the one table of the deployer's IAM actions.

It is what makes a resource as the program has it, whatever it was before, reads it, and deletes it. Which function of
the provider makes which call, and what AWS checks besides, stands in `tests/deployer/provider_calls.py`, with a source
for each; tests compare.

Sources. The calls: hashicorp/terraform-provider-aws, folders iam, kms, s3, logs, cloudwatch, lambda, dynamodb, sqs,
sns, secretsmanager, ssm, cognitoidp, apigateway and bedrockagentcore of `internal/service`, which Pulumi's AWS provider
is made from. Action names, and on which resources each can be allowed: Service Authorization Reference, page of the
service in the prefix.
What AgentCore checks besides the call itself: AgentCore developer guide, "IAM permissions for AgentCore Runtime",
"Gateway prerequisites", "Using service-linked roles", "Policy permissions".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from toolgate.access.deployment.agentcore_resources import Target
from toolgate.access.deployment.function_access import function_name
from toolgate.access.deployment.stack_export import Resource
from toolgate.access.deployment.targets import read_target
from toolgate.deployer.grants import (
    ANYTHING,
    WITHOUT_RESOURCE,
    Grant,
    Owners,
    always,
    given,
    having,
    lacking,
    named,
    owner,
)
from toolgate.policy.language.agentcore_facts import (
    API_KEY_PROVIDER,
    CEDAR_POLICY,
    FUNCTION,
    GATEWAY,
    LAMBDA_PERMISSION,
    LOG_DELIVERY,
    LOG_DELIVERY_SOURCE,
    MEMORY,
    MEMORY_STRATEGY,
    OAUTH2_PROVIDER,
    POLICY_ENGINE,
    RESOURCE_POLICY,
    RESOURCE_SERVER,
    REST_API,
    REST_API_DEPLOYMENT,
    REST_API_POLICY,
    REST_API_STAGE,
    ROLE,
    ROLE_POLICY,
    ROLE_USERS,
    RUNTIME,
    SERVICE_PRINCIPAL,
    TARGET,
    USER_POOL,
    USER_POOL_CLIENT,
    USER_POOL_DOMAIN,
    WORKLOAD_IDENTITY,
)

BUCKET = "aws:s3/bucket:Bucket"
SECRET = "aws:secretsmanager/secret:Secret"  # noqa: S105  # a type
OBSERVED = frozenset({GATEWAY, RUNTIME})
KEY = "aws:kms/key:Key"
STACK_TAG = "toolgate:stack"
"""The tag that `components/encryption_key.py` gives a key: whose it is, which nothing in its ARN says."""
OF_STACK = {f"aws:ResourceTag/{STACK_TAG}": "{stack}"}
"""What holds of the stack's own key once it is there (KMS developer guide, "ABAC for AWS KMS")."""


def observed(source: Resource, resources: Sequence[Resource]) -> list[Resource]:
    """The gateway or runtime that a delivery source is about."""
    arn = source.get("resourceArn")
    return [it for it in resources if arn in (it.get("gatewayArn"), it.get("agentRuntimeArn")) and it.type in OBSERVED]


def gateways_of_engine(policy: Resource, resources: Sequence[Resource]) -> list[Resource]:
    """The gateways that ask the policy's engine."""
    engines = [it.get("policyEngineArn") for it in _ENGINE_OF_POLICY(policy, resources)]
    gateways = [it for it in resources if it.type == GATEWAY]
    return [it for it in gateways if it.mapping("policyEngineConfiguration").get("arn") in engines]


def role_of_policy(policy: Resource, resources: Sequence[Resource]) -> Sequence[Resource | str]:
    """The role that a policy is written into; of one that others made its ARN, by whoever uses it."""
    made = [it for it in resources if it.type == ROLE and it.get("name") == policy.get("role")]
    used = {arn for it in resources if isinstance(arn := it.get(ROLE_USERS.get(it.type, "")), str)}
    return made or sorted(arn for arn in used if arn.rpartition("/")[2] == policy.get("role"))


_BUCKET_OF = owner(BUCKET, "bucket", "bucket")
_SECRET_OF_VERSION = owner(SECRET, "arn", "secretId")
_MEMORY_OF_STRATEGY = owner(MEMORY, "id", "memoryId")
_GATEWAY_OF_TARGET = owner(GATEWAY, "gatewayId", "gatewayIdentifier")
_POOL_OF = owner(USER_POOL, "id", "userPoolId")
_ENGINE_OF_POLICY = owner(POLICY_ENGINE, "policyEngineId", "policyEngineId")

_API_OF, _API_OF_POLICY = owner(REST_API, "id", "restApi"), owner(REST_API, "id", "restApiId")
_REST_APIS = "arn:{partition}:apigateway:{region}::/restapis"
_ANY_REST_API, _API_TAGS = f"{_REST_APIS}/*", "arn:{partition}:apigateway:{region}::/tags/*"


def _function_of_permission(permission: Resource, resources: Sequence[Resource]) -> Sequence[Resource | str]:
    """The function that a permission is on, by its name or its ARN."""
    named_as = function_name(permission.text("function")).name
    own = [it for it in resources if it.type == FUNCTION and named_as in (it.get("name"), it.get("arn"))]
    return own or ([named_as] if named_as.startswith("arn:") else [])


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
# The service names the two forms of a log group's ARN for different actions (CloudWatch Logs API reference, LogGroup):
# tagging takes the first and the others the second; in which one a tag of a group that is being made is checked is not
# documented.
_GROUP = ("{arn}", "{arn}:*")
_LOG_TAGS = Grant("LogTags", ("logs:ListTagsForResource", "logs:TagResource", "logs:UntagResource"))
# Connecting a source with a destination is authorized on both and on the delivery, whose id AWS draws by lot; so is
# changing what of each record is delivered, where the program says it.
_CONNECTED = Grant("Deliveries", ("logs:CreateDelivery",))
_SHAPED = Grant(
    "ShapeDeliveries",
    ("logs:UpdateDeliveryConfiguration",),
    when=lambda it: any(it.inputs.get(name) for name in ("fieldDelimiter", "recordFields", "s3DeliveryConfiguration")),
)
_DELIVERY = "{place}:delivery:*"
_SOURCE_OF_DELIVERY = owner(LOG_DELIVERY_SOURCE, "name", "deliverySourceName")
_DESTINATION_OF_DELIVERY = named("deliveryDestinationArn")
_ENDPOINT = "{arn}/runtime-endpoint/DEFAULT"
_DIRECTORY, _VAULT = "{place}:workload-identity-directory/default", "{place}:token-vault/default"
_KEPT_BY = "arn:{partition}:secretsmanager:{region}:{account}:secret:bedrock-agentcore-identity!default"
_KEPT, _KEPT_KEY = f"{_KEPT_BY}/oauth2/{{name}}-??????", f"{_KEPT_BY}/apikey/{{name}}-??????"
_WITHOUT_SECRET = ("AWS_IAM_ID_TOKEN_JWT", "PRIVATE_KEY_JWT")


def _own_key(by: str) -> Callable[[Resource], bool]:
    """Whether it names a key, and not AWS's own for the service, which lets everybody of the account through."""
    return lambda it: bool(it.get(by)) and not str(it.get(by)).startswith("alias/aws/")


def _keeps_key(provider: Resource) -> bool:
    """Whether the token vault keeps the API key."""
    return not having("apiKeySecretSource", "EXTERNAL")(provider)


def _keeps_secret(provider: Resource) -> bool:
    """Whether the token vault keeps its client's secret; an export may hide its settings."""
    settings = provider.get("oauth2ProviderConfig")
    custom = settings.get("customOauth2ProviderConfig") if isinstance(settings, Mapping) else None
    given = custom if isinstance(custom, Mapping) else {}
    elsewhere = given.get("clientSecretSource") == "EXTERNAL"
    return not (elsewhere or given.get("clientAuthenticationMethod") in _WITHOUT_SECRET)


def _reserves(function: Resource) -> bool:
    """Whether so many runs at once are its own; where none are, the provider answers -1."""
    reserved = function.get("reservedConcurrentExecutions")
    return isinstance(reserved, int | float) and reserved >= 0


def _service_role(sid: str, name: str, service: str, when: Callable[[Resource], bool] = always) -> Grant:
    return Grant(
        sid,
        ("iam:CreateServiceLinkedRole",),
        (f"arn:{{partition}}:iam::{{account}}:role/aws-service-role/{service}/{name}",),
        condition={"StringEquals": {"iam:AWSServiceName": service}},
        when=when,
    )


def _passed(sid: str, by: str, service: str) -> Grant:
    """Handing the role to the service that takes it, and to no other; it may be one that the deployment does not make.

    Service Authorization Reference, the dependent actions of what takes a role.
    """
    return Grant(sid, ("iam:PassRole",), of=named(by), condition={"StringEquals": {"iam:PassedToService": service}})


def _vault_grants(secret: str, keeps: Callable[[Resource], bool]) -> tuple[Grant, ...]:
    """What AWS does with the caller's rights for a credential provider, whose secret the vault may keep."""
    return (
        # The account's first provider makes the vault, with the caller's rights (seen live:
        # Boise-State-Development/agentcore-public-stack#628).
        Grant("TokenVault", ("bedrock-agentcore:CreateTokenVault", "bedrock-agentcore:GetTokenVault"), (_VAULT,)),
        # So it makes, changes and deletes the secret (the same, #182 and #186).
        Grant(
            "SecretsOfProviders",
            (
                "secretsmanager:CreateSecret",
                "secretsmanager:DeleteSecret",
                "secretsmanager:DescribeSecret",
                "secretsmanager:PutSecretValue",
                "secretsmanager:TagResource",
                "secretsmanager:UpdateSecret",
            ),
            (secret,),
            when=keeps,
        ),
    )


def _named_by_target(find: Callable[[Target], str | None], key: str) -> Owners:
    """What a target names by its ARN, which is the property `key` of the deployment's own."""

    def owners(target: Resource, resources: Sequence[Resource]) -> Sequence[Resource | str]:
        arn = find(read_target(target))
        return [it for it in resources if it.get(key) == arn] or ([arn] if arn else [])

    return owners


def _runtime(target: Target) -> str | None:
    return target.place.runtime_arn


def _provider(how: str) -> Callable[[Target], str | None]:
    return lambda target: target.sign_in.provider_arn if target.sign_in.how == how else None


def _of_target(find: Callable[[Target], str | None]) -> Callable[[Resource], bool]:
    return lambda target: find(read_target(target)) is not None


def _exports(target: Resource, resources: Sequence[Resource]) -> list[str]:
    """The exports of the stage behind a target: they have no account in their ARN, and their kinds are AWS's choice."""
    place = read_target(target).place
    parts = [it.text("gatewayArn").split(":") for it in _GATEWAY_OF_TARGET(target, resources)]
    return [
        f"arn:{partition}:apigateway:{region}::/restapis/{place.rest_api_id}/stages/{place.stage}/exports/*"
        for _, partition, _, region, *_ in parts
    ]


def _encrypted(by: str) -> tuple[Grant, ...]:
    """What AgentCore does with a key in the name of whoever makes, reads or changes what is encrypted with it.

    AgentCore developer guide, "Encrypt your AgentCore policy engine with a customer-managed KMS key", the caller's
    permissions; AWS managed policy BedrockAgentCoreFullAccess, which asks for the same for gateways. Neither says who
    gets the grants, so `kms:GranteePrincipal` cannot narrow them.
    """
    through = {"kms:ViaService": "bedrock-agentcore.{region}.{dns_suffix}"}
    granting = {"StringEquals": {**through, "kms:GrantConstraintType": "EncryptionContextSubset"}}
    used = ("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey")
    return (
        Grant("UseKey", used, of=named(by), condition={"StringEquals": through}, when=given(by)),
        Grant("GrantKey", ("kms:CreateGrant",), of=named(by), condition=granting, when=given(by)),
    )


_KEY_OF_ALIAS = owner(KEY, "keyId", "targetKeyId")
_SEARCH = ("protocolConfiguration", "mcp", "searchType")
_MAKE_KEY = ("kms:CreateKey", "kms:PutKeyPolicy", "kms:TagResource")
_KEY_OF_BUCKET = ("rules", "applyServerSideEncryptionByDefault", "kmsMasterKeyId")

TYPES: Mapping[str, tuple[Grant, ...]] = {
    ROLE: (
        Grant(
            "Roles",
            (
                "iam:DeleteRole",
                "iam:GetRole",
                "iam:GetRolePolicy",
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
        Grant("RolePolicies", ("iam:GetRolePolicy",), of=role_of_policy),
        Grant("BoundedRoles", ("iam:DeleteRolePolicy", "iam:PutRolePolicy"), of=role_of_policy, bounded=True),
    ),
    KEY: (
        # It takes no resource: the key has no id yet. Tagging is checked as well, and must be limited neither to some
        # keys (KMS developer guide, "Controlling access to tags") nor to their tags: one that is being made has none
        # (seen live: LeanerCloud/CUDly#1670). So is whether its maker can change its policy later (Service
        # Authorization Reference, CreateKey, dependent actions). The second condition keeps other stacks' keys from
        # being tagged over.
        Grant(
            "MakeKey",
            _MAKE_KEY,
            (ANYTHING,),
            condition={
                "StringEquals": {f"aws:RequestTag/{STACK_TAG}": "{stack}"},
                "Null": {f"aws:ResourceTag/{STACK_TAG}": "true"},
            },
            when=given("tags", STACK_TAG),
            unmade=True,
        ),
        Grant(WITHOUT_RESOURCE, _MAKE_KEY, (ANYTHING,), when=lacking("tags", STACK_TAG), unmade=True),
        Grant(
            "Keys",
            (
                "kms:DescribeKey",
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
        Grant("Keys", ("kms:EnableKeyRotation",), when=given("enableKeyRotation")),
        Grant("Keys", ("kms:DisableKeyRotation",), when=lacking("enableKeyRotation")),
    ),
    "aws:kms/alias:Alias": (
        # Authorized on the alias and on its key.
        Grant("Aliases", ("kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias")),
        Grant("Keys", ("kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"), of=_KEY_OF_ALIAS),
        # A look-up by name: it takes no resource.
        Grant(WITHOUT_RESOURCE, ("kms:ListAliases",), (ANYTHING,)),
    ),
    "aws:cloudwatch/logGroup:LogGroup": (
        Grant(
            "LogGroups",
            (
                "logs:CreateLogGroup",
                "logs:DeleteLogGroup",
                "logs:ListTagsForResource",
                "logs:TagResource",
                "logs:UntagResource",
            ),
            _GROUP,
        ),
        Grant("LogGroups", ("logs:PutRetentionPolicy",), _GROUP, when=given("retentionInDays")),
        Grant("LogGroups", ("logs:DeleteRetentionPolicy",), _GROUP, when=lacking("retentionInDays")),
        Grant("LogGroups", ("logs:AssociateKmsKey",), _GROUP, when=given("kmsKeyId")),
        Grant("LogGroups", ("logs:DisassociateKmsKey",), _GROUP, when=lacking("kmsKeyId")),
        # A look-up by prefix: it takes no resource.
        Grant(WITHOUT_RESOURCE, ("logs:DescribeLogGroups",), (ANYTHING,)),
    ),
    LOG_DELIVERY_SOURCE: (
        Grant("Sources", ("logs:DeleteDeliverySource", "logs:GetDeliverySource", "logs:PutDeliverySource")),
        _LOG_TAGS,
        # Leave to let the resource's logs out (CloudWatch Logs user guide, V2, "Service-specific permissions").
        Grant("LetLogsOut", ("bedrock-agentcore:AllowVendedLogDeliveryForResource",), of=observed),
    ),
    "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination": (
        Grant(
            "Destinations",
            ("logs:DeleteDeliveryDestination", "logs:GetDeliveryDestination", "logs:PutDeliveryDestination"),
        ),
        _LOG_TAGS,
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
    LOG_DELIVERY: (
        Grant("ChangeDeliveries", ("logs:DeleteDelivery", "logs:GetDelivery"), (_DELIVERY,)),
        replace(_LOG_TAGS, on=(_DELIVERY,)),
        replace(_CONNECTED, on=(_DELIVERY,)),
        replace(_CONNECTED, of=_SOURCE_OF_DELIVERY),
        replace(_CONNECTED, of=_DESTINATION_OF_DELIVERY),
        replace(_SHAPED, on=(_DELIVERY,)),
        replace(_SHAPED, of=_SOURCE_OF_DELIVERY),
        replace(_SHAPED, of=_DESTINATION_OF_DELIVERY),
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": (
        Grant(
            "Alarms",
            (
                "cloudwatch:DeleteAlarms",
                "cloudwatch:ListTagsForResource",
                "cloudwatch:PutMetricAlarm",
                "cloudwatch:TagResource",
                "cloudwatch:UntagResource",
            ),
        ),
        # A look-up by name, though the Service Authorization Reference names the alarm: others had to allow it on all
        # alarms (mattclay/aws-terminator#63). Not seen by us.
        Grant("FindAlarms", ("cloudwatch:DescribeAlarms",), ("{place}:alarm:*",)),
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
                # No call: GetFunction has the tags only for whoever may list them.
                "lambda:ListTags",
                "lambda:ListVersionsByFunction",
                "lambda:TagResource",
                "lambda:UntagResource",
                "lambda:UpdateFunctionCode",
                "lambda:UpdateFunctionConfiguration",
            ),
        ),
        Grant("Functions", ("lambda:PutFunctionConcurrency",), when=_reserves),
        Grant("Functions", ("lambda:DeleteFunctionConcurrency",), when=lambda it: not _reserves(it)),
        _passed("PassToLambda", "role", "lambda.amazonaws.com"),
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
            of=named("kmsKeyArn"),
            condition={"StringEquals": {"kms:ViaService": "lambda.{region}.{dns_suffix}"}},
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
            of=named("serverSideEncryption", "kmsKeyArn"),
            condition={"StringEquals": {"kms:ViaService": "dynamodb.{region}.{dns_suffix}"}},
            when=given("serverSideEncryption", "kmsKeyArn"),
        ),
    ),
    # Lambda authorizes what is said of a function's policy on the function.
    LAMBDA_PERMISSION: (
        Grant(
            "FunctionPolicies",
            ("lambda:AddPermission", "lambda:GetPolicy", "lambda:RemovePermission"),
            of=_function_of_permission,
        ),
    ),
    # API Gateway draws the id of an API by lot, and what is below it has the API's ARN in its own: hence each `*`.
    REST_API: (
        Grant("MakeRestApis", ("apigateway:POST",), (_REST_APIS,)),
        Grant(
            "RestApis", ("apigateway:DELETE", "apigateway:GET", "apigateway:PATCH", "apigateway:PUT"), (_ANY_REST_API,)
        ),
        # Service Authorization Reference, "Amazon API Gateway Management": tags have an ARN of theirs.
        Grant("TagRestApis", ("apigateway:DELETE", "apigateway:GET", "apigateway:PUT"), (_API_TAGS,)),
        # `UpdateRestApiPolicy` is asked besides, where a policy is set or taken off (the same page).
        Grant("RestApiPolicies", ("apigateway:UpdateRestApiPolicy",), (_REST_APIS, _ANY_REST_API)),
    ),
    REST_API_POLICY: (
        Grant("RestApis", ("apigateway:GET", "apigateway:PATCH"), (_ANY_REST_API,), of=_API_OF_POLICY),
        Grant("RestApiPolicies", ("apigateway:UpdateRestApiPolicy",), (_ANY_REST_API,), of=_API_OF_POLICY),
    ),
    REST_API_DEPLOYMENT: (
        Grant("RestApiDeployments", ("apigateway:POST",), (f"{_ANY_REST_API}/deployments",), of=_API_OF),
        Grant(
            "RestApiDeployments",
            ("apigateway:DELETE", "apigateway:GET", "apigateway:PATCH"),
            (f"{_ANY_REST_API}/deployments/*",),
            of=_API_OF,
        ),
    ),
    REST_API_STAGE: (
        Grant("RestApiStages", ("apigateway:POST",), (f"{_ANY_REST_API}/stages",), of=_API_OF),
        Grant(
            "RestApiStages",
            ("apigateway:DELETE", "apigateway:GET", "apigateway:PATCH"),
            (f"{_ANY_REST_API}/stages/{{name}}",),
        ),
        Grant("TagRestApis", ("apigateway:DELETE", "apigateway:GET", "apigateway:PUT"), (_API_TAGS,)),
    ),
    "aws:sqs/queue:Queue": (
        Grant(
            "Queues",
            (
                "sqs:CreateQueue",
                "sqs:DeleteQueue",
                "sqs:GetQueueAttributes",
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
    SECRET: (
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
        # Secrets Manager user guide, "Secret encryption and decryption", "Permissions for the KMS key".
        Grant(
            "EncryptSecrets",
            ("kms:Decrypt", "kms:GenerateDataKey"),
            of=named("kmsKeyId"),
            condition={"StringEquals": {"kms:ViaService": "secretsmanager.{region}.{dns_suffix}"}},
            when=_own_key("kmsKeyId"),
        ),
        Grant("Secrets", ("secretsmanager:PutResourcePolicy",), when=given("policy")),
        Grant("Secrets", ("secretsmanager:DeleteResourcePolicy",), when=lacking("policy")),
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": (
        Grant(
            "SecretValues",
            (
                "secretsmanager:GetSecretValue",
                "secretsmanager:PutSecretValue",
                "secretsmanager:UpdateSecretVersionStage",
            ),
            of=_SECRET_OF_VERSION,
        ),
        # AWSCURRENT is moved from the version that has it, which is looked for.
        Grant(
            "SecretValues",
            ("secretsmanager:ListSecretVersionIds",),
            of=_SECRET_OF_VERSION,
            when=lambda it: it.inputs.get("versionStages") is not None,
        ),
    ),
    "aws:ssm/parameter:Parameter": (
        Grant(
            "Parameters",
            (
                "ssm:AddTagsToResource",
                "ssm:DeleteParameter",
                "ssm:GetParameter",
                "ssm:ListTagsForResource",
                "ssm:PutParameter",
                "ssm:RemoveTagsFromResource",
            ),
        ),
        # Systems Manager user guide, "AWS KMS encryption for Parameter Store SecureString parameters": of the standard
        # tier by Encrypt, of the advanced one by GenerateDataKey.
        Grant(
            "EncryptParameters",
            ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"),
            of=named("keyId"),
            condition={"StringEquals": {"kms:ViaService": "ssm.{region}.{dns_suffix}"}},
            when=_own_key("keyId"),
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
                "s3:ListTagsForResource",
                "s3:PutBucketTagging",
                "s3:TagResource",
                "s3:UntagResource",
            ),
        ),
        # A bucket that is destroyed with force takes along whatever is in it.
        Grant("Buckets", ("s3:ListBucketVersions",), when=given("forceDestroy")),
        Grant("Objects", ("s3:DeleteObject", "s3:DeleteObjectVersion"), ("{arn}/*",), when=given("forceDestroy")),
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": (
        Grant("PublicAccess", ("s3:GetBucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock"), of=_BUCKET_OF),
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": (
        Grant("Ownership", ("s3:GetBucketOwnershipControls", "s3:PutBucketOwnershipControls"), of=_BUCKET_OF),
    ),
    "aws:s3/bucketPolicy:BucketPolicy": (
        Grant("BucketPolicies", ("s3:DeleteBucketPolicy", "s3:GetBucketPolicy", "s3:PutBucketPolicy"), of=_BUCKET_OF),
    ),
    "aws:s3/bucketVersioning:BucketVersioning": (
        Grant("Versioning", ("s3:GetBucketVersioning", "s3:PutBucketVersioning"), of=_BUCKET_OF),
        # An object that has versions is deleted with all of them.
        Grant("Versioning", ("s3:ListBucketVersions",), of=_BUCKET_OF),
        Grant("Objects", ("s3:DeleteObjectVersion",), ("{arn}/*",), _BUCKET_OF),
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": (
        # Taking the rules off is a put as well (S3 user guide, "Required permissions for Amazon S3 API operations").
        Grant("Lifecycle", ("s3:GetLifecycleConfiguration", "s3:PutLifecycleConfiguration"), of=_BUCKET_OF),
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        Grant("Encryption", ("s3:GetEncryptionConfiguration", "s3:PutEncryptionConfiguration"), of=_BUCKET_OF),
        # Putting a large object in parts also reads (S3 user guide, "Using server-side encryption with AWS KMS keys").
        Grant(
            "EncryptCode",
            ("kms:Decrypt", "kms:GenerateDataKey"),
            of=named(*_KEY_OF_BUCKET),
            condition={"StringEquals": {"kms:ViaService": "s3.{region}.{dns_suffix}"}},
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
                "s3:DeleteObjectTagging",
                "s3:GetObject",
                "s3:GetObjectTagging",
                # For AgentCore: as whom it reads the version that a runtime names is not documented.
                "s3:GetObjectVersion",
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
                # With a gateway the provider deletes every target that is left on it, whoever made it.
                "bedrock-agentcore:DeleteGatewayTarget",
                "bedrock-agentcore:GetGateway",
                "bedrock-agentcore:GetGatewayTarget",
                "bedrock-agentcore:ListGatewayTargets",
                "bedrock-agentcore:UpdateGateway",
            ),
        ),
        # Asked of whoever makes a gateway with tool search (AgentCore developer guide, "Create an AgentCore gateway";
        # aws/agentcore-cli#1361). Not seen by us, nor whether it is checked before the gateway has an id.
        Grant("Gateways", ("bedrock-agentcore:SynchronizeGatewayTargets",), when=given(*_SEARCH)),
        _passed("PassToAgentCore", "roleArn", SERVICE_PRINCIPAL),
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
        # Unproved: that AWS looks these three up with the caller's rights. Reading tells no secret.
        Grant(
            "Runtimes",
            ("bedrock-agentcore:GetAgentRuntime",),
            of=_named_by_target(_runtime, "agentRuntimeArn"),
            when=_of_target(_runtime),
        ),
        *(
            Grant(
                "Providers",
                (action,),
                (_VAULT, "{arn}"),
                of=_named_by_target(_provider(how), "credentialProviderArn"),
                when=_of_target(_provider(how)),
            )
            for how, action in (
                ("apiKey", "bedrock-agentcore:GetApiKeyCredentialProvider"),
                ("oauth", "bedrock-agentcore:GetOauth2CredentialProvider"),
            )
        ),
        # AgentCore developer guide, "Amazon API Gateway REST API stages as targets": AWS exports the stage with the
        # caller's rights.
        Grant(
            "ExportsOfStages",
            ("apigateway:GET",),
            of=_exports,
            when=_of_target(lambda target: target.place.rest_api_id),
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
            ),
        ),
        # Nothing but the description can be changed, and it cannot be taken off.
        Grant("Engines", ("bedrock-agentcore:UpdatePolicyEngine",), when=given("description")),
        *_encrypted("encryptionKeyArn"),
        _AGENTCORE_TAGS,
    ),
    CEDAR_POLICY: (
        # The policies that failed are found and deleted before their names are used again
        # (`components/iam/iam_propagation.py`).
        Grant("Engines", ("bedrock-agentcore:CreatePolicy", "bedrock-agentcore:ListPolicies"), of=_ENGINE_OF_POLICY),
        Grant(
            "Policies",
            ("bedrock-agentcore:DeletePolicy", "bedrock-agentcore:GetPolicy", "bedrock-agentcore:UpdatePolicy"),
            # All policies of this engine are this stack's; their ids are not known before.
            ("{arn}", "{arn}/policy/*"),
            _ENGINE_OF_POLICY,
        ),
        # CreatePolicy checks the policy's actions against the gateway, as its caller.
        Grant(
            "CheckPolicies",
            (
                "bedrock-agentcore:InvokeGateway",
                "bedrock-agentcore:ListGatewayTargets",
                "bedrock-agentcore:ManageResourceScopedPolicy",
            ),
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
                "bedrock-agentcore:GetAgentRuntime",
                "bedrock-agentcore:UpdateAgentRuntime",
            ),
        ),
        Grant("Endpoints", ("bedrock-agentcore:DeleteAgentRuntimeEndpoint",), ("{arn}", _ENDPOINT)),
        _passed("PassToAgentCore", "roleArn", SERVICE_PRINCIPAL),
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
    MEMORY: (
        # It takes no resource: the memory has no id yet.
        Grant(WITHOUT_RESOURCE, ("bedrock-agentcore:CreateMemory",), (ANYTHING,)),
        Grant(
            "Memories",
            ("bedrock-agentcore:DeleteMemory", "bedrock-agentcore:GetMemory", "bedrock-agentcore:UpdateMemory"),
        ),
        # With a role of its own, which none of ours has.
        replace(
            _passed("PassToAgentCore", "memoryExecutionRoleArn", SERVICE_PRINCIPAL),
            when=given("memoryExecutionRoleArn"),
        ),
        *_encrypted("encryptionKeyArn"),
        _AGENTCORE_TAGS,
    ),
    # A strategy is a part of its memory, and changed with it.
    MEMORY_STRATEGY: (
        Grant("Memories", ("bedrock-agentcore:GetMemory", "bedrock-agentcore:UpdateMemory"), of=_MEMORY_OF_STRATEGY),
    ),
    USER_POOL: (
        # It takes no resource: the pool has no id yet.
        Grant(WITHOUT_RESOURCE, ("cognito-idp:CreateUserPool",), (ANYTHING,)),
        Grant(
            "UserPools",
            (
                "cognito-idp:DeleteUserPool",
                "cognito-idp:DescribeUserPool",
                "cognito-idp:GetUserPoolMfaConfig",
                "cognito-idp:TagResource",
                "cognito-idp:UntagResource",
                "cognito-idp:UpdateUserPool",
            ),
        ),
    ),
    # What is in a pool is authorized on the pool.
    USER_POOL_DOMAIN: (
        Grant(
            "UserPools",
            (
                "cognito-idp:CreateUserPoolDomain",
                "cognito-idp:DeleteUserPoolDomain",
                "cognito-idp:UpdateUserPoolDomain",
            ),
            of=_POOL_OF,
        ),
        # A look-up by name: it takes no resource.
        Grant(WITHOUT_RESOURCE, ("cognito-idp:DescribeUserPoolDomain",), (ANYTHING,), of=_POOL_OF),
    ),
    RESOURCE_SERVER: (
        Grant(
            "UserPools",
            (
                "cognito-idp:CreateResourceServer",
                "cognito-idp:DeleteResourceServer",
                "cognito-idp:DescribeResourceServer",
                "cognito-idp:UpdateResourceServer",
            ),
            of=_POOL_OF,
        ),
    ),
    USER_POOL_CLIENT: (
        Grant(
            "UserPools",
            (
                "cognito-idp:CreateUserPoolClient",
                "cognito-idp:DeleteUserPoolClient",
                "cognito-idp:DescribeUserPoolClient",
                "cognito-idp:UpdateUserPoolClient",
            ),
            of=_POOL_OF,
        ),
    ),
    WORKLOAD_IDENTITY: (
        Grant(
            "OwnIdentities",
            (
                "bedrock-agentcore:CreateWorkloadIdentity",
                "bedrock-agentcore:DeleteWorkloadIdentity",
                "bedrock-agentcore:GetWorkloadIdentity",
                "bedrock-agentcore:UpdateWorkloadIdentity",
            ),
            (_DIRECTORY, "{arn}"),
        ),
        _AGENTCORE_TAGS,
    ),
    OAUTH2_PROVIDER: (
        Grant(
            "Providers",
            (
                "bedrock-agentcore:CreateOauth2CredentialProvider",
                "bedrock-agentcore:DeleteOauth2CredentialProvider",
                "bedrock-agentcore:GetOauth2CredentialProvider",
                "bedrock-agentcore:UpdateOauth2CredentialProvider",
            ),
            (_VAULT, "{arn}"),
        ),
        *_vault_grants(_KEPT, _keeps_secret),
        _AGENTCORE_TAGS,
    ),
    API_KEY_PROVIDER: (
        Grant(
            "Providers",
            (
                "bedrock-agentcore:CreateApiKeyCredentialProvider",
                "bedrock-agentcore:DeleteApiKeyCredentialProvider",
                "bedrock-agentcore:GetApiKeyCredentialProvider",
                "bedrock-agentcore:UpdateApiKeyCredentialProvider",
            ),
            (_VAULT, "{arn}"),
        ),
        *_vault_grants(_KEPT_KEY, _keeps_key),
        _AGENTCORE_TAGS,
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
