"""What a change gives and takes: two matrices compared, gains first."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from toolgate.access.iam.evaluation import Access
from toolgate.access.matrix.access_matrix import Block, Matrix
from toolgate.access.matrix.tool_access import DENIED, ToolAccess
from toolgate.access.output.difference_picture import picture
from toolgate.access.output.labels import gateway_label, principal_label, who
from toolgate.access.output.memory_difference import memory_changes
from toolgate.access.output.replaced_gateways import as_if_kept, replaced_gateways
from toolgate.access.output.table import columns, markdown
from toolgate.access.output.way_difference import ASK, BYPASS, MEMORY, WayChange, gains, way_changes

NO_CHANGE, SOMEBODY_GAINS, ONLY_LOSSES = 0, 1, 3
"""Exit codes of the comparison."""


@dataclass(frozen=True)
class Change:
    """One principal and one tool whose decision, or the conditions of it, are not what they were."""

    principal: str
    agent: str | None
    gateway: str
    tool: str
    before: ToolAccess
    after: ToolAccess

    @property
    def gain(self) -> bool:
        """Whether the principal could do more than before; where that cannot be excluded, it counts as one."""
        return gains(self.before, self.after)


@dataclass(frozen=True)
class Difference:
    """All changes, and what could not be judged in the deployment after them.

    Attributes:
        gains: Tools that somebody may newly call over a gateway.
        losses: Tools that somebody may no longer call over it.
        unsupported: What could not be judged.
        ways: Changes of who may ask an agent, of the ways around a gateway, and of who may use a memory.
        newly_unjudged: What of `unsupported` is not so before the change: somebody may gain by it.
        replaced: The ARNs, before and after, of gateways that are made anew under the same name: the same place.
    """

    gains: tuple[Change, ...]
    losses: tuple[Change, ...]
    unsupported: tuple[str, ...] = ()
    ways: tuple[WayChange, ...] = ()
    newly_unjudged: tuple[str, ...] = ()
    replaced: tuple[tuple[str, str], ...] = ()

    @property
    def ways_gained(self) -> tuple[WayChange, ...]:
        """Those by which somebody could do more than before."""
        return tuple(way for way in self.ways if way.gain)

    @property
    def ways_lost(self) -> tuple[WayChange, ...]:
        """The others."""
        return tuple(way for way in self.ways if not way.gain)

    @property
    def code(self) -> int:
        """The exit code."""
        if self.gains or self.ways_gained or self.newly_unjudged:
            return SOMEBODY_GAINS
        return ONLY_LOSSES if self.losses or self.ways else NO_CHANGE


_Key = tuple[str, str, str]


def difference(before: Matrix, after: Matrix) -> Difference:
    """Compare two matrices by principal, gateway and tool; what a matrix does not list is denied."""
    replaced = replaced_gateways(before, after)
    before = as_if_kept(before, replaced) if replaced else before
    old, new = _open(before.blocks), _open(after.blocks)
    names = _agents(before) | _agents(after)
    # Whether a client is a row depends on who else can be it: what it may call is compared even so.
    was, may = ({**_open(it.taken), **rows} for it, rows in ((before, old), (after, new)))
    changes = [
        Change(principal, names.get(principal), gateway, tool, was.get(key, DENIED), may.get(key, DENIED))
        for key in dict.fromkeys([*new, *old])
        if was.get(key, DENIED) != may.get(key, DENIED)
        for principal, gateway, tool in [key]
    ]
    return Difference(
        tuple(change for change in changes if change.gain),
        tuple(change for change in changes if not change.gain),
        after.unsupported,
        (*way_changes(before, after), *memory_changes(before, after)),
        tuple(line for line in after.unsupported if line not in before.unsupported),
        tuple(replaced.items()),
    )


def _open(blocks: Iterable[Block]) -> dict[_Key, ToolAccess]:
    return {
        (block.principal, block.gateway, tool): cell
        for block in blocks
        for tool, cell in block.by_tool()
        if cell.decision is not Access.DENY
    }


def _agents(matrix: Matrix) -> dict[str, str]:
    named: dict[str, dict[str, None]] = {}
    for block in matrix.blocks:
        if block.agent is not None:
            named.setdefault(block.principal, {})[block.agent] = None
    return {principal: ", ".join(agents) for principal, agents in named.items()}


def as_json(difference: Difference) -> str:
    """`gains` and `losses` of tools; the same of `ask`, `bypasses` and `memories`; `unsupported`.

    `newly_unjudged` is what of `unsupported` was not so before.
    `replaced` has the gateways that are made anew, each with its ARN `before` and `after`.

    A change is a row of the matrix with `before` and `after` in place of its decision.
    """
    told = {word: [_told(change) for change in changes] for word, changes in _of_tools(difference)}
    ways = {
        key: {word: [_way(it) for it in changes if it.kind == kind] for word, changes in _of_ways(difference)}
        for key, kind in (("ask", ASK), ("bypasses", BYPASS), ("memories", MEMORY))
    }
    unjudged = {"unsupported": difference.unsupported, "newly_unjudged": difference.newly_unjudged}
    replaced = [{"before": before, "after": after} for before, after in difference.replaced]
    return json.dumps({**told, **ways, **unjudged, "replaced": replaced})


def _of_tools(difference: Difference) -> Iterator[tuple[str, tuple[Change, ...]]]:
    yield from (("gains", difference.gains), ("losses", difference.losses))


def _of_ways(difference: Difference) -> Iterator[tuple[str, tuple[WayChange, ...]]]:
    yield from (("gains", difference.ways_gained), ("losses", difference.ways_lost))


def _told(change: Change) -> Mapping[str, object]:
    row = {"principal": change.principal, "agent": change.agent, "gateway": change.gateway, "tool": change.tool}
    return {**row, "before": _access(change.before), "after": _access(change.after)}


def _way(change: WayChange) -> Mapping[str, object]:
    reached = {"target": change.target, "what": change.what, "way": change.way}
    parts = {"for": change.parts} if change.kind == MEMORY else {}
    row = {"principal": change.principal, "agent": change.agent, **reached, **parts}
    return {**row, "before": _access(change.before), "after": _access(change.after)}


def _access(access: ToolAccess) -> Mapping[str, object]:
    return {"decision": access.decision, "conditions": access.conditions}


HEADER = ("who", "gateway", "tool", "before", "after")
WAY_HEADER = ("who", "may", "by", "before", "after")


def way_sentences(difference: Difference) -> Iterator[str]:
    """One line for each change of the chain, gains first."""
    for word, changes in (("newly", difference.ways_gained), ("no longer so", difference.ways_lost)):
        for change in changes:
            name, what, way, before, after = _way_row(change)
            yield f"{name} may {word} {what}{f' by {way}' if way else ''} ({before} -> {after})"


def as_table(difference: Difference) -> str:
    """Gains, then losses, as text."""
    lines: list[str] = []
    for title, changes in _titled(difference):
        lines += [title, *columns([HEADER, *_rows(changes)]), *(f"  {text}" for text in _conditions(changes))]
    for title, ways in _titled_ways(difference):
        lines += [title, *columns([WAY_HEADER, *map(_way_row, ways)]), *(f"  {text}" for text in _way_conditions(ways))]
    return "\n".join(
        [*(lines or ["Nobody's access changes."]), *_replaced(difference, ""), *_unjudged(difference, "  ")]
    )


def as_markdown(difference: Difference) -> str:
    """The same as Markdown, for a comment on a pull request, with the picture of what somebody gains and loses."""
    lines: list[str] = []
    for title, changes in _titled(difference):
        rows = [[who, f"`{gateway}`", f"`{tool}`", *rest] for who, gateway, tool, *rest in _rows(changes)]
        lines += [f"**{title}**", "", *markdown(HEADER, rows), "", *(f"- {text}" for text in _conditions(changes)), ""]
    for title, ways in _titled_ways(difference):
        lines += [f"**{title}**", "", *markdown(WAY_HEADER, [_way_row(way) for way in ways]), ""]
        lines += [*(f"- {text}" for text in _way_conditions(ways)), ""]
    if drawn := list(picture(difference)):
        lines += ["```mermaid", *drawn, "```", ""]
    lines = [*(lines or ["Nobody's access changes.", ""]), *_replaced(difference, "- ")]
    return "\n".join([*lines, *_unjudged(difference, "- ")]).rstrip()


def _titled(difference: Difference) -> Iterator[tuple[str, Sequence[Change]]]:
    for word, changes in _of_tools(difference):
        if changes:
            yield f"Access {word}: {len(changes)}", changes


_KINDS = (("Ways around a gateway", BYPASS), ("Asking agents", ASK), ("Using memories", MEMORY))


def _titled_ways(difference: Difference) -> Iterator[tuple[str, Sequence[WayChange]]]:
    for word, changes in _of_ways(difference):
        for title, kind in _KINDS:
            found = [way for way in changes if way.kind == kind]
            if found:
                yield f"{title}, {word}: {len(found)}", found


def _way_row(change: WayChange) -> list[str]:
    name = who(change.principal, change.agent, change.target)
    return [name, change.what, change.way, *change.told]


def _way_conditions(changes: Sequence[WayChange]) -> Iterator[str]:
    for change in changes:
        name = f"{who(change.principal, change.agent, change.target)}, {change.what}"
        yield from (f"{name}, before: {it}" for it in change.before.conditions)
        yield from (f"{name}, after: {it}" for it in change.after.conditions)


def _rows(changes: Sequence[Change]) -> list[list[str]]:
    """One row per principal, gateway, before and after; the tools of a row together."""
    rows: list[list[str]] = []
    for (name, gateway, before, after), group in groupby(changes, key=_alike):
        rows.append([name, gateway, ", ".join(change.tool for change in group), before, after])
    return rows


def _alike(change: Change) -> tuple[str, str, str, str]:
    name = principal_label(change.principal, change.agent, change.gateway)
    return name, gateway_label(change.gateway), str(change.before.decision), str(change.after.decision)


def _conditions(changes: Sequence[Change]) -> Iterator[str]:
    for title, of in (("before", "before"), ("after", "after")):
        told = dict.fromkeys(
            f"{principal_label(c.principal, c.agent, c.gateway)}, {title}: {condition}"
            for c in changes
            for condition in getattr(c, of).conditions
        )
        yield from told


def _replaced(difference: Difference, bullet: str) -> Iterator[str]:
    for before, after in difference.replaced:
        yield f"{bullet}Gateway {gateway_label(before)} is made anew as {gateway_label(after)}: its ARN and URL change."


def _unjudged(difference: Difference, bullet: str) -> Iterator[str]:
    known = [reason for reason in difference.unsupported if reason not in difference.newly_unjudged]
    for title, reasons in (("Newly not judged", difference.newly_unjudged), ("Not judged", known)):
        if reasons:
            yield f"{title}:"
            yield from (f"{bullet}{reason}" for reason in reasons)
