"""Property values as they cross between a Pulumi program, its engine, a provider and the control plane.

On the wire they are protobuf structs in which secrets, assets and unknown values are marked by fixed keys and texts
(pulumi `sdk/python/lib/pulumi/runtime/rpc.py` and `sdk/go/common/resource/sig`). Here they are that struct's JSON;
`view` is how the control plane sees it.
"""

from collections.abc import Mapping
from typing import Any

from google.protobuf.struct_pb2 import Struct, Value

from toolgate.local.cloud.values import UNKNOWN, Package, hidden

SIGNATURE = "4dabf18193072939515e22adb298388d"
ASSET = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 marks a secret, is none

UNKNOWN_STRING = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
UNKNOWNS = frozenset(
    {
        UNKNOWN_STRING,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)

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
    return UNKNOWN_STRING if value is UNKNOWN else value


def signature(value: Any) -> str | None:
    """What kind of marked value this is, or None for an ordinary one."""
    return value.get(SIGNATURE) if isinstance(value, Mapping) else None


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
        return {key: view(item) for key, item in value.items()}
    if isinstance(value, list):
        return [view(item) for item in value]
    return UNKNOWN if isinstance(value, str) and value in UNKNOWNS else value
