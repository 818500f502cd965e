"""Arguments that fit a tool's schema, for whoever calls a tool that it knows nothing else of."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

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


def instance(schema: Mapping[str, Any], known: Sequence[Any]) -> dict[str, Any]:
    """A plain instance of any JSON schema whose type is object: each required property, and what is known of the rest.

    Texts that must fit a format or a pattern, and conditions on several properties, are beyond it.

    Args:
        schema: The schema.
        known: Values, later ones first; where one is an object, a property of the same name and type is taken from it,
            and where there is one property only, the last value itself, if it is of its type.
    """
    values: dict[str, Any] = {}
    for value in known:
        while isinstance(value, Mapping) and len(value) == 1 and not value.keys() & schema.get("properties", {}).keys():
            value = next(iter(value.values()))  # noqa: PLW2901  # a result that is wrapped
        values |= value if isinstance(value, Mapping) else {"": value}
    properties: Mapping[str, Any] = schema.get("properties", {})
    if len(properties) == 1 and "" in values:
        values = {next(iter(properties)): values[""]} | values
    names = [name for name in properties if name in schema.get("required", ()) or name in values]
    return {name: _instance(properties[name], schema, values.get(name), 0) for name in names}


_DEEPEST = 20
_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}


def _instance(schema: Any, root: Mapping[str, Any], known: Any, depth: int) -> Any:
    if not isinstance(schema, Mapping):
        return known if known is not None else "example"
    if depth < _DEEPEST and (inner := _inner(schema, root)) is not None:
        return _instance(inner, root, known, depth + 1)
    fixed = [schema["const"]] if "const" in schema else schema.get("enum") or schema.get("examples")
    if fixed:
        return known if known in fixed else fixed[0]
    kinds = schema.get("type", "string")
    kind = kinds if isinstance(kinds, str) else kinds[0]
    if known is not None and isinstance(known, _KINDS[kind]) and isinstance(known, bool) == (kind == "boolean"):
        return known
    return _made(schema, kind, root, depth)


def _inner(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """The schema that says more of a value: what this one refers to, or the first of several; None if none does."""
    if "$ref" in schema:
        return _found(schema["$ref"], root)
    several = next((schema[key] for key in ("anyOf", "oneOf", "allOf") if schema.get(key)), [None])
    return several[0]


def _made(schema: Mapping[str, Any], kind: str, root: Mapping[str, Any], depth: int) -> Any:
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: _instance(properties.get(name), root, None, depth + 1) for name in schema.get("required", ())}
    if kind == "array":
        items = schema.get("items", {"type": "string"})
        return [_instance(items, root, None, depth + 1) for _ in range(schema.get("minItems", 0))]
    if kind == "string":
        return "example".ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength")]
    if kind in ("number", "integer"):
        least = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        return min(least, schema.get("maximum", least))
    return None if kind == "null" else True


def _found(reference: str, root: Mapping[str, Any]) -> Any:
    found: Any = root
    for part in unquote(reference).removeprefix("#").split("/")[1:]:
        found = found[int(part)] if isinstance(found, list) else found[part.replace("~1", "/").replace("~0", "~")]
    return found
