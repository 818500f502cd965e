"""How the table of the deployer's actions says what is allowed, on what, and for which resources."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from toolgate.access.deployment.stack_export import Resource

ANYTHING = "*"
"""For actions that take no resource; such a statement holds in the stack's Region only."""
WITHOUT_RESOURCE = "ActionsWithoutResource"
"""The statement of those actions: its name is the reason for its `*`."""

type Owners = Callable[[Resource, Sequence[Resource]], Sequence[Resource | str]]
"""Whose ARNs an action is authorized on, given the resource and the deployment's resources; a text is such an ARN."""


def itself(resource: Resource, _resources: Sequence[Resource]) -> list[Resource]:
    """The resource has an ARN of its own."""
    return [resource]


def owner(kind: str, key: str, by: str) -> Callable[[Resource, Sequence[Resource]], list[Resource]]:
    """The resource of type `kind` whose property `key` is what the resource's own property `by` says."""

    def owners(resource: Resource, resources: Sequence[Resource]) -> list[Resource]:
        return [it for it in resources if it.type == kind and it.get(key) == resource.get(by)]

    return owners


def named(*path: str) -> Owners:
    """What is named by its ARN at `path` in the resource's properties: the deployment's own, or somebody else's."""

    def owners(resource: Resource, resources: Sequence[Resource]) -> Sequence[Resource | str]:
        wanted = _at(resource, *path)
        if not isinstance(wanted, str):
            return []
        own = [it for it in resources if it.get("arn") == wanted]
        return own or ([wanted] if wanted.startswith("arn:") else [])

    return owners


def always(_resource: Resource) -> bool:
    """Every resource of the type needs it."""
    return True


def given(*path: str) -> Callable[[Resource], bool]:
    """Whether the resource has something at `path`. A provider answers an empty text or 0 where nothing was given."""
    return lambda resource: bool(_at(resource, *path))


def lacking(*path: str) -> Callable[[Resource], bool]:
    """Whether the resource has nothing at `path`: what was there before is then taken off."""
    return lambda resource: not _at(resource, *path)


def having(name: str, value: str) -> Callable[[Resource], bool]:
    """Whether the resource's property `name` has this value."""
    return lambda resource: resource.get(name) == value


def _at(resource: Resource, name: str, *path: str) -> Any:
    value: Any = resource.get(name)
    for step in path:
        value = value[0] if isinstance(value, list) and value else value
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


@dataclass(frozen=True)
class Grant:
    """Actions that are allowed together.

    Attributes:
        sid: The statement's name. Grants with the same ARNs end up in one statement, under the name of the first.
        actions: IAM actions.
        on: ARNs, or `ANYTHING`. `{arn}` is the owner's ARN, `{place}` the ARN up to the account, `{partition}` and
            `{account}` parts of it, `{name}` its resource's name without the characters that AWS puts to it.
        of: Whose ARNs.
        condition: What must hold besides, with `{region}` for the owner's Region, `{stack}` for its stack's tag.
        when: Whether the resource needs it.
        unmade: Whether only a resource needs it that is still to be made.
        bounded: Whether IAM can tell which permissions boundary the role has: then it must be the one it was given.
    """

    sid: str
    actions: tuple[str, ...]
    on: tuple[str, ...] = ("{arn}",)
    of: Owners = itself
    condition: Mapping[str, Mapping[str, str]] | None = None
    when: Callable[[Resource], bool] = always
    unmade: bool = False
    bounded: bool = False
