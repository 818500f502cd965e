"""Reads a resource's properties into plain data, an unknown leaf staying a leaf.

pulumi_policy hands properties over as proxies that raise on every touch of an unknown value, so that one unknown would
end a rule and hide the violation beside it. Here a bag is read once, and what cannot be known in a preview is UNKNOWN.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pulumi_policy import proxy

from toolgate.policy.language.unknown import SENTINELS, UNKNOWN

# What `pulumi stack export` writes for a secret value (`pulumi policy analyze --file`): it is not the value.
HIDDEN_SECRET = "[secret]"  # noqa: S105 it is the mark, not a secret

# Deeper than any resource's schema. What lies below is not judged, so it is not known.
MAX_DEPTH = 200


def plain(value: Any, depth: int = 0) -> Any:
    """The value as dicts, lists and leaves; what is unknown, hidden or too deep is UNKNOWN."""
    if depth > MAX_DEPTH:
        return UNKNOWN
    if isinstance(value, str):
        return UNKNOWN if value in SENTINELS or value == HIDDEN_SECRET else value
    if isinstance(value, Mapping):
        return {str(key): _member(value, key, depth) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return [_member(value, index, depth) for index in range(len(value))]
    return value


def _member(container: Any, key: Any, depth: int) -> Any:
    try:
        member = container[key]
    except proxy.UnknownValueError:
        return UNKNOWN
    return plain(member, depth + 1)


def at(data: Any, *path: str) -> Any:
    """The value at a path of plain data: None where nothing stands, UNKNOWN where that cannot be known.

    A list met on the way is read at its first element: the bridge writes a block that may stand once either way.
    """
    for key in path:
        if isinstance(data, list):
            data = data[0] if data else None
        if data is UNKNOWN:
            return UNKNOWN
        if not isinstance(data, dict):
            return None
        data = data.get(key)
    return data


def each(data: Any, *path: str) -> list[Any]:
    """Every value at a path of plain data, a list met anywhere standing for each of its elements."""
    found = _spread(data)
    for key in path:
        found = [value for member in found for value in _spread(_step(member, key))]
    return [value for value in found if value is not None]


def _step(member: Any, key: str) -> Any:
    if member is UNKNOWN:
        return UNKNOWN
    return member.get(key) if isinstance(member, dict) else None


def _spread(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def has_unknown(data: Any) -> bool:
    """Whether any leaf of plain data is UNKNOWN."""
    if isinstance(data, dict):
        return any(has_unknown(value) for value in data.values())
    if isinstance(data, list):
        return any(has_unknown(value) for value in data)
    return data is UNKNOWN
