"""The lines of a `diff` block: resources and statements that come (+), go (-) or change (!)."""

from collections.abc import Iterator, Sequence
from difflib import ndiff

from toolgate.local.plan import short_type
from toolgate.policy.language.agentcore_facts import GATEWAY, RUNTIME
from toolgate.review.changes import LeafChange
from toolgate.review.permissions import CEDAR_STATEMENT, Permission
from toolgate.review.properties import STATEMENTS, Leaf
from toolgate.review.stack_review import Verdict

_WIDEST = 160
# What a replacement means beyond the resource: an id of AgentCore is never given twice.
_REPLACED = {
    short_type(
        GATEWAY
    ): "its id, ARN and URL change; its targets are made anew. Whoever noted one of them has the old one",
    short_type(RUNTIME): "its id and ARN change; its sessions end. Whoever noted one of them has the old one",
}


def permission_lines(verdict: Verdict) -> Iterator[str]:
    """Statements of IAM and Cedar documents under the resources they stand in, line by line."""
    found = verdict.permissions
    for resource in dict.fromkeys(one.resource for one in (*found.removed, *found.added)):
        yield f"  {resource}"
        before, after = (_lines(resource, side) for side in (found.removed, found.added))
        for line in ndiff(before, after):
            if not line.startswith("?"):
                yield f"{line[0]}     {line[2:]}"


def _lines(resource: str, permissions: Sequence[Permission]) -> list[str]:
    return [line for one in permissions if one.resource == resource for line in one.lines]


def resource_lines(verdict: Verdict) -> Iterator[str]:
    """Resources with the properties that change."""
    found = verdict.changes
    yield from (f"+ {label}" for label in found.added)
    yield from (f"- {label}" for label in found.removed)
    for change in found.changed:
        yield f"! {change.label}{' is replaced' if change.replaced else ''}"
        if change.replaced and (meaning := _REPLACED.get(change.label.partition(" ")[0])):
            yield f"!     {meaning}"
        yield from (f"!     {_leaf(leaf)}" for leaf in change.leaves)


def _leaf(change: LeafChange) -> str:
    path, before, after = "".join(change.path), change.before, change.after
    if change.path == CEDAR_STATEMENT or STATEMENTS in {side.text for side in (before, after) if side}:
        return f"{path}: see Permissions"
    if before is None or after is None:
        return f"{path}: {_short(after or before)} {'new' if before is None else 'removed'}"
    if before.text == after.text:
        return f"{path}: {after.text} changed"
    return f"{path}: {_short(before)} -> {_short(after)}"


def _short(leaf: Leaf | None) -> str:
    text = leaf.text if leaf else ""
    return text if len(text) <= _WIDEST else f"{text[:_WIDEST]}..."
