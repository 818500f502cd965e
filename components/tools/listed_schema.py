"""What the gateway lists: a tool's schema as far as AgentCore has words for it, and the rest of it in the description.

AgentCore's schemas have `type`, `description`, `properties`, `required` and `items` (botocore
bedrock-agentcore-control SchemaDefinition): no enumeration, format, bound, default, null or map.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypedDict

from toolgate.components.checks.arguments import UsageError
from toolgate.components.tools.docstrings import sentence
from toolgate.components.tools.tool_types import Schema

TYPES = ("string", "integer", "number", "boolean", "array", "object")
"""botocore bedrock-agentcore-control SchemaType."""
# Claude refuses a request with a tool that has another key at the top of its schema (public reports of the Messages API
# and of Converse; not seen by us).
PROPERTY_KEY = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
# AgentCore quotas, "Gateway": inline schema, and tools of a target.
LARGEST_PAYLOAD = 1024 * 1024
MOST_TOOLS = 1000

_KEYWORDS = ("type", "description", "properties", "required", "items")
_FORMATS = {
    "date": "Date as YYYY-MM-DD.",
    "date-time": "Date and time in ISO 8601, such as 2026-01-31T09:30:00Z.",
    "time": "Time as HH:MM:SS.",
    "uuid": "UUID.",
}
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
        yield _FORMATS[schema["format"]]
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


def check(tools: Sequence[Mapping[str, Any]], where: str) -> None:
    """Check tools that somebody wrote by hand: whatever AgentCore's schema has no word for would be lost.

    Args:
        tools: The tools of one target.
        where: Their place, for messages.

    Raises:
        UsageError: One cannot be said, or a quota is exceeded; each mistake is on a line of its own.
    """
    found = list(_faults(tools, where))
    if found:
        raise UsageError("\n".join(found))


def _faults(tools: Sequence[Mapping[str, Any]], where: str) -> Iterator[str]:
    names = [tool["name"] for tool in tools]
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        yield f"{where}: has several tools named {name!r}. Rename one."
    for index, tool in enumerate(tools):
        place = f"{where}[{index}].inputSchema"
        schema = tool["inputSchema"]
        if schema.get("type") != "object":
            yield f"{place}.type: must be 'object', not {schema.get('type')!r}: arguments have names."
            continue
        yield from _schema_faults(schema, place)
        for key in _mapping(schema.get("properties")):
            if not PROPERTY_KEY.fullmatch(key):
                yield f"{place}.properties: {key!r} is refused by models. Write 1 to 64 of a-z, A-Z, 0-9, _, . and -."
    if len(tools) > MOST_TOOLS:
        yield f"{where}: has {len(tools)} tools; a target takes at most {MOST_TOOLS}. Make two of it."
    if (size := len(json.dumps(list(tools)).encode())) > LARGEST_PAYLOAD:
        yield f"{where}: has {size} bytes; AgentCore takes at most {LARGEST_PAYLOAD}. Make two targets of it."


def _schema_faults(schema: Any, place: str) -> Iterator[str]:
    if not isinstance(schema, Mapping):
        yield f"{place}: must be a schema, a map with a 'type', not {schema!r}."
        return
    for key in schema:
        if key not in _KEYWORDS:
            yield f"{place}: AgentCore's schema has no {key!r}. Say it in 'description', and check it in the function."
    if schema.get("type") not in TYPES:
        yield f"{place}.type: {schema.get('type')!r} is not one of {', '.join(map(repr, TYPES))}. Write one of them."
    if not isinstance(schema.get("description", ""), str):
        yield f"{place}.description: must be a string."
    properties = schema.get("properties")
    if properties is not None and not isinstance(properties, Mapping):
        yield f"{place}.properties: must be a map of schemas by name."
    for name, child in _mapping(properties).items():
        yield from _schema_faults(child, f"{place}.properties.{name}")
    required = schema.get("required") or []
    if not isinstance(required, list | tuple):
        yield f"{place}.required: must be a list of names."
        required = []
    for name in required:
        if name not in _mapping(properties):
            known = ", ".join(map(repr, _mapping(properties))) or "none"
            yield f"{place}.required: {name!r} is no property. There are: {known}."
    if "items" in schema:
        yield from _schema_faults(schema["items"], f"{place}.items")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
