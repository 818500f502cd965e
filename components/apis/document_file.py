"""A document's file as plain values: JSON, or YAML as far as it says the same.

OpenAPI 3.1.0, "Format": whoever writes YAML keeps to JSON's types, and each key is a text. So `no` and `2026-12-01` are
texts here, whatever a YAML library would make of them; what has no counterpart in JSON is refused.
"""

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # it ships no types

from toolgate.components.checks.arguments import UsageError

NAMES = ("openapi.yaml", "openapi.yml", "openapi.json")
"""What a document's file may be called."""
LARGEST_JSON, LARGEST_YAML = 10 * 1024 * 1024, 4 * 1024 * 1024
"""Bytes of a file. AgentCore takes less of what is sent of it; a megabyte of YAML takes some two seconds to read, and
ten where PyYAML was built without its C part."""

_TAG = "tag:yaml.org,2002:"
# YAML 1.2.2, section 10.2.2, "JSON Schema", "Tag Resolution".
_PLAIN: tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...] = (
    (re.compile(r"null|~|"), lambda _: None),
    (re.compile(r"true|false"), lambda text: text == "true"),
    (re.compile(r"-?(0|[1-9][0-9]{0,300})"), int),
    (re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]*)?([eE][-+]?[0-9]+)?"), float),
)


def find(directory: Path) -> Path:
    """The document of an API's folder.

    Raises:
        UsageError: It has none, or several.
    """
    found = [directory / name for name in NAMES if (directory / name).is_file()]
    if len(found) == 1:
        return found[0]
    if found:
        both = " and ".join(path.name for path in found)
        raise UsageError(f"{directory}: has {both}, and one API has one document. Remove one.")
    raise UsageError(f"{directory}: has no document. Write {NAMES[0]} or {NAMES[-1]}.")


def read(path: Path) -> Any:
    """The file's value.

    Args:
        path: The file; its name's end says whether it is JSON.

    Raises:
        UsageError: It cannot be read, is too large, or says what JSON cannot.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error}).") from error
    is_json = path.suffix == ".json"
    if len(raw) > (largest := LARGEST_JSON if is_json else LARGEST_YAML):
        instead = "Take out what no tool needs" if is_json else "Write it as JSON, or take out what no tool needs"
        raise UsageError(f"{path}: has {len(raw)} bytes; at most {largest} are read. {instead}.")
    try:
        return parsed(raw, str(path)) if is_json else _yaml(raw, path)
    except RecursionError:
        raise UsageError(f"{path}: is nested too deeply.") from None


def parsed(text: bytes | str, where: str) -> Any:
    """The value of a JSON text.

    Raises:
        UsageError: It is none, or has a key twice in one object.
    """

    def number(text: str) -> Any:
        raise UsageError(f"{where}: {text} is no number of JSON. Write one that is.")

    try:
        return json.loads(text, object_pairs_hook=lambda pairs: _map(pairs, where), parse_constant=number)
    except json.JSONDecodeError as error:
        raise UsageError(f"{where}:{error.lineno}: is not valid JSON: {error.msg}.") from error
    except RecursionError:
        raise UsageError(f"{where}: is nested too deeply.") from None
    except ValueError as error:  # a text that is no Unicode, or a number of thousands of digits
        raise UsageError(f"{where}: is not valid JSON: {error}.") from error


def _map(pairs: Iterable[tuple[str, Any]], where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise UsageError(f"{where}: has the key {key!r} twice in one object. Remove one.")
        found[key] = value
    return found


def _yaml(raw: bytes, path: Path) -> Any:
    try:
        # The base loader resolves nothing and constructs nothing: each scalar is a text, and a tag stays one.
        root = yaml.compose(raw, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
        raise UsageError(f"{path}{line}: is not valid YAML: {problem}.") from error
    if root is None:
        raise UsageError(f"{path}: is empty.")
    return _Nodes(path).value(root)


class _Nodes:
    """The nodes of one YAML file, each met once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._met: set[int] = set()

    def value(self, node: Any) -> Any:
        """What a node says.

        Raises:
            UsageError: JSON has no way to say it.
        """
        where = f"{self._path}:{node.start_mark.line + 1}"
        if id(node) in self._met:  # the anchor's own: its alias says where it is used nowhere
            raise UsageError(f"{where}: is used by a YAML alias. Write a '$ref', which OpenAPI has for that.")
        self._met.add(id(node))
        if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
            return _map(((self._key(key), self.value(value)) for key, value in node.value), where)
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
            return [self.value(item) for item in node.value]
        if isinstance(node, yaml.ScalarNode) and node.tag == f"{_TAG}str":
            return node.value if node.style else _plain(node.value)
        raise UsageError(
            f"{where}: has the tag {node.tag.removeprefix(_TAG)!r}, which JSON has no word for. Remove it."
        )

    def _key(self, node: Any) -> str:
        """A key: a text, also where it looks like a number, such as the status of an answer."""
        where = f"{self._path}:{node.start_mark.line + 1}"
        if not isinstance(node, yaml.ScalarNode):
            raise UsageError(f"{where}: has a key that is no text. Write one.")
        if node.value == "<<" and not node.style:
            raise UsageError(f"{where}: '<<' merges in YAML 1.1 only. Write the keys, or a '$ref'.")
        return str(node.value)


def _plain(text: str) -> Any:
    """The value of a scalar without quotes."""
    for pattern, value in _PLAIN:
        if pattern.fullmatch(text):
            return value(text)
    return text
