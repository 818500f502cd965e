"""One IAM decision, and the statements that made it.

Neither `conditional` nor `undecided` is ever counted as an allow.
Source of the order (explicit deny, then an allow within the boundary, else deny; within an account the resource's
policy is enough, across accounts both sides must allow): IAM user guide, "Policy evaluation logic",
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from toolgate.access.iam.identities import ANY_ACCOUNT, ANY_CALLER
from toolgate.access.iam.policies import UNREAD
from toolgate.access.iam.statements import DecidingStatement, IamRequest, Matched, matches
from toolgate.policy.language.agentcore_facts import ASSUME_ROLE
from toolgate.policy.language.arns import account_in
from toolgate.policy.language.matching import Match
from toolgate.policy.language.principals import Named

__all__ = ["DecidingStatement", "Decision", "IamRequest", "Outcome", "decide"]


class Access(StrEnum):
    """Whether a tool may be called: `conditional` depends on the request, `undecided` cannot be judged here."""

    ALLOW = "allow"
    DENY = "deny"
    CONDITIONAL = "conditional"
    UNDECIDED = "undecided"


class Outcome(StrEnum):
    """What a decision comes to."""

    ALLOW = "allow"
    IMPLICIT_DENY = "implicit deny"
    EXPLICIT_DENY = "explicit deny"
    CONDITIONAL = "conditional"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Decision:
    """An outcome and what led to it.

    Attributes:
        outcome: The outcome.
        statements: The statements that decided; none for an implicit deny.
        missing: For an implicit deny, which sorts of policy would have had to allow it: all of one entry are enough.
    """

    outcome: Outcome
    statements: tuple[DecidingStatement, ...] = ()
    missing: tuple[tuple[str, ...], ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether the request may be carried out: only an outright allow counts."""
        return self.outcome is Outcome.ALLOW


ANYTHING = "Anything"
"""The effect of a document that the deployment does not hold."""
UNREAD_DOCUMENT = DecidingStatement("of the resource", "it was not read", ANYTHING, kind="resource")
"""What the policy on a resource says that a scan could not read."""
IDENTITY, BOUNDARY, RESOURCE = "identity policy", "permissions boundary", "resource policy"


@dataclass(frozen=True)
class _Layer:
    """One lock: what could open it, by the sort of policy that does."""

    sort: str
    allows: tuple[Matched, ...]


_Way = Sequence[_Layer]  # all of its locks must be open


def decide(request: IamRequest) -> Decision:
    """Whether the caller may make the request, by its own policies, its permissions boundary and the resource's."""
    matched = list(_all(request))
    denies = [m for m in matched if m.statement.effect == "Deny"]
    if _surely(denies):
        return Decision(Outcome.EXPLICIT_DENY, _statements(_surely(denies)))
    if request.resource_policy is UNREAD:
        return Decision(Outcome.UNDECIDED, (UNREAD_DOCUMENT, *_statements(matched)))
    ways = _ways(request, [m for m in matched if m.statement.effect == "Allow"])
    # An unknown document may allow or deny anything, but it opens no lock other than its own.
    others_open = any(all(layer.allows for layer in way if layer.sort != IDENTITY) for way in ways)
    if request.caller.unknowns and others_open:
        return Decision(Outcome.UNDECIDED, _statements(matched))
    possible = [way for way in ways if all(layer.allows for layer in way)]
    if not possible:
        lacking = dict.fromkeys(tuple(layer.sort for layer in way if not layer.allows) for way in ways)
        return Decision(Outcome.IMPLICIT_DENY, missing=tuple(lacking))
    return _weigh(denies, possible)


def _all(request: IamRequest) -> Iterable[Matched]:
    for policy in request.caller.policies:
        yield from matches(request, policy, "identity")
    if request.caller.boundary:
        yield from matches(request, request.caller.boundary, "boundary")
    if request.resource_policy:
        yield from matches(request, request.resource_policy, "resource")


def _ways(request: IamRequest, allows: list[Matched]) -> list[_Way]:
    by_kind = {
        kind: tuple(m for m in allows if m.statement.kind == kind) for kind in ("identity", "boundary", "resource")
    }
    identity = _Layer(IDENTITY, by_kind["identity"])
    limits = _limits(request, by_kind["boundary"])
    if request.caller is ANY_CALLER or request.caller.federated:
        return [[_Layer(RESOURCE, by_kind["resource"])]]
    owner = account_in(request.resource)  # none for what every account shares, e.g. a foundation model
    if owner is not None and request.caller.account not in (owner, ANY_ACCOUNT):
        return [[identity, *limits, _Layer(RESOURCE, by_kind["resource"])]]
    # A role's trust policy must let its own account in, too (IAM user guide, "How IAM roles differ from resource-based
    # policies").
    trust = [_Layer(RESOURCE, by_kind["resource"])] if request.resource_policy and request.action == ASSUME_ROLE else []
    ways: list[_Way] = [[identity, *limits, *trust]]
    if request.resource_policy:
        # Within the account, naming the account grants nothing: it only lets identity policies count.
        direct = tuple(m for m in by_kind["resource"] if m.named not in {Named.ROLE, Named.ACCOUNT})
        to_role = tuple(m for m in by_kind["resource"] if m.named is Named.ROLE)
        ways += [[_Layer(RESOURCE, direct)], [_Layer(RESOURCE, to_role), *limits]]
    return ways


def _limits(request: IamRequest, allows: tuple[Matched, ...]) -> list[_Layer]:
    if request.caller.boundary:
        return [_Layer(BOUNDARY, allows)]
    if unknown := request.caller.unknown_boundary:
        # Whatever the others allow, it may take away.
        document = DecidingStatement(unknown, "its document is not in the deployment", ANYTHING, kind="boundary")
        return [_Layer(BOUNDARY, (Matched(document, Match.UNREADABLE),))]
    return []


def _weigh(denies: list[Matched], possible: list[_Way]) -> Decision:
    sure = [way for way in possible if all(_surely(layer.allows) for layer in way)]
    if sure and not denies:
        return Decision(Outcome.ALLOW, _statements(m for layer in sure[0] for m in _surely(layer.allows)))
    layers = [] if sure else [layer for way in possible for layer in way if not _surely(layer.allows)]
    open_points = [*denies, *(m for layer in layers for m in layer.allows)]
    unreadable = [m for m in open_points if m.match is Match.UNREADABLE]
    if unreadable:
        return Decision(Outcome.UNDECIDED, _statements(unreadable))
    return Decision(Outcome.CONDITIONAL, _statements(open_points))


def _surely(matched: Iterable[Matched]) -> list[Matched]:
    return [m for m in matched if m.match is Match.YES]


def _statements(matched: Iterable[Matched]) -> tuple[DecidingStatement, ...]:
    return tuple(dict.fromkeys(m.statement for m in matched))
