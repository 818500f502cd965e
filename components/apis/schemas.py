"""A schema of an OpenAPI document in the words that a tool's schema has, or what to write instead.

Its keywords are JSON Schema's as far as OpenAPI has them (3.0.3 and 3.1.0, "Schema Object"). AgentCore refuses those
that compose schemas (AgentCore developer guide, "OpenAPI schema targets"); what else would change which values fit, and
has no place in a tool's schema, is refused here, so that nothing of it is lost unsaid.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from toolgate.components.apis.document import Document, at
from toolgate.components.checks.arguments import did_you_mean
from toolgate.components.tools.docstrings import sentence
from toolgate.components.tools.listed_schema import TYPES
from toolgate.components.tools.tool_check import DEEPEST, PROPERTY_KEY
from toolgate.components.tools.tool_types import Schema

_COMPOSING = ("oneOf", "anyOf", "allOf", "not", "if", "then", "else", "discriminator")
_OTHER = (
    "$anchor",
    "$defs",
    "$dynamicAnchor",
    "$dynamicRef",
    "$id",
    "$schema",
    "$vocabulary",
    "contains",
    "dependentRequired",
    "dependentSchemas",
    "maxContains",
    "minContains",
    "patternProperties",
    "prefixItems",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
)
# What says nothing of which values fit, or nothing that a model could heed.
_SAYS_NOTHING = (
    "$comment",
    "contentEncoding",
    "contentMediaType",
    "deprecated",
    "example",
    "examples",
    "externalDocs",
    "nullable",
    "readOnly",
    "title",
    "uniqueItems",
    "writeOnly",
    "xml",
)
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_COUNTS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
_READ = ("$ref", "type", "description", "properties", "required", "items", "enum", "const", "format", "pattern")
_KNOWN = (*_READ, "default", "additionalProperties", *_NUMBERS, *_COUNTS, *_SAYS_NOTHING)
_IN_WORDS = ("date", "date-time", "time", "uuid")
"""The formats that `listed_schema` has words for."""
_OF_NUMBERS = ("int32", "int64", "float", "double")
_TYPES = ", ".join(map(repr, TYPES))
_MOST_HINTS = 20
_MOST = 2_000
"""Schemas of one tool, each reference in its place: a small document can describe more than any memory holds."""


class Reader:
    """Reads the schemas of one operation."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._left = _MOST
        self._depth = 0

    def read(self, given: Any, pointer: str, within: tuple[str, ...] = ()) -> Schema:
        """A schema with every reference in its place; `object` stands for what is wrong, which is noted.

        Args:
            given: The schema.
            pointer: Where it stands.
            within: The references that it is reached through.
        """
        self._left -= 1
        self._depth += 1
        try:
            if self._left < 0 or self._depth > DEEPEST:
                most = f"{_MOST} schemas" if self._left < 0 else f"{DEEPEST} schemas in each other"
                self._say(pointer, f"is more than a tool has: the operation has over {most}. Make it smaller.")
            elif not isinstance(given, Mapping):
                self._say(pointer, "must be a schema, an object with a 'type'.")
            elif "$ref" in given:
                return self._referred(given, pointer, within)
            else:
                self._keywords(given, pointer)
                return self._schema(given, pointer, within)
            return {"type": "object"}
        finally:
            self._depth -= 1

    def _referred(self, given: Mapping[str, Any], pointer: str, within: tuple[str, ...]) -> Schema:
        for key in given:
            if key not in ("$ref", "description", *_SAYS_NOTHING) and not key.startswith("x-"):
                self._say(pointer, f"{key!r} beside a '$ref' is not read by all. Write it where the '$ref' points.")
        named, where = self._document.referred(given, pointer)
        if named is None:
            return {"type": "object"}
        if where in within:
            self._say(pointer, f"{given['$ref']!r} contains itself, and a tool's schema has an end. Write it flatter.")
            return {"type": "object"}
        found = self.read(named, where, (*within, where))
        text = given.get("description")
        return {**found, "description": text} if isinstance(text, str) and text else found

    def _keywords(self, given: Mapping[str, Any], pointer: str) -> None:
        for key in given:
            if key in _COMPOSING:
                self._say(pointer, f"AgentCore refuses {key!r}. {_instead(given.get(key))}")
            elif key in _OTHER:
                self._say(pointer, f"a tool's schema has no word for {key!r}. Say it in 'description'.")
            elif key not in _KNOWN and not key.startswith("x-"):
                hint = did_you_mean(key, _KNOWN) or " Remove it, or begin it with 'x-'."
                self._say(pointer, f"OpenAPI's schemas have no {key!r}.{hint}")

    def _schema(self, given: Mapping[str, Any], pointer: str, within: tuple[str, ...]) -> Schema:
        schema: Schema = {"type": self._type(given, pointer)}
        if isinstance(text := given.get("description", ""), str):
            if text.strip():
                schema["description"] = text
        else:
            self._say(at(pointer, "description"), "must be a text. Put it in quotes.")
        if schema["type"] == "object":
            schema |= self._object(given, pointer, within)
        if schema["type"] == "array":
            if "items" not in given:
                self._say(pointer, "is an array without 'items'. Write the schema of one.")
            else:
                schema["items"] = self.read(given["items"], at(pointer, "items"), within)
        schema |= dict(self._limits(given, pointer))
        return self._with_format(schema, given, pointer)

    def _type(self, given: Mapping[str, Any], pointer: str) -> str:
        kind = given.get("type")
        if isinstance(kind, str) and kind in TYPES:
            return kind
        if isinstance(kind, list):
            advice = "Write one; what may be missing is left out of 'required'."
            self._say(pointer, f"'type' is a list, and a tool's schema takes one type. {advice}")
        elif kind is None and not any(key in given for key in _COMPOSING):  # those are told of already
            self._say(pointer, f"has no 'type'. Write one of {_TYPES}.")
        elif kind is not None:
            self._say(pointer, f"'type' {kind!r} is not one of {_TYPES}. Write one of them.")
        return "object"

    def _object(self, given: Mapping[str, Any], pointer: str, within: tuple[str, ...]) -> Schema:
        found: Schema = {}
        properties = given.get("properties", {})
        if not isinstance(properties, Mapping):
            self._say(at(pointer, "properties"), "must be an object: schemas by name.")
            properties = {}
        if properties:
            found["properties"] = {
                name: self.read(child, at(pointer, "properties", name), within) for name, child in properties.items()
            }
            found["required"] = [*self._required(given.get("required", []), properties, at(pointer, "required"))]
        more = given.get("additionalProperties", True)
        if isinstance(more, Mapping) and more:
            found["additionalProperties"] = self.read(more, at(pointer, "additionalProperties"), within)
        elif not isinstance(more, bool | Mapping):
            self._say(at(pointer, "additionalProperties"), "must be true, false or a schema.")
        return found

    def _required(self, required: Any, properties: Mapping[str, Any], pointer: str) -> Iterator[str]:
        if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
            self._say(pointer, "must be a list of names.")
            return
        unknown = 0
        for name in dict.fromkeys(required):
            if name in properties:
                yield name
            else:
                unknown += 1
                # To look for a near name among many takes its time, and a slip is a name or two.
                hint = did_you_mean(name, properties) if unknown <= _MOST_HINTS else ""
                self._say(pointer, f"names {name!r}, which is no property.{hint} Remove it.")

    def _limits(self, given: Mapping[str, Any], pointer: str) -> Iterator[tuple[str, Any]]:
        values = [given["const"]] if "const" in given else given.get("enum", [])
        if not isinstance(values, list):
            self._say(at(pointer, "enum"), "must be a list of values.")
        elif kept := [value for value in values if value is not None]:
            yield "enum", kept
        yield from self._bounds(given, pointer)
        for key in _COUNTS:
            if isinstance(given.get(key, 0), bool) or not isinstance(given.get(key, 0), int) or given.get(key, 0) < 0:
                self._say(at(pointer, key), f"must be a whole number, not {given[key]!r}.")
            elif key in given:
                yield key, given[key]
        if not isinstance(pattern := given.get("pattern", ""), str):
            self._say(at(pointer, "pattern"), "must be a text. Put it in quotes.")
        elif pattern:
            yield "pattern", pattern
        if given.get("default") is not None:
            yield "default", given["default"]

    def _bounds(self, given: Mapping[str, Any], pointer: str) -> Iterator[tuple[str, Any]]:
        bounds = {key: given[key] for key in _NUMBERS if key in given}
        for exclusive, plain in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
            # OpenAPI 3.0 has a truth value beside the bound, 3.1 the bound itself.
            if isinstance(bounds.get(exclusive), bool) and bounds.pop(exclusive) and plain in bounds:
                bounds[exclusive] = bounds.pop(plain)
        for key, value in bounds.items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                self._say(at(pointer, key), f"must be a number, not {value!r}.")
            else:
                yield key, value

    def _with_format(self, schema: Schema, given: Mapping[str, Any], pointer: str) -> Schema:
        """The schema with its format, which is said in the description where nothing else has words for it."""
        word = given.get("format")
        if word is None or word in _OF_NUMBERS:
            return schema
        if not isinstance(word, str):
            self._say(at(pointer, "format"), "must be a text. Put it in quotes.")
        elif word in _IN_WORDS and schema["type"] == "string":
            return {**schema, "format": word}
        else:
            before = f"{sentence(schema['description'])} " if "description" in schema else ""
            return {**schema, "description": f"{before}Format: {word}."}
        return schema

    def _say(self, pointer: str, text: str) -> None:
        self._document.say(pointer, text)


def check_name(document: Document, name: Any, pointer: str) -> bool:
    """Whether models take an argument's name; what is wrong is noted."""
    if isinstance(name, str) and PROPERTY_KEY.fullmatch(name):
        return True
    words = json.dumps(name, default=str) if not isinstance(name, str) else repr(name)
    document.say(pointer, f"models refuse the argument {words}. Write 1 to 64 of a-z, A-Z, 0-9, _, . and -.")
    return False


def _instead(composed: Any) -> str:
    """What to write in the place of a composition."""
    parts = composed if isinstance(composed, list) else []
    others = [part for part in parts if part != {"type": "null"}]
    if len(others) == 1:
        null = len(others) < len(parts)
        return f"Write its one schema in its place{'; what may be missing is left out of required' if null else ''}."
    return "Write one schema, or an operation for each."
