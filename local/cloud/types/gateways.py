"""AgentCore gateways."""

from collections.abc import Iterator, Mapping
from typing import Any

from toolgate.local.cloud.api_requests import Member, Table, same
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.failures import Failure
from toolgate.local.cloud.resource_type import (
    LOWER_ALPHANUMERIC,
    ApiRequest,
    Existing,
    Made,
    Making,
    Record,
    ResourceType,
)
from toolgate.local.cloud.types.engine_attachment import engine_answers
from toolgate.local.cloud.types.key_use import gateway_uses_key, key_in_region
from toolgate.local.cloud.types.permissions import role_of, trusts
from toolgate.local.cloud.values import UNKNOWN, Properties
from toolgate.policy.language.agentcore_facts import FUNCTION, GATEWAY, SERVICE_PRINCIPAL, TARGET
from toolgate.policy.language.interceptors import REQUEST, RESPONSE

NAME_CHARACTERS = 48
"""The service's limit; the model's pattern counts a character and its hyphen as one (CloudFormation roadmap #2456)."""
CONFIGURED = {"AWS_IAM": False, "AUTHENTICATE_ONLY": False, "NONE": False, "CUSTOM_JWT": True}
"""Whether an authorizer type has a configuration (botocore AuthorizerType; guide, "Inbound authorization")."""

CHECKED = ("allowedAudiences", "allowedClients", "allowedScopes", "customClaims")
"""What a JWT authorizer can ask of a token besides its issuer; it checks all that are given."""


def _make(inputs: Properties, making: Making) -> Made:
    env = making.env
    gateway_id = f"{inputs['name'].lower()}-{making.characters(10, LOWER_ALPHANUMERIC)}"
    return Made(
        gateway_id,
        {
            "gatewayId": gateway_id,
            "gatewayArn": env.arn("bedrock-agentcore", f"gateway/{gateway_id}"),
            "gatewayUrl": f"https://{env.host(f'{gateway_id}.gateway.bedrock-agentcore')}/mcp",
            "workloadIdentityDetails": env.workload_identity(gateway_id),
        },
    )


def _name(inputs: Properties) -> Iterator[Failure]:
    name = inputs.get("name")
    if isinstance(name, str) and len(name) > NAME_CHARACTERS:
        text = f"Value '{name}' at 'name' failed to satisfy constraint: Member must have length less than or equal to"
        yield Failure("name", f"ValidationException: {text} {NAME_CHARACTERS}")


def _authorizer(inputs: Properties) -> Iterator[Failure]:
    kind, configuration = inputs.get("authorizerType"), inputs.get("authorizerConfiguration")
    if kind is UNKNOWN or configuration is UNKNOWN or kind not in CONFIGURED:
        return
    if CONFIGURED[kind] and configuration is None:
        text = f"ValidationException: authorizerConfiguration is required when authorizerType is {kind}"
        yield Failure("authorizerConfiguration", text)
    if not CONFIGURED[kind] and configuration is not None:
        text = f"ValidationException: authorizerConfiguration must not be provided when authorizerType is {kind}"
        yield Failure("authorizerConfiguration", text)


def _somebody_is_let_in(inputs: Properties) -> Iterator[Failure]:
    """Of the four at least one (AgentCore developer guide, "Configure inbound JWT authorizer"); the words are ours."""
    configuration = inputs.get("authorizerConfiguration")
    jwt = configuration.get("customJwtAuthorizer") if isinstance(configuration, Mapping) else None
    if isinstance(jwt, Mapping) and not any(jwt.get(name) for name in CHECKED):
        text = f"ValidationException: customJWTAuthorizer must have at least one of {', '.join(CHECKED)}"
        yield Failure("authorizerConfiguration", text)


def _one_interceptor_for_a_point(inputs: Properties) -> Iterator[Failure]:
    """Over all entries (AgentCore developer guide, "Configuration" of interceptors); the words are ours."""
    points = [point for entry in _interceptors(inputs) for point in _list(entry.get("interceptionPoints"))]
    for point in (REQUEST, RESPONSE):
        if points.count(point) > 1:
            text = f"ValidationException: a gateway takes one interceptor for {point}, not {points.count(point)}"
            yield Failure("interceptorConfigurations", text)


def _interceptors(inputs: Properties) -> list[Properties]:
    return [it for it in _list(inputs.get("interceptorConfigurations")) if isinstance(it, Mapping)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _interceptors_exist(inputs: Properties, _made: Made, env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    """One of this account and Region must be a function that the program makes; what AWS says is not known."""
    functions = {it.outputs["arn"] for it in existing(FUNCTION)}
    for entry in _interceptors(inputs):
        arn = entry["interceptor"]["lambda"]["arn"]
        unqualified = ":".join(arn.split(":")[:7])
        if unqualified.startswith(env.arn("lambda", "function:")) and unqualified not in functions:
            yield f"ValidationException: the interceptor's function {arn} does not exist"


def _role_can_be_assumed(inputs: Properties, made: Made, env: CloudEnvironment, existing: Existing) -> Iterator[str]:
    """CreateGateway and UpdateGateway assume the role at once (hashicorp/terraform-provider-aws, gateway.go)."""
    role = role_of(inputs["roleArn"], existing)
    # One that the program does not make is taken as it is given: whom it trusts nobody here can know.
    if role is not None and not trusts(role, SERVICE_PRINCIPAL, made.outputs["gatewayArn"], env):
        yield "ValidationException: Gateway service failed to perform AssumeRole on Gateway role"


def _nothing_that_only_creation_takes(gateway: Record, inputs: Properties) -> Iterator[str]:
    """Search is for a gateway's creation (AgentCore developer guide, "Create a gateway", note on semantic search).

    Its protocol versions can be fewer later, never others (aws/aws-cli#10346). The texts are ours.
    """
    before, after = _mcp(gateway.inputs), _mcp(inputs)
    if after.get("searchType") and not before.get("searchType"):
        yield "ValidationException: Semantic search can only be enabled when the gateway is created"
    had = before.get("supportedVersions")
    if had and (more := sorted({*(after.get("supportedVersions") or [])} - {*had})):
        yield f"ValidationException: Protocol versions cannot be added to a gateway: {', '.join(more)}"


def _mcp(inputs: Properties) -> Properties:
    found: Properties = (inputs.get("protocolConfiguration") or {}).get("mcp") or {}
    return found


_CLAIM_MATCH: Table = {
    "claimMatchOperator": "claimMatchOperator",
    "claimMatchValue": Member(
        "claimMatchValue",
        {"matchValueString": "matchValueString", "matchValueStringLists": "matchValueStringList"},
    ),
}
_JWT: Table = {
    **same("discoveryUrl", "allowedClients", "allowedScopes"),
    "allowedAudiences": "allowedAudience",
    "customClaims": Member(
        "customClaims",
        {
            **same("inboundTokenClaimName", "inboundTokenClaimValueType"),
            "authorizingClaimMatchValue": Member("authorizingClaimMatchValue", _CLAIM_MATCH),
        },
    ),
}
_INTERCEPTOR: Table = {
    "interceptionPoints": "interceptionPoints",
    "interceptor": Member("interceptor", {"lambda": Member("lambda", same("arn"))}),
    "inputConfiguration": Member("inputConfiguration", same("passRequestHeaders")),
}
_MCP: Table = {
    **same("supportedVersions", "instructions", "searchType"),
    "sessionConfiguration": Member("sessionConfiguration", same("sessionTimeoutInSeconds")),
    "streamingConfiguration": Member("streamingConfiguration", same("enableResponseStreaming")),
}

GATEWAY_TYPE = ResourceType(
    type=GATEWAY,
    requests=(
        ApiRequest(
            "bedrock-agentcore-control",
            "CreateGateway",
            {
                **same(
                    "name", "description", "roleArn", "protocolType", "authorizerType", "exceptionLevel", "kmsKeyArn"
                ),
                "tags": "tags",
                "protocolConfiguration": Member("protocolConfiguration", {"mcp": Member("mcp", _MCP)}),
                "authorizerConfiguration": Member(
                    "authorizerConfiguration", {"customJwtAuthorizer": Member("customJWTAuthorizer", _JWT)}
                ),
                "policyEngineConfiguration": Member("policyEngineConfiguration", same("arn", "mode")),
                "interceptorConfigurations": Member("interceptorConfigurations", _INTERCEPTOR),
            },
        ),
    ),
    make=_make,
    computed=("gatewayId", "gatewayArn", "gatewayUrl", "workloadIdentityDetails"),
    replaces=frozenset({"name", "authorizerType"}),
    framework=True,
    reported=lambda _inputs: {"protocolType": "MCP"},
    unordered=frozenset(
        {
            "supportedVersions",
            "allowedClients",
            "allowedScopes",
            "allowedAudiences",
            "customClaims",
            "matchValueStringLists",
            "interceptionPoints",
        }
    ),
    changes=(_nothing_that_only_creation_takes,),
    auto_name="name",
    rules=(_name, _authorizer, _somebody_is_let_in, _one_interceptor_for_a_point),
    needs=(key_in_region("kmsKeyArn"), _role_can_be_assumed, gateway_uses_key, engine_answers, _interceptors_exist),
    unique=("name",),
    conflict="ConflictException: A gateway with the name '{name}' already exists",
    # hashicorp/terraform-provider-aws, gateway.go, deleteAllGatewayTargets: also those that others made.
    takes_along=lambda gateway, existing: [
        it for it in existing(TARGET) if it.inputs["gatewayIdentifier"] == gateway.id
    ],
)
