"""Roles of a deployment with every identity policy that is theirs, however the program attached it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from access.export import Resource
from access.policies import Policy, read_document, read_policy

ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
POLICY = "aws:iam/policy:Policy"
ROLE_ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
ATTACHMENT = "aws:iam/policyAttachment:PolicyAttachment"


@dataclass(frozen=True)
class Role:
    """An IAM role.

    Attributes:
        arn: The role's ARN, `arn:aws:iam::<account>:role/<path><name>`.
        name: Its name, without a path.
        trust: Who may assume it.
        policies: Identity policies, inline and attached.
        boundary: The permissions boundary, if one is set and its document is known.
        unread: ARNs of policies that are attached to the role but whose documents the deployment does not hold.
    """

    arn: str
    name: str
    trust: Mapping[str, Any]
    policies: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    unread: tuple[str, ...] = ()

    @property
    def account(self) -> str:
        """The account's 12 digits."""
        return self.arn.split(":")[4]

    def session_arn(self, session: str) -> str:
        """The ARN of somebody who has assumed the role; it has no path (IAM user guide, identifiers)."""
        partition = self.arn.split(":")[1]
        return f"arn:{partition}:sts::{self.account}:assumed-role/{self.name}/{session}"


def read_roles(resources: Sequence[Resource]) -> tuple[Role, ...]:
    """All roles among the resources.

    Raises:
        DeploymentError: A role or a policy of one cannot be read.
    """
    managed = {r.text("arn"): read_policy(r, r.name, r.get("policy")) for r in resources if r.type == POLICY}
    attached: dict[str, list[str]] = {}
    inline: dict[str, dict[str, Policy]] = {}
    for resource in resources:
        if resource.type == ROLE_POLICY:
            policy = read_policy(resource, resource.name, resource.get("policy"))
            inline.setdefault(resource.text("role"), {})[resource.optional_text("name") or resource.name] = policy
        for role in _attached_to(resource):
            attached.setdefault(role, []).append(resource.text("policyArn"))
    return tuple(
        _role(r, inline.get(r.text("name"), {}), attached.get(r.text("name"), []), managed)
        for r in resources
        if r.type == ROLE
    )


def _attached_to(resource: Resource) -> Iterable[str]:
    if resource.type == ROLE_ATTACHMENT:
        return [resource.text("role")]
    if resource.type == ATTACHMENT:
        return resource.texts("roles", resource.get("roles"))
    return []


def _role(
    resource: Resource, inline: Mapping[str, Policy], attached: Iterable[str], managed: Mapping[str, Policy]
) -> Role:
    policies = [*inline.values(), *_inline_of_role(resource, list(inline))]
    arns = dict.fromkeys([*attached, *resource.texts("managedPolicyArns", resource.get("managedPolicyArns"))])
    policies += [managed[arn] for arn in arns if arn in managed]
    unread = [arn for arn in arns if arn not in managed]
    boundary = resource.optional_text("permissionsBoundary")
    if boundary and boundary not in managed:
        unread.append(boundary)
    return Role(
        arn=resource.text("arn"),
        name=resource.text("name"),
        trust=read_document(resource, "assumeRolePolicy", resource.get("assumeRolePolicy")),
        policies=tuple(policies),
        boundary=managed.get(boundary) if boundary else None,
        unread=tuple(unread),
    )


def _inline_of_role(resource: Resource, known: list[str]) -> Iterator[Policy]:
    # After a refresh the provider lists a role's separate RolePolicy resources here, too.
    entries = resource.get("inlinePolicies") or []
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        raise resource.wrong("inlinePolicies", entries, "a list of policies")
    for entry in entries:
        if entry.get("policy") and entry.get("name") not in known:
            name = f"{resource.name}/{entry.get('name') or 'inline'}"
            yield read_policy(resource, name, entry["policy"])
