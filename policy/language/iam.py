"""What a statement of an IAM document grants: the questions every rule asks, answered in one place.

Actions are matched without case, resources with case, as IAM does. A wildcard that may reach is held to reach, a
Condition on an Allow is no excuse, and a Deny elsewhere is none either: a document has to be narrow by itself.
"""

import functools
import re
from collections.abc import Callable, Iterable, Iterator

from toolgate.policy.language import patterns
from toolgate.policy.language.documents import Document, Names, Statement
from toolgate.policy.language.patterns import HOLE, Chain
from toolgate.policy.language.unknown import UNKNOWN, Unknown
from toolgate.policy.messages import quote

type Family = Iterable[Chain]

# A policy variable in the Region holds a colon of its own. Each character is read in one way only: no backtracking.
_REGION = re.compile(r"^(arn:[^:$]*:[^:$]*:)(?:[^:$]|\$\{[^}]*\})*(:)")


def statements(document: Document) -> tuple[Statement, ...]:
    """The statements that can be read; a broken or unknown document has none."""
    return document if isinstance(document, tuple) else ()


def names(*values: str) -> Names:
    """Resources given outside a document."""
    return Names(values, given=True)


def matches_action(actions: Names, action: str) -> bool | Unknown:
    """Whether the statement's actions hold this one."""
    action = action.lower()
    family = patterns.one(action)
    found: bool | Unknown = False
    for value in actions.values:
        pattern = None if value is UNKNOWN else patterns.read(value.lower())
        if pattern is None or pattern.holes:
            found = UNKNOWN
        # Most actions are another service's, and differ in their first letters.
        elif action.startswith(pattern.head) and pattern.reaches(family):
            return not actions.negated
    return found if found is UNKNOWN else actions.negated


# A long document has the same few actions in many statements.
@functools.lru_cache(maxsize=4096)
def held(actions: Names, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Those of some actions that the entries are known to hold."""
    return tuple(action for action in wanted if matches_action(actions, action) is True)


def allows(statement: Statement, *actions: str) -> bool:
    """Whether the statement is known to allow one of these actions on something."""
    return statement.allow is True and bool(held(statement.actions, actions))


def wide_resources(resources: Names, family: Family, view: Callable[[str], str] = str) -> Iterator[str]:
    """The entries, as phrases, that reach members of the family without naming one exactly.

    Args:
        resources: The entries.
        family: The ARNs in question.
        view: What to judge of an entry, where a wildcard in some part of it is fine.
    """
    family = tuple(family)
    if not resources.given:
        yield "on everything (no Resource is given)"
    elif not resources.negated:
        for value in resources.values:
            pattern = None if value is UNKNOWN else patterns.read(view(value))
            if value is not UNKNOWN and pattern and pattern.wild and pattern.reaches(family):
                yield f"on {quote(value)}"
    elif not any(value is UNKNOWN or patterns.read(value).covers(family) for value in resources.values):
        yield "on everything but its NotResource"


def nameless_resources(resources: Names, some: Family, others: Family) -> Iterator[str]:
    """The entries, as phrases, in which nothing of a name stands, not even unknown text.

    Args:
        resources: The entries.
        some: One name of the kind in question, in each form that an entry can have of it.
        others: Another, which has no part in common with the first: what reaches both names neither.
    """
    some, others = tuple(some), tuple(others)
    if not resources.given or resources.negated:
        yield from wide_resources(resources, (*some, *others))
        return
    for value in resources.values:
        if value is not UNKNOWN and HOLE not in value.rpartition(":")[2]:
            pattern = patterns.read(value)
            if pattern.reaches(some) and pattern.reaches(others):
                yield f"on {quote(value)}"


def in_one_region(arn: str) -> str:
    """The ARN pattern with its Region, whatever it is, held to one."""
    return _REGION.sub(r"\1a\2", arn, count=1)


def exact_resources(resources: Names, family: Family) -> Iterator[str]:
    """The ARNs of the family that the entries name exactly."""
    family = tuple(family)
    for value in () if resources.negated else resources.values:
        if value is not UNKNOWN:
            pattern = patterns.read(value)
            if not pattern.wild and not pattern.holes and pattern.reaches(family):
                yield value


def reaches(resources: Names, family: Family, *, entirely: bool = False) -> bool:
    """Whether the entries are known to reach a name of the family; `entirely`: every one of them."""
    family = tuple(family)
    if not resources.given:
        return True
    known = [patterns.read(value) for value in resources.values if value is not UNKNOWN]
    if resources.negated:
        certain = len(known) == len(resources.values) and not any(pattern.holes for pattern in known)
        return certain and not any(pattern.covers(family) for pattern in known)
    known = [pattern for pattern in known if pattern.wild or not pattern.holes]
    return any(pattern.covers(family) if entirely else pattern.reaches(family) for pattern in known)


def by_pattern(actions: Names, action: str, meant: tuple[str, ...] = ()) -> Iterator[str]:
    """The entries, as phrases, that hold an action by a wildcard or by what they leave out.

    Args:
        actions: The entries.
        action: The action in question.
        meant: Beginnings, in lower case, behind which a wildcard is fine: who writes one has meant the action.
    """
    if actions.negated:
        if matches_action(actions, action) is True:
            yield "by all but its NotAction"
        return
    family = patterns.one(action.lower())
    for value in actions.values:
        if value is not UNKNOWN and not value.lower().startswith(meant):
            pattern = patterns.read(value.lower())
            if pattern.wild and not pattern.holes and pattern.reaches(family):
                yield f"by the action {quote(value)}"


def may_reach(resources: Names, family: Family) -> bool:
    """As `reaches`, and an unknown entry or unknown text in one counts as what makes it reach."""
    family = tuple(family)
    entries = () if resources.negated else resources.values
    return reaches(resources, family) or any(it is UNKNOWN or patterns.read(it).reaches(family) for it in entries)


def allows_everything(statement: Statement) -> bool:
    """Whether the statement allows every action of every service: `*` or `*:*`."""
    return statement.allow is True and not statement.actions.negated and _all_actions(statement.actions)


def _all_actions(actions: Names) -> bool:
    return any(value in ("*", "*:*") for value in actions.values)


def everybody(statement: Statement) -> bool:
    """Whether the statement is known to allow something to principals that it does not name."""
    if statement.allow is not True:
        return False
    return statement.everybody_but or any(
        principal.value is not UNKNOWN and patterns.read(principal.value).wild for principal in statement.principals
    )
