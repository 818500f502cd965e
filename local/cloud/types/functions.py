"""Lambda functions."""

import base64
import hashlib
import re
from collections.abc import Iterator
from typing import Any

from toolgate.local.cloud.api_requests import Member
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.failures import Failure
from toolgate.local.cloud.resource_type import MADE_AT, ApiRequest, Existing, Made, Making, ResourceType
from toolgate.local.cloud.types.key_use import key_in_region
from toolgate.local.cloud.types.permissions import Asked, may, role_of, trusts
from toolgate.local.cloud.values import UNKNOWN, Properties
from toolgate.policy.language.agentcore_facts import FUNCTION, LAMBDA_PERMISSION

FUNCTION_NAME_CHARACTERS = 64
"""Lambda API reference, CreateFunction: the name alone; the model's 140 are for a whole ARN."""
ENVIRONMENT_BYTES = 4096
"""Lambda developer guide, "Lambda quotas": environment variables, all together."""
UNRESERVED = -1
"""How the provider says that no concurrency is reserved."""
RESERVED_VARIABLES = frozenset(
    {
        *("_HANDLER", "_X_AMZN_TRACE_ID", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR", "AWS_LAMBDA_RUNTIME_API"),
        *("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_INITIALIZATION_TYPE"),
        *("AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION"),
        *("AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME"),
        *("AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    }
)
"""Lambda developer guide, "Defined runtime environment variables"."""


def _make(inputs: Properties, making: Making) -> Made:
    name, env = inputs["name"], making.env
    arn = env.arn("lambda", f"function:{name}")
    return Made(
        name,
        {
            "arn": arn,
            "invokeArn": _invoke_arn(env, arn, "2015-03-31", "invocations"),
            "qualifiedArn": f"{arn}:$LATEST",
            "qualifiedInvokeArn": _invoke_arn(env, f"{arn}:$LATEST", "2015-03-31", "invocations"),
            "responseStreamingInvokeArn": _invoke_arn(env, arn, "2021-11-15", "response-streaming-invocations"),
            "version": "$LATEST",
            # What they say of the zip is made up: its digest is known here, its bytes are not.
            "codeSha256": base64.b64encode(hashlib.sha256(str(inputs.get("code")).encode()).digest()).decode(),
            "sourceCodeSize": 0,
            "lastModified": MADE_AT,
            "signingJobArn": "",
            "signingProfileVersionArn": "",
        },
    )


def _invoke_arn(env: CloudEnvironment, function: str, version: str, what: str) -> str:
    return f"arn:{env.partition}:apigateway:{env.region}:lambda:path/{version}/functions/{function}/{what}"


def _reported(inputs: Properties) -> dict[str, Any]:
    return {
        "architectures": ["x86_64"],
        "ephemeralStorage": {"size": 512},
        "loggingConfig": {"logFormat": "Text", "logGroup": f"/aws/lambda/{inputs.get('name')}"},
        "tracingConfig": {"mode": "PassThrough"},
    }


def _name(inputs: Properties) -> Iterator[Failure]:
    name = inputs.get("name")
    if isinstance(name, str) and not re.fullmatch(rf"[a-zA-Z0-9_-]{{1,{FUNCTION_NAME_CHARACTERS}}}", name):
        allowed = f"letters, digits, hyphens and underscores, at most {FUNCTION_NAME_CHARACTERS}"
        yield Failure("name", f"InvalidParameterValueException: function name '{name}' must be of {allowed}")


def _package(inputs: Properties) -> Iterator[Failure]:
    for needed in ("code", "handler", "runtime"):
        if inputs.get(needed) is None:
            yield Failure(
                needed, f"InvalidParameterValueException: {needed} is mandatory for functions created with Zip"
            )


def _environment(inputs: Properties) -> Iterator[Failure]:
    environment = inputs.get("environment")
    variables = environment.get("variables") if isinstance(environment, dict) else None
    if not isinstance(variables, dict):
        return
    reserved = sorted(RESERVED_VARIABLES & variables.keys())
    if reserved:
        message = "the environment variables you have provided contains reserved keys that are currently not supported"
        text = f"InvalidParameterValueException: {message} for modification: {', '.join(reserved)}"
        yield Failure("environment", text)
    size = sum(len(f"{key}{value}".encode()) for key, value in variables.items() if value is not UNKNOWN)
    if size > ENVIRONMENT_BYTES:
        text = f"InvalidParameterValueException: environment variables exceed {ENVIRONMENT_BYTES} bytes: {size}"
        yield Failure("environment", text)


def _role_can_be_assumed(inputs: Properties, made: Made, env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    role = role_of(inputs["role"], existing)
    # One that the program does not make is taken as it is given: whom it trusts nobody here can know.
    if role is not None and not trusts(role, "lambda.amazonaws.com", made.outputs["arn"], env):
        yield "InvalidParameterValueException: The role defined for the function cannot be assumed by Lambda."


NETWORK_ACTIONS = (
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
)
"""What Lambda does with the role of a function in a VPC.

Lambda developer guide, "Giving Lambda functions access to resources in an Amazon VPC", "Required IAM permissions".
"""


def _network(inputs: Properties) -> Iterator[Failure]:
    """The same page: a function in a VPC has subnets and security groups; without both it is in none."""
    network = inputs.get("vpcConfig")
    if not isinstance(network, dict):
        return
    given = [network.get(name) for name in ("subnetIds", "securityGroupIds")]
    if UNKNOWN not in given and bool(given[0]) != bool(given[1]):
        yield Failure("vpcConfig", "InvalidParameterValueException: subnetIds and securityGroupIds go together")


def _role_may_use_network(inputs: Properties, _made: Made, env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    network, role = inputs.get("vpcConfig") or {}, role_of(inputs["role"], existing)
    if role is None or not network.get("subnetIds"):
        return
    # The interface has no id yet: what a policy grants, it must grant on any. What only describes takes no resource
    # (Service Authorization Reference, "Amazon EC2"; of CreateNetworkInterface also subnets and security groups).
    interface = env.arn("ec2", "network-interface/eni-00000000000000000")
    created_on = [
        interface,
        *(env.arn("ec2", f"subnet/{it}") for it in network["subnetIds"]),
        *(env.arn("ec2", f"security-group/{it}") for it in network["securityGroupIds"]),
    ]
    for action in NETWORK_ACTIONS:
        operation = action.removeprefix("ec2:")
        on = created_on if operation == "CreateNetworkInterface" else [interface]
        on = ["*"] if operation.startswith("Describe") else on
        if not all(may(role, Asked(action, arn, env), existing) for arn in on):
            text = f"The provided execution role does not have permissions to call {operation} on EC2"
            yield f"InvalidParameterValueException: {text}"


FUNCTION_TYPE = ResourceType(
    type=FUNCTION,
    requests=(
        ApiRequest(
            "lambda",
            "CreateFunction",
            {
                "name": "FunctionName",
                "role": "Role",
                "runtime": "Runtime",
                "handler": "Handler",
                "description": "Description",
                "timeout": "Timeout",
                "memorySize": "MemorySize",
                "architectures": "Architectures",
                "code": Member("Code", lambda package: {"ZipFile": package}),
                "environment": Member("Environment", {"variables": "Variables"}),
                "ephemeralStorage": Member("EphemeralStorage", {"size": "Size"}),
                "loggingConfig": Member(
                    "LoggingConfig",
                    {
                        "logFormat": "LogFormat",
                        "logGroup": "LogGroup",
                        "applicationLogLevel": "ApplicationLogLevel",
                        "systemLogLevel": "SystemLogLevel",
                    },
                ),
                "tracingConfig": Member("TracingConfig", {"mode": "Mode"}),
                "vpcConfig": Member(
                    "VpcConfig",
                    {
                        "subnetIds": "SubnetIds",
                        "securityGroupIds": "SecurityGroupIds",
                        "ipv6AllowedForDualStack": "Ipv6AllowedForDualStack",
                    },
                ),
                "kmsKeyArn": "KMSKeyArn",
                "tags": "Tags",
            },
        ),
        ApiRequest(
            "lambda",
            "PutFunctionConcurrency",
            {"name": "FunctionName", "reservedConcurrentExecutions": "ReservedConcurrentExecutions"},
            when="reservedConcurrentExecutions",
            unless=UNRESERVED,
        ),
    ),
    kept=frozenset({"sourceCodeHash"}),
    make=_make,
    computed=(
        *("arn", "codeSha256", "invokeArn", "lastModified", "qualifiedArn", "qualifiedInvokeArn"),
        *("responseStreamingInvokeArn", "signingJobArn", "signingProfileVersionArn", "sourceCodeSize", "version"),
    ),
    replaces=frozenset({"name"}),
    auto_name="name",
    defaults={
        "memorySize": 128,
        "packageType": "Zip",
        "publish": False,
        "reservedConcurrentExecutions": UNRESERVED,
        "skipDestroy": False,
        "timeout": 3,
    },
    fixed=frozenset({"packageType", "publish", "skipDestroy"}),
    reported=_reported,
    refreshed=frozenset({"codeSha256", "lastModified", "sourceCodeSize"}),
    unordered=frozenset({"subnetIds", "securityGroupIds"}),
    rules=(_name, _package, _environment, _network),
    needs=(_role_can_be_assumed, _role_may_use_network, key_in_region("kmsKeyArn")),
    unique=("name",),
    conflict="ResourceConflictException: Function already exist: {name}",
)


PERMISSION_TYPE = ResourceType(
    type=LAMBDA_PERMISSION,
    requests=(
        ApiRequest(
            "lambda",
            "AddPermission",
            {
                "action": "Action",
                "eventSourceToken": "EventSourceToken",
                "function": "FunctionName",
                "functionUrlAuthType": "FunctionUrlAuthType",
                "invokedViaFunctionUrl": "InvokedViaFunctionUrl",
                "principal": "Principal",
                "principalOrgId": "PrincipalOrgID",
                "qualifier": "Qualifier",
                "sourceAccount": "SourceAccount",
                "sourceArn": "SourceArn",
                "statementId": "StatementId",
            },
        ),
    ),
    make=lambda inputs, _making: Made(inputs["statementId"], {}),
    computed=(),
    replaces=frozenset(
        {
            *("action", "eventSourceToken", "function", "functionUrlAuthType", "invokedViaFunctionUrl", "principal"),
            *("principalOrgId", "qualifier", "sourceAccount", "sourceArn", "statementId"),
        }
    ),
    auto_name="statementId",
    unique=("function", "statementId"),
    conflict="ResourceConflictException: The statement id ({statementId}) provided already exists.",
    imported=lambda given: given.rpartition("/")[2],
)
"""A statement of a function's policy (hashicorp/terraform-provider-aws, lambda/permission.go). The function may be one
that is not of the program. Unproved: that Pulumi's provider names a statement after the resource."""
