"""What a change gives and takes: two matrices compared, gains first."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from toolgate.access.iam.evaluation import Access
from toolgate.access.matrix.access_matrix import Matrix
from toolgate.access.matrix.tool_access import DENIED, ToolAccess
from toolgate.access.output.labels import gateway_label, principal_label
from toolgate.access.output.table import columns, markdown

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
        return self.after.decision is not Access.DENY and self.before.decision is not Access.ALLOW


@dataclass(frozen=True)
class Difference:
    """All changes, and what could not be judged in the deployment after them."""

    gains: tuple[Change, ...]
    losses: tuple[Change, ...]
    unsupported: tuple[str, ...] = ()

    @property
    def code(self) -> int:
        """The exit code."""
        if self.gains:
            return SOMEBODY_GAINS
        return ONLY_LOSSES if self.losses else NO_CHANGE


_Key = tuple[str, str, str]


def difference(before: Matrix, after: Matrix) -> Difference:
    """Compare two matrices by principal, gateway and tool; what a matrix does not list is denied."""
    old, new = _open(before), _open(after)
    names = _agents(before) | _agents(after)
    changes = [
        Change(principal, names.get(principal), gateway, tool, old.get(key, DENIED), new.get(key, DENIED))
        for key in dict.fromkeys([*new, *old])
        if old.get(key, DENIED) != new.get(key, DENIED)
        for principal, gateway, tool in [key]
    ]
    return Difference(
        tuple(change for change in changes if change.gain),
        tuple(change for change in changes if not change.gain),
        after.unsupported,
    )


def _open(matrix: Matrix) -> dict[_Key, ToolAccess]:
    return {
        (block.principal, block.gateway, tool): cell
        for block in matrix.blocks
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
    """`{"gains": [...], "losses": [...], "unsupported": [...]}`; a change is an entry with `before` and `after`."""
    return json.dumps(
        {
            "gains": [_told(change) for change in difference.gains],
            "losses": [_told(change) for change in difference.losses],
            "unsupported": difference.unsupported,
        }
    )


def _told(change: Change) -> Mapping[str, object]:
    return {
        "principal": change.principal,
        "agent": change.agent,
        "gateway": change.gateway,
        "tool": change.tool,
        "before": {"decision": change.before.decision, "conditions": change.before.conditions},
        "after": {"decision": change.after.decision, "conditions": change.after.conditions},
    }


HEADER = ("who", "gateway", "tool", "before", "after")


def as_table(difference: Difference) -> str:
    """Gains, then losses, as text."""
    lines: list[str] = []
    for title, changes in _titled(difference):
        lines += [title, *columns([HEADER, *_rows(changes)]), *(f"  {text}" for text in _conditions(changes))]
    return "\n".join([*(lines or ["Nobody's access changes."]), *_unjudged(difference, "  ")])


def as_markdown(difference: Difference) -> str:
    """The same as Markdown, for a comment on a pull request."""
    lines: list[str] = []
    for title, changes in _titled(difference):
        rows = [[who, f"`{gateway}`", f"`{tool}`", *rest] for who, gateway, tool, *rest in _rows(changes)]
        lines += [f"**{title}**", "", *markdown(HEADER, rows), "", *(f"- {text}" for text in _conditions(changes)), ""]
    return "\n".join([*(lines or ["Nobody's access changes.", ""]), *_unjudged(difference, "- ")]).rstrip()


def _titled(difference: Difference) -> Iterator[tuple[str, Sequence[Change]]]:
    for word, changes in (("gains", difference.gains), ("losses", difference.losses)):
        if changes:
            yield f"Access {word}: {len(changes)}", changes


def _rows(changes: Sequence[Change]) -> list[list[str]]:
    """One row per principal, gateway, before and after; the tools of a row together."""
    rows: list[list[str]] = []
    for (who, gateway, before, after), group in groupby(changes, key=_alike):
        rows.append([who, gateway, ", ".join(change.tool for change in group), before, after])
    return rows


def _alike(change: Change) -> tuple[str, str, str, str]:
    who = principal_label(change.principal, change.agent, change.gateway)
    return who, gateway_label(change.gateway), str(change.before.decision), str(change.after.decision)


def _conditions(changes: Sequence[Change]) -> Iterator[str]:
    for title, of in (("before", "before"), ("after", "after")):
        told = dict.fromkeys(
            f"{principal_label(c.principal, c.agent, c.gateway)}, {title}: {condition}"
            for c in changes
            for condition in getattr(c, of).conditions
        )
        yield from told


def _unjudged(difference: Difference, bullet: str) -> Iterator[str]:
    if difference.unsupported:
        yield "Not judged:"
        yield from (f"{bullet}{reason}" for reason in difference.unsupported)
