"""AWS's own tools as targets: web search and managed knowledge bases.

Source: AgentCore developer guide, "Built-in connectors as targets"; botocore bedrock-agentcore-control,
ConnectorTargetConfiguration. Words are ours.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from toolgate.local.cloud.api_requests import Member, Table, same
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.failures import NotReproducedError
from toolgate.local.cloud.resource_type import Existing, Record
from toolgate.local.cloud.types.targets.target_kind import ROLE, TargetKind
from toolgate.local.cloud.values import UNKNOWN

WEB_SEARCH = "web-search"
WEB_SEARCH_REGION = "us-east-1"
"""AgentCore developer guide, "Web Search Tool": the only Region that has it."""
_KNOWN = frozenset({WEB_SEARCH, "bedrock-knowledge-bases"})


def _faults(settings: Mapping[str, Any]) -> Iterator[str]:
    source = settings.get("source")
    connector = source.get("connectorId") if isinstance(source, Mapping) else None
    if isinstance(connector, str) and connector not in _KNOWN:
        raise NotReproducedError(f"targetConfiguration.mcp.connector.source.connectorId {connector}")
    configurations = settings.get("configurations")
    if not configurations and configurations is not UNKNOWN:
        yield "connector needs at least one configuration"  # gateway_target.go: the block is required
    names = (
        [it.get("name") for it in configurations if isinstance(it, Mapping)] if isinstance(configurations, list) else []
    )
    for name in sorted({str(name) for name in names if names.count(name) > 1}):
        yield f"duplicate configuration '{name}' of connector"


def _is_offered(
    settings: Mapping[str, Any], _gateway: Record, env: CloudEnvironment, _existing: Existing
) -> Iterator[str]:
    if settings["source"]["connectorId"] == WEB_SEARCH and env.region != WEB_SEARCH_REGION:
        yield f"ValidationException: connector {WEB_SEARCH} is not available in {env.region}"


def _parameter_values(text: Any) -> Any:
    """The values by the names of their parameters: an object. The model has any JSON there; what AWS takes is unproved.

    Raises:
        ValueError: It is none.
    """
    try:
        values = json.loads(text)
    except RecursionError:
        values = None
    if not isinstance(values, dict):
        raise ValueError("parameterValues must be a JSON object: values by parameter")
    return values


_CONFIGURATION: Table = {
    **same("name", "description"),
    "parameterValues": Member("parameterValues", _parameter_values),
    "parameterOverrides": Member("parameterOverrides", same("path", "description", "visible")),
}

KIND = TargetKind(
    member="connector",
    what="connector",
    table={
        "source": Member("source", same("connectorId", "version")),
        "enableds": "enabled",
        "configurations": Member("configurations", _CONFIGURATION),
    },
    sign_ins=frozenset({ROLE}),
    faults=_faults,
    needs=_is_offered,
)
