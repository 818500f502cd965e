"""A policy engine on a gateway: what AWS asks before it lets the gateway have one.

CreateGateway and UpdateGateway assume the gateway's role and try the engine. Source of the permissions: AgentCore
developer guide, "Policy permissions"; of the error's text: awslabs/nx-plugin-for-aws #996.
"""

from collections.abc import Iterator

from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.resource_type import Existing, Made
from toolgate.local.cloud.types.permissions import Asked, may, role_of, trusts
from toolgate.local.cloud.values import Properties
from toolgate.policy.language.agentcore_facts import (
    AUTHORIZE_CALL,
    AUTHORIZE_LIST,
    GET_POLICY_ENGINE,
    POLICY_ENGINE,
    SERVICE_PRINCIPAL,
)

_SESSION = "GenesisPolicyEngineCheck"


def permissions(engine: str, gateway: str) -> list[tuple[str, str]]:
    """The actions and resources that the gateway's role needs.

    Args:
        engine: The engine's ARN.
        gateway: The gateway's ARN.
    """
    both = [(action, arn) for action in (AUTHORIZE_CALL, AUTHORIZE_LIST) for arn in (engine, gateway)]
    return [(GET_POLICY_ENGINE, engine), *both]


def engine_answers(inputs: Properties, made: Made, env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    """What AWS has against the engine of a gateway, if it has one."""
    configuration = inputs.get("policyEngineConfiguration")
    if configuration is None:
        return
    arn, gateway = configuration["arn"], made.outputs["gatewayArn"]
    engine = next((found for found in existing(POLICY_ENGINE) if found.outputs["policyEngineArn"] == arn), None)
    if engine is None:
        yield f"ResourceNotFoundException: Policy engine {arn} not found"
        return
    refused = f"AccessDeniedException: Policy Engine '{engine.id}' does not have the required permissions."
    role = role_of(inputs["roleArn"], existing)
    if role is None:  # one that the program does not make is taken as it is given
        return
    if not trusts(role, SERVICE_PRINCIPAL, gateway, env):
        yield f"{refused} The service cannot assume {inputs['roleArn']}"
        return
    for action, resource in permissions(arn, gateway):
        if not may(role, Asked(action, resource, env), existing):
            yield (
                f"{refused} Access Denied due to following reasons: User: "
                f"{env.global_arn('sts', f'assumed-role/{role.id}/{_SESSION}')} is not authorized to perform: "
                f"{action} on resource: {resource} because no identity-based policy allows the {action} action"
            )
