"""A server's tools in AgentCore's words: from JSON Schema, as the MCP SDK makes it, to what a gateway's tools are.

The gateway gets the schemas whole (`targets.listed_tools`). These are for names, grants and the Cedar schema, in which
AgentCore has `type`, `properties`, `required` and `items` only: what a type cannot say becomes part of its description.
The server is the program's own, so that what has no type here is an error; of a server of others it is left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from toolgate.components.checks import names
from toolgate.components.checks.arguments import UsageError
from toolgate.components.tools import docstrings, listed_schema
from toolgate.components.tools.listed_schema import TYPES, ToolSchema
from toolgate.components.tools.tool_check import MOST_TOOLS, NAME
from toolgate.components.tools.tool_types import Schema

_WORDS = (
    *("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf", "pattern"),
    *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "description"),
)
"""What is taken over as it is, for `listed_schema` to say."""
_OF_PYTHON: Mapping[type, str] = {str: "string", bool: "boolean", int: "integer", float: "number"}
_ONE_TYPE = (
    "is one of several types, and AgentCore's schema, on which grants rest, takes one. Write one type, or a tool for "
    "each."
)


def listed(tools: Sequence[Mapping[str, Any]], target: str, where: str) -> list[ToolSchema]:
    """The tools as a ToolGateway takes them.

    Args:
        tools: The tools as MCP lists them.
        target: The target that they are of.
        where: Their place, for messages.

    Raises:
        UsageError: A name is refused, a tool has no description, or a parameter's type cannot be expressed; each
            mistake is on a line of its own.
    """
    if not tools:
        raise UsageError(f"{where}: lists no tool. Give it one, or remove the server.")
    if len(tools) > MOST_TOOLS:
        raise UsageError(f"{where}: lists {len(tools)} tools; a target takes at most {MOST_TOOLS}. Make two servers.")
    found: list[ToolSchema] = []
    wrong: list[str] = []
    for tool in tools:
        try:
            found.append(_tool(tool, target, where))
        except UsageError as error:
            wrong.append(str(error))
    if wrong:
        raise UsageError("\n".join(wrong))
    return found


def _tool(tool: Mapping[str, Any], target: str, where: str) -> ToolSchema:
    name = tool["name"]
    at = f"{where}: tool {name!r}"
    if not NAME.fullmatch(name):
        raise UsageError(f"{at}: its name is refused by models. Write 1 to 64 of a-z, A-Z, 0-9, _ and -.")
    names.full_tool(target, name)
    description = (tool.get("description") or "").strip()
    if not description:
        raise UsageError(f"{at}: has no description, and a model chooses by it. Write a docstring.")
    whole = tool["inputSchema"]
    schema = {key: value for key, value in whole.items() if key not in ("description", "default")}
    read = _schema(schema, whole, at, ())
    if read["type"] != "object":
        raise UsageError(f"{at}: its inputSchema is of type {read['type']!r}. Write 'object': arguments have names.")
    return {"name": name, "description": description, "inputSchema": listed_schema.listed(read)}


def _schema(schema: Any, whole: Mapping[str, Any], at: str, inside: tuple[str, ...]) -> Schema:
    """A schema in the words of `tool_types`.

    Args:
        schema: The schema, JSON Schema.
        whole: The tool's, which has the definitions.
        at: Its place, for messages.
        inside: The definitions that it is part of.

    Raises:
        UsageError: AgentCore's schema has no words for it.
    """
    while isinstance(schema, Mapping) and "$ref" in schema:
        reference = schema["$ref"]
        if reference in inside:
            name = str(reference).rpartition("/")[2]
            raise UsageError(f"{at}: {name} contains itself; AgentCore's schema cannot. Write `dict` there.")
        inside = (*inside, reference)
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        schema = {**_referred(reference, whole, at), **beside}
    if not isinstance(schema, Mapping):
        raise UsageError(f"{at}: has no type. Write one: a string, a number, a bool, a list or a model of such.")
    for parts in (schema[key] for key in ("anyOf", "oneOf", "allOf") if key in schema):
        beside = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf", "allOf", "default")}
        default = {"default": schema["default"]} if schema.get("default") is not None else {}
        return {**_one_of(parts, whole, at, inside), **_said(beside), **default}
    return _plain(schema, whole, at, inside)


def _plain(schema: Mapping[str, Any], whole: Mapping[str, Any], at: str, inside: tuple[str, ...]) -> Schema:
    kind = _type(schema, at)
    found: Schema = {"type": kind, **_said(schema)}
    if schema.get("default") is not None:
        found["default"] = schema["default"]
    if kind == "array":
        items = schema.get("items")
        if items is None and "prefixItems" in schema:
            raise UsageError(f"{at}: the places of its array differ; those of AgentCore's cannot. Write a model.")
        if not isinstance(items, Mapping) or not items:
            raise UsageError(f"{at}: does not say of what it is a list. Write `list[T]`.")
        found["items"] = _schema(items, whole, f"{at}[]", inside)
    if kind == "object" and schema.get("properties"):
        children = {key: _schema(child, whole, _below(at, key), inside) for key, child in schema["properties"].items()}
        optional = {key for key, child in schema["properties"].items() if _may_be_null(child, whole)}
        found["properties"] = children
        found["required"] = [key for key in schema.get("required", []) if key in children and key not in optional]
    elif kind == "object" and isinstance(each := schema.get("additionalProperties"), Mapping) and each:
        found["additionalProperties"] = _schema(each, whole, f"{at}, each value", inside)
    return found


def _one_of(parts: Sequence[Any], whole: Mapping[str, Any], at: str, inside: tuple[str, ...]) -> Schema:
    """What several schemas come to: one and null, numbers, or values written out."""
    found = [_schema(part, whole, at, inside) for part in parts if not _is_null(part)]
    kinds = {it["type"] for it in found}
    if len(found) == 1:
        return found[0]
    if kinds == {"integer", "number"} and all(set(it) == {"type"} for it in found):
        return {"type": "number"}
    if len(kinds) == 1 and all("enum" in it for it in found):
        return {"type": kinds.pop(), "enum": list(dict.fromkeys(value for it in found for value in it["enum"]))}
    raise UsageError(f"{at}: {_ONE_TYPE}")


def _type(schema: Mapping[str, Any], at: str) -> str:
    """The one type of a schema, where it is null as well without that."""
    given = schema.get("type")
    kinds = [it for it in (given if isinstance(given, list) else [given]) if it not in ("null", None)]
    if not kinds:  # an enumeration need not say it
        values = [it for it in schema.get("enum", [schema["const"]] if "const" in schema else []) if it is not None]
        kinds = list(dict.fromkeys(_OF_PYTHON.get(type(it), "") for it in values))
    if len(kinds) > 1:
        raise UsageError(f"{at}: {_ONE_TYPE}")
    if not kinds or kinds[0] not in TYPES:
        raise UsageError(f"{at}: has no type. Write one: a string, a number, a bool, a list or a model of such.")
    return str(kinds[0])


def _said(schema: Mapping[str, Any]) -> Schema:
    """What a schema says of its values besides their type."""
    found: Schema = {key: schema[key] for key in _WORDS if key in schema}
    if "const" in schema:
        found["enum"] = [schema["const"]]
    if "enum" in schema:
        found["enum"] = [value for value in schema["enum"] if value is not None]
    if (word := schema.get("format")) in listed_schema.FORMATS:
        found["format"] = word
    elif isinstance(word, str):
        text = docstrings.sentence(found.get("description", ""))
        found["description"] = f"{text} Format: {word}.".lstrip()
    return found


def _referred(reference: Any, whole: Mapping[str, Any], at: str) -> Mapping[str, Any]:
    found: Any = whole
    for part in str(reference).removeprefix("#/").split("/"):
        found = found.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
    if not str(reference).startswith("#/") or not isinstance(found, Mapping):
        raise UsageError(f"{at}: refers to {reference!r}, which its schema has not. Write the schema out.")
    return found


def _may_be_null(schema: Any, whole: Mapping[str, Any]) -> bool:
    """Whether a value may be null: for Cedar, which has no null, that is one that may be left out."""
    return any(_is_null(part) for part in _choices(schema, whole))


def _choices(schema: Any, whole: Mapping[str, Any]) -> Iterator[Any]:
    """The schemas of which one holds. What refers to itself has been refused before."""
    if "$ref" in schema:
        yield from _choices(_referred(schema["$ref"], whole, ""), whole)
    parts = [*schema.get("anyOf", []), *schema.get("oneOf", [])]
    for part in parts:
        yield from _choices(part, whole)
    if not parts:
        yield schema


def _is_null(schema: Any) -> bool:
    if not isinstance(schema, Mapping):
        return False
    kind = schema.get("type")
    return kind == "null" or (isinstance(kind, list) and "null" in kind) or schema.get("const", ...) is None


def _below(at: str, key: str) -> str:
    return f"{at} parameter {key!r}" if " parameter " not in at else f"{at}.{key}"
