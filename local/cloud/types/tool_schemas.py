"""The tool schema of a Lambda target: Pulumi's form turned into the API's, as the AWS provider does it.

Pulumi's form is a list of named properties, each with its own `required`; below the second level a property holds its
schema as JSON text. The reading of that text follows terraform-provider-aws, `gateway_target.go`: both `itemsJson` and
`propertiesJson` hold one whole schema; of the latter, `properties` and `required` are taken.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from toolgate.local.cloud.failures import Failure, NotReproducedError
from toolgate.local.cloud.values import UNKNOWN, Properties

MEMBERS = frozenset({"type", "description", "properties", "required", "items"})
"""All that a schema can say (botocore SchemaDefinition)."""


def tool_definitions(tools: Any) -> Any:
    """The API's ToolDefinitions from Pulumi's `inlinePayloads`.

    Raises:
        NotReproducedError: A tool has a property that no tool has.
        ValueError: A JSON text in it cannot be read.
    """
    return [_tool(tool) for tool in tools] if isinstance(tools, list) else tools


def _tool(tool: Any) -> Any:
    if not isinstance(tool, Mapping):
        return tool
    return {key: _schema(value) if key in {"inputSchema", "outputSchema"} else value for key, value in tool.items()}


def _schema(schema: Any) -> Any:
    if not isinstance(schema, Mapping):
        return schema
    result = {key: schema[key] for key in ("type", "description") if schema.get(key) is not None}
    for key, value in schema.items():
        if value is None or key in {"type", "description", "name", "required"}:
            continue
        if value is UNKNOWN:
            result[key.removesuffix("Json")] = value
        elif key == "items":
            result["items"] = _schema(value)
        elif key == "properties":
            result |= _properties(value)
        elif key == "itemsJson":
            result["items"] = _parsed(key, value)
        elif key == "propertiesJson":
            inner = _parsed(key, value)
            result |= {name: inner[name] for name in ("properties", "required") if name in inner}
        else:
            raise NotReproducedError(f"toolSchema ... {key}")
    return result


def _properties(properties: list[Mapping[str, Any]]) -> dict[str, Any]:
    required = [item["name"] for item in properties if item.get("required") is True]
    return {"properties": {item["name"]: _schema(item) for item in properties}} | (
        {"required": required} if required else {}
    )


def _parsed(name: str, text: Any) -> dict[str, Any]:
    schema = json.loads(text)
    if not isinstance(schema, dict):
        raise ValueError(f"{name} must hold a schema: a JSON object")
    return schema


def tool_faults(tools: Any) -> Iterator[str]:
    """What the service refuses in tool definitions (API form) although the model takes them."""
    if not isinstance(tools, list):
        return
    if not tools:
        yield "toolSchema.inlinePayload must contain at least one tool"
    names = [tool.get("name") for tool in tools if isinstance(tool, Mapping)]
    for name in sorted({str(name) for name in names if names.count(name) > 1}):
        yield f"duplicate tool name '{name}' in toolSchema"
    for tool in tools:
        schema = tool.get("inputSchema") if isinstance(tool, Mapping) else None
        if isinstance(schema, Mapping) and schema.get("type") not in ("object", UNKNOWN):
            yield f"inputSchema of tool '{tool.get('name')}' must be of type object"


def schema_failures(property_name: str, properties: Properties) -> Iterator[Failure]:
    """The faults of the tools that a target's `targetConfiguration` declares inline."""
    value: Any = properties.get(property_name)
    for step in ("mcp", "lambda", "toolSchema", "inlinePayloads"):
        value = value.get(step) if isinstance(value, Mapping) else None
    for fault in tool_faults(tool_definitions(value)):
        yield Failure(property_name, f"ValidationException: {fault}")
