"""Lambda functions as targets."""

from collections.abc import Iterator, Mapping
from typing import Any

from toolgate.local.cloud.api_requests import Member
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.resource_type import Existing, Record
from toolgate.local.cloud.types.permissions import Asked, may, role_of, trusts
from toolgate.local.cloud.types.targets.target_kind import ROLE, TargetKind
from toolgate.local.cloud.types.tool_schemas import tool_definitions, tool_faults
from toolgate.policy.language.agentcore_facts import INVOKE_FUNCTION, SERVICE_PRINCIPAL


def _gateway_may_invoke(
    settings: Mapping[str, Any], gateway: Record, env: CloudEnvironment, existing: Existing
) -> Iterator[str]:
    """CreateGatewayTarget asks at once whether the gateway's role may invoke the function (aws-cdk #36826)."""
    function = settings["lambdaArn"]
    role = role_of(gateway.inputs["roleArn"], existing)
    if role is None:  # one that the program does not make is taken as it is given
        return
    trusted = trusts(role, SERVICE_PRINCIPAL, gateway.outputs["gatewayArn"], env)
    if not trusted or not may(role, Asked(INVOKE_FUNCTION, function, env), existing):
        yield (
            "ValidationException: Gateway execution role lacks permission to invoke Lambda function "
            f"{function}. Update the role's permissions and trust policy and try again."
        )


def _faults(settings: Mapping[str, Any]) -> Iterator[str]:
    schema = settings.get("toolSchema")
    return tool_faults(tool_definitions(schema.get("inlinePayloads") if isinstance(schema, Mapping) else None))


KIND = TargetKind(
    member="lambda",
    what="Lambda",
    table={
        "lambdaArn": "lambdaArn",
        "toolSchema": Member("toolSchema", {"inlinePayloads": Member("inlinePayload", tool_definitions)}),
    },
    sign_ins=frozenset({ROLE}),
    faults=_faults,
    needs=_gateway_may_invoke,
)
