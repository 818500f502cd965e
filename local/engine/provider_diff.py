"""What differs between a resource's state and its new inputs, as the AWS provider tells the engine.

What AWS gave back is compared, not what the program wrote before: so a refresh shows what was changed by hand, and a
text that AWS gives back otherwise than it was written is a change in each plan.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pulumi.runtime.proto.provider_pb2 import PropertyDiff

from toolgate.access.deployment.stack_export import ARCHIVE, ASSET, DEFAULTS, SECRET
from toolgate.local.cloud import provider_state
from toolgate.local.cloud.resource_type import ResourceType
from toolgate.local.cloud.values import Properties
from toolgate.local.engine import wire
from toolgate.local.engine.wire import Wire, signature
from toolgate.policy.language.unknown import SENTINELS

_REPLACING = {
    PropertyDiff.ADD: PropertyDiff.ADD_REPLACE,
    PropertyDiff.DELETE: PropertyDiff.DELETE_REPLACE,
    PropertyDiff.UPDATE: PropertyDiff.UPDATE_REPLACE,
}


REPLACING = frozenset(_REPLACING.values())
"""The kinds of a change that makes a new resource."""


def planned_changes(kind: ResourceType, known: Wire, inputs: Wire) -> dict[str, PropertyDiff]:
    """What an update would change, leaf by leaf.

    Args:
        kind: The resource's type.
        known: Its state.
        inputs: Its new inputs after the check.
    """
    old = provider_state.compared(kind, known, inputs)
    replaces = kind.replaces | {*kind.replaced_by(wire.view(known), wire.view(inputs))}
    given = {name: value for name, value in inputs.items() if name in kind.inputs}
    return difference(provider_state.alike(kind, old), provider_state.alike(kind, given), replaces)


def read_inputs(kind: ResourceType, held: Properties, known: Wire) -> Wire:
    """The inputs of a resource as they are now.

    Args:
        kind: Its type.
        held: What AWS holds.
        known: The inputs so far, which say what the program speaks of; empty where it is imported.
    """
    reported = kind.reported(held)
    names = (
        known.keys() if known else {it for it in held if _is_given(held[it], reported.get(it), kind.defaults.get(it))}
    )
    inputs = {name: wire.marked(known.get(name), held[name]) for name in names if name in held}
    for name in inputs.keys() & reported.keys():
        inputs[name] = provider_state.without_reported(inputs[name], known.get(name), reported[name])
    return inputs if kind.framework else {**inputs, DEFAULTS: known.get(DEFAULTS, [])}


def _is_given(value: Any, reported: Any, default: Any) -> bool:
    """Whether of what is imported somebody gave this: what AWS reports by itself may be a part of it."""
    in_part = isinstance(value, Mapping) and value != reported
    return value != default and (reported is None or in_part)


def difference(old: Wire, new: Wire, replaces: frozenset[str]) -> dict[str, PropertyDiff]:
    """The leaves that differ, by their path.

    Args:
        old: The inputs as they are.
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
