"""The deployment's AgentCore resources in the words of AWS's control-plane API.

A resource is described by the request that makes it (the stand-in's tables say which property is which member) and by
what only the answer has. A member that is written nowhere in the deployment is left out, and a required one is said of
its constant: status, times, counts.
Source: botocore bedrock-agentcore-control, the output shapes of the operations in `control_api`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from toolgate.access.deployment.stack_export import Hidden, Resource
from toolgate.local.cloud.api_requests import Member, Table, translate
from toolgate.local.cloud.resource_type import ResourceType
from toolgate.local.cloud.types.gateway_targets import TARGET_TYPE
from toolgate.local.cloud.types.gateways import GATEWAY_TYPE
from toolgate.local.cloud.types.policy_engines import ENGINE_TYPE, POLICY_TYPE
from toolgate.local.cloud.types.runtimes import RUNTIME_TYPE
from toolgate.local.cloud.types.tokens.app_clients import APP_CLIENT_TYPE
from toolgate.local.cloud.types.tokens.token_vault import (
    API_KEY_PROVIDER_TYPE,
    OAUTH2_PROVIDER_TYPE,
    WORKLOAD_IDENTITY_TYPE,
)
from toolgate.local.cloud.types.tokens.user_pools import RESOURCE_SERVER_TYPE, USER_POOL_DOMAIN_TYPE, USER_POOL_TYPE

_LIFECYCLE = {"idleRuntimeSessionTimeout": 900, "maxLifetime": 28800}
"""Seconds, unless the deployment says others (AgentCore developer guide, "runtime-lifecycle-settings")."""


_TARGET_TYPES = {
    "lambda": "LAMBDA",
    "mcpServer": "MCP_SERVER",
    "openApiSchema": "OPEN_API_SCHEMA",
    "apiGateway": "API_GATEWAY",
    "connector": "CONNECTOR",
}
"""botocore bedrock-agentcore-control TargetType, by the member of a target's configuration."""


def gateway(resource: Resource, url: str, since: datetime) -> dict[str, Any]:
    """A gateway at the URL where it is served."""
    return {
        **_made_by(GATEWAY_TYPE, resource),
        **_outputs(resource, "gatewayArn", "gatewayId", "workloadIdentityDetails"),
        "gatewayUrl": url,
        **_times(since, "READY"),
    }


def target(resource: Resource, gateway_arn: str, since: datetime) -> dict[str, Any]:
    """A target of a gateway; of a kind that is not served no configuration is told."""
    table = TARGET_TYPE.requests[0].table
    made = translate(table, _known(table, {name: _written(resource.get(name)) for name in table}))
    made.pop("gatewayIdentifier", None)
    behind = made.get("targetConfiguration", {}).get("mcp", {})
    server = behind.get("mcpServer", {})
    return {
        "gatewayArn": gateway_arn,
        "targetId": resource.text("targetId"),
        "credentialProviderConfigurations": [],
        **made,
        **({"targetType": _TARGET_TYPES[next(iter(behind))]} if behind else {}),
        **{name: server[name] for name in ("listingMode", "resourcePriority") if name in server},
        **_times(since, "READY"),
    }


def _written(value: Any) -> Any:
    """Without what a file hides, and without the nulls and empty texts that the provider writes for nothing."""
    if isinstance(value, Mapping):
        kept = {name: _written(item) for name, item in value.items() if not isinstance(item, Hidden)}
        return {name: item for name, item in kept.items() if item not in (None, "")}
    return [_written(item) for item in value] if isinstance(value, list) else value


def runtime(resource: Resource, environment: Mapping[str, str], since: datetime) -> dict[str, Any]:
    """A runtime with the environment that its agent really has here."""
    return {
        "agentRuntimeVersion": "1",
        "lifecycleConfiguration": _LIFECYCLE,
        **_made_by(RUNTIME_TYPE, resource),
        **_outputs(resource, "agentRuntimeArn", "agentRuntimeId", "agentRuntimeVersion", "workloadIdentityDetails"),
        **({"environmentVariables": environment} if environment else {}),
        **_times(since, "READY"),
    }


def default_endpoint(described: Mapping[str, Any]) -> dict[str, Any]:
    """The endpoint that AgentCore makes with a runtime, from the runtime's description.

    Its id has the form that botocore's model wants; which one AWS gives it, nobody here has seen.
    """
    return {
        "id": f"DEFAULT-{described['agentRuntimeId'][-10:]}",
        "name": "DEFAULT",
        "agentRuntimeArn": described["agentRuntimeArn"],
        "agentRuntimeEndpointArn": f"{described['agentRuntimeArn']}/runtime-endpoint/DEFAULT",
        "liveVersion": described["agentRuntimeVersion"],
        "targetVersion": described["agentRuntimeVersion"],
        **{name: described[name] for name in ("status", "createdAt", "lastUpdatedAt")},
    }


def policy_engine(resource: Resource, since: datetime) -> dict[str, Any]:
    """A policy engine."""
    outputs = _outputs(resource, "policyEngineArn", "policyEngineId")
    return {**_made_by(ENGINE_TYPE, resource), **outputs, **_times(since, "ACTIVE")}


def policy(resource: Resource, engine_arn: str, since: datetime) -> dict[str, Any]:
    """A Cedar policy of an engine."""
    found = {
        **_made_by(POLICY_TYPE, resource),
        **_outputs(resource, "policyArn", "policyId"),
        **_times(since, "ACTIVE"),
    }
    found.setdefault("policyArn", f"{engine_arn}/policy/{found['policyId']}")
    return found


def workload_identity(resource: Resource, since: datetime) -> dict[str, Any]:
    """A workload identity that the program made."""
    made = _made_by(WORKLOAD_IDENTITY_TYPE, resource)
    return {**made, **_outputs(resource, "workloadIdentityArn"), **_created(since)}


def credential_provider(resource: Resource, since: datetime) -> dict[str, Any]:
    """A credential provider, without its client's secret."""
    made = _made_by(OAUTH2_PROVIDER_TYPE, resource)
    config = made.pop("oauth2ProviderConfigInput", {}).get("customOauth2ProviderConfig", {})
    external = config.pop("clientSecretConfig", {})
    source = config.pop("clientSecretSource", None)
    config.pop("clientSecret", None)
    held = resource.get("clientSecretArns")
    arns = [it for it in held if isinstance(it, dict)] if isinstance(held, list) else []
    return {
        **made,
        **_outputs(resource, "credentialProviderArn", "callbackUrl"),
        "oauth2ProviderConfigOutput": {"customOauth2ProviderConfig": config},
        **({"clientSecretArn": arns[0]} if arns else {}),
        **({"clientSecretSource": source} if source else {}),
        **({"clientSecretJsonKey": external["jsonKey"]} if "jsonKey" in external else {}),
        **_created(since),
        "status": "READY",
    }


def key_provider(resource: Resource, since: datetime) -> dict[str, Any]:
    """A credential provider of an API key, without the key."""
    made = _made_by(API_KEY_PROVIDER_TYPE, resource)
    made.pop("apiKey", None)
    external = made.pop("apiKeySecretConfig", {})
    held = resource.get("apiKeySecretArns")
    arns = [it for it in held if isinstance(it, dict)] if isinstance(held, list) else []
    return {
        **made,
        **_outputs(resource, "credentialProviderArn"),
        **({"apiKeySecretArn": arns[0]} if arns else {}),
        **({"apiKeySecretJsonKey": external["jsonKey"]} if "jsonKey" in external else {}),
        **_created(since),
    }


def user_pool(resource: Resource, since: float) -> dict[str, Any]:
    """A user pool as DescribeUserPool has it."""
    made = _made_by(USER_POOL_TYPE, resource)
    made["Name"] = made.pop("PoolName", resource.optional_text("name"))
    return {**made, "Id": resource.text("id"), "Arn": resource.text("arn"), **_dates(since)}


def user_pool_domain(resource: Resource) -> dict[str, Any]:
    """A user pool's domain as DescribeUserPoolDomain has it."""
    return {**_made_by(USER_POOL_DOMAIN_TYPE, resource), "Status": "ACTIVE"}


def resource_server(resource: Resource) -> dict[str, Any]:
    """A resource server as DescribeResourceServer has it."""
    return _made_by(RESOURCE_SERVER_TYPE, resource)


def app_client(resource: Resource, since: float) -> dict[str, Any]:
    """A client as DescribeUserPoolClient has it, but for its secret: who has that is the client."""
    made = _made_by(APP_CLIENT_TYPE, resource)
    made.pop("GenerateSecret", None)
    return {**made, "ClientId": resource.text("id"), **_dates(since)}


def _created(since: datetime) -> dict[str, Any]:
    at = since.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"createdTime": at, "lastUpdatedTime": at}


def _dates(since: float) -> dict[str, Any]:
    return {"CreationDate": since, "LastModifiedDate": since}


def tags(resource: Resource) -> dict[str, str]:
    """A resource's tags, those of the provider's settings included."""
    found = resource.get("tagsAll") or resource.get("tags")
    return {name: value for name, value in found.items() if isinstance(value, str)} if found else {}


def _made_by(of: ResourceType, resource: Resource) -> dict[str, Any]:
    table = of.requests[0].table
    return translate(table, _known(table, {name: resource.get(name) for name in table}))


def _known(table: Table, properties: Mapping[str, Any]) -> dict[str, Any]:
    """What of the properties the table has and the file shows: a stack on AWS may hold more than the stand-in knows."""
    return {
        name: _inside(table[name], value)
        for name, value in properties.items()
        if name in table and value not in (None, "", [], {}) and not isinstance(value, Hidden)
    }


def _inside(target_: str | Member, value: Any) -> Any:
    inside = target_.inside if isinstance(target_, Member) else None
    if isinstance(inside, Mapping) and isinstance(value, Mapping):
        return _known(inside, value)
    if isinstance(inside, Mapping) and isinstance(value, list):
        return [_known(inside, item) for item in value]
    return value


def _outputs(resource: Resource, *names: str) -> dict[str, Any]:
    """What AWS gave back; the provider writes an object as a list of one."""
    found = {name: resource.get(name) for name in names}
    return {name: value[0] if isinstance(value, list) else value for name, value in found.items() if value}


def _times(since: datetime, status: str) -> dict[str, Any]:
    """When it was made is not in a deployment: here it is there since it is served."""
    at = since.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"createdAt": at, "updatedAt": at, "lastUpdatedAt": at, "status": status, "statusReasons": []}
