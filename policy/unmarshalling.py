"""A resource's properties, unmarshalled once and only where a rule reads them.

pulumi_policy (1.21, `_PolicyAnalyzerServicer`) unmarshals all properties anew for each policy and each moment, whether
the policy looks at the resource or not: with nineteen rules more than thirty times, which is most of what judging a
large stack costs. It has no setting for that. It calls three functions one after another: here the first of them gives
what calls the real ones when it is read.
"""

import types
import weakref
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.metadata import version
from typing import Any

import pulumi_policy.policy as sdk
from google.protobuf import json_format
from google.protobuf.message import Message
from pulumi_policy.deserialize import deserialize_properties
from pulumi_policy.proxy import unknown_checking_proxy

from toolgate.policy import properties

TRIED_WITH = ["1", "21"]


class Unread(Mapping[str, Any]):
    """Properties as they came, which pulumi_policy's own functions unmarshal at the first touch."""

    def __init__(self, message: Message, *, secrets: bool = False) -> None:
        self.message = message
        self._secrets = secrets

    @cached_property
    def _read(self) -> Mapping[str, Any]:
        return unknown_checking_proxy(deserialize_properties(json_format.MessageToDict(self.message), self._secrets))

    @cached_property
    def plain(self) -> Any:
        """As rules see them; they only read it."""
        return properties.plain(self._read)

    def copy(self) -> dict[str, Any]:
        """What the message holds: a rule's configuration is copied for each look at it."""
        return dict(json_format.MessageToDict(self.message))

    def __getitem__(self, key: str) -> Any:
        return self._read[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read)

    def __len__(self) -> int:
        return len(self._read)


def plain(given: Mapping[str, Any]) -> Any:
    """Properties as plain data (`properties.plain`)."""
    return given.plain if isinstance(given, Unread) else properties.plain(given)


def install() -> None:
    """Have pulumi_policy hand `Unread` over; called in another way than now, its functions do what they did.

    A version that nobody has tried this with is left alone, and is slower.
    """
    if version("pulumi-policy").split(".")[:2] != TRIED_WITH:
        return
    # A message is the same object as long as somebody holds it, which its `Unread` does: its id names no other.
    known: weakref.WeakValueDictionary[int, Unread] = weakref.WeakValueDictionary()

    def once(message: Message, **options: Any) -> Any:
        if options:
            return json_format.MessageToDict(message, **options)
        found = known.get(id(message))
        if found is None:
            known[id(message)] = found = Unread(message)
        return found

    def deserialized(given: Any, proxy_secrets: bool = False) -> Any:
        if not isinstance(given, Unread):
            return deserialize_properties(given, proxy_secrets)
        return Unread(given.message, secrets=True) if proxy_secrets else given

    replaced: Any = sdk
    replaced.json_format = types.SimpleNamespace(**{**vars(json_format), "MessageToDict": once})
    replaced.deserialize_properties = deserialized
    replaced.unknown_checking_proxy = lambda given: (
        given if isinstance(given, Unread) else unknown_checking_proxy(given)
    )
