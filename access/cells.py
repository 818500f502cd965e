"""What comes of one caller and one tool: inbound authorization, then the policy engine, then what is not judged."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from access.cedar import ToolDecision, ToolEngine, decide_tool, decide_tools, entity_id
from access.cedar_policies import ScopedPolicy
from access.decisions import Access
from access.identities import ANYBODY, Identity
from access.inbound import OPEN, Inbound
from access.views import Gateway


@dataclass(frozen=True)
class Cell:
    """Whether a caller may call a tool, and what a `conditional` answer depends on, as the policies write it."""

    decision: Access
    conditions: tuple[str, ...] = ()


DENIED = Cell(Access.DENY)
ALLOWED = Cell(Access.ALLOW)
UNDECIDED = Cell(Access.UNDECIDED)

_PLAIN: Mapping[Access, Cell] = {Access.DENY: DENIED, Access.ALLOW: ALLOWED, Access.UNDECIDED: UNDECIDED}


@dataclass(frozen=True)
class Visit:
    """A caller at a gateway: what inbound authorization says, and the policy engine that is asked next."""

    gateway: Gateway
    engine: ToolEngine | None
    caller: Identity
    got_in: Inbound

    def without_engine(self) -> Cell | None:
        """The cell of all tools alike; None where the policy engine has a say."""
        if self.got_in.access is Access.DENY:
            return DENIED
        if self.engine is None or not self.engine.enforce or self.gateway.authorizer == "CUSTOM_JWT":
            return _cell(self, None, ())
        # Which Cedar principal a caller is whom no IAM authorizer let in, AWS does not say.
        return UNDECIDED if self.gateway.authorizer in OPEN else None


def cells(visit: Visit, tools: tuple[str, ...]) -> Cell | tuple[Cell, ...]:
    """One cell per tool (full names), in the tools' order, or one for all of them."""
    for_all = visit.without_engine()
    if for_all is not None or visit.engine is None:
        return for_all or UNDECIDED
    decided = decide_tools(visit.engine, cedar_name(visit.caller))
    if not decided:
        return DENIED
    # Decisions are few and shared by many tools, so that their cells can be, too.
    made = {id(d): _cell(visit, d, visit.engine.policies) for d in {id(d): d for d in decided.values()}.values()}
    return tuple(made[id(decided[tool])] if tool in decided else DENIED for tool in tools)


def call(visit: Visit, tool: str, arguments: Mapping[str, Any] | None = None) -> Cell:
    """The cell of one call, whose arguments may be known."""
    for_all = visit.without_engine()
    if for_all is not None or visit.engine is None:
        return for_all or UNDECIDED
    return _cell(visit, decide_tool(visit.engine, cedar_name(visit.caller), tool, arguments), visit.engine.policies)


def cedar_name(caller: Identity) -> str | None:
    """The caller's entity id for Cedar; None where it stands for many."""
    return None if caller is ANYBODY or caller.arn.endswith(":root") else entity_id(caller.arn)


def _cell(visit: Visit, decided: ToolDecision | None, policies: tuple[ScopedPolicy, ...]) -> Cell:
    access = visit.got_in.access if decided is None else both(visit.got_in.access, decided.outcome)
    if visit.gateway.interceptors and access is not Access.DENY:  # they may refuse what everything else allows
        access = Access.UNDECIDED
    if access is not Access.CONDITIONAL:
        return _PLAIN[access]
    conditions = list(visit.got_in.conditions)
    if decided is not None and decided.outcome is Access.CONDITIONAL:
        conditions += [f"{p.effect} {p.condition}" for p in policies if p.conditional and p.name in decided.policies]
    return Cell(access, tuple(conditions))


def both(first: Access, second: Access) -> Access:
    """Two locks in a row: the stricter answer, and where one is open and one unclear, the unclear one."""
    return next(access for access in _STRICTEST_FIRST if access in {first, second})


_STRICTEST_FIRST = (Access.DENY, Access.UNDECIDED, Access.CONDITIONAL, Access.ALLOW)
