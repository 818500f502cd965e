"""Whether a condition holds, by IAM's condition operators.

Source: IAM user guide, "IAM JSON policy elements: Condition operators" and "Set operators for multivalued context
keys".
"""

import base64
import binascii
import ipaddress
import operator
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from toolgate.policy.language import patterns
from toolgate.policy.language.documents import Condition, Text
from toolgate.policy.language.matching import Match, all_of, any_of, decided, negated
from toolgate.policy.language.patterns import ANY_RUN, ARN_FIELDS
from toolgate.policy.language.request_facts import ABSENT, Facts, Unnamed, plain, resolved
from toolgate.policy.language.unknown import UNKNOWN, Unknown

type Compare = Callable[[str, str], Match]
"""Compares a request's value with one that a document writes, its variables resolved."""

_OPERATOR = re.compile(r"(?:(?P<set>forallvalues|foranyvalue):)?(?P<base>[a-z]+?)(?P<if_exists>ifexists)?")


def holds(condition: Condition, facts: Facts, *, variables: bool = True) -> Match:
    """Whether a condition holds for a request; `UNREADABLE` with an operator that IAM does not have.

    Args:
        condition: The condition.
        facts: The request's keys.
        variables: Whether the document has policy variables.
    """
    parsed = _OPERATOR.fullmatch(condition.operator)
    base = parsed["base"] if parsed else ""
    fact = facts.of(condition.key)
    if condition.operator == "null":
        return _null(condition, fact is None or fact == (), known=fact is not UNKNOWN)
    if parsed is None or base not in _OPERATORS:
        return Match.UNREADABLE
    compare, positive = _OPERATORS[base]
    if fact is None or fact == ():
        return decided(bool(parsed["if_exists"] or parsed["set"] == "forallvalues" or not (positive or parsed["set"])))
    written = [_resolved(value, facts, variables) for value in condition.values]
    if isinstance(fact, Unknown):
        return Match.UNREADABLE if UNKNOWN in written else Match.IF
    if isinstance(fact, tuple) and not parsed["set"]:
        # A key of several values wants a set operator; what comes of it without one, AWS does not say.
        return Match.UNREADABLE
    actual = fact if isinstance(fact, tuple) else (fact,)
    each = [_one(value, written, compare, base) for value in actual]
    each = each if positive else [negated(match) for match in each]
    return any_of(each) if parsed["set"] == "foranyvalue" else all_of(each)


def _null(condition: Condition, absent: bool, *, known: bool) -> Match:
    wanted = {str(value).lower() for value in condition.values}
    if not wanted <= {"true", "false"}:
        return Match.UNREADABLE
    if wanted == {"true", "false"}:
        return Match.YES
    return decided(str(absent).lower() in wanted) if known else Match.IF


def _resolved(value: Text, facts: Facts, variables: bool) -> str | Unknown | None:
    """A value that a document writes; None for one that nothing is equal to or like."""
    if value is UNKNOWN or patterns.HOLE in value:
        return UNKNOWN
    text = resolved(value, facts, variables=variables)
    return None if text is ABSENT else text


def _one(actual: str | Unnamed, written: list[str | Unknown | None], compare: Compare, base: str) -> Match:
    def compared(value: str | Unknown | None) -> Match:
        if value is None:
            return Match.NO
        if value is UNKNOWN:
            return Match.UNREADABLE
        if isinstance(actual, Unnamed):
            return _unnamed(value, base)
        return compare(actual, value)

    return any_of([compared(value) for value in written])


def _unnamed(value: str, base: str) -> Match:
    """A value that no document names is none that this one writes out."""
    if base.startswith("string") and "like" not in base:
        return Match.NO
    if base.startswith(("string", "arn")):
        return Match.IF if patterns.read(value).wild else Match.NO
    return Match.IF


def _equals(actual: str, value: str) -> Match:
    return decided(actual == plain(value))


def _equals_ignoring_case(actual: str, value: str) -> Match:
    return decided(actual.lower() == plain(value).lower())


def _like(actual: str, value: str) -> Match:
    return decided(patterns.read(value).like(actual))


def _arn(actual: str, value: str) -> Match:
    """An ARN's six components are compared one by one."""
    fields = patterns.read(value).fields()
    if len(fields) < ARN_FIELDS:
        # Whether a `*` at the end of too few components stands for the rest, AWS does not say.
        return Match.UNREADABLE if fields[-1][-1:] == ((ANY_RUN, True),) else Match.NO
    parts = actual.split(":", ARN_FIELDS - 1)
    if len(parts) < ARN_FIELDS:
        return Match.NO
    return decided(all(patterns.one(part)[0].reached_by(tokens) for part, tokens in zip(parts, fields, strict=True)))


def _ordered[Value](read: Callable[[str], Value | None], holds: Callable[[Value, Value], bool]) -> Compare:
    def compare(actual: str, value: str) -> Match:
        left, right = read(actual), read(plain(value))
        return Match.UNREADABLE if left is None or right is None else decided(holds(left, right))

    return compare


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _date(text: str) -> datetime | None:
    """W3C's profile of ISO 8601, or seconds since 1970."""
    try:
        date = datetime.fromtimestamp(float(text), UTC) if _number(text) is not None else datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _bool(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text.lower())


def _bytes(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _address(actual: str, value: str) -> Match:
    try:
        address, network = ipaddress.ip_address(actual), ipaddress.ip_network(plain(value), strict=False)
    except ValueError:
        return Match.UNREADABLE
    return decided(address in network)


_POSITIVE: dict[str, Compare] = {
    "stringequals": _equals,
    "stringequalsignorecase": _equals_ignoring_case,
    "stringlike": _like,
    "numericequals": _ordered(_number, operator.eq),
    "numericlessthan": _ordered(_number, operator.lt),
    "numericlessthanequals": _ordered(_number, operator.le),
    "numericgreaterthan": _ordered(_number, operator.gt),
    "numericgreaterthanequals": _ordered(_number, operator.ge),
    "dateequals": _ordered(_date, operator.eq),
    "datelessthan": _ordered(_date, operator.lt),
    "datelessthanequals": _ordered(_date, operator.le),
    "dategreaterthan": _ordered(_date, operator.gt),
    "dategreaterthanequals": _ordered(_date, operator.ge),
    "bool": _ordered(_bool, operator.eq),
    # The request's value in base64, as the document has it.
    "binaryequals": _ordered(_bytes, operator.eq),
    "ipaddress": _address,
    "arnequals": _arn,
    "arnlike": _arn,
}
_NEGATIVE = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "numericnotequals": "numericequals",
    "datenotequals": "dateequals",
    "notipaddress": "ipaddress",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
}
# By operator: how one value is compared, and whether the condition wants it to be so.
_OPERATORS: dict[str, tuple[Compare, bool]] = {
    **{name: (compare, True) for name, compare in _POSITIVE.items()},
    **{name: (_POSITIVE[positive], False) for name, positive in _NEGATIVE.items()},
}
