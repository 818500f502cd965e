"""A tool schema in the forms its readers take: AgentCore's API, and Pulumi's AWS provider."""

import json
from collections.abc import Sequence
from typing import Any

from toolgate.components.tools.tool_schema import ToolSchema

# pulumi_aws 7.51 types an input schema down to this depth; below it the schema goes as JSON text.
_TYPED_LEVELS = 2


def tools_json(tools: Sequence[ToolSchema]) -> str:
    """The `tools.json` of a function's zip: the tools as they are, which is the API's form."""
    return json.dumps(tools, indent=1)


def inline_payload(tool: ToolSchema) -> dict[str, Any]:
    """The tool as an `inline_payloads` entry of pulumi_aws' AgentcoreGatewayTarget.

    There properties are a list, each with its own `required`, and the third level is `items_json` or
    `properties_json`.
    """
    return {
        "name": tool["name"],
        "description": tool["description"],
        "input_schema": _node(tool["inputSchema"], _TYPED_LEVELS),
    }


def _node(schema: dict[str, Any], levels: int) -> dict[str, Any]:
    node: dict[str, Any] = {key: schema[key] for key in ("type", "description") if key in schema}
    required = schema.get("required", [])
    if "items" in schema:
        node |= {"items": _node(schema["items"], levels - 1)} if levels else {"items_json": _text(schema["items"])}
    if "properties" in schema and levels:
        node["properties"] = [
            {"name": name, "required": name in required, **_node(child, levels - 1)}
            # Tools that come through an engine have lost the order of their keys.
            for name, child in sorted(schema["properties"].items())
        ]
    elif "properties" in schema:
        node["properties_json"] = _text({"properties": schema["properties"], "required": required})
    return node


def _text(schema: dict[str, Any]) -> str:
    return json.dumps(_ordered(schema), separators=(",", ":"), ensure_ascii=False)


def _ordered(schema: dict[str, Any]) -> dict[str, Any]:
    """Keys in the order in which the provider writes them back, so that a second plan sees no difference."""
    ordered: dict[str, Any] = {key: schema[key] for key in ("type", "description") if key in schema}
    if "items" in schema:
        ordered["items"] = _ordered(schema["items"])
    if "properties" in schema:
        ordered["properties"] = {name: _ordered(child) for name, child in sorted(schema["properties"].items())}
    return ordered | ({"required": schema["required"]} if schema.get("required") else {})
