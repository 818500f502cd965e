"""Property values as they cross between a Pulumi program, its engine, a provider and the control plane.

On the wire they are protobuf structs in which secrets, assets and unknown values are marked by fixed keys and texts
(pulumi `sdk/python/lib/pulumi/runtime/rpc.py` and `sdk/go/common/resource/sig`). Here they are that struct's JSON;
`view` is how the control plane sees it.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from google.protobuf.struct_pb2 import Struct, Value

from toolgate.access.deployment.stack_export import ARCHIVE, ASSET, DEFAULTS, SECRET, SIGNATURE
from toolgate.local.cloud.values import UNKNOWN, HiddenText, Package, hidden
from toolgate.policy.language.unknown import SENTINELS, UNKNOWN_TEXT

type Wire = dict[str, Any]
"""A struct as JSON."""


def from_struct(struct: Struct) -> Wire:
    """A struct as JSON, as in a deployment file: keys sorted (a struct has no order of its own), whole numbers ints."""
    return {key: _plain(struct.fields[key]) for key in sorted(struct.fields)}


def _plain(value: Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return from_struct(value.struct_value)
    if kind == "list_value":
        return [_plain(item) for item in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    return None if kind in {None, "null_value"} else getattr(value, kind)


def to_struct(values: Mapping[str, Any]) -> Struct:
    """The struct of JSON; `UNKNOWN` becomes its text."""
    struct = Struct()
    struct.update(with_texts_for_unknowns(values))
    return struct


def with_texts_for_unknowns(value: Any) -> Any:
    """`value` with every `UNKNOWN` replaced by the text that stands for it on the wire."""
    return rewritten(value, leaf=lambda leaf: UNKNOWN_TEXT if leaf is UNKNOWN else leaf)


def rewritten(
    value: Any,
    marked: Callable[[Any], Any] | None = None,
    leaf: Callable[[Any], Any] | None = None,
    without: str | None = None,
) -> Any:
    """`value` with parts of it replaced. What stays is shared, not copied: a plan holds each schema many times.

    Args:
        value: JSON.
        marked: What stands in the place of a marked value; left out, it is JSON like any other.
        leaf: What stands in the place of whatever is neither a mapping nor a list; left out, itself.
        without: The key that is left out of every mapping.
    """
    if isinstance(value, dict):
        if marked and SIGNATURE in value:
            return marked(value)
        changed = {key: new for key, it in value.items() if (new := rewritten(it, marked, leaf, without)) is not it}
        if without in value:
            return {key: changed.get(key, it) for key, it in value.items() if key != without}
        return {**value, **changed} if changed else value
    if isinstance(value, list):
        items = [rewritten(item, marked, leaf, without) for item in value]
        return value if all(map(operator.is_, items, value)) else items
    return leaf(value) if leaf else value


def signature(value: Any) -> str | None:
    """What kind of marked value this is, or None for an ordinary one."""
    return value.get(SIGNATURE) if isinstance(value, Mapping) else None


def marked(known: Any, value: Any) -> Any:
    """`value`, of the control plane, with the marks that what is equal to it has in `known` (secret, file)."""
    if known is value:
        return value
    if isinstance(known, dict) and SIGNATURE in known:
        return _as_marked(known, value)
    if isinstance(known, dict) and isinstance(value, dict):
        return {name: marked(known.get(name), item) for name, item in value.items()}
    if isinstance(known, list) and isinstance(value, list) and len(known) == len(value):
        return [marked(one, other) for one, other in zip(known, value, strict=True)]
    return {SIGNATURE: SECRET, "value": str(value)} if isinstance(value, HiddenText) else value


def _as_marked(known: Mapping[str, Any], value: Any) -> Any:
    if view(known) == value:
        return known
    return {**known, "value": marked(known["value"], value)} if known[SIGNATURE] == SECRET else value


def sealed(values: Wire, paths: Iterable[str]) -> Wire:
    """`values` with the mark of a secret on what stands at the paths; what is not known yet hides nothing."""
    for path in paths:
        values = _sealed(values, path.split("."))
    return values


def _sealed(value: Any, path: list[str]) -> Any:
    if value is None or signature(value) or _known_or_not(value) is UNKNOWN:
        return value
    if not path:
        return {SIGNATURE: SECRET, "value": rewritten(value, _unsealed)}
    name, *inside = path
    return {**value, name: _sealed(value[name], inside)} if isinstance(value, dict) and name in value else value


def _unsealed(marked: Any) -> Any:
    return rewritten(marked["value"], _unsealed) if signature(marked) == SECRET else marked


def without_defaults(value: Any) -> Any:
    """`value` without the provider's notes of what it wrote itself."""
    return rewritten(value, without=DEFAULTS)


def view(value: Any) -> Any:
    """`value` as the control plane sees it: secrets hidden, assets a `Package`, unknowns `UNKNOWN`.

    Raises:
        ValueError: A marked value of a kind that no AWS property takes, such as a resource.
    """
    return rewritten(value, _seen, _known_or_not, DEFAULTS)


def _known_or_not(leaf: Any) -> Any:
    return UNKNOWN if isinstance(leaf, str) and leaf in SENTINELS else leaf


def _seen(marked: Any) -> Any:
    mark = signature(marked)
    if mark == SECRET:
        return hidden(view(marked["value"]))
    if mark in {ASSET, ARCHIVE}:
        return Package(marked["hash"])
    raise ValueError(f"a value marked {mark} cannot be given to an AWS resource")
