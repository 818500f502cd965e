"""What differs between a resource's old and new inputs, as a provider tells the engine."""

from collections.abc import Iterator, Mapping
from typing import Any

from pulumi.runtime.proto.provider_pb2 import PropertyDiff

from toolgate.access.deployment.stack_export import ARCHIVE, ASSET, SECRET
from toolgate.local.engine.wire import Wire, signature
from toolgate.policy.language.unknown import SENTINELS

_REPLACING = {
    PropertyDiff.ADD: PropertyDiff.ADD_REPLACE,
    PropertyDiff.DELETE: PropertyDiff.DELETE_REPLACE,
    PropertyDiff.UPDATE: PropertyDiff.UPDATE_REPLACE,
}


def difference(old: Wire, new: Wire, replaces: frozenset[str]) -> dict[str, PropertyDiff]:
    """The leaves that differ, by their path.

    Args:
        old: The old inputs.
        new: The new inputs; an unknown value counts as changed.
        replaces: The inputs whose change makes a new resource.
    """
    found = {}
    for name in sorted(old.keys() | new.keys()):
        for path, change in _changes(old.get(name), new.get(name), name):
            kind = _REPLACING[change] if name in replaces else change
            found[path] = PropertyDiff(kind=kind, inputDiff=True)
    return found


def _changes(old: Any, new: Any, path: str) -> Iterator[tuple[str, Any]]:
    old, new = _bare(old), _bare(new)
    if old == new and not (isinstance(new, str) and new in SENTINELS):
        return
    if old is None or new is None:
        yield path, PropertyDiff.ADD if old is None else PropertyDiff.DELETE
    elif _is_plain_map(old) and _is_plain_map(new):
        for key in sorted(old.keys() | new.keys()):
            yield from _changes(
                old.get(key), new.get(key), f"{path}.{key}" if key.isidentifier() else f'{path}["{key}"]'
            )
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            yield from _changes(_at(old, index), _at(new, index), f"{path}[{index}]")
    else:
        yield path, PropertyDiff.UPDATE


def _bare(value: Any) -> Any:
    """A secret without its mark; a file or archive as its digest: a moved file is the same file."""
    if signature(value) == SECRET:
        return _bare(value["value"])
    return {"hash": value["hash"]} if signature(value) in {ASSET, ARCHIVE} else value


def _is_plain_map(value: Any) -> bool:
    return isinstance(value, Mapping) and "hash" not in value


def _at(values: list[Any], index: int) -> Any:
    return values[index] if index < len(values) else None
