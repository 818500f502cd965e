"""Whether a document is a JSON Schema (draft 2020-12) that stands alone. The standard library only."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

DEEPEST = 64
"""Schemas within each other. More than that strands does not take (strands/tools/tools.py, _MAX_SCHEMA_DEPTH)."""

_ANCHOR = re.compile(r"[A-Za-z_][-A-Za-z0-9._]*")
_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return _is_number(value) and value >= 0 and not value % 1


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value)) and len(set(value)) == len(value)


def _is_type(value: Any) -> bool:
    return value in _TYPES if _is_text(value) else _is_names(value) and bool(value) and set(value) <= set(_TYPES)


# The vocabularies of draft 2020-12 (json-schema.org/draft/2020-12/meta/*): where a schema stands in a keyword's value,
# and what the value of each other keyword must be. Any other keyword may have any value.
_IN = {
    "itself": (
        "additionalProperties contains contentSchema else if items not propertyNames then unevaluatedItems "
        "unevaluatedProperties"
    ),
    "list": "allOf anyOf oneOf prefixItems",
    "map": "$defs definitions dependentSchemas patternProperties properties",
    "some": "dependencies",  # each a schema or a list of names
}
_WITHIN = {keyword: kind for kind, keywords in _IN.items() for keyword in keywords.split()}
_VALUES: tuple[tuple[str, str, Callable[[Any], bool]], ...] = (
    (
        "$comment $dynamicRef $ref $schema contentEncoding contentMediaType description format pattern title",
        "a text",
        _is_text,
    ),
    ("deprecated readOnly uniqueItems writeOnly", "true or false", _is_flag),
    ("exclusiveMaximum exclusiveMinimum maximum minimum", "a number", _is_number),
    ("multipleOf", "a number above 0", lambda value: _is_number(value) and value > 0),
    (
        "maxContains maxItems maxLength maxProperties minContains minItems minLength minProperties",
        "a whole number, 0 or more",
        _is_count,
    ),
    ("required", "a list of names, each once", _is_names),
    (
        "dependentRequired",
        "a map of lists of names",
        lambda value: isinstance(value, Mapping) and all(map(_is_names, value.values())),
    ),
    (
        "dependencies",
        "a map of schemas or lists of names",
        lambda value: (
            isinstance(value, Mapping) and all(isinstance(it, Mapping | bool) or _is_names(it) for it in value.values())
        ),
    ),
    ("enum examples", "a list", lambda value: isinstance(value, list)),
    ("type", "a type or a list of types of JSON Schema", _is_type),
    ("$anchor $dynamicAnchor", "a name", lambda value: _is_text(value) and bool(_ANCHOR.fullmatch(value))),
    ("$id", "a URI without a fragment", lambda value: _is_text(value) and "#" not in value.removesuffix("#")),
)
_MUST_BE = {keyword: (words, holds) for keywords, words, holds in _VALUES for keyword in keywords.split()}


def schema_fault(document: Any) -> str:
    """The first place where the document is no JSON Schema of draft 2020-12, or is too deep; empty if there is none."""
    for place, schema, depth in subschemas(document):
        if isinstance(schema, bool):
            continue
        if not isinstance(schema, Mapping):
            return f"{place} must be a schema"
        if depth > DEEPEST:
            return f"{place[:100]}... is nested more than {DEEPEST} schemas deep"
        for keyword, value in schema.items():
            words, holds = _MUST_BE.get(keyword, ("", None))
            if holds and not holds(value):
                return f"{place}/{keyword} must be {words}"
            kind = _WITHIN.get(keyword)
            if kind == "map" and not isinstance(value, Mapping):
                return f"{place}/{keyword} must be a map of schemas"
            if kind == "list" and not (isinstance(value, list) and value):
                return f"{place}/{keyword} must be a list of schemas"
    return ""


def lost_reference(document: Mapping[str, Any]) -> str:
    """The first `$ref` that leads to no schema of the document itself; empty if there is none.

    One that leads back to a schema around it is JSON Schema's way to describe a tree.
    """
    known: set[str] = set()
    references: list[str] = []
    for _, schema, _ in subschemas(document):
        if isinstance(schema, Mapping):
            known |= {f"#{schema[key]}" for key in ("$anchor", "$dynamicAnchor") if _is_text(schema.get(key))}
            references += [schema["$ref"]] if _is_text(schema.get("$ref")) else []
    return next((it for it in references if not _leads(it, document, known)), "")


def stray_reference(document: Mapping[str, Any]) -> str:
    """The first `$ref`, of those that lead somewhere, to what no keyword says is a schema; empty if there is none.

    What stands there, in a `default` say, nobody has looked at who went by `subschemas`.
    """
    schemas = [schema for _, schema, _ in subschemas(document) if isinstance(schema, Mapping)]
    known = {id(schema) for schema in schemas}
    for reference in (schema["$ref"] for schema in schemas if _is_text(schema.get("$ref"))):
        found = _found(reference, document)
        if isinstance(found, Mapping) and id(found) not in known:
            return str(reference)
    return ""


def subschemas(document: Any) -> Iterator[tuple[str, Any, int]]:
    """Every schema with its place and depth, the outer ones first; none below what is not as it must be."""
    left = [("", document, 0)]
    for place, schema, depth in left:
        yield place, schema, depth
        if not isinstance(schema, Mapping) or depth > DEEPEST:
            continue
        for keyword, value in schema.items():
            kind = _WITHIN.get(keyword)
            if kind == "itself":
                left.append((f"{place}/{keyword}", value, depth + 1))
            elif kind == "list" and isinstance(value, list):
                left += [(f"{place}/{keyword}/{index}", it, depth + 1) for index, it in enumerate(value)]
            elif kind == "map" and isinstance(value, Mapping):
                left += [(f"{place}/{keyword}/{name}", it, depth + 1) for name, it in value.items()]
            elif kind == "some" and isinstance(value, Mapping):
                found = {name: it for name, it in value.items() if not isinstance(it, list)}
                left += [(f"{place}/{keyword}/{name}", it, depth + 1) for name, it in found.items()]


def _leads(reference: str, document: Any, known: set[str]) -> bool:
    """Whether a reference leads to a schema; those on its way are known from then on, so that each is followed once."""
    seen: set[str] = set()
    while reference not in seen:
        if reference in known:
            known |= seen
            return True
        seen.add(reference)
        found = _found(reference, document)
        if not isinstance(found, Mapping):
            return isinstance(found, bool)
        if set(found) - {"$ref", "$defs", "definitions", "description", "title"} or not _is_text(found.get("$ref")):
            known |= seen
            return True
        reference = found["$ref"]
    return False  # round and round, and nowhere a word on what the value is


def _found(reference: str, document: Any) -> Any:
    """What stands where a reference by place leads; None where there is nothing, or it is none of this document."""
    if reference != "#" and not reference.startswith("#/"):
        return None
    found = document
    for part in unquote(reference).removeprefix("#").split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping) and name in found:
            found = found[name]
        elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        else:
            return None
    return found
