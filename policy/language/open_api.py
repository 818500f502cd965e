"""The one lenient reading of an OpenAPI document: which tools a gateway offers for it, and where each argument goes.

An operation is a tool by its `operationId` (AgentCore developer guide, "OpenAPI schema targets"). What AgentCore
refuses in a document is not judged here: what can be read is read, and the rest is left out.

Unproved: how AgentCore lays a JSON body out among the arguments. No page of AWS says it, and nobody has shown it. Here
the members of a body that is an object are arguments beside the parameters; a body of another type, or one that has a
member with the name of a parameter, is one argument `body`.
"""

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
"""OpenAPI 3.1.0, "Path Item Object"."""
PATH, QUERY, HEADER, COOKIE, BODY, WHOLE_BODY = "path", "query", "header", "cookie", "body", "whole body"
PLACES = (PATH, QUERY, HEADER, COOKIE)
"""OpenAPI 3.1.0, "Parameter Object", `in`."""
WHOLE = "body"
"""The argument that a body is as a whole."""
JSON = "application/json"

_MOST_VALUES, _MOST_VALUES_OF_ALL = 20_000, 500_000
"""Values that the schemas of one operation, and of all, may have when each reference stands for what it names: a small
document can describe more than any memory holds."""
_MOST_DEPTH = 40


@dataclass(frozen=True)
class Argument:
    """One argument of an operation.

    Attributes:
        name: Its name among the tool's arguments.
        place: `path`, `query`, `header`, `cookie`, `body` for a member of the JSON body, `whole body` for all of it.
    """

    name: str
    place: str


@dataclass(frozen=True)
class Operation:
    """One operation of a document that is a tool.

    Attributes:
        name: Its operationId, as it stands.
        method: In upper case.
        path: The path's template.
        description: Its summary and its description.
        input_schema: One object with all arguments; references stand for what they name.
        arguments: Where each argument goes.
        server: The URL that the path is appended to, as it stands; None where the document names none.
    """

    name: str
    method: str
    path: str
    description: str
    input_schema: Mapping[str, Any]
    arguments: tuple[Argument, ...]
    server: str | None


def document(text: str) -> Mapping[str, Any] | None:
    """The document in a JSON text; None where the text is something else, YAML for example."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, Mapping) else None


def operations(
    document: Mapping[str, Any], names: Mapping[tuple[str, str], str] | None = None
) -> tuple[Operation, ...]:
    """The operations of a document that are tools, in its order; of two with one name the first.

    Args:
        document: The document.
        names: By method, in upper case, and path: the names of those that are tools. Default: their operationIds.
    """
    found: dict[str, Operation] = {}
    left = iter(range(_MOST_VALUES_OF_ALL))
    for path, item in _items(document.get("paths")):
        shared = _referred(document, item)
        for method, operation in _items(shared):
            if not isinstance(operation, Mapping) or method not in METHODS:
                continue
            name = operation.get("operationId") if names is None else names.get((method.upper(), path))
            if isinstance(name, str) and name not in found:
                bounded = _Document(document, itertools.islice(left, _MOST_VALUES))
                found[name] = _operation(bounded, (name, method, path), shared, operation)
    return tuple(found.values())


@dataclass(frozen=True)
class _Document:
    """A document, and an item for each value of it that may still be copied."""

    whole: Mapping[str, Any]
    left: Iterator[int]


def _operation(
    document: _Document, place: tuple[str, str, str], shared: Mapping[str, Any], operation: Mapping[str, Any]
) -> Operation:
    name, method, path = place
    properties, required, arguments = _parameters(document, shared, operation)
    for key, schema, needed, where in _body(document, operation, set(properties)):
        properties[key] = schema
        required += [key] if needed else []
        arguments.append(Argument(key, where))
    texts = [text for key in ("summary", "description") if isinstance(text := operation.get(key), str) and text]
    return Operation(
        name=name,
        method=method.upper(),
        path=path,
        description="\n\n".join(dict.fromkeys(texts)),
        input_schema={"type": "object", "properties": properties, "required": required},
        arguments=tuple(arguments),
        server=_server(operation) or _server(shared) or _server(document.whole),
    )


def _parameters(
    document: _Document, shared: Mapping[str, Any], operation: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str], list[Argument]]:
    """Those of the operation in the place of the path's with the same name (OpenAPI 3.1.0, "Operation Object")."""
    by_place: dict[tuple[str, str], Mapping[str, Any]] = {}
    for given in itertools.chain(_listed(shared.get("parameters")), _listed(operation.get("parameters"))):
        parameter = _referred(document.whole, given)
        name, place = parameter.get("name"), parameter.get("in")
        if isinstance(name, str) and place in PLACES:
            by_place[place, name] = parameter
    properties: dict[str, Any] = {}
    required: list[str] = []
    arguments: list[Argument] = []
    for (place, name), parameter in by_place.items():
        if name not in properties:
            properties[name] = _parameter_schema(document, parameter)
            required += [name] if place == PATH or parameter.get("required") is True else []
            arguments.append(Argument(name, place))
    return properties, required, arguments


def _parameter_schema(document: _Document, parameter: Mapping[str, Any]) -> dict[str, Any]:
    schema = _schema(document, parameter.get("schema", _json_schema(document.whole, parameter)))
    text = parameter.get("description")
    if isinstance(text, str) and "description" not in schema:
        return {**schema, "description": text}
    return schema


def _body(document: _Document, operation: Mapping[str, Any], taken: set[str]) -> Iterator[tuple[str, Any, bool, str]]:
    """The arguments that the JSON body is: name, schema, whether it is needed, where it goes."""
    body = _referred(document.whole, operation.get("requestBody"))
    given = _json_schema(document.whole, body)
    if given is None:
        return
    schema = _schema(document, given)
    needed = body.get("required") is True
    members = schema.get("properties")
    if not isinstance(members, dict) or not members or taken & set(members):
        yield WHOLE, schema, needed, WHOLE_BODY
        return
    required = schema.get("required")
    for name, member in members.items():
        yield name, member, needed and isinstance(required, list) and name in required, BODY


def _json_schema(whole: Mapping[str, Any], holder: Mapping[str, Any]) -> Any:
    """The schema of the JSON among the media types of a body or a parameter; None without one."""
    for media_type, content in _items(holder.get("content")):
        if media_type.partition(";")[0].strip().lower() == JSON:
            return _referred(whole, content).get("schema", {})
    return None


def _server(holder: Mapping[str, Any]) -> str | None:
    for server in _listed(holder.get("servers")):
        if isinstance(server, Mapping) and isinstance(url := server.get("url"), str):
            return url
    return None


def _schema(document: _Document, given: Any) -> dict[str, Any]:
    found = _resolved(document, given)
    return found if isinstance(found, dict) else {}


def _resolved(document: _Document, schema: Any, within: tuple[str, ...] = (), depth: int = 0) -> Any:
    """A schema in which each reference stands for what it names; where that has no end, any value."""
    if depth > _MOST_DEPTH or next(document.left, None) is None:
        return {}
    if isinstance(schema, Mapping):
        pointer = schema.get("$ref")
        if isinstance(pointer, str):
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            named = {} if pointer in within else pointed(document.whole, pointer)
            found = _resolved(document, named, (*within, pointer), depth + 1)
            return (found if isinstance(found, dict) else {}) | _members(document, beside, within, depth)
        return _members(document, schema, within, depth)
    if isinstance(schema, list):
        return [_resolved(document, item, within, depth + 1) for item in schema]
    return schema


def _members(document: _Document, schema: Mapping[str, Any], within: tuple[str, ...], depth: int) -> dict[str, Any]:
    return {key: _resolved(document, value, within, depth + 1) for key, value in schema.items()}


def pointed(whole: Mapping[str, Any], pointer: str) -> Any:
    """What a reference inside the document names; None for another document's, and for nothing.

    Source: RFC 6901, sections 3 to 6. An anchor's name is none of these, and names nothing here.
    """
    if pointer != "#" and not pointer.startswith("#/"):
        return None
    found: Any = whole
    for token in unquote(pointer[1:]).split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping):
            found = found.get(key)
        elif isinstance(found, list):
            found = dict(zip(map(str, range(len(found))), found, strict=True)).get(key)
        else:
            return None
    return found


def _referred(whole: Mapping[str, Any], value: Any) -> Mapping[str, Any]:
    """An object, or what it refers to; empty where that is none."""
    for _ in range(_MOST_DEPTH):
        if not isinstance(value, Mapping):
            break
        pointer = value.get("$ref")
        if not isinstance(pointer, str):
            return value
        value = pointed(whole, pointer)
    return {}


def _items(value: Any) -> list[tuple[str, Any]]:
    return [(key, item) for key, item in value.items() if isinstance(key, str)] if isinstance(value, Mapping) else []


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()
