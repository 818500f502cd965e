"""A tool schema in the forms its readers take: AgentCore's API, and Pulumi's AWS provider."""

import json
from collections.abc import Sequence
from typing import Any

from toolgate.components.tools.listed_schema import ToolSchema
from toolgate.components.tools.tool_schema import CheckedTool
from toolgate.components.tools.tool_types import Schema

type Typed = dict[str, Any]
"""A schema as pulumi_aws types it."""

# Where a schema stands -> where its items and properties stand (pulumi_aws 7.51, the classes
# AgentcoreGatewayTargetTargetConfigurationMcpLambdaToolSchemaInlinePayloadInputSchema*Args). What is under the last
# typed schema goes as JSON text.
_TYPED = {
    "input": {"items": "items", "properties": "property"},
    "property": {"items": "items", "properties": "last_property"},
    "items": {"items": "last_items", "properties": "last_property"},
}
_AS_GO = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


def tools_json(tools: Sequence[CheckedTool]) -> str:
    """The `tools.json` of a function's zip: all that the annotations say of the tools, in JSON Schema."""
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
        key = "items_json"
        node |= {"items": _node(items, typed["items"])} if typed else {key: _text(items, f"{location}.{key}")}
    if schema.get("properties") and typed:
        node["properties"] = [
            {"name": name, "required": name in required, **_node(child, typed["properties"])}
            # Tools that come through an engine have lost the order of their keys.
            for name, child in sorted(schema["properties"].items())
        ]
    elif schema.get("properties"):
        whole = {"properties": schema["properties"], "required": required}
        node["properties_json"] = _text(whole, f"{location}.properties_json")
    return node


def _text(schema: Schema, place: str) -> str:
    """The JSON that the provider makes of what AWS gives back: a plan compares it with ours, letter by letter.

    Source: terraform-provider-aws, gateway_target.go (Flatten of schemaItemsLeafModel and of schemaPropertyLeafModel,
    which alone takes the end of the line off one of its texts) and Go's encoding/json, which escapes for HTML.
    """
    text = json.dumps(_ordered(schema), separators=(",", ":"), ensure_ascii=False).translate(_AS_GO)
    return text if place == "last_property.items_json" else f"{text}\n"


def _ordered(schema: Schema) -> Schema:
    """Keys in the order in which the provider writes them back, so that a second plan sees no difference."""
    ordered: Schema = {key: schema[key] for key in ("type", "description") if key in schema}
    if "items" in schema:
        ordered["items"] = _ordered(schema["items"])
    if "properties" in schema:
        ordered["properties"] = {name: _ordered(child) for name, child in sorted(schema["properties"].items())}
    return ordered | ({"required": schema["required"]} if schema.get("required") else {})
