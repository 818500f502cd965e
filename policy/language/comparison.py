"""What one set of statements allows or denies that another does not.

Entries are compared: one principal, one action and one resource of a statement. An entry is covered where one statement
of the other side holds it and demands nothing beyond what the entry's own conditions demand. What only several
statements cover together, and what cannot be known, counts as not covered: too much is said rather than too little.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import zip_longest

from toolgate.policy.language import patterns
from toolgate.policy.language.arns import account_of
from toolgate.policy.language.documents import Condition, Names, Principal, Statement, Text
from toolgate.policy.language.matching import Match
from toolgate.policy.language.operators import holds
from toolgate.policy.language.patterns import ARN_FIELDS, HOLE
from toolgate.policy.language.principals import is_account
from toolgate.policy.language.request_facts import Facts
from toolgate.policy.language.unknown import UNKNOWN

type _Compare = Callable[[Statement, Statement], bool]
"""Whether a statement's conditions are no bar to an entry."""


def allows_more(before: Iterable[Statement], after: Iterable[Statement]) -> list[Statement]:
    """What `after` allows and `before` did not, an entry each."""
    return _uncovered(
        [it for it in after if it.allow is not False], [it for it in before if it.allow is True], _conditions
    )


def denies_less(before: Iterable[Statement], after: Iterable[Statement]) -> list[Statement]:
    """What `before` denied and `after` does not, an entry each."""
    return _uncovered(
        [it for it in before if it.allow is not True], [it for it in after if it.allow is False], _conditions
    )


def demands_less(before: Iterable[Statement], after: Iterable[Statement]) -> list[Statement]:
    """What both allow, `before` only under a condition on some key that `after` leaves out, an entry each."""
    old = [it for it in before if it.allow is True]
    if not any(it.conditions for it in old):
        return []
    wider = _uncovered([it for it in after if it.allow is True], old, _same_keys)
    return [entry for entry in wider if covered_but_for_conditions(entry, old)]


def covered_but_for_conditions(entry: Statement, by: Iterable[Statement]) -> bool:
    """Whether some statement of the same effect holds the entry, its conditions left aside."""
    return any(it.allow is entry.allow and _holds(it, entry) for it in by)


def _uncovered(statements: list[Statement], by: list[Statement], conditions: _Compare) -> list[Statement]:
    same = {replace(it, sid=None, index=0) for it in by}
    return [
        entry
        for statement in statements
        if replace(statement, sid=None, index=0) not in same
        for entry in _entries(statement)
        if not any(_holds(it, entry) and conditions(it, entry) for it in by)
    ]


def _entries(statement: Statement) -> Iterator[Statement]:
    whole = statement.everybody_but or not statement.principals
    for principals in [statement.principals] if whole else [(it,) for it in statement.principals]:
        for actions in _each(statement.actions):
            for resources in _each(statement.resources):
                yield replace(statement, actions=actions, resources=resources, principals=principals)


def _each(names: Names) -> list[Names]:
    return [names] if names.negated or not names.given else [replace(names, values=(it,)) for it in names.values]


def _holds(statement: Statement, entry: Statement) -> bool:
    return (
        _names(_lowered(statement.actions), _lowered(entry.actions))
        and _names(statement.resources, entry.resources)
        and _principals(statement, entry)
    )


def _lowered(names: Names) -> Names:
    return replace(names, values=tuple(it if it is UNKNOWN else it.lower() for it in names.values))


def _names(wide: Names, narrow: Names) -> bool:
    """Whether the one names all that the other names."""
    if not (wide.given and narrow.given):  # as in a trust policy, whose resource is the role that it stands in
        return wide.given == narrow.given or (not wide.negated and "*" in wide.values)
    if narrow.negated and wide.negated:
        return all(any(wider(it, left_out) for it in narrow.values) for left_out in wide.values)
    if narrow.negated:
        return "*" in wide.values
    if wide.negated:
        known = all(it is not UNKNOWN and HOLE not in it for it in wide.values)
        return known and all(not _may_share(it, value) for it in wide.values for value in narrow.values)
    return all(any(wider(it, value) for it in wide.values) for value in narrow.values)


def wider(wide: Text, narrow: Text) -> bool:
    """Whether the pattern matches every name that the other matches."""
    if wide is UNKNOWN or narrow is UNKNOWN or HOLE in wide + narrow:
        return False
    if wide in (narrow, "*"):
        return True
    if "${" in wide + narrow:
        return False
    pattern = patterns.read(wide)
    # A run that no `?`s can make up, of a character that nothing writes out: only a `*` matches it.
    return all(pattern.like(narrow.replace("?", "\0").replace("*", run)) for run in ("", "\0" * (len(wide) + 1)))


def _may_share(left_out: Text, value: Text) -> bool:
    """Whether some name may be matched by both."""
    if left_out is UNKNOWN or value is UNKNOWN or not patterns.is_name(value):
        return True
    return patterns.read(left_out).like(value)


def _principals(statement: Statement, entry: Statement) -> bool:
    wide, narrow = ({_normal(it) for it in side.principals} for side in (statement, entry))
    if not (statement.names_principals and entry.names_principals):
        return statement.names_principals == entry.names_principals
    if any(it.value is UNKNOWN or HOLE in it.value for it in (*wide, *narrow)):
        return False
    if Principal("*", "*") in wide and not statement.everybody_but:
        return True
    if statement.everybody_but or entry.everybody_but:
        return statement.everybody_but and entry.everybody_but and wide <= narrow
    return all(it in wide or Principal(it.kind, "*") in wide for it in narrow)


def _normal(principal: Principal) -> Principal:
    """An account's id and its root user are the same principal (IAM user guide, "Principal": AWS account)."""
    value = principal.value
    return Principal(principal.kind, account_of(value)) if value is not UNKNOWN and is_account(value) else principal


def _conditions(statement: Statement, entry: Statement) -> bool:
    """Whether every condition of the statement holds where those of the entry do."""
    if statement.conditions is UNKNOWN or entry.conditions is UNKNOWN:
        return statement.conditions == ()
    return all(any(_implies(it, wanted) for it in entry.conditions) for wanted in statement.conditions)


def _same_keys(statement: Statement, entry: Statement) -> bool:
    """Whether the entry has a condition on every key that the statement has one on, by the same operator or not."""
    if statement.conditions is UNKNOWN or entry.conditions is UNKNOWN:
        return statement.conditions == ()
    return {it.key for it in statement.conditions} <= {it.key for it in entry.conditions}


# A condition with one of these operators lists the values that a request may have.
_EXACT = frozenset({"stringequals", "arnequals", "arnlike", "bool", "numericequals", "dateequals", "binaryequals"})
_ARNS = frozenset({"arnequals", "arnlike"})


def _implies(given: Condition, wanted: Condition) -> bool:
    if given.key != wanted.key:
        return False
    if given.operator == wanted.operator:
        left, right = (wanted, given) if "not" in given.operator else (given, wanted)
        if all(any(_same_or_wider(given.operator, it, value) for it in right.values) for value in left.values):
            return True
    if given.operator not in _EXACT or not all(it is not UNKNOWN and patterns.is_name(it) for it in given.values):
        return False
    facts = (Facts({given.key: str(value)}) for value in given.values)
    return bool(given.values) and all(holds(wanted, it) is Match.YES for it in facts)


def _same_or_wider(operator: str, wide: Text, narrow: Text) -> bool:
    if wide is UNKNOWN or narrow is UNKNOWN or HOLE in wide + narrow:
        return False
    base = operator.rpartition(":")[2]
    if base in _ARNS:  # compared component by component, as the operators are
        pairs = zip_longest(wide.split(":", ARN_FIELDS - 1), narrow.split(":", ARN_FIELDS - 1), fillvalue=UNKNOWN)
        return all(wider(*pair) for pair in pairs)
    return wide == narrow or (base == "stringlike" and wider(wide, narrow))
