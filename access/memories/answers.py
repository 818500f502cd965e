"""Whether somebody may do something with a memory, and with what of it: an answer that is exact or says that it is not.

An Allow whose every open condition holds the actor, the session, the namespace or the strategy of a request to listed
values allows it for these and for no others: that is told as `allow` with a scope. Whatever else decides, a deny, a
source address, a permissions boundary that asks for more, leaves the answer `conditional`, with the conditions as the
policies write them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from toolgate.access.chain.hops import Check, told
from toolgate.access.iam.evaluation import Access, DecidingStatement, IamRequest
from toolgate.access.iam.statements import facts_of
from toolgate.access.matrix.inbound import ACCESS, whichever
from toolgate.access.matrix.tool_access import ToolAccess
from toolgate.access.memories.uses import BY_LOWER, PREFIX, WORDS
from toolgate.policy.language import patterns
from toolgate.policy.language.arns import account_in
from toolgate.policy.language.comparison import wider
from toolgate.policy.language.documents import Condition
from toolgate.policy.language.matching import Match
from toolgate.policy.language.operators import holds
from toolgate.policy.language.unknown import UNKNOWN

type Limit = tuple[str, tuple[str, ...]]
"""A condition key, and the patterns that its value has to be like one of."""
type Scope = tuple[Limit, ...]
"""All of these have to hold."""

WHOLE = "the whole memory"


@dataclass(frozen=True)
class Answer:
    """Whether somebody may.

    Attributes:
        access: Whether they may.
        scopes: Of an `allow`: what it is for, each of these; none where it is for the whole memory.
    """

    access: ToolAccess
    scopes: tuple[Scope, ...] = ()

    @property
    def label(self) -> str:
        """What it is for, in words; empty where only its conditions say it."""
        if self.access.decision is not Access.ALLOW:
            return ""
        return "; or ".join(map(in_words, self.scopes)) or WHOLE

    def covers(self, other: "Answer") -> bool:
        """Whether it surely opens all that the other may open."""
        if other.access.decision is Access.DENY or self == other:
            return True
        if self.access.decision is not Access.ALLOW:
            return False
        if not self.scopes:
            return True
        # The conditions of another sort of answer are texts: what they open nobody compares.
        return bool(other.scopes) and all(any(_holds(wide, it) for wide in self.scopes) for it in other.scopes)


def in_words(scope: Scope) -> str:
    """A scope as a reader is told of it."""
    return " and ".join(f"{WORDS[key]} {', '.join(values)}" for key, values in scope)


def _holds(wide: Scope, narrow: Scope) -> bool:
    return all(any(_listed(limit, it) for it in narrow) for limit in wide)


def _listed(wide: Limit, narrow: Limit) -> bool:
    return wide[0] == narrow[0] and all(any(wider(it, value) for it in wide[1]) for value in narrow[1])


def answer(checks: Sequence[Check], prefix: str = "") -> Answer:
    """What comes of one question, as each of a resource's policies would answer it: nobody knows which one holds.

    Args:
        checks: The question and its answers.
        prefix: Of a memory in a bucket: what its keys begin with.
    """
    request = checks[0].request
    decision = whichever([it.decision for it in checks])
    access = ACCESS[decision.outcome]
    if access is Access.CONDITIONAL and len(checks) == 1:
        found = _scopes(request, decision.statements)
        if found is not None:
            mine = tuple(it for it in found if _concerns(prefix, it))
            return Answer(ToolAccess(Access.ALLOW if mine else Access.DENY), mine)
    return Answer(told(access, (Check(request, decision),)))


def joined(answers: Sequence[Answer]) -> Answer:
    """Several ways to the same: whatever any of them opens."""
    open_ = [it for it in answers if it.access.decision is not Access.DENY] or answers[:1]
    decisions = {it.access.decision for it in open_}
    everything = next((it for it in open_ if whole(it)), None)
    if everything or len(open_) == 1:
        return everything or open_[0]
    if Access.UNDECIDED in decisions:
        return Answer(ToolAccess(Access.UNDECIDED))
    if Access.CONDITIONAL in decisions:
        return Answer(ToolAccess(Access.CONDITIONAL, tuple(dict.fromkeys(it for one in open_ for it in texts(one)))))
    return Answer(ToolAccess(Access.ALLOW), tuple(dict.fromkeys(it for one in open_ for it in one.scopes)))


def whole(answer: Answer) -> bool:
    """Whether it is an allow for the whole memory."""
    return answer.access.decision is Access.ALLOW and not answer.scopes


def texts(answer: Answer) -> Iterator[str]:
    """What an answer depends on, as conditions."""
    yield from answer.access.conditions
    yield from (f"Allow if {in_words(scope)}" for scope in answer.scopes)


def _scopes(request: IamRequest, statements: Iterable[DecidingStatement]) -> tuple[Scope, ...] | None:
    """What statements that are each enough allow it for; None where they do not say it by lists of values."""
    deciding = list(statements)
    kinds = {it.kind for it in deciding}
    same_account = account_in(request.resource) in (None, request.caller.account)
    alone = len(kinds) == 1 or (kinds == {"identity", "resource"} and same_account)
    found = [_scope(request, it) for it in deciding]
    if not alone or None in found:
        return None
    return tuple(dict.fromkeys(it for it in found if it))


def _scope(request: IamRequest, statement: DecidingStatement) -> Scope | None:
    read = statement.read
    if read is None or statement.effect != "Allow" or read.conditions is UNKNOWN:
        return None
    if len(statement.conditions) != len(read.conditions):  # which session it is matters, too
        return None
    facts = facts_of(request)
    open_ = [it for it in read.conditions if holds(it, facts, variables=read.variables) is not Match.YES]
    limits = [_limit(it) for it in open_]
    return tuple(it for it in limits if it) if all(limits) and limits else None


# Each fails where the key is absent or has another value.
_LISTS: Mapping[str, bool] = {"stringlike": True, "stringequals": False}


def _limit(condition: Condition) -> Limit | None:
    if condition.key not in BY_LOWER or condition.operator not in _LISTS:
        return None
    values = [str(it) for it in condition.values if it is not UNKNOWN and patterns.HOLE not in it and "$" not in it]
    if len(values) < len(condition.values) or not values:
        return None
    if not _LISTS[condition.operator]:
        values = [it.replace("*", "${*}").replace("?", "${?}") for it in values]
    return BY_LOWER[condition.key], tuple(values)


def _concerns(prefix: str, scope: Scope) -> bool:
    """Whether a scope says something of this memory: one of a bucket's prefixes may be another memory's."""
    heads = [patterns.read(it).head for key, values in scope if key == PREFIX for it in values]
    return not heads or any(prefix.startswith(it) or it.startswith(prefix) for it in heads)
