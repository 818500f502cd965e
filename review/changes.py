"""What becomes of each resource between two plans of a stack."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from toolgate.local.cloud.catalogue import TYPES
from toolgate.local.cloud.types.tokens.token_vault import PROVIDERS_PER_ACCOUNT
from toolgate.local.engine.wire import without_defaults
from toolgate.local.plan import short_type
from toolgate.policy.language.agentcore_facts import GATEWAY, OAUTH2_PROVIDER, RUNTIME, USER_POOL_CLIENT
from toolgate.review.properties import PART, STATEMENTS, Leaf, Path, leaves

CEDAR_STATEMENT = ("definition", ".cedar", ".statement")
"""Where a Cedar policy has its text."""
_WIDEST = 160
# What a replacement means beyond the resource: an id of AgentCore is never given twice.
_REPLACED = {
    short_type(
        GATEWAY
    ): "its id, ARN and URL change; its targets are made anew. Whoever noted one of them has the old one",
    short_type(USER_POOL_CLIENT): (
        "its id and secret change, and what names them. With the old ones it gets no token; tokens that are out live"
        " until they expire"
    ),
    short_type(OAUTH2_PROVIDER): "its ARN and its secret's change; roles that name the old ones take no token",
    short_type(RUNTIME): "its id and ARN change; its sessions end. Whoever noted one of them has the old one",
}
# What it means that one comes, or goes, said once for all of a type.
_MADE = {
    short_type(OAUTH2_PROVIDER): f"an account and Region may have {PROVIDERS_PER_ACCOUNT} of them",
    short_type(USER_POOL_CLIENT): "its secret is in the stack's state, encrypted",
}
_GONE = {short_type(USER_POOL_CLIENT): "tokens that are out live until they expire"}
_OPTIONS = ("protect", "retainOnDelete", "ignoreChanges")
"""Resource options that decide what a later update or destroy does."""


@dataclass(frozen=True)
class LeafChange:
    """A property, or a part of one, that is not what it was; None on the side where it is not there."""

    path: Path
    before: Leaf | None
    after: Leaf | None


@dataclass(frozen=True)
class ResourceChange:
    """A resource on both sides with other properties.

    `replaced`: AWS can make the change only on a new one, or the program asks for a new one.
    """

    label: str
    replaced: bool
    leaves: tuple[LeafChange, ...]


@dataclass(frozen=True)
class Changes:
    """Resources of a provider (no components) that come, go or change, as `aws:iam:Role name`."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[ResourceChange, ...]


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Changes:
    """Compare two deployments, resource by resource, by what the program says of each (its inputs)."""
    old, new = ({item["urn"]: item for item in made(side)} for side in (before, after))
    compared = [(new[urn], _differing(old[urn], new[urn])) for urn in new if urn in old]
    return Changes(
        tuple(label(item) for urn, item in new.items() if urn not in old),
        tuple(label(item) for urn, item in old.items() if urn not in new),
        tuple(
            ResourceChange(label(item), _replaced(new[item["urn"]], found), found) for item, found in compared if found
        ),
    )


def label(resource: Mapping[str, Any]) -> str:
    """A resource's type as `pulumi preview` shows it, and its name."""
    return f"{short_type(resource['type'])} {resource['urn'].rpartition('::')[2]}"


def made(deployment: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The resources of a deployment's file that are something in the account: all but components."""
    return [item for item in deployment["deployment"]["resources"] if item.get("custom")]


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[LeafChange, ...]:
    old, new = (leaves(told(item)) for item in (before, after))
    changed = (LeafChange(path, old[path], new[path]) for path in new if path in old and old[path] != new[path])
    added = (LeafChange(path, None, leaf) for path, leaf in _alone(new, old).items())
    removed = (LeafChange(path, leaf, None) for path, leaf in _alone(old, new).items())
    return (*changed, *added, *removed)


def _alone(one: Mapping[Path, Leaf], other: Mapping[Path, Leaf]) -> dict[Path, Leaf]:
    """The leaves that only one side has; a part of which the other side has nothing is one, not all that is in it."""
    parts = {path[:length] for path in other for length in range(1, len(path) + 1)}
    found: dict[Path, Leaf] = {}
    for path, leaf in one.items():
        if path not in other:
            part = next((path[:length] for length in range(1, len(path)) if path[:length] not in parts), path)
            found[part] = leaf if part == path else PART
    return found


def told(resource: Mapping[str, Any]) -> dict[str, Any]:
    """What the program says of a resource: its inputs, and its options as `(protect)`."""
    return {
        **without_defaults(resource.get("inputs", {})),
        **{f"({name})": resource[name] for name in _OPTIONS if resource.get(name)},
    }


def _replaced(resource: Mapping[str, Any], found: Iterable[LeafChange]) -> bool:
    kind = TYPES.get(resource["type"])
    fixed = kind.replaces if kind else frozenset()
    asked = [tuple(option.split(".")) for option in resource.get("replaceOnChanges", ())]
    return any(change.path[0] in fixed or any(_begins(change.path, path) for path in asked) for change in found)


def _begins(path: Path, with_path: tuple[str, ...]) -> bool:
    return tuple(part.lstrip(".") for part in path[: len(with_path)]) == with_path


def chunks(found: Changes) -> Iterator[str]:
    """Each resource that comes (+), goes (-) or changes (!), with its properties, as lines of a `diff` block."""
    yield from (f"+ {label}" for label in found.added)
    yield from _meant(found.added, _MADE)
    yield from (f"- {label}" for label in found.removed)
    yield from _meant(found.removed, _GONE)
    for change in found.changed:
        meaning = _REPLACED.get(change.label.partition(" ")[0]) if change.replaced else None
        lines = [meaning] if meaning else []
        lines += [_leaf(leaf) for leaf in change.leaves]
        head = f"! {change.label}{' is replaced' if change.replaced else ''}"
        yield "\n".join([head, *(f"!     {line}" for line in lines)])


def _meant(labels: Iterable[str], by_kind: Mapping[str, str]) -> Iterator[str]:
    kinds = dict.fromkeys(label.partition(" ")[0] for label in labels)
    yield from (f"      {kind}: {by_kind[kind]}" for kind in kinds if kind in by_kind)


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
