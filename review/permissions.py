"""Which statements of IAM and Cedar documents come and go, whatever document they stand in."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from toolgate.policy.language.agentcore_facts import CEDAR_POLICY
from toolgate.review.changes import label
from toolgate.review.properties import statements

CEDAR_STATEMENT = ("definition", ".cedar", ".statement")
"""Where such a policy has its text."""


@dataclass(frozen=True)
class Permission:
    """A statement in a resource's document, as lines for people."""

    resource: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Permissions:
    """Statements that come and go."""

    added: tuple[Permission, ...]
    removed: tuple[Permission, ...]


def permissions(before: Mapping[str, Any], after: Mapping[str, Any]) -> Permissions:
    """Compare the statements of two deployments; their order and their names (Sid) do not matter."""
    old, new = (Counter(_all(deployment)) for deployment in (before, after))
    return Permissions(tuple((new - old).elements()), tuple((old - new).elements()))


def _all(deployment: Mapping[str, Any]) -> Iterator[Permission]:
    for resource in deployment["deployment"]["resources"]:
        if resource.get("custom"):
            texts = _cedar(resource) if resource["type"] == CEDAR_POLICY else _iam(resource.get("inputs", {}))
            yield from (Permission(label(resource), tuple(lines)) for lines in texts)


def _cedar(resource: Mapping[str, Any]) -> Iterator[list[str]]:
    value: Any = resource.get("inputs", {})
    for step in CEDAR_STATEMENT:
        value = value.get(step.removeprefix(".")) if isinstance(value, Mapping) else None
    if isinstance(value, str):
        yield value.splitlines()


def _iam(value: Any) -> Iterator[list[str]]:
    if (found := statements(value)) is not None:
        yield from (list(_told(statement)) for statement in found)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _iam(item)
    elif isinstance(value, list):
        for item in value:
            yield from _iam(item)


def _told(statement: Any) -> Iterator[str]:
    """The statement's elements in IAM's order; unknown ones too, so that nothing is passed over."""
    if not isinstance(statement, Mapping):
        yield str(statement)
        return
    what = "; ".join(f"{word}{_listed(statement[key])}" for key, word in _ACTIONS.items() if key in statement)
    yield f"{statement.get('Effect')} {what}"
    yield from (f"    {word} {_listed(statement[key])}" for key, word in _WORDS.items() if key in statement)
    conditions = statement.get("Condition", {})
    if isinstance(conditions, Mapping):
        for operator, keys in conditions.items():
            told = keys.items() if isinstance(keys, Mapping) else [("", keys)]
            yield from (f"    if {operator} {key} = {_listed(value)}" for key, value in told)
    else:
        yield f"    if {conditions}"
    rest = statement.keys() - {"Effect", "Sid", "Condition", *_ACTIONS, *_WORDS}
    yield from (f"    {key} {_listed(statement[key])}" for key in sorted(rest))


_ACTIONS = {"Action": "", "NotAction": "every action but "}
_WORDS = {"Resource": "on", "NotResource": "on all but", "Principal": "by", "NotPrincipal": "by all but"}


def _listed(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(sorted(map(str, value)))
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_listed(item)}" for key, item in sorted(value.items()))
    return str(value)
