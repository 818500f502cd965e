"""What the gateway lists: a tool's schema as far as AgentCore has words for it, and the rest of it in the description.

AgentCore's schemas have `type`, `description`, `properties`, `required` and `items` (botocore
bedrock-agentcore-control SchemaDefinition): no enumeration, format, bound, default, null or map.
"""

import json
from collections.abc import Iterator
from typing import Any, TypedDict

from toolgate.components.tools.docstrings import sentence
from toolgate.components.tools.tool_types import Schema

TYPES = ("string", "integer", "number", "boolean", "array", "object")
"""botocore bedrock-agentcore-control SchemaType."""
KEYWORDS = ("type", "description", "properties", "required", "items")
"""botocore bedrock-agentcore-control SchemaDefinition."""

FORMATS = {
    "date": "Date as YYYY-MM-DD.",
    "date-time": "Date and time in ISO 8601, such as 2026-01-31T09:30:00Z.",
    "time": "Time as HH:MM:SS.",
    "uuid": "UUID.",
}
"""Formats that there are words for."""
_BOUNDS = {
    "minimum": "At least {}.",
    "exclusiveMinimum": "More than {}.",
    "maximum": "At most {}.",
    "exclusiveMaximum": "Less than {}.",
    "multipleOf": "A multiple of {}.",
    "pattern": "Matches the regular expression `{}`.",
}
_SIZES = {"Length": "character", "Items": "item", "Properties": "key"}


class ToolSchema(TypedDict):
    """One tool as the gateway lists it, in the API's form (botocore ToolDefinition)."""

    name: str
    """The tool's own name, without its target."""
    description: str
    """What it does, for the model."""
    inputSchema: dict[str, Any]
    """Its arguments: an object in AgentCore's schema subset, in JSON Schema form."""


def listed(schema: Schema) -> Schema:
    """The schema in AgentCore's words; what it has no words for is said in the descriptions."""
    found: Schema = {"type": schema["type"]}
    if "properties" in schema:
        found["properties"] = {name: listed(child) for name, child in schema["properties"].items()}
        found["required"] = schema["required"]
    if "items" in schema:
        found["items"] = listed(schema["items"])
    text = described(schema)
    return found | ({"description": text} if text else {})


def described(schema: Schema) -> str:
    """The description, and after it what AgentCore's schema cannot say, in words."""
    notes = list(_notes(schema))
    text = schema.get("description", "")
    return " ".join([sentence(text), *notes] if text else notes) if notes else text


def _notes(schema: Schema) -> Iterator[str]:
    if "enum" in schema:
        yield f"One of: {', '.join(map(_word, schema['enum']))}."
    if "format" in schema:
        yield FORMATS[schema["format"]]
    for key, text in _BOUNDS.items():
        if key in schema:
            yield text.format(schema[key])
    for key, unit in _SIZES.items():
        yield from _size(schema.get(f"min{key}"), schema.get(f"max{key}"), unit)
    if "propertyNames" in schema:
        yield " ".join(["Keys:", *_in_words(schema["propertyNames"])])
    if "additionalProperties" in schema:
        yield " ".join(["Any keys; each value:", *_in_words(schema["additionalProperties"])])
    if "default" in schema:
        yield f"Default: {_word(schema['default'])}."


def _size(least: int | None, most: int | None, unit: str) -> Iterator[str]:
    if least is not None and least == most:
        yield f"Exactly {least} {_plural(unit, least)}."
        return
    if least:
        yield f"At least {least} {_plural(unit, least)}."
    if most is not None:
        yield f"At most {most} {_plural(unit, most)}."


def _plural(unit: str, count: int) -> str:
    return unit if count == 1 else f"{unit}s"


def _in_words(schema: Schema) -> Iterator[str]:
    """A schema where there is no place for one: its type, and its notes."""
    yield f"{_type_in_words(schema)}."
    if text := described(schema):
        yield sentence(text)


def _type_in_words(schema: Schema) -> str:
    if "items" in schema:
        return f"array of {_type_in_words(schema['items'])}"
    if "properties" not in schema:
        return str(schema["type"])
    return f"object with {', '.join(_field_in_words(name, schema) for name in schema['properties'])}"


def _field_in_words(name: str, schema: Schema) -> str:
    words = " ".join(_in_words(schema["properties"][name])).rstrip(".")
    return f"{name!r} ({words})" if name in schema["required"] else f"{name!r} ({words}; may be left out)"


def _word(value: Any) -> str:
    return repr(value) if isinstance(value, str) else json.dumps(value)
