"""The objects of an OpenAPI document, each with its kind and its place: what is data, such as an example, is none.

Source: OpenAPI 3.0.3 and 3.1.0, "Schema" of the specification; of schemas JSON Schema 2020-12, "Core", for 3.1.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from toolgate.policy.language.open_api import METHODS

DOCUMENT, PARAMETER, SCHEMA = "document", "parameter", "schema"
_PATH_ITEM, _OPERATION, _BODY, _MEDIA, _ENCODING = "path item", "operation", "request body", "media type", "encoding"
_RESPONSE, _HEADER, _CALLBACK, _COMPONENTS, _OTHER = "response", "header", "callback", "components", "other"
_ONE, _LIST, _MAP = "one", "list", "map"
_ANY = "*"

_OF_PARAMETER = {"schema": (_ONE, SCHEMA), "content": (_MAP, _MEDIA), "examples": (_MAP, _OTHER)}
_INSIDE: Mapping[str, Mapping[str, tuple[str, str]]] = {
    DOCUMENT: {"paths": (_MAP, _PATH_ITEM), "webhooks": (_MAP, _PATH_ITEM), "components": (_ONE, _COMPONENTS)},
    _COMPONENTS: {
        "schemas": (_MAP, SCHEMA),
        "responses": (_MAP, _RESPONSE),
        "parameters": (_MAP, PARAMETER),
        "examples": (_MAP, _OTHER),
        "requestBodies": (_MAP, _BODY),
        "headers": (_MAP, _HEADER),
        "securitySchemes": (_MAP, _OTHER),
        "links": (_MAP, _OTHER),
        "callbacks": (_MAP, _CALLBACK),
        "pathItems": (_MAP, _PATH_ITEM),
    },
    _PATH_ITEM: {"parameters": (_LIST, PARAMETER), **dict.fromkeys(METHODS, (_ONE, _OPERATION))},
    _OPERATION: {
        "parameters": (_LIST, PARAMETER),
        "requestBody": (_ONE, _BODY),
        "responses": (_MAP, _RESPONSE),
        "callbacks": (_MAP, _CALLBACK),
    },
    _CALLBACK: {_ANY: (_ONE, _PATH_ITEM)},
    PARAMETER: _OF_PARAMETER,
    _HEADER: _OF_PARAMETER,
    _BODY: {"content": (_MAP, _MEDIA)},
    _MEDIA: {"schema": (_ONE, SCHEMA), "examples": (_MAP, _OTHER), "encoding": (_MAP, _ENCODING)},
    _ENCODING: {"headers": (_MAP, _HEADER)},
    _RESPONSE: {"headers": (_MAP, _HEADER), "content": (_MAP, _MEDIA), "links": (_MAP, _OTHER)},
    SCHEMA: {
        **dict.fromkeys(("properties", "patternProperties", "dependentSchemas", "$defs"), (_MAP, SCHEMA)),
        **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), (_LIST, SCHEMA)),
        **dict.fromkeys(
            (
                "items",
                "additionalProperties",
                "not",
                "if",
                "then",
                "else",
                "contains",
                "propertyNames",
                "unevaluatedItems",
                "unevaluatedProperties",
            ),
            (_ONE, SCHEMA),
        ),
    },
    _OTHER: {},
}


@dataclass(frozen=True)
class Placed:
    """An object of a document.

    Attributes:
        kind: What it is by its place.
        pointer: Its JSON pointer (RFC 6901).
        value: The object, which may be a reference in its place.
    """

    kind: str
    pointer: str
    value: Mapping[str, Any]


def objects(document: Mapping[str, Any]) -> Iterator[Placed]:
    """Each object of a document once, outer ones first; a YAML document may have one at several places."""
    waiting, seen = [Placed(DOCUMENT, "", document)], set[tuple[str, int]]()
    for one in waiting:
        if (one.kind, id(one.value)) in seen:
            continue
        seen.add((one.kind, id(one.value)))
        yield one
        waiting += _inside(one)


def _inside(one: Placed) -> Iterator[Placed]:
    members = _INSIDE[one.kind]
    for name, value in one.value.items():
        found = members.get(name) or members.get(_ANY)
        if found is None or (isinstance(name, str) and name.startswith("x-")):
            continue
        (how, kind), where = found, _at(one.pointer, name)
        if how == _MAP and isinstance(value, Mapping):
            its = [(_at(where, key), item) for key, item in value.items() if not _is_extension(one, name, key)]
        elif how == _LIST and isinstance(value, list):
            its = [(_at(where, index), item) for index, item in enumerate(value)]
        else:
            its = [(where, value)] if how == _ONE else []
        yield from (Placed(kind, pointer, item) for pointer, item in its if isinstance(item, Mapping))


def _is_extension(one: Placed, name: str, key: Any) -> bool:
    """Whether a member of a map is an extension: in `paths` and `responses`, where no name begins so."""
    return (one.kind, name) in ((DOCUMENT, "paths"), (_OPERATION, "responses")) and str(key).startswith("x-")


def _at(pointer: str, key: Any) -> str:
    return f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"
