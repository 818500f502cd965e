"""Which statements of IAM and Cedar documents come and go, whatever document they stand in."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import ndiff
from typing import Any

from toolgate.access.deployment.function_access import permission_statement
from toolgate.policy.language.agentcore_facts import CEDAR_POLICY, GATEWAY, LAMBDA_PERMISSION, POLICY_ENGINE, RUNTIME
from toolgate.policy.language.carriers import CARRIERS, Carrier
from toolgate.review.changes import CEDAR_STATEMENT, label, made
from toolgate.review.markdown import code, row
from toolgate.review.properties import nodes, statements

type Cells = tuple[tuple[str, ...], ...]
"""What a statement says, as columns of the table: effect, actions, resources, principals, conditions."""
_REDUCED = (1, 2, 3)
"""Of these columns only the entries that come or go are shown, where nothing else of a statement changes."""


@dataclass(frozen=True)
class Permission:
    """A statement, or what comes to one or goes from it, and the document it stands in."""

    document: str
    cells: Cells


@dataclass(frozen=True)
class Permissions:
    """What comes and goes.

    Attributes:
        added: Statements of IAM documents.
        removed: The same.
        cedar: Cedar policies that change: the resource, and its text before and after, empty where there is none.
        names: What ARNs of the deployment's own resources are called in the program.
    """

    added: tuple[Permission, ...] = ()
    removed: tuple[Permission, ...] = ()
    cedar: tuple[tuple[str, str, str], ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)


def permissions(before: Mapping[str, Any], after: Mapping[str, Any]) -> Permissions:
    """Compare the statements of two deployments; their order and their names (Sid) do not matter."""
    sides = [made(side) for side in (before, after)]
    old, new = (Counter(found for resource in side for found in _held(resource)) for side in sides)
    added, removed = _reduced(list((new - old).elements()), list((old - new).elements()))
    names = {arn: name for side in sides for resource in side for arn, name in _named(resource)}
    texts = [{label(it): text for it in side if (text := _cedar(it))} for side in sides]
    cedar = [(it, *(side.get(it, "") for side in texts)) for it in dict.fromkeys([*texts[0], *texts[1]])]
    changed = tuple((it, then, now) for it, then, now in cedar if then != now)
    return Permissions(tuple(added), tuple(removed), changed, names)


def iam_documents(resource: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The IAM documents in what the program says of a resource, by path; a Lambda permission is one, too."""
    inputs = resource.get("inputs", {})
    if resource["type"] == LAMBDA_PERMISSION:
        yield "policy", {"Statement": {**permission_statement("", inputs), "Resource": "*"}}
    yield from ((path, value) for path, value in nodes(inputs) if statements(value) is not None)


def _cedar(resource: Mapping[str, Any]) -> str:
    value: Any = resource.get("inputs", {}) if resource["type"] == CEDAR_POLICY else None
    for step in CEDAR_STATEMENT:
        value = value.get(step.removeprefix(".")) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else ""


_CALLED = {"policy": "", "assumeRolePolicy": ", trust"}


def _held(resource: Mapping[str, Any]) -> Iterator[Permission]:
    inputs = resource.get("inputs", {})
    for path, document in iam_documents(resource):
        place = f"{label(resource)}{_CALLED.get(path, f', {path}')}"
        yield from (Permission(place, _cells(it)) for it in statements(document) or ())
    carrier = CARRIERS.get(resource["type"], Carrier())
    who = tuple(name for prop in carrier.holders.values() for name in _listed(inputs.get(prop)))
    for arn in _listed(inputs.get(carrier.attached[0])) if carrier.attached else ():
        yield Permission(label(resource), (("attached",), (arn,), (), who, ()))


def _listed(value: Any) -> list[str]:
    """The texts of a property that holds one or several."""
    return [str(it) for it in (value if isinstance(value, list) else [value]) if it is not None]


_ELEMENTS = ("Action", "Resource", "Principal")


def _cells(statement: Any) -> Cells:
    """A statement's elements; those that IAM does not know too, so that nothing is passed over."""
    if not isinstance(statement, Mapping):
        return ((), (str(statement),), (), (), ())
    known = {"Effect", "Sid", "Condition", *_ELEMENTS, *(f"Not{element}" for element in _ELEMENTS)}
    rest = [f"{key}: {json.dumps(value)}" for key, value in sorted(statement.items()) if key not in known]
    effect = (str(statement["Effect"]),) if "Effect" in statement else ()
    columns = (_column(statement, element) for element in _ELEMENTS)
    return (effect, *columns, (*_conditions(statement.get("Condition", {})), *rest))


_ALL_BUT = "all but "


def _column(statement: Mapping[str, Any], element: str) -> tuple[str, ...]:
    negated = f"Not{element}"
    return (
        *_texts(statement.get(element, [])),
        *((f"{_ALL_BUT}{', '.join(_texts(statement[negated]))}",) if negated in statement else ()),
    )


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [f"{kind} {item}" for kind, items in sorted(value.items()) for item in _texts(items)]
    return sorted(map(str, value)) if isinstance(value, list) else [str(value)]


def _conditions(conditions: Any) -> Iterator[str]:
    if not isinstance(conditions, Mapping):
        yield str(conditions)
        return
    for operator, keys in conditions.items():
        told = keys.items() if isinstance(keys, Mapping) else [("", keys)]
        yield from (f"{operator} {key} = {', '.join(_texts(value))}" for key, value in told)


def _reduced(added: list[Permission], removed: list[Permission]) -> tuple[list[Permission], list[Permission]]:
    """Where a statement changes in one column, only what comes and goes there."""
    come: list[Permission] = []
    for new in added:
        old, column = next(((it, at) for it in removed if (at := _only_difference(it, new))), (None, None))
        if old is None or column is None:
            come.append(new)
            continue
        removed.remove(old)
        come += _rest(new, old, column)
        removed += _rest(old, new, column)
    return come, removed


def _only_difference(old: Permission, new: Permission) -> int | None:
    differ = [at for at, (then, now) in enumerate(zip(old.cells, new.cells, strict=True)) if then != now]
    if old.document != new.document or len(differ) != 1 or differ[0] not in _REDUCED:
        return None
    entries = (*old.cells[differ[0]], *new.cells[differ[0]])
    plain = old.cells[differ[0]] and new.cells[differ[0]] and not any(it.startswith(_ALL_BUT) for it in entries)
    return differ[0] if plain else None


def _rest(one: Permission, other: Permission, column: int) -> list[Permission]:
    left = tuple(it for it in one.cells[column] if it not in other.cells[column])
    return [replace(one, cells=(*one.cells[:column], left, *one.cells[column + 1 :]))] if left else []


HEADER = ("", "effect", "action", "resource", "principal", "condition", "in")


def rows(found: Permissions) -> Iterator[str]:
    """The rows of a table with `HEADER`, without their ends."""
    for sign, side in (("+", found.added), ("-", found.removed)):
        for one in side:
            cells = ["<br>".join(code(_short(text, found.names)) for text in cell) for cell in one.cells]
            yield row([f"**{sign}**", *cells, code(one.document)])


def cedar_chunks(found: Permissions) -> Iterator[str]:
    """Each Cedar policy that changes under its resource, as lines of a `diff` block."""
    for resource, before, after in found.cedar:
        lines = (line for line in ndiff(before.splitlines(), after.splitlines()) if not line.startswith("?"))
        yield "\n".join([f"  {resource}", *(f"{line[0]}     {line[2:]}" for line in lines)])


_ARNS = {GATEWAY: "gatewayArn", RUNTIME: "agentRuntimeArn", POLICY_ENGINE: "policyEngineArn"}
_IN_TEXT = re.compile(r"arn:[^\s,]+")
_ARN = re.compile(r"arn:aws:(?P<service>[^:]+):(?P<region>[^:]*):(?P<account>[^:]*):(?P<rest>.+)")


def _named(resource: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    arn = resource.get("outputs", {}).get(_ARNS.get(resource["type"], "arn"))
    if isinstance(arn, str):
        yield arn, label(resource).rpartition(":")[2]


def _short(text: str, names: Mapping[str, str]) -> str:
    """A text with the ARNs in it as the program's names, or without the deployment's own Region and account."""
    own = {field for arn in names for field in arn.split(":")[3:5]}
    return _IN_TEXT.sub(lambda found: _short_arn(found[0], names, own), text)


def _short_arn(arn: str, names: Mapping[str, str], own: set[str]) -> str:
    ends = [len(arn), *(at.start() for at in re.finditer("[:/]", arn))]
    known = next((end for end in sorted(ends, reverse=True) if arn[:end] in names), None)
    if known is not None:
        return f"{names[arn[:known]]}{arn[known:]}"
    parts = _ARN.fullmatch(arn)
    if parts is None:
        return arn
    place = [it for it in (parts["region"], parts["account"]) if it and it not in own]
    return " ".join([parts["service"], *place, parts["rest"]])
