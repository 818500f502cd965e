"""Which statements of a policy match a request: surely, on a condition, or nobody can say.

Statements are matched by `policy.language.evaluation`; this module says what is known of a request from the deployment,
and who it is that asks. A condition on something that only the request will tell is left open; a policy variable
(`${...}`) that nobody can fill in or an operator that IAM does not have cannot be judged.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from toolgate.access.iam.identities import ANY_ACCOUNT, ANY_CALLER, Identity
from toolgate.access.iam.policies import Policy, sid
from toolgate.policy.language import evaluation
from toolgate.policy.language.arns import account_in, region_in
from toolgate.policy.language.documents import Statement as IamStatement
from toolgate.policy.language.matching import Match, all_of
from toolgate.policy.language.principals import Named, aws_principals, is_account, named
from toolgate.policy.language.request_facts import UNNAMED, Fact, Facts
from toolgate.policy.language.unknown import Unknown


@dataclass(frozen=True)
class IamRequest:
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
    facts: Mapping[str, Fact] = field(default_factory=dict)
    resource_policy: Policy | None = None


@dataclass(frozen=True)
class DecidingStatement:
    """A statement that had a part in a decision.

    Attributes:
        policy: Name of the resource that holds it.
        sid: Its Sid, or its number.
        effect: `Allow` or `Deny`.
        conditions: Its conditions as the policy writes them, where the decision depends on them.
        kind: `identity`, `boundary` or `resource`: what sort of policy it stands in.
        read: The statement itself, where the deployment holds it.
    """

    policy: str
    sid: str
    effect: str
    conditions: tuple[str, ...] = ()
    kind: str = "identity"
    read: IamStatement | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.effect} in {self.policy} ({self.sid})"


@dataclass(frozen=True)
class Matched:
    """A statement that matches or may match; `named` is how a resource policy names the caller."""

    statement: DecidingStatement
    match: Match
    named: Named | None = None


def matches(request: IamRequest, policy: Policy, kind: str) -> Iterator[Matched]:
    """The policy's statements that match the request or may match it.

    Args:
        request: The request.
        policy: The policy.
        kind: `identity`, `boundary` or `resource`.
    """
    asked = evaluation.Request(request.action, request.resource, facts_of(request))
    for read in policy.concerning(request.action):
        name = _named(read, request.caller) if kind == "resource" else None
        if kind == "resource" and name is None:
            continue
        match = all_of((evaluation.matches(read, asked), _LEAST.get(name, Match.YES)))
        if match is not Match.NO:
            conditions = tuple(_conditions(read)) if match is not Match.YES else ()
            effect = "Allow" if read.allow else "Deny"
            statement = DecidingStatement(policy.name, sid(read), effect, conditions, kind, read)
            yield Matched(statement, match, name)


def _named(read: IamStatement, caller: Identity) -> Named | None:
    if caller.federated and not read.everybody_but:
        # Whether `{"AWS": "*"}` also means somebody who does not sign, AWS does not say.
        meant = {it.kind for it in read.principals if it.value in ("*", caller.arn)}
        return Named.EVERYBODY if meant & {"federated", "*"} else Named.UNCLEAR if "aws" in meant else None
    if caller.many and read.everybody_but:  # it may list some of them
        return Named.UNCLEAR
    name = named(read, None if caller is ANY_CALLER else caller.arn)
    if name is None and caller.account == ANY_ACCOUNT and any(is_account(it) for it in aws_principals(read)):
        return Named.UNCLEAR
    return name


# However sure the rest of a statement is: whether it names this very session nobody knows.
_LEAST: Mapping[Named | None, Match] = {Named.SESSION: Match.IF, Named.UNCLEAR: Match.UNREADABLE}


# Keys that the caller's role or user and the resource alone tell (IAM user guide, "AWS global condition context keys").
# AWS answers these services on HTTPS only.
_ALWAYS: Mapping[str, Fact] = {
    "aws:principalisawsservice": "false",
    "aws:securetransport": "true",
    "aws:viaawsservice": "false",
}


def facts_of(request: IamRequest) -> Facts:
    """The condition keys of a request, as far as they are known."""
    told = {**_ALWAYS, **_of_caller(request.caller)}
    if region := region_in(request.resource):
        told["aws:requestedregion"] = region
    if account := account_in(request.resource):
        told["aws:resourceaccount"] = account
    return Facts({**told, **{key.lower(): value for key, value in request.facts.items()}})


def _of_caller(caller: Identity) -> Mapping[str, Fact]:
    if caller is ANY_CALLER:  # nothing is known but that no policy names it
        return {"aws:principalarn": UNNAMED}
    if caller.federated:
        return {}
    account: dict[str, Fact] = {} if caller.account == ANY_ACCOUNT else {"aws:principalaccount": caller.account}
    if caller.many:
        return account
    user = ":user/" in caller.arn
    return {
        **account,
        "aws:principalarn": caller.arn,  # the role's, not the session's
        "aws:principaltype": "User" if user else "AssumedRole",
        "aws:username": caller.name if user else None,
    }


def _conditions(read: IamStatement) -> Iterator[str]:
    sessions = [p for p in aws_principals(read) if ":assumed-role/" in p]
    if sessions:
        yield f"the session is {', '.join(sessions)}"
    for condition in () if isinstance(read.conditions, Unknown) else read.conditions:
        operator, key = condition.written
        yield f"{operator} {key} {', '.join(str(value) for value in condition.values)}"
