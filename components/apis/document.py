"""An OpenAPI document while it is read: where things stand in it, what a reference names, and all that is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

COMPONENTS = "components"
_MOST_REFERENCES = 64


@dataclass(frozen=True)
class Document:
    """A document.

    Attributes:
        file: Its file, for messages.
        value: What is in it.
        found: What is wrong, each with its place and what to write instead; in the order in which it was met. A place
            is there: of what is missing it is that of the object that lacks it.
    """

    file: str
    value: Mapping[str, Any]
    found: dict[str, None] = field(default_factory=dict)

    def say(self, pointer: str, text: str) -> None:
        """Note what is wrong, each thing once.

        Args:
            pointer: Its JSON pointer (RFC 6901); "" is the whole document.
            text: What is wrong, and what to write instead.
        """
        line = f"{self.file}{f'#{pointer}' if pointer else ''}: {text}"
        # A name in the document may hold anything, and a mistake is one line.
        shown = "".join(it if it.isprintable() else it.encode("unicode_escape").decode() for it in line)
        self.found[shown] = None

    def object(self, value: Any, pointer: str) -> tuple[Mapping[str, Any], str]:
        """An object, or the one that a reference names, and where it stands; empty where that is none.

        What is beside a reference means nothing (OpenAPI 3.0.3 and 3.1.0, "Reference Object").
        """
        for _ in range(_MOST_REFERENCES):
            if not isinstance(value, Mapping):
                self.say(pointer, "must be an object. Write a `name: value` a line below it.")
                return {}, pointer
            if "$ref" not in value:
                return value, pointer
            value, pointer = self.referred(value, pointer)
            if value is None:
                return {}, pointer
        self.say(pointer, "is a chain of references that does not end. Write what is meant.")
        return {}, pointer

    def referred(self, value: Mapping[str, Any], pointer: str) -> tuple[Any, str]:
        """What a reference names, and where that stands; None where it names nothing, which is noted."""
        target = value["$ref"]
        if not isinstance(target, str) or not target.startswith("#/"):
            self.say(pointer, f"'$ref' {target!r} is outside of this file. Copy what it names into 'components'.")
            return None, pointer
        inside = unquote(target[1:])
        keys = [key.replace("~1", "/").replace("~0", "~") for key in inside.split("/")[1:]]
        if keys[0] != COMPONENTS or len(keys) != 3:
            self.say(pointer, f"'$ref' {target!r} is none of a component. Move what it names below 'components'.")
            return None, pointer
        found: Any = self.value
        for key in keys:
            found = found.get(key) if isinstance(found, Mapping) else None
        if found is None:
            self.say(pointer, f"'$ref' {target!r} names nothing in this file. Write what is meant.")
        return found, inside


def at(pointer: str, *keys: str | int) -> str:
    """The pointer of what is further in."""
    return pointer + "".join(f"/{str(key).replace('~', '~0').replace('/', '~1')}" for key in keys)
