"""What a change gives and takes of the chain: who may newly ask an agent, and the ways around a gateway that it opens.

Compared is how openly a principal reaches a thing, by whichever way, over a gateway or as anybody: a way that only
takes the place of another one is no news.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from toolgate.access.chain.hops import OPENNESS
from toolgate.access.chain.ways import Bypass
from toolgate.access.iam.evaluation import Access
from toolgate.access.iam.identities import ANY_CALLER
from toolgate.access.matrix.access_matrix import Matrix
from toolgate.access.matrix.tool_access import DENIED, ToolAccess
from toolgate.access.output.chain_table import reaches

ASK, BYPASS, MEMORY = "ask", "bypass", "memory"


@dataclass(frozen=True)
class WayChange:
    """One principal and what it reaches otherwise than before.

    Attributes:
        kind: `ask`, `bypass` or `memory`.
        principal: Its ARN, or `*`.
        agent: The agent's name, if it is an agent's role.
        target: The ARN of the runtime, the function, the gateway or the memory; `*` for everything.
        what: What it may do, in words.
        way: By which way; for a loss, by which one it could.
        before: Whether it could.
        after: Whether it can.
        more: Whether that is more than before, where the two decisions alone do not say it.
        parts: With what of a memory it could and can, in words.
    """

    kind: str
    principal: str
    agent: str | None
    target: str
    what: str
    way: str
    before: ToolAccess
    after: ToolAccess
    more: bool | None = None
    parts: tuple[str, str] = ("", "")

    @property
    def gain(self) -> bool:
        """Whether the principal could do more than before."""
        return gains(self.before, self.after) if self.more is None else self.more

    @property
    def told(self) -> tuple[str, str]:
        """What was, and what is."""
        pairs = zip((self.before.decision, self.after.decision), self.parts, strict=True)
        before, after = (f"{decision} for {part}" if part else str(decision) for decision, part in pairs)
        return before, after


def gains(before: ToolAccess, after: ToolAccess) -> bool:
    """Whether somebody could do more than before; where that cannot be excluded, it counts as more."""
    return after.decision is not Access.DENY and before.decision is not Access.ALLOW


type _Key = tuple[str, str, str]
"""Who reaches what, and which part of it: a tool of a gateway or the function of its interceptor, `ask` or `commands`
of a runtime, all of a function."""
_ALL = "*", "*"


class _Reached:
    """How openly a matrix's principals reach things."""

    def __init__(self, matrix: Matrix) -> None:
        self.asks = {(it.principal, it.runtime, it.how): it for it in matrix.asks}
        self.ways: dict[_Key, Bypass] = {}
        self._best: dict[_Key, ToolAccess] = {key: it.access for key, it in self.asks.items()}
        self._blocks = {(block.principal, block.gateway): block for block in matrix.blocks}
        self._cells: dict[tuple[str, str], Mapping[str, ToolAccess]] = {}
        for way in matrix.bypasses:
            for part in _parts(way):
                key = way.principal, way.target, part
                if key not in self.ways or _openness(way.access) > _openness(self.ways[key].access):
                    self.ways[key] = way
                    self._best[key] = way.access

    def access(self, key: _Key) -> ToolAccess:
        """The most open access that the principal has by itself, and as anybody."""
        principal, *thing = key
        keys = [(who, *it) for who in (principal, ANY_CALLER.name) for it in (thing, _ALL)]
        found = [self._best.get((who, target, part), DENIED) for who, target, part in keys]
        return max([*found, *self._calls(key)], key=_openness)

    def _calls(self, key: _Key) -> Iterator[ToolAccess]:
        principal, gateway, tool = key
        for who in (principal, ANY_CALLER.name):
            if (who, gateway) not in self._cells:
                block = self._blocks.get((who, gateway))
                self._cells[who, gateway] = dict(block.by_tool()) if block else {}
            yield self._cells[who, gateway].get(tool, DENIED)


def _parts(way: Bypass) -> tuple[str, ...]:
    """What of its target a way reaches; of an interceptor that is all calls, which nobody has otherwise."""
    if way.changed:
        return (way.changed,)
    return way.tools if ":gateway/" in way.target else ("*",)


def _openness(access: ToolAccess) -> int:
    return OPENNESS.index(access.decision)


def way_changes(before: Matrix, after: Matrix) -> Iterator[WayChange]:
    """All changes of who may ask, then of the ways around a gateway."""
    old, new = _Reached(before), _Reached(after)
    for key in dict.fromkeys([*new.asks, *old.asks]):
        was, may = old.access(key), new.access(key)
        if was != may:
            ask = new.asks.get(key) or old.asks[key]
            what = f"{'ask' if ask.how == ASK else 'run commands in'} agent {ask.agent}"
            yield WayChange(ASK, ask.principal, ask.asker, ask.runtime, what, "", was, may)
    yield from _bypasses(old, new)


def _bypasses(old: _Reached, new: _Reached) -> Iterator[WayChange]:
    found: dict[tuple[str, str, str, ToolAccess, ToolAccess], list[tuple[Bypass, str]]] = {}
    for key in dict.fromkeys([*new.ways, *old.ways]):
        was, may = old.access(key), new.access(key)
        if was != may:
            told = _told(key, old.ways, new.ways, gained=gains(was, may))
            found.setdefault((*key[:2], told.way, was, may), []).append((told, key[2]))
    for (principal, target, way, was, may), ways in found.items():
        first = ways[0][0]
        by_tool = ":gateway/" in target and not first.changed
        tools = tuple(part for _, part in ways) if by_tool else first.tools
        shown = Bypass(principal, first.agent, target, tools, way, may)
        yield WayChange(BYPASS, principal, first.agent, target, f"reach {reaches([shown])}", way, was, may)


def _told(key: _Key, old: Mapping[_Key, Bypass], new: Mapping[_Key, Bypass], *, gained: bool) -> Bypass:
    first, second = (new, old) if gained else (old, new)
    return first.get(key) or second[key]
