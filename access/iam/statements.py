"""Which statements of a policy match a request: surely, on a condition, or nobody can say.

Statements are matched by ministack's evaluator (its `evaluate`, one statement at a time); this module adds what it
lacks: principals of resource policies, and what cannot be judged. A condition on something that only the request will
tell is left open; a policy variable (`${...}`) or an operator that the evaluator does not know is unreadable.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from ministack.core.iam_evaluator import EvalContext, evaluate

from toolgate.access.deployment.users import User
from toolgate.access.iam.identities import ANY_CALLER, Identity
from toolgate.access.iam.policies import VARIABLE, Policy, ReadStatement
from toolgate.access.iam.principal_element import Named, as_texts, aws_principals, named


@dataclass(frozen=True)
class Request:
    """Who asks for what.

    Attributes:
        caller: Who asks.
        action: `<service>:<Operation>`.
        resource: The resource's ARN.
        facts: Condition keys (any case) and what they are in this request, None for one that is absent from it. A key
            that is not here and that the caller and the resource do not tell either is unknown, and a condition on it
            makes the decision conditional.
        resource_policy: The resource's own policy, if it has one.
    """

    caller: Identity
    action: str
    resource: str
    facts: Mapping[str, str | None] = field(default_factory=dict)
    resource_policy: Policy | None = None


@dataclass(frozen=True)
class Statement:
    """A statement that had a part in a decision.

    Attributes:
        policy: Name of the resource that holds it.
        sid: Its Sid, or its number.
        effect: `Allow` or `Deny`.
        conditions: Its conditions as the policy writes them, where the decision depends on them.
        kind: `identity`, `boundary` or `resource`: what sort of policy it stands in.
    """

    policy: str
    sid: str
    effect: str
    conditions: tuple[str, ...] = ()
    kind: str = "identity"

    def __str__(self) -> str:
        return f"{self.effect} in {self.policy} ({self.sid})"


KINDS = ("identity", "boundary", "resource")


class Match(StrEnum):
    """How a statement matches a request."""

    YES = "yes"
    IF = "if its condition holds"
    UNREADABLE = "cannot be judged"


@dataclass(frozen=True)
class Matched:
    """A statement that matches or may match; `named` is how a resource policy names the caller."""

    statement: Statement
    match: Match
    named: Named | None = None


def matches(request: Request, policy: Policy, kind: str) -> Iterator[Matched]:
    """The policy's statements that match the request or may match it.

    Args:
        request: The request.
        policy: The policy.
        kind: `identity`, `boundary` or `resource`.
    """
    for read in policy.concerning(request.action):
        name = named(read.raw, request.caller) if kind == "resource" else None
        if kind == "resource" and name is None:
            continue
        match = _match(request, read)
        if match is not None:
            match = max(match, _LEAST.get(name, Match.YES), key=list(Match).index)
            conditions = tuple(_conditions(read)) if match is not Match.YES else ()
            statement = Statement(policy.name, read.sid, read.parsed.effect, conditions, kind)
            yield Matched(statement, match, name)


# However sure the rest of a statement is: whether it names this very session nobody knows.
_LEAST: Mapping[Named | None, Match] = {Named.SESSION: Match.IF, Named.UNCLEAR: Match.UNREADABLE}


def _match(request: Request, read: ReadStatement) -> Match | None:
    context = _context(request)
    if evaluate(context, [[read.widest]]).decision != "Allow":
        return None
    if read.variable:
        return Match.UNREADABLE
    if not read.parsed.conditions:
        return Match.YES
    known, unknown, unreadable = _split(request, read.parsed.conditions)
    if evaluate(context, [[replace(read.widest, conditions=known)]]).decision != "Allow":
        return None
    if unreadable:
        return Match.UNREADABLE
    return Match.IF if unknown else Match.YES


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

_OF_ANYBODY = _TOLD - {"aws:principalarn", "aws:principalaccount", "aws:principaltype"}

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
        principal_arn=request.caller.arn,
        principal_type="User" if isinstance(request.caller, User) else "AssumedRole",
        principal_account=request.caller.account,
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
    told = {key.lower() for key in request.facts} | (_OF_ANYBODY if request.caller is ANY_CALLER else _TOLD)
    for operator, block in conditions.items():
        if not isinstance(block, Mapping) or _SET.sub("", operator.lower()) not in _OPERATORS:
            unreadable.append(operator)
            continue
        for key, values in block.items():
            if VARIABLE.search(str(values)):
                unreadable.append(key)
            elif key.lower() in told or (request.caller is ANY_CALLER and _names_others(key, values)):
                known.setdefault(operator, {})[key] = values
            else:
                unknown.append(key)
    return known, unknown, unreadable


def _names_others(key: str, values: Any) -> bool:
    """Whether a condition names callers one by one: whoever is not named is none of them."""
    return key.lower() == "aws:principalarn" and not any("*" in v or "?" in v for v in as_texts(values))


def _conditions(read: ReadStatement) -> Iterator[str]:
    conditions = read.parsed.conditions
    sessions = [p for p in aws_principals(read.raw) if ":assumed-role/" in p]
    if sessions:
        yield f"the session is {', '.join(sessions)}"
    if not isinstance(conditions, Mapping):
        return
    for operator, block in conditions.items():
        for key, values in block.items() if isinstance(block, Mapping) else ():
            yield f"{operator} {key} {', '.join(as_texts(values))}"
