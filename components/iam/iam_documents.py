"""Every IAM document we write but `token_documents` and `memory_documents`, and every IAM action in it by name.

A document is a dict whose leaves may be Outputs; the components write it with `pulumi.Output.json_dumps`. No managed
policy is attached anywhere. Where a resource is a wildcard, the reason stands beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import pulumi
import pulumi_aws as aws
from pulumi.runtime import settings

type Text = pulumi.Input[str]
type Statement = dict[str, Any]
"""A statement of a document; its leaves may be Outputs."""
type Condition = Mapping[str, Mapping[str, Text | Sequence[str]]]
"""By operator: values by condition key."""
type Document = dict[str, Any]

# Actions and resource types: AWS Service Authorization Reference, page of the service in the prefix.
ASSUME_ROLE = "sts:AssumeRole"
INVOKE_FUNCTION = "lambda:InvokeFunction"
# Lambda developer guide, "Control access to Lambda function URLs": a call takes both, the second through the URL only.
INVOKE_FUNCTION_URL = "lambda:InvokeFunctionUrl"
_BY_URL = {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}
INVOKE_API = "execute-api:Invoke"
INVOKE_GATEWAY = "bedrock-agentcore:InvokeGateway"
INVOKE_RUNTIME = "bedrock-agentcore:InvokeAgentRuntime"
# AgentCore developer guide, "Resource-based policies for AgentCore", supported actions: of those that have a runtime
# answer. The two that open a shell in it cannot be named there; no rule of a runtime's own keeps them off.
ANSWERS = (
    INVOKE_RUNTIME,
    "bedrock-agentcore:InvokeAgentRuntimeForUser",
    "bedrock-agentcore:InvokeAgentRuntimeWithWebSocketStream",
    "bedrock-agentcore:InvokeAgentRuntimeWithWebSocketStreamForUser",
)
# AgentCore developer guide, "Policy permissions", gateway execution role.
READ_POLICY_ENGINE = "bedrock-agentcore:GetPolicyEngine"
AUTHORIZE_TOOLS = ("bedrock-agentcore:AuthorizeAction", "bedrock-agentcore:PartiallyAuthorizeActions")
# The second for a version that is named (Amazon S3 API reference, GetObject, "Permissions").
GET_OBJECT = ("s3:GetObject", "s3:GetObjectVersion")
# AgentCore developer guide, "IAM permissions for AgentCore Runtime", execution role, ECRImageAccess and ECRTokenAccess.
PULL_IMAGE = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
LOG_IN_TO_ECR = "ecr:GetAuthorizationToken"
# Converse and ConverseStream are authorized by these two (Bedrock user guide, "Carry out a conversation").
INVOKE_MODEL = ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream")
APPLY_GUARDRAIL = "bedrock:ApplyGuardrail"
WRITE_LOGS = ("logs:CreateLogStream", "logs:PutLogEvents")
# AgentCore developer guide, "IAM permissions for AgentCore Runtime", execution role: the documented minimum.
MAKE_RUNTIME_LOGS = ("logs:CreateLogGroup", "logs:DescribeLogStreams", "logs:PutResourcePolicy")
LIST_LOG_GROUPS = "logs:DescribeLogGroups"
WRITE_TRACES = (
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
)
WRITE_METRICS = "cloudwatch:PutMetricData"
# KMS developer guide, "Default key policy", what key administrators may do: nothing here uses the key.
ADMINISTER_KEY = (
    *("kms:CreateAlias", "kms:UpdateAlias", "kms:DeleteAlias", "kms:UpdateKeyDescription"),
    *("kms:EnableKey", "kms:DisableKey", "kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion"),
    *("kms:EnableKeyRotation", "kms:DisableKeyRotation", "kms:GetKeyRotationStatus", "kms:ListKeyRotations"),
    *("kms:GetKeyPolicy", "kms:PutKeyPolicy", "kms:ListKeyPolicies", "kms:ListGrants", "kms:RevokeGrant"),
    *("kms:ListResourceTags", "kms:TagResource", "kms:UntagResource"),
)
# AgentCore developer guide, "Encrypt your AgentCore gateway with a customer-managed KMS key" and "Encrypt your
# AgentCore policy engine with a customer-managed KMS key": the actions, and what a grant may hand on.
USE_KEY = ("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey")
GRANT_KEY = "kms:CreateGrant"
GATEWAY_GRANT = ("Decrypt", "GenerateDataKey")
ENGINE_GRANT = (*GATEWAY_GRANT, "Encrypt", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo")
DELIVER_LOGS = ("kms:Decrypt", "kms:GenerateDataKey")
DECRYPT = "kms:Decrypt"
READ_SECRET = "secretsmanager:GetSecretValue"  # noqa: S105  # an action
READ_PARAMETER = "ssm:GetParameter"
# Lambda developer guide, "Giving Lambda functions access to resources in an Amazon VPC", required IAM permissions: what
# Lambda does as the role, and what the function's code is to be denied.
ATTACH_TO_NETWORK = (
    *("ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces"),
    *("ec2:DescribeSubnets", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"),
)
_PLAIN_HTTP = {"Bool": {"aws:SecureTransport": "false"}}
METRICS_NAMESPACE = "bedrock-agentcore"
RUNTIME_ENDPOINT = "DEFAULT"
"""The endpoint that is invoked: it follows the runtime's latest version (AgentCore developer guide, "AgentCore Runtime
versioning and endpoints")."""

AGENTCORE = "bedrock-agentcore.amazonaws.com"
LAMBDA = "lambda.amazonaws.com"
# A gateway's or runtime's id is its name, a hyphen and ten characters (botocore GatewayId, AgentRuntimeId). The id is
# not known before the role exists, and ten `?` match nothing of another name.
ID_SUFFIX = "-??????????"


@dataclass(frozen=True)
class AwsEnvironment:
    """Where the stack is deployed: the parts every ARN is made of, and what its services' hosts end with."""

    partition: Text
    region: Text
    account: Text
    dns_suffix: Text

    def arn(
        self, service: str, resource: Text, *, region: Text | None = None, account: Text | None = None
    ) -> pulumi.Output[str]:
        """The ARN of a resource here; `region` and `account` replace ours (an empty one for ARNs without)."""
        region = self.region if region is None else region
        account = self.account if account is None else account
        return pulumi.Output.concat("arn:", self.partition, ":", service, ":", region, ":", account, ":", resource)

    def host(self, service: str) -> pulumi.Output[str]:
        """A service's host in this Region: as such a principal of some services, and what `kms:ViaService` says.

        That `kms:ViaService` ends with the partition's own suffix in China was not seen by us.
        """
        return pulumi.Output.concat(service, ".", self.region, ".", self.dns_suffix)


# By the engine that is asked, which is another one in each run of a program, and by provider.
_environments: WeakKeyDictionary[object, dict[pulumi.ProviderResource | None, AwsEnvironment]] = WeakKeyDictionary()


def current_environment(component: pulumi.ComponentResource) -> AwsEnvironment:
    """Partition, Region and account of the component's AWS provider, asked once for each provider of a program."""
    known = _environments.setdefault(settings.get_monitor(), {})
    provider = component.get_provider("aws:index:Provider")
    if provider not in known:
        known[provider] = _asked(component)
    return known[provider]


def _asked(component: pulumi.ComponentResource) -> AwsEnvironment:
    # Invokes do not inherit the component's provider by themselves.
    opts = pulumi.InvokeOutputOptions(parent=component)
    partition = aws.get_partition_output(opts=opts)
    return AwsEnvironment(
        partition=partition.partition,
        region=aws.get_region_output(opts=opts).region,
        account=aws.get_caller_identity_output(opts=opts).account_id,
        dns_suffix=partition.dns_suffix,
    )


def document(*statements: Mapping[str, Any]) -> Document:
    """An IAM document of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(
    sid: str,
    actions: str | Sequence[str],
    resources: Text | Sequence[Text] | pulumi.Input[Sequence[str]],
    condition: Condition | None = None,
) -> Statement:
    """One Allow statement; `resources` is an ARN or a list of ARNs."""
    statement = {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}
    return {**statement, **({"Condition": condition} if condition else {})}


def _trust(service: str, condition: Condition | None = None) -> Document:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": ASSUME_ROLE}
    return document({**statement, **({"Condition": condition} if condition else {})})


def gateway_trust(env: AwsEnvironment, gateway_name: str) -> Document:
    """AgentCore may take the gateway's role, for this account's gateway of this name only.

    AgentCore developer guide, "Gateway service role permissions", trust policy. The ARN carries the lower-cased name.
    """
    return _agentcore_trust(env, _gateway_arns(env, gateway_name))


def runtime_trust(env: AwsEnvironment, runtime_name: str) -> Document:
    """AgentCore may take the execution role, for this account's runtime of this name only.

    AgentCore developer guide, "IAM permissions for AgentCore Runtime", trust policy.
    """
    return _agentcore_trust(env, env.arn("bedrock-agentcore", f"runtime/{runtime_name}{ID_SUFFIX}"))


def _gateway_arns(env: AwsEnvironment, gateway_name: str) -> pulumi.Output[str]:
    return env.arn("bedrock-agentcore", f"gateway/{gateway_name.lower()}{ID_SUFFIX}")


def _agentcore_trust(env: AwsEnvironment, source_arn: Text) -> Document:
    condition = {"StringEquals": {"aws:SourceAccount": env.account}, "ArnLike": {"aws:SourceArn": source_arn}}
    return _trust(AGENTCORE, condition)


def function_trust() -> Document:
    """Lambda may take the role (Lambda developer guide, "Execution role").

    Unconditional as AWS documents it: only who may pass this account's roles can have Lambda take one, and Lambda
    names no source ARN when it does.
    """
    return _trust(LAMBDA)


def function_logs(log_group_arn: Text) -> Document:
    """The function writes its own log group, which the stack makes. Lambda names the streams, hence their `*`."""
    return document(allow("WriteLogs", WRITE_LOGS, pulumi.Output.concat(log_group_arn, ":log-stream:*")))


def read_secrets(arns: Sequence[Text]) -> Document:
    """The function reads exactly these values: of Secrets Manager, or of Systems Manager's Parameter Store."""
    return document(*(_read_secret(number, arn) for number, arn in enumerate(arns, 1)))


def _read_secret(number: int, arn: Text) -> Statement:
    action = pulumi.Output.from_input(arn).apply(
        lambda known: READ_PARAMETER if known.split(":")[2] == "ssm" else READ_SECRET
    )
    return {"Sid": f"ReadSecret{number}", "Effect": "Allow", "Action": action, "Resource": arn}


def function_network(function_arn: Text) -> Document:
    """Lambda attaches the function to its VPC as the function's role; the function itself may not.

    Lambda developer guide, "Giving Lambda functions access to resources in an Amazon VPC". Lambda looks for these
    permissions on all resources; what it makes has no name before. The denial is the guide's own; that Lambda takes a
    role with both was not seen by us.
    """
    own = {"ArnEquals": {"lambda:SourceFunctionArn": function_arn}}
    denied = allow("DenyFunction", ATTACH_TO_NETWORK, "*", own)
    return document(allow("AttachToNetwork", ATTACH_TO_NETWORK, "*"), {**denied, "Effect": "Deny"})


def invoke_functions(of_targets: Sequence[Text]) -> list[Statement]:
    """The gateway invokes exactly its targets' functions."""
    return [allow("InvokeTargets", INVOKE_FUNCTION, list(of_targets))]


def call_apis(methods: pulumi.Input[Sequence[str]], targets: str) -> list[Statement]:
    """The gateway calls exactly these methods of APIs in API Gateway; `targets` ends the statement's name."""
    return [allow(f"CallApis{targets}", INVOKE_API, methods)]


def call_function_urls(functions: pulumi.Input[Sequence[str]], targets: str) -> list[Statement]:
    """The gateway calls exactly these functions by their URLs; `targets` ends the statements' names."""
    return [
        allow(f"CallFunctionUrls{targets}", INVOKE_FUNCTION_URL, functions),
        allow(f"InvokeByUrl{targets}", INVOKE_FUNCTION, functions, _BY_URL),
    ]


def invoke_interceptors(functions: Sequence[Text]) -> list[Statement]:
    """The gateway invokes exactly its interceptors' functions."""
    return [allow("InvokeInterceptors", INVOKE_FUNCTION, list(functions))] if functions else []


def read_callers(env: AwsEnvironment, table: str) -> Document:
    """An interceptor reads who its gateway's callers are: parameters that are named for the gateway and a client.

    The clients are made after the gateway, whose tools they are handed, and so after its interceptors: hence the `*`.

    Args:
        env: Where the stack is deployed.
        table: The beginning of the parameters' names, a slash at its end.
    """
    return document(allow("ReadCallers", READ_PARAMETER, env.arn("ssm", f"parameter{table}*")))


def authorize_tools(env: AwsEnvironment, gateway_name: str, engine_arn: Text) -> Document:
    """The gateway has its calls decided by its own policy engine.

    AgentCore developer guide, "Policy permissions". The engine must allow it on itself and on the gateway, whose id is
    not known before the role exists.
    """
    return document(
        allow("ReadPolicyEngine", READ_POLICY_ENGINE, engine_arn),
        allow("AuthorizeTools", AUTHORIZE_TOOLS, [engine_arn, _gateway_arns(env, gateway_name)]),
    )


def invoke_gateways(gateway_arns: pulumi.Input[Sequence[str]]) -> Document:
    """The agent calls exactly the gateways whose tools it was handed."""
    return document(allow("InvokeGateways", INVOKE_GATEWAY, gateway_arns))


def invoke_runtimes(sid: str, runtime_arns: Sequence[Text]) -> list[Statement]:
    """Exactly these runtimes are invoked, each at its default endpoint.

    AgentCore authorizes a request on the runtime and on its endpoint (developer guide, "Resource-based policies for
    AgentCore").
    """
    arns = [pulumi.Output.from_input(arn) for arn in runtime_arns]
    return [allow(sid, INVOKE_RUNTIME, [resource for arn in arns for resource in (arn, arn.apply(_endpoint))])]


def _endpoint(runtime_arn: str) -> str:
    return f"{runtime_arn}/runtime-endpoint/{RUNTIME_ENDPOINT}"


def only_by(role_arn: Text, runtime_arn: Text) -> Document:
    """Nobody but one role reaches a runtime, whatever else allows it (the runtime's resource policy).

    AgentCore developer guide, "Resource-based policies for AgentCore": in one account an Allow restricts nobody, and
    the resource is the exact ARN. `aws:PrincipalArn` of a session is its role's (IAM user guide, "AWS global condition
    context keys"). That AgentCore tells it of a gateway that calls, is unproved; no probe asks yet.
    """
    others = {"ArnNotEquals": {"aws:PrincipalArn": role_arn}}
    denied = allow("OnlyTheGateway", ANSWERS, runtime_arn, others)
    return document({**denied, "Effect": "Deny", "Principal": "*"})


def runtime_minimum(
    env: AwsEnvironment, runtime_name: str, artifact: Sequence[Statement], model: Sequence[Statement] = ()
) -> Document:
    """What a runtime needs before it has any tool: logs, traces, metrics, what it runs, its model.

    Args:
        env: Where the stack is deployed.
        runtime_name: The runtime's name; its log groups begin with it.
        artifact: The statements of `read_code` or `pull_image`.
        model: The statements of `model_access` or `profile_access`; what is no agent has none.
    """
    # The service names the groups `<runtime id>-<endpoint>` and the streams, and makes them itself.
    groups = env.arn("logs", f"log-group:/aws/bedrock-agentcore/runtimes/{runtime_name}-*")
    return document(
        allow("MakeLogs", MAKE_RUNTIME_LOGS, groups),
        allow("WriteLogs", WRITE_LOGS, pulumi.Output.concat(groups, ":log-stream:*")),
        # Listing is authorized on all groups of the account or not at all.
        allow("ListLogGroups", LIST_LOG_GROUPS, env.arn("logs", "log-group:*")),
        # X-Ray has no resource type for these actions.
        allow("WriteTraces", WRITE_TRACES, "*"),
        # CloudWatch has no resource type for this action: the namespace is the limit.
        allow("WriteMetrics", WRITE_METRICS, "*", {"StringEquals": {"cloudwatch:namespace": METRICS_NAMESPACE}}),
        *artifact,
        *model,
    )


def read_code(code_arn: Text) -> list[Statement]:
    """The runtime reads the one S3 object that it runs."""
    return [allow("ReadCode", GET_OBJECT, code_arn)]


def pull_image(repository_arn: Text) -> list[Statement]:
    """The runtime pulls its image, from the one repository that it is in."""
    return [
        allow("PullImage", PULL_IMAGE, repository_arn),
        # ECR has no resource type for this action; what the token is good for, the statement above says.
        allow("LogInToEcr", LOG_IN_TO_ECR, "*"),
    ]


def model_access(model_arn: Text) -> list[Statement]:
    """The agent invokes one foundation model."""
    return [allow("InvokeModel", INVOKE_MODEL, model_arn)]


def profile_access(profile_arn: Text, model_arns: pulumi.Input[Sequence[str]]) -> list[Statement]:
    """The agent invokes one inference profile, and its models in every destination Region through it only.

    Bedrock user guide, "Prerequisites for inference profiles".
    """
    through = {"StringEquals": {"bedrock:InferenceProfileArn": profile_arn}}
    return [
        allow("InvokeProfile", INVOKE_MODEL, profile_arn),
        allow("InvokeModelsOfProfile", INVOKE_MODEL, model_arns, through),
    ]


def apply_guardrail(guardrail_arn: Text) -> Document:
    """The agent has its model's requests and answers looked at by one guardrail.

    Bedrock user guide, "Set up permissions to use Amazon Bedrock Guardrails", permissions for invoking guardrails. That
    a model call takes this and nothing else, is unproved (asked by tests/aws, test_right_to_apply_a_guardrail).
    """
    return document(allow("ApplyGuardrail", APPLY_GUARDRAIL, guardrail_arn))


def key_policy(env: AwsEnvironment) -> Document:
    """Who may do what with the stack's key: this account's IAM policies say it, but for the services named here.

    In a key policy `*` is the key itself, and an account's root stands for its IAM policies (KMS developer guide, "Key
    policies", "Default key policy"). No other account, and no service but CloudWatch Logs, may use the key.
    """
    account = {"AWS": env.arn("iam", "root", region="")}
    logs = {"Service": env.host("logs")}
    of_a_log_group = {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": env.arn("logs", "log-group:*")}}
    of_a_delivery = {"ArnLike": {"kms:EncryptionContext:SourceArn": env.arn("logs", "*")}}
    return document(
        _on_key("Administer", account, ADMINISTER_KEY),
        _on_key("Use", account, USE_KEY),
        _on_key("Grant", account, GRANT_KEY, _granting(ENGINE_GRANT)),
        # CloudWatch Logs user guide, "Encrypt log data in CloudWatch Logs using AWS Key Management Service".
        _on_key("Logs", logs, ("kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", *USE_KEY), of_a_log_group),
        # AgentCore developer guide, "Encrypt your AgentCore gateway", AllowKMSDecryptionLogging: its delivered logs.
        _on_key("DeliveredLogs", {"Service": "delivery.logs.amazonaws.com"}, DELIVER_LOGS, of_a_delivery),
    )


def _on_key(
    sid: str, principal: Mapping[str, Text], actions: str | Sequence[str], condition: Condition | None = None
) -> Statement:
    return {**allow(sid, actions, "*", condition), "Principal": principal}


def _granting(operations: Sequence[str]) -> Condition:
    """A grant is for what the service encrypts in one resource's name, and hands on no more than these operations."""
    return {
        "StringEquals": {"kms:GrantConstraintType": "EncryptionContextSubset"},
        "ForAllValues:StringEquals": {"kms:GrantOperations": list(operations)},
    }


def encrypt_gateway(key_arn: Text) -> Document:
    """The gateway's role uses the gateway's key; with a policy engine that is encrypted with it, the engine's as well.

    AgentCore developer guide, "Encrypt your AgentCore gateway". Its example also asks for `kms:ViaService` and the
    gateway's ARN as encryption context. AgentCore encrypts targets as the role itself, where neither is in the request,
    and creating a target fails with them (seen live: aws/modern-data-architecture-accelerator, bedrock-builder).
    """
    return document(allow("UseKey", USE_KEY, key_arn), allow("GrantKey", GRANT_KEY, key_arn, _granting(GATEWAY_GRANT)))


def tls_only(bucket_arn: Text) -> Document:
    """Nobody reaches the bucket by plain HTTP (AWS Config rule s3-bucket-ssl-requests-only; Security Hub S3.5)."""
    denied = allow("DenyPlainHttp", "s3:*", [bucket_arn, pulumi.Output.concat(bucket_arn, "/*")], _PLAIN_HTTP)
    return document({**denied, "Effect": "Deny", "Principal": "*"})


def decrypt_code(env: AwsEnvironment, key_arn: Text, bucket_arn: Text) -> Document:
    """The agent's code is decrypted where S3 reads it for the role, and only what lies in its bucket.

    S3 user guide, "Using server-side encryption with AWS KMS keys"; with a bucket key the encryption context is the
    bucket's ARN ("Configuring S3 Bucket Keys").
    """
    condition = {"StringEquals": {"kms:ViaService": env.host("s3"), "kms:EncryptionContext:aws:s3:arn": bucket_arn}}
    return document(allow("DecryptCode", DECRYPT, key_arn, condition))
