"""Who may ask an agent, and the ways to a tool that do not lead from an agent over its gateway.

A way is a path of hops. From each principal the roles that it may act as are searched breadth first, over hops that are
allowed outright and then over all, so that of several ways the surest and then the shortest is told. A circle of roles
ends where it began. What a principal may call by itself over the gateway is no way around it; what everybody may do is
told of everybody only; whoever may do everything is told once.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from toolgate.access.chain.graph import Graph
from toolgate.access.chain.hops import OPENNESS, Hop, Step
from toolgate.access.chain.principals import everything
from toolgate.access.iam.evaluation import Access
from toolgate.access.iam.identities import ANY_CALLER, Identity
from toolgate.access.matrix.blocks import Block
from toolgate.access.matrix.principals import Caller
from toolgate.access.matrix.tool_access import ALLOWED, ToolAccess, stricter

EVERYTHING = "everything"
"""The way of whoever may do all that IAM decides on."""
_ALL = ("*", ("*",))
_ALL_KEY = ("*", "*")

type Path = tuple[Hop, ...]
type _Key = tuple[str, str]
"""What is reached: a function or a server and the last step to it, or any (empty); a gateway and a tool; an
interceptor's function and its gateway."""


@dataclass(frozen=True)
class Ask:
    """Whether a principal may ask an agent, or run commands in it.

    Attributes:
        principal: Its ARN, or `*`.
        asker: The agent's name, if the principal is an agent's role.
        agent: The name of the agent that is asked.
        runtime: That agent's ARN.
        how: `ask` or `commands`.
        access: Whether it may.
    """

    principal: str
    asker: str | None
    agent: str
    runtime: str
    how: str
    access: ToolAccess


@dataclass(frozen=True)
class Bypass:
    """One way around a gateway.

    Attributes:
        principal: Its ARN, or `*`.
        agent: The agent's name, if it is an agent's role.
        target: What is reached: the ARN of a function or of a server's runtime, or a gateway's, as somebody else or by
            its interceptor; `*` for everything.
        tools: Full names of the tools that are reached.
        way: The way in words, e.g. `lambda:InvokeFunction` or `assumes role ops`.
        access: Whether the way is open.
        hops: Its hops, but for the call at a gateway.
    """

    principal: str
    agent: str | None
    target: str
    tools: tuple[str, ...]
    way: str
    access: ToolAccess
    hops: tuple[Hop, ...] = ()

    @property
    def changed(self) -> str:
        """The function that is changed, where it is an interceptor's; else empty."""
        return self.hops[-1].to if self.hops and self.hops[-1].step is Step.CHANGE else ""


def asks(graph: Graph, callers: Iterable[Caller]) -> Iterator[Ask]:
    """Who may ask which agent, and who may run commands in which.

    Args:
        graph: The hops of the deployment.
        callers: Whom to look at; `principals.principals`, in which anybody comes first.
    """
    public: dict[_Key, Access] = {}
    for caller in callers:
        who = caller.identity
        best = _Best(public if who is ANY_CALLER else dict(public), {})
        for how, found in (("ask", graph.asks), ("commands", graph.commands)) if not everything(who) else ():
            for hop in found(who):
                if best.news((hop.to, how), hop.decision):
                    yield Ask(who.principal, caller.agent, hop.name, hop.to, how, hop.access)


def bypasses(graph: Graph, blocks: Sequence[Block], callers: Iterable[Caller]) -> Iterator[Bypass]:
    """All ways around the gateways.

    Args:
        graph: The hops of the deployment.
        blocks: What each principal may call over the gateways.
        callers: From whom to search; `principals.principals`, in which anybody comes first.
    """
    over_gateways: dict[str, dict[str, Block]] = {}
    for block in blocks:
        if not block.denied:
            over_gateways.setdefault(block.principal, {})[block.gateway] = block
    public = _Best({}, over_gateways)
    for caller in callers:
        best = public if caller.identity is ANY_CALLER else _Best(dict(public.open), over_gateways)
        yield from _everything(caller) if everything(caller.identity) else _ways(graph, caller, best)


class _Best:
    """How open the best way is to each thing that a principal is known to reach.

    Args:
        known: What it starts from.
        blocks: What each principal may call over each gateway, by their ARNs.
    """

    def __init__(self, known: dict[_Key, Access], blocks: Mapping[str, Mapping[str, Block]]) -> None:
        self.open = known
        self.blocks = blocks

    def news(self, key: _Key, decision: Access) -> bool:
        """Whether this is more open than what was known; then it is known from now on."""
        known = (self.open.get(it, Access.DENY) for it in (key, _ALL_KEY))
        better = OPENNESS.index(decision) > max(map(OPENNESS.index, known))
        if better:
            self.open[key] = decision
        return better

    def call(self, principal: str, gateway: str) -> None:
        """Add what the principal, and anybody, may call at a gateway."""
        for who in (ANY_CALLER.name, principal):
            block = self.blocks.get(who, {}).get(gateway)
            for tool, cell in block.by_tool() if block else ():
                self.news((gateway, tool), cell.decision)


def _everything(caller: Caller) -> Iterator[Bypass]:
    yield _row(caller, (), _ALL, ALLOWED)


def _ways(graph: Graph, caller: Caller, best: _Best) -> Iterator[Bypass]:
    for hop in graph.own_doors(caller.identity):
        if best.news((hop.to, hop.step), hop.decision):
            best.news((hop.to, ""), hop.decision)
            yield _row(caller, (hop,), (hop.to, graph.tools_of(hop.to)), hop.access)
    yield from _changes(graph, caller, (), best)
    for path in paths(graph, caller.identity):
        role = graph.role_after(path[-1])
        if everything(role):
            access = through(path, ALLOWED)
            if best.news(_ALL_KEY, access.decision):
                yield _row(caller, path, _ALL, access)
            continue
        for hop in graph.doors(role):
            access = through(path, hop.access)
            if best.news((hop.to, ""), access.decision):
                yield _row(caller, (*path, hop), (hop.to, graph.tools_of(hop.to)), access)
        yield from _changes(graph, caller, path, best)
        yield from _as_another(caller, path, role.arn, best)


def _changes(graph: Graph, caller: Caller, path: Path, best: _Best) -> Iterator[Bypass]:
    """The interceptors that the principal may change by itself, or as the role at the end of a path.

    Whoever may call a tool as well gets more by it: the calls of others.
    """
    at = graph.role_after(path[-1]) if path else caller.identity
    for function, hop in graph.changes(at):
        access = through(path, hop.access)
        if best.news((function.arn, function.gateway), access.decision):
            yield _row(caller, (*path, hop), (function.gateway, function.tools), access)


def _as_another(caller: Caller, path: Path, role: str, best: _Best) -> Iterator[Bypass]:
    """What the principal may call over gateways as the role at the end of a path, and not by itself."""
    for block in best.blocks.get(role, {}).values():
        best.call(caller.identity.principal, block.gateway)
        cells: dict[ToolAccess, ToolAccess] = {}
        found: dict[ToolAccess, list[str]] = {}
        for tool, cell in block.by_tool():
            access = cells[cell] if cell in cells else cells.setdefault(cell, through(path, cell))
            if best.news((block.gateway, tool), access.decision):
                found.setdefault(access, []).append(tool)
        for access, tools in found.items():
            yield _row(caller, path, (block.gateway, tuple(tools)), access)


def paths(graph: Graph, start: Identity) -> Iterator[Path]:
    """A path to each role that somebody may act as: an outright one where there is one, and the shortest."""
    reached = {start.arn}
    for steps in (frozenset({Access.ALLOW}), frozenset(OPENNESS)):
        seen = {start.arn}
        queue: deque[tuple[Path, Identity]] = deque([((), start)])
        while queue:
            path, at = queue.popleft()
            for hop in graph.taken(at) if not everything(at) else ():
                role = graph.role_after(hop)
                if hop.decision in steps and role.arn not in seen:
                    seen.add(role.arn)
                    queue.append(((*path, hop), role))
                    if role.arn not in reached:
                        reached.add(role.arn)
                        yield (*path, hop)


def through(path: Path, last: ToolAccess) -> ToolAccess:
    """What comes of all hops of a path and of what follows them."""
    decision, conditions = last.decision, last.conditions
    for hop in reversed(path):
        decision, conditions = stricter(hop.decision, decision), (*hop.access.conditions, *conditions)
    return ToolAccess(decision, tuple(dict.fromkeys(conditions)) if decision is Access.CONDITIONAL else ())


def _row(caller: Caller, hops: Path, reached: tuple[str, tuple[str, ...]], access: ToolAccess) -> Bypass:
    words = [it for it in (in_words(hops), EVERYTHING if reached == _ALL else "") if it]
    return Bypass(caller.identity.principal, caller.agent, *reached, ", ".join(words), access, hops)


def in_words(path: Path) -> str:
    """A path as a reader is told of it."""
    return ", ".join(_WORDS[hop.step].format(hop.name) for hop in path)


_WORDS = {
    Step.ASK: "asks agent {}",
    Step.ASSUME: "assumes role {}",
    Step.COMMANDS: "commands in agent {}",
    Step.SERVER: "bedrock-agentcore:InvokeAgentRuntime",
    Step.SHELL: "commands in server {}",
    Step.INVOKE: "lambda:InvokeFunction",
    Step.URL: "function URL",
    Step.CHANGE: "changes interceptor {}",
    Step.PROVIDER: "provider {}",
    Step.SECRET: "{}",
    Step.POOL: "{}",
}
