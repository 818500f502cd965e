"""What a call of an operation takes: its parameters, and the members of its JSON body beside them.

Unproved: that AgentCore has the members of a body among the arguments. No page of AWS says it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from toolgate.components.apis import schemas
from toolgate.components.apis.document import Document, at
from toolgate.components.tools.listed_schema import TYPES
from toolgate.components.tools.tool_types import Schema

JSON = "application/json"
"""The one media type that AgentCore has in full (AgentCore developer guide, "OpenAPI schema targets")."""

# OpenAPI 3.1.0, "Parameter Object": where a parameter is, and how it is written there unless it says otherwise.
_STYLES = {"path": ("simple", False), "query": ("form", True), "header": ("simple", False)}
# The same: such parameters are ignored.
_NO_PARAMETERS = ("accept", "content-type", "authorization")
_IN_PATH = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class _Parameter:
    """A parameter as it is written, what it is, and where that stands."""

    given: Any
    value: Mapping[str, Any]
    pointer: str


@dataclass(frozen=True)
class Parameters:
    """The parameters of one operation: those of the path, and over them its own (OpenAPI 3.1.0, "Operation Object")."""

    document: Document
    reader: schemas.Reader
    by_place: dict[tuple[str, str], _Parameter]

    def read(self, given: Any, where: str) -> None:
        """Take these in."""
        if not isinstance(given, list):
            self.document.say(where, "must be a list of parameters.")
            return
        own: set[tuple[str, str]] = set()
        for index, written in enumerate(given):
            value, pointer = self.document.object(written, at(where, index))
            name, place = value.get("name"), value.get("in")
            if not isinstance(place, str) or place not in _STYLES:
                if value:
                    there = ", ".join(map(repr, _STYLES))
                    text = f"is in {place!r}, which no tool has. Write 'in' as one of {there}."
                    self.document.say(at(pointer, "in") if "in" in value else pointer, text)
                continue
            if not schemas.check_name(self.document, name, at(pointer, "name") if "name" in value else pointer):
                continue
            if place == "header" and str(name).lower() in _NO_PARAMETERS:
                self.document.say(pointer, f"OpenAPI ignores the header {name!r} here. Remove it.")
                continue
            if (place, name) in own:
                self.document.say(pointer, f"is a second {name!r} in {place}. Remove one.")
            own.add((place, str(name)))
            self.by_place[place, str(name)] = _Parameter(written, value, pointer)

    def arguments(self) -> tuple[dict[str, Schema], list[str]]:
        """The arguments that they are, and which of them must be there."""
        properties: dict[str, Schema] = {}
        required: list[str] = []
        for (place, name), parameter in self.by_place.items():
            if name in properties:
                self.document.say(parameter.pointer, f"is a second argument {name!r}. Rename one, in the API as well.")
            properties[name] = self._schema(place, parameter.value, parameter.pointer)
            if parameter.value.get("required") is True:
                required.append(name)
            elif place == "path":
                self.document.say(
                    parameter.pointer, "is in the path, where nothing is left out. Write 'required: true'."
                )
        return properties, required

    def check_path(self, path: str, where: str) -> None:
        """Check that the path has these parameters, and no others."""
        there = {name for place, name in self.by_place if place == "path"}
        in_path = _IN_PATH.findall(path)
        if (
            not path.startswith("/")
            or "{" in (rest := _IN_PATH.sub("", path))
            or "}" in rest
            or {"?", "#", "*"} & {*path}
        ):
            self.document.say(
                where.rpartition("/")[0], "is no path. Write one that begins with '/', without any of ?#* in it."
            )
        for name in in_path:
            if name not in there:
                self.document.say(where, f"has no parameter {name!r} in its path. Write it, with 'in: path'.")
        for name in sorted(there - set(in_path)):
            self.document.say(where, f"its path has no {{{name}}}. Write it there, or remove the parameter.")

    def _schema(self, place: str, value: Mapping[str, Any], pointer: str) -> Schema:
        style, explode = _STYLES[place]
        for key, usual in (("style", style), ("explode", explode), ("allowReserved", False)):
            if value.get(key, usual) != usual:
                self.document.say(
                    at(pointer, key), f"AgentCore has no serializers: of {place} {usual!r} is taken. Remove it."
                )
        if "schema" not in value:
            self.document.say(
                pointer, "has no 'schema'. Write one; 'content' is a serializer, which AgentCore has not."
            )
            return {"type": "string"}
        if "content" in value:
            self.document.say(at(pointer, "content"), "stands beside a 'schema', and one of both is meant. Remove it.")
        examples = value.get("examples", {})
        if not isinstance(examples, Mapping):
            self.document.say(at(pointer, "examples"), "must be an object: examples by name.")
            examples = {}
        for name, example in examples.items():
            self.document.object(example, at(pointer, "examples", name))  # sent with it, and so is what it refers to
        schema = self.reader.read(value["schema"], at(pointer, "schema"))
        # As it is written: what was read of a bad schema says nothing of it.
        said, where = self._said(value["schema"], at(pointer, "schema"))
        if place == "query" and said.get("type") == "array":
            said, _ = self._said(said.get("items"), at(where, "items"))
        if said.get("type") in ("object", "array"):
            several = "a value, or an array of values" if place == "query" else "a value"
            self.document.say(at(pointer, "schema"), f"takes a serializer, which AgentCore has not. Write {several}.")
        text = value.get("description")
        return (
            {**schema, "description": text}
            if isinstance(text, str) and text.strip() and "description" not in schema
            else schema
        )

    def _said(self, schema: Any, pointer: str) -> tuple[Mapping[str, Any], str]:
        return self.document.object(schema, pointer) if isinstance(schema, Mapping) else ({}, pointer)


@dataclass
class Body:
    """The body of one operation, and what is sent of it."""

    document: Document
    reader: schemas.Reader
    sent: dict[str, Any] = field(default_factory=dict)

    def read(self, given: Any, where: str, taken: Mapping[str, Schema]) -> Schema:
        """The arguments that it is: an object's schema.

        Args:
            given: The body.
            where: Where it stands.
            taken: The arguments that there are besides.
        """
        nothing: Schema = {"properties": {}, "required": []}
        body, pointer = self.document.object(given, where)
        content = body.get("content")
        media = content.get(JSON) if isinstance(content, Mapping) else None
        if not isinstance(media, Mapping):
            text = f"AgentCore sends {JSON} only. Write that one below 'content'."
            self.document.say(at(pointer, "content") if "content" in body else pointer, text)
            return nothing
        where = at(pointer, "content", JSON)
        if "schema" not in media:
            self.document.say(where, "has no 'schema'. Write what the body is.")
            return nothing
        where = at(where, "schema")
        self.sent = {"required": body.get("required") is True, "content": {JSON: {"schema": media["schema"]}}}
        schema = self.reader.read(media["schema"], where)
        properties: dict[str, Schema] = schema.get("properties", {})
        said, place = self.document.object(media["schema"], where) if isinstance(media["schema"], Mapping) else ({}, "")
        if said.get("type") not in TYPES:  # which is told of
            return nothing
        if schema["type"] != "object" or not properties or "additionalProperties" in schema:
            text = "must be an object whose 'properties' are all it has: they are the tool's arguments."
            self.document.say(where, text)
        for name in properties:
            schemas.check_name(self.document, name, at(place, "properties", name))
            if name in taken:
                self.document.say(
                    where, f"has a second argument {name!r} beside the parameter. Rename one, in the API as well."
                )
        required = schema.get("required", []) if body.get("required") is True else []
        return {"properties": properties, "required": required}
