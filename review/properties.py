"""A resource's properties as leaves with paths, so that two of them can be compared leaf by leaf."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from toolgate.access.deployment.stack_export import ARCHIVE, ASSET, SECRET, SIGNATURE

HIDDEN = "[secret]"
CONTENTS = "[contents]"
STATEMENTS = "[statements]"
_NAMES = ("name", "Sid", "sid")
_SECRETS = frozenset({"clientsecret", "clientsecretwo"})
"""Properties of clients and of their providers that prove who somebody is, in small letters."""


@dataclass(frozen=True)
class Leaf:
    """A value at the end of a path.

    Attributes:
        value: What two leaves are compared by.
        text: What is shown of it: never a secret.
    """

    value: str
    text: str


PART = Leaf("", "{...}")
"""Stands for a part with all that is in it."""

type Path = tuple[str, ...]
"""The steps to a value, each as it is written: `("tools", "[add_numbers]", ".description")`."""


def leaves(properties: Mapping[str, Any]) -> dict[Path, Leaf]:
    """All leaves by path."""
    return {path: leaf for name, value in properties.items() for path, leaf in _walk((_step(name, ""),), value)}


def document(value: Any) -> Any:
    """What a text that is a JSON object or array holds; None for any other value."""
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(value)
    except ValueError:
        return None


def statements(value: Any) -> list[Any] | None:
    """The statements of an IAM document, in JSON or as an object; None where the value is none."""
    found = value if isinstance(value, Mapping) else document(value)
    if not isinstance(found, Mapping) or "Statement" not in found:
        return None
    listed = found["Statement"]
    return list(listed) if isinstance(listed, list) else [listed]


def nodes(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Everything in a value by its path, in JSON text as well; a list's only block has the path of the list."""
    if path:
        yield path, value
    value = document(value) if isinstance(value, str) else value
    if isinstance(value, list):
        blocks = [item for item in value if isinstance(item, Mapping)]
        for place, block in enumerate(blocks):
            yield from _members(block, path if len(blocks) == 1 else f"{path}[{place}]")
    elif isinstance(value, Mapping) and SIGNATURE not in value:
        yield from _members(value, path)


def _members(block: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    for name, value in block.items():
        yield from nodes(value, f"{path}.{name}" if path else name)


def _walk(path: Path, value: Any) -> Iterator[tuple[Path, Leaf]]:
    if statements(value) is not None:
        yield path, _leaf(document(value) or value, STATEMENTS)
    elif (inner := document(value)) is not None:
        yield from _walk(path, inner)
    elif isinstance(value, Mapping) and SIGNATURE in value:
        yield from _special(path, value)
    elif isinstance(value, Mapping) and value:
        for name, item in value.items():
            yield from _walk((*path, _step(name, ".")), item)
    elif isinstance(value, list) and any(isinstance(item, Mapping | list) for item in value):
        for name, item in zip(_names(value), value, strict=True):
            yield from _walk((*path, f"[{name}]"), item)
    else:
        yield path, _leaf(value, HIDDEN if _is_secret(path) else json.dumps(value, ensure_ascii=False))


def _is_secret(path: Path) -> bool:
    """Whether a value is a secret though nothing marks it, as in a program that wrote it out."""
    return path[-1].lstrip(".").lower() in _SECRETS


def _special(path: Path, value: Mapping[str, Any]) -> Iterator[tuple[Path, Leaf]]:
    """A secret, an asset or an archive (pulumi `sdk/go/common/resource/sig`)."""
    kind = value[SIGNATURE]
    if kind == ARCHIVE and isinstance(value.get("assets"), Mapping):
        for name, item in value["assets"].items():
            yield from _walk((*path, f'["{name}"]'), item)
    elif kind in {ARCHIVE, ASSET}:
        yield path, _leaf(value.get("hash") or dict(value), CONTENTS)
    elif kind == SECRET:
        yield path, _leaf(dict(value), HIDDEN)
    else:
        yield path, _leaf(dict(value), json.dumps({key: item for key, item in value.items() if key != SIGNATURE}))


def _leaf(value: Any, text: str) -> Leaf:
    return Leaf(json.dumps(value, sort_keys=True), text)


def _step(name: str, dot: str) -> str:
    return f"{dot}{name}" if re.fullmatch(r"[\w()-]+", name) else f'["{name}"]'


def _names(items: Sequence[Any]) -> list[str]:
    """What tells the items apart: their names where each has one of its own, or else their places."""
    for key in _NAMES:
        names = [item.get(key) for item in items if isinstance(item, Mapping)]
        texts = [name for name in names if isinstance(name, str)]
        if len(set(texts)) == len(items):
            return texts
    return [str(place) for place in range(len(items))]
