"""A component's IAM role and the policies written into it, and what removal protection leaves alone."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from toolgate.components.iam.iam_documents import Document


class RoleArgs(TypedDict):
    """What every component's role takes of its arguments."""

    permissions_boundary: NotRequired[pulumi.Input[str]]
    """ARN of a managed policy."""
    tags: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """Its tags."""


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
    component: pulumi.ComponentResource, name: str, role: aws.iam.Role, documents: Mapping[str, Document]
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
