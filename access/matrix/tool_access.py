"""What comes of one caller and one tool: inbound authorization, the interceptors at REQUEST, the policy engine.

An interceptor cannot change who calls: nobody gets by it what is permitted with no arguments at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from toolgate.access.cedar import cedar_decision
from toolgate.access.cedar.cedar_decision import ToolDecision, ToolEngine, decide_tool, decide_tools
from toolgate.access.cedar.cedar_policies import CedarPrincipal, ScopedPolicy, iam_entity
from toolgate.access.deployment.agentcore_resources import Gateway
from toolgate.access.iam.evaluation import Access
from toolgate.access.iam.identities import ANY_CALLER, Identity
from toolgate.access.iam.unique_ids import is_unique_id
from toolgate.access.matrix import interception
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
        far_side: What the gateway's own role may do for each tool behind it, by full name, where that is judged.
    """

    gateway: Gateway
    engine: ToolEngine | None
    caller: CedarPrincipal | None
    inbound_decision: Inbound
    far_side: Mapping[str, ToolAccess] = field(default_factory=dict)

    def without_engine(self) -> ToolAccess | None:
        """The cell of all tools alike; None where the policy engine has a say."""
        if self.inbound_decision.access is Access.DENY:
            return DENIED
        if self.engine is None or not self.engine.enforce:
            return _cell(self, None, ())
        return UNDECIDED if self.caller is None else None


type _Cells = ToolAccess | tuple[ToolAccess, ...]


def decide_access(check: AccessCheck, tools: tuple[str, ...]) -> _Cells:
    """One cell per tool (full names), in the tools' order, or one for all of them.

    What the engine says of a tool that it does not know by name is open, unless it permits nothing.
    """
    cells = _at_gateway(check, tools)
    if cells is DENIED or check.far_side.keys().isdisjoint(tools):
        return cells
    listed = (cells,) * len(tools) if isinstance(cells, ToolAccess) else cells
    return tuple(_beyond(cell, check.far_side.get(tool)) for cell, tool in zip(listed, tools, strict=True))


def _beyond(cell: ToolAccess, far_side: ToolAccess | None) -> ToolAccess:
    """A cell at the gateway, and what its role may do behind it."""
    return cell if far_side is None or far_side.decision is Access.ALLOW else both(cell, far_side)


def _at_gateway(check: AccessCheck, tools: tuple[str, ...]) -> _Cells:
    cells = _decided(check, tools)
    if not check.gateway.interceptors or cells is DENIED:
        return cells
    told = interception.conditions(check.gateway.interceptors, tools)
    if isinstance(cells, ToolAccess):
        if len(set(told)) <= 1:
            return _and(cells, told[0] if told else ())
        cells = (cells,) * len(tools)
    # Many tools share a cell, and what it depends on.
    pairs = {(id(cell), said): (cell, said) for cell, said in zip(cells, told, strict=True)}
    made = {key: _and(*pair) for key, pair in pairs.items()}
    return tuple(made[id(cell), said] for cell, said in zip(cells, told, strict=True))


def _decided(check: AccessCheck, tools: tuple[str, ...]) -> _Cells:
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
    """The cell of one call, whose arguments may be known: an interceptor may make others of them."""
    asked = interception.before(check.gateway.interceptors, tool)
    found, words = _decided_call(check, tool, arguments), interception.LETS
    if asked and arguments is not None and found is DENIED:
        found, words = _decided_call(check, tool, None), interception.REWRITES
    return _beyond(_and(found, tuple(words.format(it.name) for it in asked)), check.far_side.get(tool))


def _decided_call(check: AccessCheck, tool: str, arguments: Mapping[str, Any] | None) -> ToolAccess:
    for_all = check.without_engine()
    if for_all is not None or check.engine is None or check.caller is None:
        return for_all or UNDECIDED
    return _cell(check, decide_tool(check.engine, check.caller, tool, arguments), check.engine.policies)


def _and(cell: ToolAccess, conditions: tuple[str, ...]) -> ToolAccess:
    """A cell that depends on more than it did, where it lets anything through and says on what."""
    if not conditions or cell.decision not in (Access.ALLOW, Access.CONDITIONAL):
        return cell
    return ToolAccess(Access.CONDITIONAL, (*cell.conditions, *conditions))


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
    if access is not Access.CONDITIONAL:
        return _PLAIN[access]
    conditions = list(check.inbound_decision.conditions)
    if decided is not None and decided.outcome is Access.CONDITIONAL:
        conditions += [f"{p.effect} {p.condition}" for p in policies if p.conditional and p.name in decided.policies]
    return ToolAccess(access, tuple(conditions))


def stricter(first: Access, second: Access) -> Access:
    """Two locks in a row: the stricter answer, and where one is open and one unclear, the unclear one."""
    return next(access for access in _STRICTEST_FIRST if access in {first, second})


def both(first: ToolAccess, second: ToolAccess) -> ToolAccess:
    """Two locks in a row, with the conditions of both where the answer depends on any."""
    decision = stricter(first.decision, second.decision)
    told = tuple(dict.fromkeys((*first.conditions, *second.conditions)))
    return ToolAccess(decision, told if decision is Access.CONDITIONAL else ())


def either(first: ToolAccess, second: ToolAccess) -> ToolAccess:
    """Two ways to the same tool: the more open answer, with the conditions of both where both have some."""
    if first.decision is second.decision is Access.CONDITIONAL:
        return ToolAccess(Access.CONDITIONAL, tuple(dict.fromkeys((*first.conditions, *second.conditions))))
    return max(first, second, key=lambda cell: _MOST_OPEN_LAST.index(cell.decision))


_MOST_OPEN_LAST = (Access.DENY, Access.CONDITIONAL, Access.UNDECIDED, Access.ALLOW)
_STRICTEST_FIRST = (Access.DENY, Access.UNDECIDED, Access.CONDITIONAL, Access.ALLOW)
