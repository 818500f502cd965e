"""Targets of AgentCore gateways: Lambda functions with their tools."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from toolgate.local.cloud.api_requests import Member, Table, same
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.failures import Failure, NotReproducedError
from toolgate.local.cloud.resource_type import ALPHANUMERIC, ApiRequest, Existing, Made, Making, ResourceType
from toolgate.local.cloud.types.permissions import Asked, may, role_of, trusts
from toolgate.local.cloud.types.tool_schemas import read_back, schema_failures, tool_definitions
from toolgate.local.cloud.values import Properties
from toolgate.policy.language.agentcore_facts import GATEWAY, INVOKE_FUNCTION, SERVICE_PRINCIPAL, TARGET

TARGETS_PER_GATEWAY = 100
"""AgentCore developer guide, "Quotas"."""


def _make(inputs: Properties, making: Making) -> Made:
    target_id = making.characters(10, ALPHANUMERIC)
    return Made(f"{inputs['gatewayIdentifier']},{target_id}", {"targetId": target_id})


def _credentials(configuration: Any) -> Any:
    """A Lambda target works with the gateway's role alone (developer guide, "Outbound authorization")."""
    if configuration != {"gatewayIamRole": {}}:
        raise NotReproducedError("credentialProviderConfiguration other than {gatewayIamRole: {}}")
    return [{"credentialProviderType": "GATEWAY_IAM_ROLE"}]


def _has_credentials(inputs: Properties) -> Iterator[Failure]:
    if inputs.get("credentialProviderConfiguration") is None:
        text = "ValidationException: a Lambda target needs a credential provider: write {gatewayIamRole: {}}"
        yield Failure("credentialProviderConfiguration", text)


def _gateway_may_invoke(inputs: Properties, _made: Made, env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    """CreateGatewayTarget asks at once whether the gateway's role may invoke the function (aws-cdk #36826)."""
    gateway = next((found for found in existing(GATEWAY) if found.id == inputs["gatewayIdentifier"]), None)
    if gateway is None:
        yield f"ResourceNotFoundException: Gateway with ID '{inputs['gatewayIdentifier']}' not found"
        return
    function = inputs["targetConfiguration"]["mcp"]["lambda"]["lambdaArn"]
    role = role_of(gateway.inputs["roleArn"], existing)
    if role is None:  # one that the program does not make is taken as it is given
        return
    trusted = trusts(role, SERVICE_PRINCIPAL, gateway.outputs["gatewayArn"], env)
    if not trusted or not may(role, Asked(INVOKE_FUNCTION, function, env), existing):
        yield (
            "ValidationException: Gateway execution role lacks permission to invoke Lambda function "
            f"{function}. Update the role's permissions and trust policy and try again."
        )


def _room_is_left(inputs: Properties, made: Made, _env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    gateway = inputs["gatewayIdentifier"]
    others = [
        found for found in existing(TARGET) if found.inputs["gatewayIdentifier"] == gateway and found.id != made.id
    ]
    if len(others) >= TARGETS_PER_GATEWAY:
        yield f"ServiceQuotaExceededException: a gateway takes at most {TARGETS_PER_GATEWAY} targets"


_LAMBDA: Table = {
    "lambdaArn": "lambdaArn",
    "toolSchema": Member("toolSchema", {"inlinePayloads": Member("inlinePayload", tool_definitions)}),
}

TARGET_TYPE = ResourceType(
    type=TARGET,
    requests=(
        ApiRequest(
            "bedrock-agentcore-control",
            "CreateGatewayTarget",
            {
                **same("gatewayIdentifier", "name", "description"),
                "targetConfiguration": Member(
                    "targetConfiguration", {"mcp": Member("mcp", {"lambda": Member("lambda", _LAMBDA)})}
                ),
                "credentialProviderConfiguration": Member("credentialProviderConfigurations", _credentials),
            },
        ),
    ),
    make=_make,
    computed=("targetId",),
    replaces=frozenset({"gatewayIdentifier", "name"}),
    framework=True,
    unordered=frozenset({"properties"}),
    auto_name="name",
    rules=(partial(schema_failures, "targetConfiguration"), _has_credentials),
    needs=(_gateway_may_invoke, _room_is_left),
    unique=("gatewayIdentifier", "name"),
    read_back=read_back,
    conflict="ConflictException: A target with the name '{name}' already exists in gateway {gatewayIdentifier}",
)
