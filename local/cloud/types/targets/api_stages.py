"""Stages of API Gateway's REST APIs as targets.

Source: AgentCore developer guide, "Amazon API Gateway REST API stages as targets"; botocore bedrock-agentcore-control,
ApiGatewayTargetConfiguration. AWS reads the API's own export when the target is made; here the stage is taken as it is
named, because no API is made here.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from toolgate.local.cloud.api_requests import Member, same
from toolgate.local.cloud.types.targets.target_kind import API_KEY, NOTHING, ROLE, TargetKind


def _faults(settings: Mapping[str, Any]) -> Iterator[str]:
    """Words are ours; that a path begins with a slash is API Gateway's own rule for resources.

    Of a filter's path only the last part may be a `*`, for all below it; an override's is one that is there (botocore
    bedrock-agentcore-control, ApiGatewayToolFilter and ApiGatewayToolOverride), and no resource's name has a `*`. A
    greedy path is not supported (the guide); that it is refused here and not passed over is inferred.
    """
    tools = settings.get("apiGatewayToolConfiguration")
    if not isinstance(tools, Mapping):
        return
    filters, overrides = (tools.get(name) for name in ("toolFilters", "toolOverrides"))
    if filters == []:
        yield "apiGatewayToolConfiguration.toolFilters must have at least one filter"
    for items, key in ((filters, "filterPath"), (overrides, "path")):
        for item in items if isinstance(items, list) else ():
            path = item.get(key) if isinstance(item, Mapping) else None
            if not isinstance(path, str):
                continue
            if not path.startswith("/"):
                yield f"apiGatewayToolConfiguration: {key} {path!r} must begin with /"
            if "+}" in path:
                yield f"apiGatewayToolConfiguration: {key} {path!r} is a proxy resource, which is not supported"
            if key == "filterPath" and "*" in path.removesuffix("/*"):
                yield f"apiGatewayToolConfiguration: {key} {path!r} may have a * as its last part only, as in /orders/*"
            if key == "path" and "*" in path:
                yield f"apiGatewayToolConfiguration: {key} {path!r} must be that of a resource, without *"
    for item in filters if isinstance(filters, list) else ():
        if isinstance(item, Mapping) and item.get("methods") == []:
            yield f"apiGatewayToolConfiguration: filter of {item.get('filterPath')!r} names no method"
    items = [item for item in overrides if isinstance(item, Mapping)] if isinstance(overrides, list) else []
    names = [name for item in items if isinstance(name := item.get("name"), str)]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"duplicate tool name '{name}' in toolOverrides"


KIND = TargetKind(
    member="apiGateway",
    what="API Gateway",
    table={
        **same("restApiId", "stage"),
        "apiGatewayToolConfiguration": Member(
            "apiGatewayToolConfiguration",
            {
                "toolFilters": Member("toolFilters", same("filterPath", "methods")),
                "toolOverrides": Member("toolOverrides", same("path", "method", "name", "description")),
            },
        ),
    },
    sign_ins=frozenset({NOTHING, ROLE, API_KEY}),
    faults=_faults,
)
