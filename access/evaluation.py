"""One IAM decision, and the statements that made it.

Statements are matched by ministack's evaluator (its `evaluate`, one statement at a time); this module adds what it
lacks: which statements decided, and what cannot be decided at all. A condition on something that only the request will
tell makes a decision `conditional`; a policy variable (`${...}`) or an operator that the evaluator does not know makes
it `undecided`. Neither is ever counted as an allow.
Source of the order (explicit deny, then allow within the boundary, else deny): IAM user guide, "Policy evaluation
logic"; https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ministack.core.iam_evaluator import EvalContext, ParsedStatement, evaluate, parse_policy_document

from access.policies import Policy
from access.roles import Role


class Outcome(StrEnum):
    """What a decision comes to."""

    ALLOW = "allow"
    IMPLICIT_DENY = "implicit deny"
    EXPLICIT_DENY = "explicit deny"
    CONDITIONAL = "conditional"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Request:
    """Who asks for what.

    Attributes:
        role: The caller's role.
        action: `<service>:<Operation>`.
        resource: The resource's ARN.
        facts: Condition keys (any case) and what they are in this request, None for one that is absent from it. A key
            that is not here and that the role and the resource do not tell either is unknown, and a condition on it
            makes the decision conditional.
    """

    role: Role
    action: str
    resource: str
    facts: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Statement:
    """A statement that had a part in a decision: its policy's name, its Sid or number, and what it says."""

    policy: str
    sid: str
    effect: str
    conditions: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.effect} in {self.policy} ({self.sid})"


@dataclass(frozen=True)
class Decision:
    """An outcome and the statements that decided; none for an implicit deny."""

    outcome: Outcome
    statements: tuple[Statement, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether the request may be carried out: only an outright allow counts."""
        return self.outcome is Outcome.ALLOW


class _Match(StrEnum):
    YES = "yes"
    IF = "if its condition holds"
    UNREADABLE = "cannot be judged"


@dataclass(frozen=True)
class _Matched:
    statement: Statement
    match: _Match


def decide(request: Request) -> Decision:
    """Whether the role's identity policies, within its permissions boundary, let it make the request."""
    limits = [request.role.boundary] if request.role.boundary else []
    identity = list(_matches(request, request.role.policies))
    limit = list(_matches(request, limits))
    denies = _of("Deny", [*identity, *limit])
    allows = _of("Allow", identity)
    if _surely(denies):
        return Decision(Outcome.EXPLICIT_DENY, _statements(_surely(denies)))
    if request.role.unread:  # an unknown document may allow or deny anything
        return Decision(Outcome.UNDECIDED, _statements([*denies, *allows]))
    within = _of("Allow", limit) if limits else None
    if not allows or within == []:
        return Decision(Outcome.IMPLICIT_DENY)
    return _weigh(denies, allows, within)


def _weigh(denies: list[_Matched], allows: list[_Matched], within: list[_Matched] | None) -> Decision:
    layers = [allows] if within is None else [allows, within]
    if not denies and all(_surely(layer) for layer in layers):
        return Decision(Outcome.ALLOW, _statements([m for layer in layers for m in _surely(layer)]))
    open_points = [*denies, *(m for layer in layers if not _surely(layer) for m in layer)]
    unreadable = [m for m in open_points if m.match is _Match.UNREADABLE]
    if unreadable:
        return Decision(Outcome.UNDECIDED, _statements(unreadable))
    return Decision(Outcome.CONDITIONAL, _statements(open_points))


def _of(effect: str, matched: Iterable[_Matched]) -> list[_Matched]:
    return [m for m in matched if m.statement.effect == effect]


def _surely(matched: Iterable[_Matched]) -> list[_Matched]:
    return [m for m in matched if m.match is _Match.YES]


def _statements(matched: Iterable[_Matched]) -> tuple[Statement, ...]:
    return tuple(m.statement for m in matched)


def _matches(request: Request, policies: Sequence[Policy]) -> Iterator[_Matched]:
    for policy in policies:
        for number, parsed in enumerate(parse_policy_document(dict(policy.document))):
            match = _match(request, parsed)
            if match is not None:
                conditions = tuple(_conditions(parsed.conditions)) if match is not _Match.YES else ()
                sid = parsed.sid or f"statement {number + 1}"
                yield _Matched(Statement(policy.name, sid, parsed.effect, conditions), match)


def _match(request: Request, statement: ParsedStatement) -> _Match | None:
    context = _context(request)
    # A variable can stand for anything: read as a wildcard it says whether the statement may concern this request.
    widened = ParsedStatement(
        sid=statement.sid,
        effect="Allow",
        actions=statement.actions,
        not_actions=statement.not_actions,
        resources=[_VARIABLE.sub("*", r) for r in statement.resources],
        not_resources=[r for r in statement.not_resources if not _VARIABLE.search(r)],
    )
    if evaluate(context, [[widened]]).decision != "Allow":
        return None
    if any(_VARIABLE.search(r) for r in (*statement.resources, *statement.not_resources)):
        return _Match.UNREADABLE
    known, unknown, unreadable = _split(request, statement.conditions)
    widened.conditions = known
    if evaluate(context, [[widened]]).decision != "Allow":
        return None
    if unreadable:
        return _Match.UNREADABLE
    return _Match.IF if unknown else _Match.YES


# A literal dollar, star or question mark is written ${$}, ${*}, ${?}; the evaluator does not read those either.
_VARIABLE = re.compile(r"\$\{[^}]*\}")

# Keys that the caller's role and the resource alone tell (IAM user guide, "AWS global condition context keys").
_TOLD = frozenset(
    {
        "aws:principalarn",
        "aws:principalaccount",
        "aws:principaltype",
        "aws:principalisawsservice",
        "aws:requestedregion",
        "aws:resourceaccount",
        "aws:securetransport",
        "aws:viaawsservice",
    }
)

_SET = re.compile(r"^(forallvalues|foranyvalue):")

_OPERATORS = frozenset(
    f"{base}{suffix}".lower()
    for base in (
        *("StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"),
        *("StringLike", "StringNotLike", "ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike", "Bool"),
        *("NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals"),
        *("NumericGreaterThan", "NumericGreaterThanEquals", "DateEquals", "DateNotEquals", "DateLessThan"),
        *("DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals", "IpAddress", "NotIpAddress"),
    )
    for suffix in ("", "IfExists")
) | {"null"}


def _context(request: Request) -> EvalContext:
    region = request.resource.split(":")[3] if request.resource.count(":") >= 5 else ""
    facts = {key.lower(): value for key, value in request.facts.items()}
    return EvalContext(
        # The key aws:PrincipalArn holds the role's ARN, not the session's.
        principal_arn=request.role.arn,
        principal_type="AssumedRole",
        principal_account=request.role.account,
        action=request.action,
        resource_arn=request.resource,
        region=facts.get("aws:requestedregion") or region,
        source_ip=facts.get("aws:sourceip") or "",
        secure_transport=True,  # AWS answers these services on HTTPS only
        principal_keys={"aws:principalisawsservice": "false", "aws:viaawsservice": "false"},
        service_context=facts,
    )


def _split(request: Request, conditions: Any) -> tuple[dict[str, Any], list[str], list[str]]:
    """Conditions that can be judged, keys that only the request tells, and operators or values that nobody reads."""
    known: dict[str, Any] = {}
    unknown: list[str] = []
    unreadable: list[str] = []
    if not isinstance(conditions, Mapping):
        return known, unknown, [str(conditions)]
    told = _TOLD | {key.lower() for key in request.facts}
    for operator, block in conditions.items():
        if not isinstance(block, Mapping) or _SET.sub("", operator.lower()) not in _OPERATORS:
            unreadable.append(operator)
            continue
        for key, values in block.items():
            if _VARIABLE.search(str(values)):
                unreadable.append(key)
            elif key.lower() in told:
                known.setdefault(operator, {})[key] = values
            else:
                unknown.append(key)
    return known, unknown, unreadable


def _conditions(conditions: Any) -> Iterator[str]:
    if not isinstance(conditions, Mapping):
        return
    for operator, block in conditions.items():
        for key, values in block.items() if isinstance(block, Mapping) else ():
            listed = values if isinstance(values, list) else [values]
            yield f"{operator} {key} {', '.join(str(value) for value in listed)}"
