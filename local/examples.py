"""Arguments that fit a tool's schema, for whoever calls a tool that it knows nothing else of."""

from collections.abc import Mapping
from typing import Any

_LEAVES: dict[str, Any] = {"string": "example", "number": 1.5, "integer": 1, "boolean": True}


def arguments(schema: Mapping[str, Any]) -> dict[str, Any]:
    """An example of each property that the schema requires, or of all where it requires none.

    Args:
        schema: A JSON schema of type `object`, as AgentCore's tool definitions have it.
    """
    properties: Mapping[str, Mapping[str, Any]] = schema.get("properties", {})
    return {name: _example(properties[name]) for name in schema.get("required") or properties}


def _example(schema: Mapping[str, Any]) -> Any:
    kind = schema.get("type", "string")
    if kind == "object":
        return arguments(schema)
    if kind == "array":
        return [_example(schema.get("items", {}))]
    return _LEAVES[kind]
