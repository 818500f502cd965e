"""Tools that somebody wrote by hand, checked whole: whatever AgentCore's schema has no word for would be lost.

Models look at the schemas too, and one tool that they refuse fails each of their requests; the agent leaves such a tool
out (`agent/toolset/rules.py`, with the sources). What passes here is taken by the models of every family named
there.
"""

import itertools
import json
import re
import reprlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from toolgate.components.checks.arguments import UsageError, did_you_mean
from toolgate.components.tools.listed_schema import KEYWORDS, TYPES, ToolSchema

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
PROPERTY_KEY = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
DEEPEST = 64
LARGEST_TOOL = 100_000
# AgentCore quotas, "Gateway": inline schema, and tools of a target.
LARGEST_PAYLOAD = 1024 * 1024
MOST_TOOLS = 1000

_WORDS = ", ".join(map(repr, TYPES))
_BELONGS = {"properties": "object", "required": "object", "items": "array"}
_LEAVE_OUT = " Leave the key out instead."


def check(tools: Any, where: str) -> None:
    """Check the tools of one target, whatever was given for them.

    Args:
        tools: What should be a list of `ToolSchema`.
        where: Their place, for messages.

    Raises:
        UsageError: One cannot be said, or a bound is exceeded; each mistake is on a line of its own.
    """
    if found := list(faults(tools, where)):
        raise UsageError("\n".join(found))


def faults(tools: Any, where: str) -> Iterator[str]:
    """The mistakes of `check`, each with its path and what to write instead."""
    if not isinstance(tools, Sequence) or isinstance(tools, str | bytes):
        yield f"{where}: must be a list, not {reprlib.repr(tools)}."
        return
    names = Counter(name for tool in tools if isinstance(tool, Mapping) and isinstance(name := tool.get("name"), str))
    for name in (name for name, times in names.items() if times > 1):
        yield f"{where}: has several tools named {name!r}. Rename one."
    if len(tools) > MOST_TOOLS:
        yield f"{where}: has {len(tools)} tools; a target takes at most {MOST_TOOLS}. Make two of it."
    found = [*itertools.chain.from_iterable(_tool(tool, f"{where}[{index}]") for index, tool in enumerate(tools))]
    yield from found
    if not found and (size := _size(tools)) > LARGEST_PAYLOAD:
        yield f"{where}: has {size} bytes; AgentCore takes at most {LARGEST_PAYLOAD}. Make two targets of it."


def _tool(tool: Any, where: str) -> Iterator[str]:
    if not isinstance(tool, Mapping):
        yield f"{where}: must be a map, not {reprlib.repr(tool)}."
        return
    known = ToolSchema.__annotations__
    for key in tool:
        if key not in known:
            yield f"{where}: unknown key {key!r}.{did_you_mean(key, known)} Known: {', '.join(sorted(known))}."
    if missing := sorted(known.keys() - tool.keys()):
        yield f"{where}: missing {', '.join(map(repr, missing))}."
    name = tool.get("name", "q")
    if not isinstance(name, str):
        yield f"{where}.name: must be a string, not {reprlib.repr(name)}."
    elif not NAME.fullmatch(name):
        yield f"{where}.name: {name!r} is refused by models. Write 1 to 64 letters, digits, _ and -."
    if "description" in tool:
        instead = "Say what the tool does: the model chooses by it."
        yield from _text(tool["description"], f"{where}.description", instead)
    if "inputSchema" not in tool:
        return
    found = list(_inputs(tool["inputSchema"], f"{where}.inputSchema"))
    yield from found
    # As a model gets it, whose name for it is the full one.
    sent = {**tool, "name": "x" * 64, "inputSchema": {"json": tool["inputSchema"]}}
    if not found and (size := _size(sent)) > LARGEST_TOOL:
        yield (
            f"{where}: has {size} bytes, and is part of each prompt; at most {LARGEST_TOOL} are sent of one tool. "
            "Shorten its descriptions, or make two tools of it."
        )


def _inputs(schema: Any, place: str) -> Iterator[str]:
    """What is wrong with a tool's `inputSchema`, where more is refused than further in."""
    if isinstance(schema, Mapping) and schema.get("type") != "object":
        kind = reprlib.repr(schema.get("type"))
        yield f"{place}.type: must be 'object', not {kind}: arguments have names."
        return
    yield from _schema(schema, place, 0)
    if not isinstance(schema, Mapping):
        return
    if schema.get("description"):
        yield f"{place}.description: Amazon Nova refuses it there. Say it in the tool's own 'description'."
    for key in _mapping(schema.get("properties")):
        if isinstance(key, str) and not PROPERTY_KEY.fullmatch(key):
            yield f"{place}.properties: {key!r} is refused by models. Write 1 to 64 of a-z, A-Z, 0-9, _, . and -."


def _schema(schema: Any, place: str, depth: int) -> Iterator[str]:
    if not isinstance(schema, Mapping):
        yield f"{place}: must be a schema, a map with a 'type', not {reprlib.repr(schema)}."
        return
    if depth > DEEPEST:
        yield f"{place}: is nested more than {DEEPEST} schemas deep. Write a flatter schema."
        return
    for key in schema:
        if key not in KEYWORDS:
            instead = did_you_mean(key, KEYWORDS) or " Say it in 'description', and check it in the function."
            yield f"{place}: AgentCore's schema has no {key!r}.{instead}"
    yield from _type(schema, place)
    if "description" in schema:
        yield from _text(schema["description"], f"{place}.description", "Leave the key out.")
    if "properties" in schema:
        yield from _properties(schema["properties"], f"{place}.properties", depth)
    if "required" in schema:
        yield from _required(schema["required"], _mapping(schema.get("properties")), f"{place}.required")
    if "items" in schema:
        yield from _schema(schema["items"], f"{place}.items", depth + 1)


def _type(schema: Mapping[str, Any], place: str) -> Iterator[str]:
    if "type" not in schema:
        yield f"{place}: missing 'type'. Write one of {_WORDS}."
        return
    kind = schema["type"]
    if isinstance(kind, list | tuple):
        yield (
            f"{place}.type: is a list of types, and AgentCore's schema takes one. What may be missing is left out of "
            "'required'."
        )
    elif not isinstance(kind, str) or kind not in TYPES:
        yield f"{place}.type: {reprlib.repr(kind)} is not one of {_WORDS}. Write one of them."
    else:
        for key, owner in _BELONGS.items():
            if key in schema and kind != owner:
                yield f"{place}: {key!r} belongs to type {owner!r}, not {kind!r}."


def _properties(properties: Any, place: str, depth: int) -> Iterator[str]:
    if not isinstance(properties, Mapping):
        yield f"{place}: must be a map of schemas by name, not {_odd(properties)}"
    for name, child in _mapping(properties).items():
        if not isinstance(name, str) or (not name and depth) or not _is_unicode(name):
            yield f"{place}: {name!r} is no name. Write a string."
        else:
            at = f"{place}.{name}" if re.fullmatch(r"\w+", name) else f"{place}[{name!r}]"
            yield from _schema(child, at, depth + 1)


def _required(required: Any, properties: Mapping[str, Any], place: str) -> Iterator[str]:
    if not isinstance(required, list | tuple) or not all(isinstance(name, str) for name in required):
        yield f"{place}: must be a list of names, not {_odd(required)}"
        return
    for name in dict.fromkeys(required):
        if name not in properties:
            known = ", ".join(map(repr, properties)) or "none"
            yield f"{place}: {name!r} is no property. There are: {known}."
        elif required.count(name) > 1:
            yield f"{place}: names {name!r} twice. Name it once."


def _text(text: Any, place: str, if_empty: str) -> Iterator[str]:
    if not isinstance(text, str):
        yield f"{place}: must be a string, not {_odd(text)}"
    elif not text.strip():
        yield f"{place}: is empty. {if_empty}"
    elif not _is_unicode(text):
        yield f"{place}: is no Unicode text. It holds half a surrogate pair: remove it."


def _is_unicode(text: str) -> bool:
    return text.isascii() or text.encode(errors="ignore").decode() == text


def _odd(value: Any) -> str:
    return f"{reprlib.repr(value)}.{_LEAVE_OUT if value is None else ''}"


def _size(document: Any) -> int:
    return len(json.dumps(document, default=dict).encode())


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
