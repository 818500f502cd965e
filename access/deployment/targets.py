"""A gateway's targets of every kind: what stands behind each, and how the gateway signs in there.

Of what the provider's form cannot be read a target says nothing, rather than something: its tools are None.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from toolgate.access.deployment.agentcore_resources import (
    PROMPTS,
    RESOURCE_PRIORITY,
    RESOURCES,
    Place,
    SignIn,
    StageMethod,
    Target,
    Tool,
)
from toolgate.access.deployment.connector_tools import CONNECTOR_TOOLS, DESCRIPTIONS, RETRIEVE
from toolgate.access.deployment.gateway_tools import api_schema
from toolgate.access.deployment.stack_export import Resource
from toolgate.policy.language import open_api
from toolgate.policy.language.agentcore_facts import gateway_at, runtime_at


def read_target(resource: Resource) -> Target:
    """A target.

    Raises:
        DeploymentError: It has not the provider's form.
    """
    family, configuration = _only_member(resource, "targetConfiguration", resource.get("targetConfiguration"))
    member, settings = _only_member(resource, f"targetConfiguration.{family}", configuration)
    kind = f"{family}.{member}"
    function_arn = settings.get("lambdaArn")
    if kind == "mcp.lambda" and not isinstance(function_arn, str):
        raise resource.wrong("lambdaArn", function_arn, "an ARN")
    sign_in = _sign_in(resource)
    return Target(
        label=resource.label,
        id=resource.text("targetId"),
        name=resource.text("name"),
        gateway_id=resource.text("gatewayIdentifier"),
        kind=kind,
        credentials=sign_in.how,
        function_arn=function_arn if kind == "mcp.lambda" else None,
        tools=_tools(resource, kind, settings),
        sign_in=sign_in,
        place=_place(kind, settings),
        resource_priority=_priority(settings),
    )


def _priority(settings: Mapping[str, Any]) -> int:
    said = settings.get("resourcePriority")
    return int(said) if isinstance(said, int | float) else RESOURCE_PRIORITY


def with_undecided(targets: Iterable[Target], found: Iterable[Resource]) -> tuple[Target, ...]:
    """The targets with what their program accepts of their servers besides tools.

    It is a word of the program's own (`undecided` of a target that is a server): AWS has none for it, so that it stands
    in the inputs of the gateway's component.
    """
    accepted: dict[tuple[str, str], frozenset[str]] = {}
    for resource in found:
        arn = _text(resource.outputs.get("gateway_arn")) if resource.type == _TOOL_GATEWAY else None
        for name, given in _mapping(resource.inputs.get("targets")).items() if arn else ():
            accepted[str(arn).rpartition("/")[2], name] = _undecided(given)
    return tuple(replace(it, undecided=accepted.get((it.gateway_id, it.name), _NONE)) for it in targets)


def _undecided(given: Any) -> frozenset[str]:
    said = (_mapping(_mapping(given).get(key)).get("undecided") for key in ("mcp_server", "remote_server"))
    return _BESIDES.intersection(str(kind) for listed in said if isinstance(listed, list) for kind in listed)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


_NONE: frozenset[str] = frozenset()
_BESIDES = frozenset({PROMPTS, RESOURCES})
_TOOL_GATEWAY = "toolgate:index:ToolGateway"


def _only_member(resource: Resource, where: str, union: Any) -> tuple[str, Mapping[str, Any]]:
    members = [(k, v) for k, v in union.items() if v is not None] if isinstance(union, Mapping) else []
    if len(members) != 1 or not isinstance(members[0][1], Mapping):
        raise resource.wrong(where, union, "an object with exactly one member")
    return members[0]


def _sign_in(resource: Resource) -> SignIn:
    given = [(k, v) for k, v in resource.mapping("credentialProviderConfiguration").items() if v is not None]
    how, settings = given[0] if given else ("none", {})
    said: Mapping[str, Any] = settings if isinstance(settings, Mapping) else {}
    return SignIn(
        how=how,
        service=_text(said.get("service")),
        region=_text(said.get("region")),
        provider_arn=_text(said.get("providerArn")),
        settings={key: value for key, value in said.items() if value is not None},
    )


def _place(kind: str, settings: Mapping[str, Any]) -> Place:
    if kind == "mcp.mcpServer":
        endpoint = _text(settings.get("endpoint"))
        return Place(endpoint, runtime_at(endpoint or ""), gateway_at(endpoint or ""))
    if kind == "mcp.openApiSchema":
        return Place(document=_payload(settings))
    if kind == "mcp.apiGateway":
        api, stage = _text(settings.get("restApiId")), _text(settings.get("stage"))
        return Place(rest_api_id=api, stage=stage, methods=tuple(_methods(settings)))
    if kind == "mcp.connector":
        source = settings.get("source")
        connector = _text(source.get("connectorId")) if isinstance(source, Mapping) else None
        return Place(connector=connector, knowledge_base=_knowledge_base(settings))
    return Place()


def _knowledge_base(settings: Mapping[str, Any]) -> str | None:
    """The knowledge base that a connector fixes for its tool `Retrieve`; None where that cannot be read."""
    try:
        [values] = [it["parameterValues"] for it in settings["configurations"] if it["name"] == RETRIEVE]
        return _text(json.loads(values)["knowledgeBaseId"])
    except (KeyError, TypeError, ValueError):
        return None


def _methods(settings: Mapping[str, Any]) -> Iterable[StageMethod]:
    """The methods that the target gives names to; what cannot be read is left out."""
    configuration = settings.get("apiGatewayToolConfiguration")
    overrides = configuration.get("toolOverrides") if isinstance(configuration, Mapping) else None
    for override in overrides if isinstance(overrides, list) else ():
        given: Mapping[str, Any] = override if isinstance(override, Mapping) else {}
        name, method, path = (_text(given.get(key)) for key in ("name", "method", "path"))
        if name and method and path:
            yield StageMethod(name, method, path, _text(given.get("description")) or "")


def _tools(resource: Resource, kind: str, settings: Mapping[str, Any]) -> tuple[Tool, ...] | None:
    return _lambda_tools(resource, settings) if kind == "mcp.lambda" else said_tools(kind, settings)


def said_tools(kind: str, settings: Mapping[str, Any]) -> tuple[Tool, ...] | None:
    """The tools that a target which is no function says of itself; None where it does not.

    Args:
        kind: The target's kind, such as `mcp.openApiSchema`.
        settings: What is under it in the provider's form.
    """
    if kind == "mcp.mcpServer":
        return _listed_tools(settings)
    if kind == "mcp.openApiSchema":
        return _operations(settings)
    if kind == "mcp.apiGateway":
        return _named_methods(settings)
    if kind == "mcp.connector":
        return _connectors_tools(settings)
    return None


def _connectors_tools(settings: Mapping[str, Any]) -> tuple[Tool, ...] | None:
    """The tools that a connector's target enables, where each is a documented one and no parameter is added to it."""
    enabled, configurations = settings.get("enableds"), settings.get("configurations") or ()
    if not isinstance(enabled, list) or not set(map(str, enabled)) <= CONNECTOR_TOOLS.keys():
        return None
    if any(not isinstance(it, Mapping) or it.get("parameterOverrides") for it in configurations):
        return None
    return tuple(Tool(str(name), DESCRIPTIONS[str(name)], CONNECTOR_TOOLS[str(name)]) for name in enabled)


def _lambda_tools(resource: Resource, settings: Mapping[str, Any]) -> tuple[Tool, ...] | None:
    schema = settings.get("toolSchema")
    payloads = schema.get("inlinePayloads") if isinstance(schema, Mapping) else schema
    if payloads is None:
        return None
    try:
        return tuple(map(_tool, payloads))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise resource.wrong("toolSchema.inlinePayloads", payloads, "a list of tool definitions") from None


def _tool(payload: Any) -> Tool:
    if not isinstance(payload["name"], str):
        raise TypeError("a tool's name is no text")
    return Tool(
        name=payload["name"],
        description=payload["description"],
        input_schema=api_schema(payload["inputSchema"]),
        output_schema=api_schema(payload["outputSchema"]) if payload.get("outputSchema") else None,
    )


def _listed_tools(settings: Mapping[str, Any]) -> tuple[Tool, ...] | None:
    """The tools of an MCP server, where its list stands in the target: the result of tools/list, or its tools alone.

    AgentCore documents the text as a tool schema of MCP (developer guide, "MCP servers targets"); which of the two
    forms it takes was not seen by us.
    """
    schema = settings.get("mcpToolSchema")
    text = _payload(schema) if isinstance(schema, Mapping) else None
    if text is None:
        return None
    try:
        document = json.loads(text)
        listed: Sequence[Any] = document["tools"] if isinstance(document, Mapping) else document
        return tuple(_read(listed))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _read(listed: Iterable[Any]) -> Iterable[Tool]:
    for tool in listed:
        name, schema, output = tool["name"], tool["inputSchema"], tool.get("outputSchema")
        if not isinstance(name, str) or not isinstance(schema, Mapping):
            raise TypeError("no tool of MCP")
        others = {key: value for key, value in tool.items() if key not in Tool.OWN}
        yield Tool(name, tool.get("description") or "", schema, output, others)


def _operations(settings: Mapping[str, Any]) -> tuple[Tool, ...] | None:
    """The operations of an API's document in JSON; None for one in YAML or in a bucket."""
    document = open_api.document(_payload(settings) or "")
    if document is None:
        return None
    return tuple(Tool(it.name, it.description, it.input_schema) for it in open_api.operations(document))


def _named_methods(settings: Mapping[str, Any]) -> tuple[Tool, ...] | None:
    """The methods of a stage, where each that is let through is named; their arguments only the API itself says."""
    try:
        configuration = settings["apiGatewayToolConfiguration"]
        named = {(it["path"], it["method"]): it for it in configuration["toolOverrides"]}
        let_through = [(it["filterPath"], method) for it in configuration["toolFilters"] for method in it["methods"]]
        found = [named[method] for method in let_through]
        return tuple(Tool(it["name"], it.get("description") or "", {"type": "object"}) for it in found)
    except (KeyError, TypeError, AttributeError):
        return None


def _payload(settings: Mapping[str, Any]) -> str | None:
    inline = settings.get("inlinePayload")
    return _text(inline.get("payload")) if isinstance(inline, Mapping) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
