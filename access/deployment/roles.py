"""Roles of a deployment with every identity policy that is theirs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from toolgate.access.deployment.policy_attachments import Attachments
from toolgate.access.deployment.stack_export import Resource
from toolgate.access.iam.identities import Identity
from toolgate.access.iam.policies import Policy, read_document
from toolgate.policy.language.agentcore_facts import ROLE


@dataclass(frozen=True, kw_only=True)
class Role(Identity):
    """An IAM role; `trust` says who may assume it."""

    trust: Mapping[str, Any]

    @cached_property
    def trust_policy(self) -> Policy:
        """The trust policy, as the policy of a resource."""
        return Policy(self.name, self.trust)

    def session_arn(self, session: str) -> str:
        """The ARN of somebody who has assumed the role; it has no path (IAM user guide, identifiers)."""
        partition = self.arn.split(":")[1]
        return f"arn:{partition}:sts::{self.account}:assumed-role/{self.name}/{session}"


def read_roles(resources: Sequence[Resource], attachments: Attachments) -> tuple[Role, ...]:
    """All roles among the resources.

    A role that two resources stand for, such as one that is made here and looked up there, has what either says.

    Raises:
        DeploymentError: A role or a policy of one cannot be read.
    """
    roles = [_role(resource, attachments) for resource in resources if resource.type == ROLE]
    same: dict[str, list[Role]] = {}
    for role in roles:
        same.setdefault(role.arn, []).append(role)
    return tuple(role if len(same[role.arn]) == 1 else _together(role, same[role.arn]) for role in roles)


def _together(role: Role, same: Sequence[Role]) -> Role:
    policies = {(policy.name, json.dumps(policy.document)): policy for other in same for policy in other.policies}
    unread = dict.fromkeys(arn for other in same for arn in other.unread)
    return replace(
        role,
        policies=tuple(policies.values()),
        unread=tuple(unread),
        boundary=next((other.boundary for other in same if other.boundary), None),
        unknown_boundary=next((other.unknown_boundary for other in same if other.unknown_boundary), None),
    )


def _role(resource: Resource, attachments: Attachments) -> Role:
    name = resource.text("name")
    policies, unread = attachments.of(("role", name))
    boundary = resource.optional_text("permissionsBoundary")
    known = attachments.managed.get(boundary) if boundary else None
    return Role(
        arn=resource.text("arn"),
        name=name,
        trust=read_document(resource, "assumeRolePolicy", resource.get("assumeRolePolicy")),
        policies=tuple(policies),
        boundary=known,
        unknown_boundary=None if known else boundary,
        unread=tuple(unread),
    )
