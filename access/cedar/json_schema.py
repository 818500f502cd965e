"""What of a tool's JSON schema has a type in Cedar, in the words of AgentCore's own schemas.

An MCP server and an API describe their arguments by any JSON schema; AgentCore documents Cedar's types for plain ones
only (policy-schema-constraints.html: string, integer, boolean, number). Unproved: what it makes of the rest. Here a
reference stands for what it names, a value that may be null for the value that may be left out, and an enumeration for
the type of its members. What then has no one type, as a real union or a map, has none in Cedar: whatever a policy asks
of it is left open, and is neither permitted nor refused for it.
"""

from collections.abc import Mapping
from typing import Any

from toolgate.policy.language.open_api import pointed

NULLABLE = "nullable"
"""A key of a typed schema: the argument may be null, and is then as good as left out."""
UNTYPED: Mapping[str, Any] = {}
"""The typed schema of what has no type in Cedar."""

_MOST_DEPTH = 20
_PLAIN = {str: "string", bool: "boolean", int: "integer", float: "number"}
_TYPES = frozenset(_PLAIN.values())


def typed(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of a tool's arguments, an object, with a type for each that has one and `UNTYPED` for the others."""
    return _record(schema, _resolved(schema, schema), 0)


def _typed(whole: Mapping[str, Any], schema: Any, depth: int) -> Mapping[str, Any]:
    schema = _resolved(whole, schema)
    if depth > _MOST_DEPTH:
        return UNTYPED
    choices = _choices(schema)
    if choices is not None:
        given = [choice for choice in choices if not _is_null(whole, choice)]
        found = _typed(whole, given[0], depth + 1) if len(given) == 1 else UNTYPED
        return {**found, NULLABLE: True} if found and len(given) < len(choices) else found
    kinds = _kinds(schema)
    kind = next(iter(kinds)) if len(kinds) == 1 else None
    found = _of_kind(whole, schema, kind, depth)
    return {**found, NULLABLE: True} if found and _may_be_null(schema) else found


def _of_kind(whole: Mapping[str, Any], schema: Mapping[str, Any], kind: str | None, depth: int) -> Mapping[str, Any]:
    if kind in _TYPES:
        return {"type": kind}
    if kind == "array":
        items = _typed(whole, schema.get("items"), depth + 1)
        return {"type": "array", "items": items} if items and NULLABLE not in items else UNTYPED
    if kind == "object" and schema.get("properties") and not isinstance(schema.get("additionalProperties"), Mapping):
        return _record(whole, schema, depth)
    return UNTYPED


def _record(whole: Mapping[str, Any], schema: Mapping[str, Any], depth: int) -> Mapping[str, Any]:
    given, needed = schema.get("properties"), schema.get("required")
    properties = {
        str(name): _typed(whole, inner, depth + 1)
        for name, inner in (given.items() if isinstance(given, Mapping) else ())
    }
    required = [name for name in needed if isinstance(name, str)] if isinstance(needed, list) else []
    return {"type": "object", "properties": properties, "required": required}


def _resolved(whole: Mapping[str, Any], schema: Any) -> Mapping[str, Any]:
    for _ in range(_MOST_DEPTH):
        pointer = schema.get("$ref") if isinstance(schema, Mapping) else None
        if not isinstance(pointer, str):
            break
        schema = pointed(whole, pointer)
    return schema if isinstance(schema, Mapping) else {}


def _choices(schema: Mapping[str, Any]) -> list[Any] | None:
    """The schemas of which a value fits one, or all; a list of several of the last sort has no one type either."""
    found = [it for key in ("anyOf", "oneOf", "allOf") if isinstance(it := schema.get(key), list) and it]
    return [choice for choices in found for choice in choices] if found else None


def _is_null(whole: Mapping[str, Any], schema: Any) -> bool:
    return _resolved(whole, schema).get("type") == "null"


def _kinds(schema: Mapping[str, Any]) -> frozenset[str]:
    """The types that a value may have, but for null."""
    kind = schema.get("type")
    if isinstance(kind, str):
        return frozenset({kind})
    if isinstance(kind, list):
        return frozenset(it for it in kind if isinstance(it, str)) - {"null"}
    if "properties" in schema:
        return frozenset({"object"})
    members = schema.get("enum", [schema["const"]] if "const" in schema else [])
    return frozenset(_PLAIN.get(type(it), "") for it in members if it is not None) if isinstance(members, list) else _NO


_NO: frozenset[str] = frozenset()


def _may_be_null(schema: Mapping[str, Any]) -> bool:
    kind, members = schema.get("type"), schema.get("enum")
    nulls = (isinstance(kind, list) and "null" in kind) or (isinstance(members, list) and None in members)
    return nulls or schema.get("nullable") is True  # OpenAPI 3.0.3, "Schema Object"
