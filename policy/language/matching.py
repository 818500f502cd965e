"""Answers about a match, and their logic: what is not known never becomes a yes or a no by itself."""

from collections.abc import Iterable
from enum import StrEnum

from toolgate.policy.language.unknown import Unknown


class Match(StrEnum):
    """Whether something matches a request."""

    NO = "no"
    YES = "yes"
    IF = "if its condition holds"
    """It depends on what only the request will tell."""
    UNREADABLE = "cannot be judged"


_LEAST_KNOWN_LAST = (Match.NO, Match.YES, Match.IF, Match.UNREADABLE)


def decided(answer: bool | Unknown) -> Match:
    """The answer of a reading in which something may be unknown."""
    if isinstance(answer, Unknown):
        return Match.UNREADABLE
    return Match.YES if answer else Match.NO


def any_of(matches: Iterable[Match]) -> Match:
    """Whether one of several matches: one yes is enough."""
    found = list(matches)
    return Match.YES if Match.YES in found else max(found, key=_LEAST_KNOWN_LAST.index, default=Match.NO)


def all_of(matches: Iterable[Match]) -> Match:
    """Whether all of several match: one no is enough."""
    found = list(matches)
    return Match.NO if Match.NO in found else max(found, key=_LEAST_KNOWN_LAST.index, default=Match.YES)


def negated(match: Match) -> Match:
    """Whether something does not match."""
    return {Match.YES: Match.NO, Match.NO: Match.YES}.get(match, match)
