"""Pulumi's inputs turned into the request that the AWS provider would send, by tables that are data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from toolgate.local.cloud.failures import NotReproducedError
from toolgate.local.cloud.values import UNKNOWN, Properties

type Convert = Callable[[Any], Any]


@dataclass(frozen=True)
class Member:
    """Where a Pulumi property stands in a request, when it is more than a rename.

    Attributes:
        name: The request's member.
        inside: The table of the property's own properties (of each item, if it is a list), or a function of its value.
    """

    name: str
    inside: "Table | Convert"


type Table = Mapping[str, str | Member]
"""Pulumi property -> the request's member; a dot leads to a member of a member. Lists for one member are joined."""


def same(*names: str) -> dict[str, str | Member]:
    """The rows of properties whose names are the request's own."""
    return {name: name for name in names}


def translate(table: Table, properties: Properties, where: str = "") -> dict[str, Any]:
    """The request that these properties make.

    Args:
        table: What becomes what.
        properties: The properties; a None is left out, as the provider does.
        where: The path of the properties, for messages.

    Raises:
        NotReproducedError: A property is not in the table.
    """
    request: dict[str, Any] = {}
    for name in properties:
        if name not in table:
            raise NotReproducedError(f"{where}{name}")
    # In the table's order: of two properties that fill one list, its first comes first.
    for name, target in table.items():
        value = properties.get(name)
        if value is None:
            continue
        if isinstance(target, str):
            _put(request, target, value)
        else:
            _put(request, target.name, _convert(target.inside, value, f"{where}{name}."))
    return request


def _put(request: dict[str, Any], path: str, value: Any) -> None:
    *outer, last = path.split(".")
    for member in outer:
        request = request.setdefault(member, {})
    both_lists = isinstance(value, list) and isinstance(request.get(last), list)
    request[last] = [*request[last], *value] if both_lists else value


def _convert(inside: "Table | Convert", value: Any, where: str) -> Any:
    if value is UNKNOWN:
        return value
    if callable(inside):
        return inside(value)
    if isinstance(value, list):
        return [_convert(inside, item, where) for item in value]
    if isinstance(value, Mapping):
        return translate(inside, value, where)
    return value  # of the wrong type: the service model says so


def key_value_list(tags: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Tags as IAM and S3 write them: a list of `Key` and `Value`."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
