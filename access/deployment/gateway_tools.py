"""A Lambda target's tools: from pulumi_aws's form to the one that AgentCore's API and MCP use, and back.

pulumi_aws writes an object's properties as a list of named entries, each with its own `required`, and the deepest
levels as JSON text (`propertiesJson`, `itemsJson`); the API writes a mapping and one list of required names. Both texts
hold one whole schema; of the first, `properties` and `required` are taken.
Source: pulumi_aws.bedrock AgentcoreGatewayTarget; terraform-provider-aws `gateway_target.go`; botocore
bedrock-agentcore-control `SchemaDefinition`.
"""

import json
from collections.abc import Mapping
from typing import Any


def api_schema(schema: Mapping[str, Any], unknown: Any = None) -> dict[str, Any]:
    """The schema as the API writes it, which is also a JSON schema.

    Args:
        schema: One schema in pulumi_aws's form (camelCase keys).
        unknown: The mark of what a preview cannot know, handed on where it stands; None where everything is known.

    Raises:
        KeyError: A property has no name.
        ValueError: The schema is not in that form.
    """
    if schema.get("type") is None:
        raise ValueError("a tool's schema has no type")
    converted = {key: schema[key] for key in ("type", "description") if schema.get(key) is not None}
    converted |= _items(schema, unknown) | _properties(schema, unknown)
    if converted["type"] == "object":
        converted.setdefault("properties", {})
    return converted


def _items(schema: Mapping[str, Any], unknown: Any) -> dict[str, Any]:
    items, text = schema.get("items"), schema.get("itemsJson")
    if text is not None:
        return {"items": text if text is unknown else _parsed("itemsJson", text)}
    if items is None:
        return {}
    return {"items": items if items is unknown else api_schema(_checked("items", items, Mapping), unknown)}


def _properties(schema: Mapping[str, Any], unknown: Any) -> dict[str, Any]:
    properties, text = schema.get("properties"), schema.get("propertiesJson")
    for value in (text, properties):
        if value is not None and value is unknown:
            return {"properties": unknown}
    if text is not None:
        whole = _parsed("propertiesJson", text)
        return {key: whole[key] for key in ("properties", "required") if whole.get(key)}
    if properties is None:
        return {}
    named = {item["name"]: item for item in _checked("properties", properties, list)}
    required = [name for name, item in named.items() if item.get("required") is True]
    converted = {name: api_schema(item, unknown) for name, item in named.items()}
    return {"properties": converted, **({"required": required} if required else {})}


def _parsed(name: str, text: Any) -> dict[str, Any]:
    schema: dict[str, Any] = _checked(name, json.loads(_checked(name, text, str)), dict)
    return schema


def _checked(name: str, value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"{name} of a tool's schema has not the form that pulumi_aws gives it")
    return value


_PROVIDERS = {
    "schema": {"items": "items", "properties": "property"},
    "items": {"items": "text", "properties": "text"},
    "property": {"items": "items", "properties": "text"},
}
"""Where a schema stands in pulumi_aws's form, and where its items and properties stand; `text` is JSON text."""


def provider_schema(schema: Mapping[str, Any], place: str = "schema") -> dict[str, Any]:
    """The schema as pulumi_aws writes it: what `api_schema` takes back.

    Args:
        schema: A schema as the API writes it.
        place: Where it stands.
    """
    written = {key: schema[key] for key in ("type", "description") if key in schema}
    inside = _PROVIDERS.get(place, {})
    if schema.get("items"):
        items = schema["items"]
        written |= {"items": provider_schema(items, inside["items"])} if inside else {"itemsJson": json.dumps(items)}
    properties, required = schema.get("properties"), schema.get("required") or ()
    if properties and inside:
        written["properties"] = [
            {"name": name, "required": name in required, **provider_schema(child, inside["properties"])}
            for name, child in properties.items()
        ]
    elif properties:
        written["propertiesJson"] = json.dumps({"properties": properties, "required": list(required)})
    return written
