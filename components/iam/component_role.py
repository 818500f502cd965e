"""A component's IAM role and the policies written into it."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from toolgate.components.iam import protection
from toolgate.components.iam.iam_documents import Document


class RoleArgs(TypedDict):
    """What every component's role takes of its arguments."""

    permissions_boundary: NotRequired[pulumi.Input[str]]
    """ARN of a managed policy."""
    tags: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """Its tags."""


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
            opts=protection.replaceable(component),
        )
        for suffix, document in documents.items()
    ]
