"""Targets of AgentCore gateways: what stands behind each, by kind."""

from collections.abc import Iterator, Mapping
from typing import Any

from toolgate.local.cloud.api_requests import Member, same
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.failures import NOT_REPRODUCED, Failure, NotReproducedError
from toolgate.local.cloud.resource_type import ALPHANUMERIC, ApiRequest, Existing, Made, Making, ResourceType
from toolgate.local.cloud.types.targets import api_stages, connectors, lambda_functions, mcp_servers, open_apis
from toolgate.local.cloud.types.targets.target_kind import TargetKind, credential_faults, credentials_request
from toolgate.local.cloud.types.tool_schemas import read_back
from toolgate.local.cloud.values import UNKNOWN, Properties
from toolgate.policy.language.agentcore_facts import GATEWAY, TARGET

TARGETS_PER_GATEWAY = 100
"""AgentCore developer guide, "Quotas"."""
KINDS = {
    kind.member: kind
    for kind in (lambda_functions.KIND, mcp_servers.KIND, open_apis.KIND, api_stages.KIND, connectors.KIND)
}


def _make(inputs: Properties, making: Making) -> Made:
    target_id = making.characters(10, ALPHANUMERIC)
    return Made(f"{inputs['gatewayIdentifier']},{target_id}", {"targetId": target_id})


def _behind(inputs: Properties) -> tuple[TargetKind, Any] | None:
    """The kind and its properties; None where they are not known yet."""
    configuration = inputs.get("targetConfiguration")
    members = configuration.get("mcp") if isinstance(configuration, Mapping) else None
    given = [(name, it) for name, it in members.items() if it is not None] if isinstance(members, Mapping) else []
    return (KINDS[given[0][0]], given[0][1]) if given and given[0][0] in KINDS else None


def _is_taken(inputs: Properties) -> Iterator[Failure]:
    behind = _behind(inputs)
    if behind is None:
        return
    kind, settings = behind
    if isinstance(settings, Mapping):
        yield from _failures("targetConfiguration", kind.faults(settings))
    name = "credentialProviderConfiguration"
    yield from _failures(name, credential_faults(kind, inputs.get(name)))


def _failures(name: str, faults: Iterator[str]) -> Iterator[Failure]:
    try:
        for fault in faults:
            yield Failure(name, f"ValidationException: {fault}")
    except NotReproducedError as error:
        yield Failure(name, NOT_REPRODUCED.format(error))


def _works(inputs: Properties, _made: Made, env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    gateway = next((found for found in existing(GATEWAY) if found.id == inputs["gatewayIdentifier"]), None)
    if gateway is None:
        yield f"ResourceNotFoundException: Gateway with ID '{inputs['gatewayIdentifier']}' not found"
    elif behind := _behind(inputs):
        yield from behind[0].needs(behind[1], gateway, env, existing)


def _other_kind(known: Properties, inputs: Properties) -> Iterator[str]:
    """Another kind makes a new target (terraform-provider-aws, gateway_target.go, ModifyPlan)."""
    before, after = _behind(known), _behind(inputs)
    if before and after and before[0] is not after[0]:
        yield "targetConfiguration"


def _reported(inputs: Properties) -> dict[str, Any]:
    behind = _behind(inputs)
    if behind is None or behind[0] is not mcp_servers.KIND or behind[1] is UNKNOWN:
        return {}
    return {"targetConfiguration": {"mcp": {mcp_servers.MEMBER: mcp_servers.REPORTED}}}


def _room_is_left(inputs: Properties, made: Made, _env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    gateway = inputs["gatewayIdentifier"]
    others = [
        found for found in existing(TARGET) if found.inputs["gatewayIdentifier"] == gateway and found.id != made.id
    ]
    if len(others) >= TARGETS_PER_GATEWAY:
        yield f"ServiceQuotaExceededException: a gateway takes at most {TARGETS_PER_GATEWAY} targets"


TARGET_TYPE = ResourceType(
    type=TARGET,
    requests=(
        ApiRequest(
            "bedrock-agentcore-control",
            "CreateGatewayTarget",
            {
                **same("gatewayIdentifier", "name", "description"),
                "targetConfiguration": Member(
                    "targetConfiguration",
                    {"mcp": Member("mcp", {name: Member(name, kind.table) for name, kind in KINDS.items()})},
                ),
                "credentialProviderConfiguration": Member("credentialProviderConfigurations", credentials_request),
            },
        ),
    ),
    make=_make,
    computed=("targetId",),
    replaces=frozenset({"gatewayIdentifier", "name"}),
    replaced_by=_other_kind,
    framework=True,
    reported=_reported,
    unordered=frozenset({"properties", "scopes", "toolFilters", "toolOverrides", "methods"}),
    documents=frozenset({"parameterValues"}),
    auto_name="name",
    rules=(_is_taken,),
    needs=(_works, _room_is_left),
    unique=("gatewayIdentifier", "name"),
    read_back=read_back,
    conflict="ConflictException: A target with the name '{name}' already exists in gateway {gatewayIdentifier}",
)
