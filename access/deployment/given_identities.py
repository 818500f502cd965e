"""Roles, users, groups and permission sets that others made, with what the deployment writes into them.

A program writes a policy into an identity by its name alone. Of one that it does not make, the other policies and the
permissions boundary are not known; of a group, who else is in it; of a permission set, who has it in which account.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from toolgate.access.deployment.policy_attachments import Attachments
from toolgate.access.deployment.stack_export import Resource
from toolgate.access.deployment.users import policies_of, read_groups
from toolgate.access.iam.identities import ANY_ACCOUNT, Identity, name_in, outsider
from toolgate.policy.language.agentcore_facts import FUNCTION, GATEWAY, GROUP, PERMISSION_SET, ROLE_USERS, RUNTIME
from toolgate.policy.language.arns import account_of, partition_of
from toolgate.policy.language.carriers import PERMISSION_SET_KIND

Place = Callable[[str, str], str]
"""Makes the ARN of a kind and a name."""


def read_given(
    resources: Sequence[Resource], held: Sequence[Identity], attachments: Attachments
) -> tuple[Identity, ...]:
    """All identities that the deployment writes into, or gives to an agent, without making them.

    Args:
        resources: The deployment.
        held: The roles and users that it makes.
        attachments: Its identity policies.

    Raises:
        DeploymentError: A name, an ARN or a membership cannot be read.
    """
    place = _place(resources, held)
    agents = tuple(_agents(resources, held, attachments))
    return (
        *agents,
        *_roles(resources, (*held, *agents), attachments, place),
        *_users(resources, held, attachments, place),
        *_groups(resources, attachments, place),
        *_permission_sets(resources, attachments),
    )


def _place(resources: Sequence[Resource], held: Sequence[Identity]) -> Place:
    """Where identities are of whom the deployment says a name only: in its gateways' account, or else in its own."""
    gateways = [it.text("gatewayArn") for it in resources if it.type == GATEWAY]
    homes = {(partition_of(arn), account_of(arn)) for arn in gateways or [it.arn for it in held] if account_of(arn)}
    partition, account = homes.pop() if len(homes) == 1 else ("aws", ANY_ACCOUNT)
    return lambda kind, name: f"arn:{partition}:iam::{account}:{kind}/{name}"


def _agents(resources: Sequence[Resource], held: Sequence[Identity], attachments: Attachments) -> Iterator[Identity]:
    known = {it.arn for it in held}
    # A service takes roles of its own account only (IAM user guide, "Grant a user permissions to pass a role").
    runtimes = (it for it in resources if it.type == RUNTIME)
    accounts = {it.text("roleArn"): account_of(it.text("agentRuntimeArn")) for it in runtimes}
    for arn, account in accounts.items():
        if arn not in known:
            yield outsider(arn, *attachments.of(("role", name_in(arn))), account)


def _roles(
    resources: Sequence[Resource], known: Sequence[Identity], attachments: Attachments, place: Place
) -> Iterator[Identity]:
    users = {**ROLE_USERS, FUNCTION: "role"}
    named = [it.optional_text(users[it.type]) for it in resources if it.type in users]
    arns = {name_in(arn): arn for arn in named if arn}
    for name in _others("role", known, attachments.holders("role")):
        yield outsider(arns.get(name) or place("role", name), *attachments.of(("role", name)))


def _users(
    resources: Sequence[Resource], held: Sequence[Identity], attachments: Attachments, place: Place
) -> Iterator[Identity]:
    groups = read_groups(resources)
    for name in _others("user", held, (*attachments.holders("user"), *groups)):
        policies, unread = policies_of(name, attachments, groups)
        if policies or unread:
            yield outsider(place("user", name), policies, unread)


def _groups(resources: Sequence[Resource], attachments: Attachments, place: Place) -> Iterator[Identity]:
    groups = {it.text("name"): it for it in resources if it.type == GROUP}
    arns = {name: it.optional_text("arn") for name, it in groups.items()}
    # A scan of an account says who all of them are.
    whole = {name for name, it in groups.items() if it.get("members") is not None}
    for name in (it for it in attachments.holders("group") if it not in whole):
        yield _members(arns.get(name) or place("group", name), attachments, ("group", name), "its other members")


def _permission_sets(resources: Sequence[Resource], attachments: Attachments) -> Iterator[Identity]:
    names = {it.text("arn"): it.text("name") for it in resources if it.type == PERMISSION_SET}
    for arn in attachments.holders(PERMISSION_SET_KIND):
        called = f"{PERMISSION_SET_KIND}/{names.get(arn) or name_in(arn)}"
        yield _members(called, attachments, (PERMISSION_SET_KIND, arn), "who has it, and in which account")


def _members(arn: str, attachments: Attachments, whose: tuple[str, str], beyond: str) -> Identity:
    policies, unread = attachments.of(whose)
    return Identity(
        arn=arn,
        name=name_in(arn),
        policies=tuple(policies),
        unread=tuple(unread),
        beyond=beyond,
        many=True,
        used_in=account_of(arn) or ANY_ACCOUNT,
    )


def _others(kind: str, known: Sequence[Identity], names: Iterable[str]) -> Iterator[str]:
    taken = {it.name for it in known if f":{kind}/" in it.arn}
    return (name for name in dict.fromkeys(names) if name not in taken)
