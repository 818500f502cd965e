"""Whether a statement matches a request: its actions, its resources, its conditions.

Principals are `language.principals`'; what statements together come to is for whoever asks. Nothing is guessed: what a
document leaves open, or the facts do, is neither a match nor none.
"""

from dataclasses import dataclass

from toolgate.policy.language import iam, patterns
from toolgate.policy.language.documents import Statement, Text
from toolgate.policy.language.matching import Match, all_of, any_of, decided, negated
from toolgate.policy.language.operators import holds
from toolgate.policy.language.request_facts import ABSENT, Facts, resolved
from toolgate.policy.language.unknown import UNKNOWN


@dataclass(frozen=True)
class Request:
    """What is asked for: an action on the ARN of a resource, with the request's condition keys."""

    action: str
    resource: str
    facts: Facts


def matches(statement: Statement, request: Request) -> Match:
    """Whether the statement has a say about the request, whatever its effect and its principals."""
    match = concerns(statement, request.action)
    if match is not Match.NO:
        match = all_of((match, _resources(statement, request)))
    if match is Match.NO or statement.conditions == ():
        return match
    if statement.conditions is UNKNOWN:
        return Match.UNREADABLE
    return all_of((match, *(holds(it, request.facts, variables=statement.variables) for it in statement.conditions)))


def concerns(statement: Statement, action: str) -> Match:
    """Whether the statement is about the action, on whatever resource."""
    return decided(iam.matches_action(statement.actions, action))


def _resources(statement: Statement, request: Request) -> Match:
    resources = statement.resources
    if not resources.given:  # as in a trust policy, whose resource is the role that it stands in
        return Match.YES
    found = request.resource in resources.exact
    match = Match.YES if found else any_of([_resource(value, request, statement) for value in resources.inexact])
    return negated(match) if resources.negated else match


def _resource(value: Text, request: Request, statement: Statement) -> Match:
    if value == "*":
        return Match.YES
    if value is UNKNOWN or patterns.HOLE in value:
        return Match.UNREADABLE
    text = resolved(value, request.facts, variables=statement.variables)
    if text is ABSENT:
        return Match.NO
    # An unknown policy variable is read as a run of any characters: what does not match then never does.
    pattern = patterns.read(value if text is UNKNOWN else text)
    if not pattern.matches(request.resource):
        return Match.NO
    # A wildcard that leaves its field other than at the field's end: AWS advises against it, and does not say more.
    across = value.startswith("arn:") and not pattern.within_fields(request.resource)
    # That an incomplete ARN is completed, AWS says of identity policies; a statement of those names no principal.
    completed = statement.names_principals and not pattern.like(request.resource)
    return Match.UNREADABLE if text is UNKNOWN or across or completed else Match.YES
