"""Users of a deployment with every identity policy that is theirs, by themselves or by a group."""

from collections.abc import Iterator, Mapping, Sequence

from toolgate.access.deployment.policy_attachments import Attachments
from toolgate.access.deployment.stack_export import Resource
from toolgate.access.iam.identities import Identity
from toolgate.access.iam.policies import Policy
from toolgate.policy.language.agentcore_facts import GROUPS_OF_USER, MEMBERS_OF_GROUP, USER


class User(Identity):
    """An IAM user."""


Groups = Mapping[str, Sequence[str]]
"""The groups of each user, by their names."""


def read_users(resources: Sequence[Resource], attachments: Attachments) -> tuple[User, ...]:
    """All users among the resources.

    Raises:
        DeploymentError: A user, a membership or a policy cannot be read.
    """
    groups = read_groups(resources)
    return tuple(_user(r, attachments, groups) for r in resources if r.type == USER)


def read_groups(resources: Sequence[Resource]) -> Groups:
    """Which groups the deployment puts which users into.

    Raises:
        DeploymentError: A membership cannot be read.
    """
    groups: dict[str, list[str]] = {}
    for resource in resources:
        for user, group in _memberships(resource):
            groups.setdefault(user, []).append(group)
    return groups


def policies_of(name: str, attachments: Attachments, groups: Groups) -> tuple[list[Policy], list[str]]:
    """A user's policies, and the ARNs of those whose documents the deployment does not hold."""
    policies, unread = attachments.of(("user", name))
    for group in dict.fromkeys(groups.get(name, ())):
        more, missing = attachments.of(("group", group))
        policies += more
        unread += missing
    return policies, unread


def _memberships(resource: Resource) -> Iterator[tuple[str, str]]:
    if resource.type == MEMBERS_OF_GROUP:
        for user in resource.texts("users", resource.get("users")):
            yield user, resource.text("group")
    if resource.type == GROUPS_OF_USER:
        for group in resource.texts("groups", resource.get("groups")):
            yield resource.text("user"), group
    if resource.type == USER and resource.get("groups") is not None:  # of CloudFormation's only
        for group in resource.texts("groups", resource.get("groups")):
            yield resource.text("name"), group


def _user(resource: Resource, attachments: Attachments, groups: Groups) -> User:
    name = resource.text("name")
    policies, unread = policies_of(name, attachments, groups)
    boundary = resource.optional_text("permissionsBoundary")
    known = attachments.managed.get(boundary) if boundary else None
    return User(
        arn=resource.text("arn"),
        name=name,
        policies=tuple(policies),
        boundary=known,
        unknown_boundary=None if known else boundary,
        unread=tuple(unread),
    )
