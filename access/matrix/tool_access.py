"""What comes of one caller and one tool: inbound authorization, then the policy engine, then what is not judged."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toolgate.access.cedar import cedar_decision
from toolgate.access.cedar.cedar_decision import ToolDecision, ToolEngine, decide_tool, decide_tools
from toolgate.access.cedar.cedar_policies import CedarPrincipal, ScopedPolicy, iam_entity
from toolgate.access.deployment.agentcore_resources import Gateway
from toolgate.access.iam.evaluation import Access
from toolgate.access.iam.identities import ANY_CALLER, Identity
from toolgate.access.iam.unique_ids import is_unique_id
from toolgate.access.matrix.inbound import Inbound
from toolgate.policy.language.agentcore_facts import entity_id


@dataclass(frozen=True)
class ToolAccess:
    """Whether a caller may call a tool, and what a `conditional` answer depends on, as the policies write it."""

    decision: Access
    conditions: tuple[str, ...] = ()


DENIED = ToolAccess(Access.DENY)
ALLOWED = ToolAccess(Access.ALLOW)
UNDECIDED = ToolAccess(Access.UNDECIDED)

_PLAIN: Mapping[Access, ToolAccess] = {Access.DENY: DENIED, Access.ALLOW: ALLOWED, Access.UNDECIDED: UNDECIDED}


@dataclass(frozen=True)
class AccessCheck:
    """A caller at a gateway: what inbound authorization says, and the policy engine that is asked next.

    Attributes:
        gateway: The gateway.
        engine: Its policy engine.
        caller: The caller as Cedar knows it; None where that is not known.
        inbound_decision: Whether they get in.
    """

    gateway: Gateway
    engine: ToolEngine | None
    caller: CedarPrincipal | None
    inbound_decision: Inbound

    def without_engine(self) -> ToolAccess | None:
        """The cell of all tools alike; None where the policy engine has a say."""
        if self.inbound_decision.access is Access.DENY:
            return DENIED
        if self.engine is None or not self.engine.enforce:
            return _cell(self, None, ())
        return UNDECIDED if self.caller is None else None


def decide_access(check: AccessCheck, tools: tuple[str, ...]) -> ToolAccess | tuple[ToolAccess, ...]:
    """One cell per tool (full names), in the tools' order, or one for all of them.

    What the engine says of a tool that it does not know by name is open, unless it permits nothing.
    """
    for_all = check.without_engine()
    if for_all is not None or check.engine is None or check.caller is None:
        return for_all or UNDECIDED
    decided = decide_tools(check.engine, check.caller)
    permits = check.engine.unread or any(policy.effect == "permit" for policy in check.engine.policies)
    not_listed = UNDECIDED if permits else DENIED
    known = check.engine.tools
    if not decided and (not permits or all(tool in known for tool in tools)):
        return DENIED
    # Decisions are few and shared by many tools, so that their cells can be, too.
    made = {id(d): _cell(check, d, check.engine.policies) for d in {id(d): d for d in decided.values()}.values()}
    return tuple(
        made[id(decided[tool])] if tool in decided else DENIED if tool in known else not_listed for tool in tools
    )


def call(check: AccessCheck, tool: str, arguments: Mapping[str, Any] | None = None) -> ToolAccess:
    """The cell of one call, whose arguments may be known."""
    for_all = check.without_engine()
    if for_all is not None or check.engine is None or check.caller is None:
        return for_all or UNDECIDED
    return _cell(check, decide_tool(check.engine, check.caller, tool, arguments), check.engine.policies)


def cedar_principal(gateway: Gateway, caller: Identity) -> CedarPrincipal | None:
    """A caller that signs, as Cedar knows it at a gateway.

    Which Cedar principal a caller is whom no IAM authorizer let in, AWS does not say; nor does a unique id.
    """
    if gateway.authorizer != "AWS_IAM" or is_unique_id(caller.arn):
        return None
    return cedar_decision.ANY_CALLER if caller is ANY_CALLER or caller.many else iam_entity(entity_id(caller.arn))


def _cell(check: AccessCheck, decided: ToolDecision | None, policies: tuple[ScopedPolicy, ...]) -> ToolAccess:
    access = (
        check.inbound_decision.access if decided is None else stricter(check.inbound_decision.access, decided.outcome)
    )
    if check.gateway.interceptors and access is not Access.DENY:  # they may refuse what everything else allows
        access = Access.UNDECIDED
    if access is not Access.CONDITIONAL:
        return _PLAIN[access]
    conditions = list(check.inbound_decision.conditions)
    if decided is not None and decided.outcome is Access.CONDITIONAL:
        conditions += [f"{p.effect} {p.condition}" for p in policies if p.conditional and p.name in decided.policies]
    return ToolAccess(access, tuple(conditions))


def stricter(first: Access, second: Access) -> Access:
    """Two locks in a row: the stricter answer, and where one is open and one unclear, the unclear one."""
    return next(access for access in _STRICTEST_FIRST if access in {first, second})


def either(first: ToolAccess, second: ToolAccess) -> ToolAccess:
    """Two ways to the same tool: the more open answer, with the conditions of both where both have some."""
    if first.decision is second.decision is Access.CONDITIONAL:
        return ToolAccess(Access.CONDITIONAL, tuple(dict.fromkeys((*first.conditions, *second.conditions))))
    return max(first, second, key=lambda cell: _MOST_OPEN_LAST.index(cell.decision))


_MOST_OPEN_LAST = (Access.DENY, Access.CONDITIONAL, Access.UNDECIDED, Access.ALLOW)
_STRICTEST_FIRST = (Access.DENY, Access.UNDECIDED, Access.CONDITIONAL, Access.ALLOW)
