"""Property values as they cross between a Pulumi program, its engine, a provider and the control plane.

On the wire they are protobuf structs in which secrets, assets and unknown values are marked by fixed keys and texts
(pulumi `sdk/python/lib/pulumi/runtime/rpc.py` and `sdk/go/common/resource/sig`). Here they are that struct's JSON;
`view` is how the control plane sees it.
"""

from collections.abc import Mapping
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
    if isinstance(value, Mapping):
        return {key: with_texts_for_unknowns(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_texts_for_unknowns(item) for item in value]
    return UNKNOWN_TEXT if value is UNKNOWN else value


def signature(value: Any) -> str | None:
    """What kind of marked value this is, or None for an ordinary one."""
    return value.get(SIGNATURE) if isinstance(value, Mapping) else None


def marked(known: Any, value: Any) -> Any:
    """`value`, of the control plane, with the marks that what is equal to it has in `known` (secret, file)."""
    if view(known) == value:
        return without_defaults(known)
    if isinstance(known, Mapping) and isinstance(value, Mapping) and signature(known) is None:
        return {name: marked(known.get(name), item) for name, item in value.items()}
    if isinstance(known, list) and isinstance(value, list) and len(known) == len(value):
        return [marked(one, other) for one, other in zip(known, value, strict=True)]
    if signature(known) == SECRET:
        return {**known, "value": marked(known["value"], value)}
    return {SIGNATURE: SECRET, "value": str(value)} if isinstance(value, HiddenText) else value


def without_defaults(value: Any) -> Any:
    """`value` without the provider's notes of what it wrote itself."""
    if isinstance(value, Mapping):
        return {key: without_defaults(item) for key, item in value.items() if key != DEFAULTS}
    return [without_defaults(item) for item in value] if isinstance(value, list) else value


def view(value: Any) -> Any:
    """`value` as the control plane sees it: secrets hidden, assets a `Package`, unknowns `UNKNOWN`.

    Raises:
        ValueError: A marked value of a kind that no AWS property takes, such as a resource.
    """
    mark = signature(value)
    if mark == SECRET:
        return hidden(view(value["value"]))
    if mark in {ASSET, ARCHIVE}:
        return Package(value["hash"])
    if mark is not None:
        raise ValueError(f"a value marked {mark} cannot be given to an AWS resource")
    if isinstance(value, Mapping):
        return {key: view(item) for key, item in value.items() if key != DEFAULTS}
    if isinstance(value, list):
        return [view(item) for item in value]
    return UNKNOWN if isinstance(value, str) and value in SENTINELS else value
