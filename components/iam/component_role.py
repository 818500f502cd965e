"""A component's IAM role and the policies written into it, and what removal protection leaves alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NotRequired, TypedDict
from weakref import WeakKeyDictionary

import pulumi
import pulumi_aws as aws
from pulumi.runtime import settings

from toolgate.components.checks import arguments, identifiers
from toolgate.components.checks.arguments import UsageError
from toolgate.components.iam.iam_documents import Document


class RoleArgs(TypedDict):
    """What every component's role takes of its arguments."""

    role_arn: NotRequired[pulumi.Input[str]]
    """ARN of a role that is there already."""
    permissions_boundary: NotRequired[pulumi.Input[str]]
    """ARN of a managed policy."""
    tags: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """Its tags."""


@dataclass(frozen=True)
class Role:
    """A component's role, its own or a given one.

    Attributes:
        name: Its name, without a path.
        arn: Its ARN.
        given: Whether it is somebody else's.
    """

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    given: bool


def check(args: RoleArgs, where: str) -> None:
    """Check what is said about the role before anything is made.

    Raises:
        UsageError: AWS would refuse an ARN, or a role that is not made here is to have a boundary.
    """
    identifiers.check(identifiers.ROLE, args.get("role_arn"), f"{where}.role_arn")
    identifiers.check(identifiers.MANAGED_POLICY, args.get("permissions_boundary"), f"{where}.permissions_boundary")
    if "role_arn" in args and "permissions_boundary" in args:
        raise UsageError(
            f"{where}: an existing role has its own boundary, or none. Remove 'permissions_boundary', or 'role_arn'."
        )


# By the engine that is asked, which is another one in each run of a program: whose a given role is.
_users: WeakKeyDictionary[object, dict[str, str]] = WeakKeyDictionary()


def check_only_user(args: RoleArgs, where: str) -> None:
    """Check that a given role is no other agent's or gateway's; one that comes as an Output as soon as it is known.

    Args:
        args: The component's arguments, checked.
        where: The component, for messages.

    Raises:
        UsageError: Another component of the program has it: each could do what the other was handed.
    """

    def claim(arn: str) -> str:
        user = _users.setdefault(settings.get_monitor(), {}).setdefault(arn, where)
        if user != where:
            raise UsageError(f"{where}.role_arn: {arn} is the role of {user} as well. Give each one that no other has.")
        return arn

    if "role_arn" in args:
        arguments.derived(args["role_arn"], str, f"{where}.role_arn", claim)


def made_or_given(component: pulumi.ComponentResource, name: str, trust: Document, args: RoleArgs) -> Role:
    """The role that the arguments name, or one of the component's own.

    Whom a given role trusts, and what else it may do, is its owner's affair; what the component's needs are is written
    into it as into its own.

    Args:
        component: The component.
        name: The component's name.
        trust: Who may assume a role of its own.
        args: The component's arguments.
    """
    if "role_arn" not in args:
        own = make(component, name, trust, args)
        return Role(own.name, own.arn, given=False)
    arn = pulumi.Output.from_input(args["role_arn"]).apply(str)
    return Role(name_in(arn), arn, given=True)


def name_in(arn: pulumi.Output[str]) -> pulumi.Output[str]:
    """The name of the role with this ARN, without its path."""
    return arn.apply(lambda known: known.rpartition("/")[2])


def replaceable(component: pulumi.ComponentResource) -> pulumi.ResourceOptions:
    """Options of a child that says who may do what, or is made of this repository: never protected.

    A component that is given `protect=True` hands it to its children: what has an identity or keeps data cannot be
    deleted then. What updates make anew or take away every day must not be stopped by it.
    """
    return pulumi.ResourceOptions(parent=component, protect=False)


def make(component: pulumi.ComponentResource, name: str, trust: Document, args: RoleArgs) -> aws.iam.Role:
    """The component's role.

    Args:
        component: Its parent.
        name: The component's name.
        trust: Who may assume it.
        args: The component's arguments.
    """
    return aws.iam.Role(
        f"{name}-role",
        assume_role_policy=pulumi.Output.json_dumps(trust),
        permissions_boundary=args.get("permissions_boundary"),
        tags=args.get("tags"),
        opts=pulumi.ResourceOptions(parent=component),
    )


def write(
    component: pulumi.ComponentResource, name: str, role: aws.iam.Role | Role, documents: Mapping[str, Document]
) -> list[aws.iam.RolePolicy]:
    """The role's inline policies; each is named for the component and its key."""
    return [
        aws.iam.RolePolicy(
            f"{name}-{suffix}",
            role=role.name,
            policy=pulumi.Output.json_dumps(document),
            opts=replaceable(component),
        )
        for suffix, document in documents.items()
    ]
