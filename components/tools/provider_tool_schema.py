"""A tool schema in the forms its readers take: AgentCore's API, and Pulumi's AWS provider."""

import json
from collections.abc import Sequence
from typing import Any

from toolgate.components.tools.tool_schema import ToolSchema
from toolgate.components.tools.tool_types import Schema

type Typed = dict[str, Any]
"""A schema as pulumi_aws types it."""

# Where a schema stands -> where its items and properties stand (pulumi_aws 7.51, the classes
# AgentcoreGatewayTargetTargetConfigurationMcpLambdaToolSchemaInlinePayloadInputSchema*Args). What is under the last
# typed schema goes as JSON text.
_TYPED = {
    "input": {"items": "items", "properties": "property"},
    "property": {"items": "items", "properties": "last"},
    "items": {"items": "last", "properties": "last"},
}


def tools_json(tools: Sequence[ToolSchema]) -> str:
    """The `tools.json` of a function's zip: the tools as they are, which is the API's form."""
    return json.dumps(tools, indent=1)


def inline_payload(tool: ToolSchema) -> Typed:
    """The tool as an `inline_payloads` entry of pulumi_aws' AgentcoreGatewayTarget.

    There properties are a list, each with its own `required`, and the deepest levels are `items_json` or
    `properties_json`.
    """
    return {
        "name": tool["name"],
        "description": tool["description"],
        "input_schema": _node(tool["inputSchema"], "input"),
    }


def _node(schema: Schema, location: str) -> Typed:
    typed = _TYPED.get(location)
    node: Typed = {key: schema[key] for key in ("type", "description") if key in schema}
    required = schema.get("required", [])
    if "items" in schema:
        items = schema["items"]
        node |= {"items": _node(items, typed["items"])} if typed else {"items_json": _text(items)}
    if "properties" in schema and typed:
        node["properties"] = [
            {"name": name, "required": name in required, **_node(child, typed["properties"])}
            # Tools that come through an engine have lost the order of their keys.
            for name, child in sorted(schema["properties"].items())
        ]
    elif "properties" in schema:
        node["properties_json"] = _text({"properties": schema["properties"], "required": required})
    return node


def _text(schema: Schema) -> str:
    return json.dumps(_ordered(schema), separators=(",", ":"), ensure_ascii=False)


def _ordered(schema: Schema) -> Schema:
    """Keys in the order in which the provider writes them back, so that a second plan sees no difference."""
    ordered: Schema = {key: schema[key] for key in ("type", "description") if key in schema}
    if "items" in schema:
        ordered["items"] = _ordered(schema["items"])
    if "properties" in schema:
        ordered["properties"] = {name: _ordered(child) for name, child in sorted(schema["properties"].items())}
    return ordered | ({"required": schema["required"]} if schema.get("required") else {})
