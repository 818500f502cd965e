"""Which identity policies belong to which role, user, group or permission set, however the program attached them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from toolgate.access.deployment.stack_export import Resource
from toolgate.access.iam.policies import Policy, read_policy
from toolgate.policy.language.agentcore_facts import (
    GROUP_ATTACHMENT,
    GROUP_POLICY,
    MANAGED_POLICY,
    POLICY_ATTACHMENT,
    ROLE_ATTACHMENT,
    ROLE_POLICY,
    USER_ATTACHMENT,
    USER_POLICY,
)

PERMISSION_SET_KIND = "permission-set"

INLINE = {
    ROLE_POLICY: ("role", "role", "policy"),
    USER_POLICY: ("user", "user", "policy"),
    GROUP_POLICY: ("group", "group", "policy"),
    "aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy": (
        PERMISSION_SET_KIND,
        "permissionSetArn",
        "inlinePolicy",
    ),
}
"""Resource types that write one policy into an identity: its kind, and the properties with name and document."""

ATTACHED = {
    ROLE_ATTACHMENT: ("role", "role", "policyArn"),
    USER_ATTACHMENT: ("user", "user", "policyArn"),
    GROUP_ATTACHMENT: ("group", "group", "policyArn"),
    "aws:ssoadmin/managedPolicyAttachment:ManagedPolicyAttachment": (
        PERMISSION_SET_KIND,
        "permissionSetArn",
        "managedPolicyArn",
    ),
}
"""Resource types that attach a managed policy to an identity: its kind, and the properties with name and ARN."""

CUSTOMER_MANAGED = "aws:ssoadmin/customerManagedPolicyAttachment:CustomerManagedPolicyAttachment"
"""Attaches to a permission set the policy that each account has under a name."""

Named = tuple[str, str]
"""Whom a policy belongs to: `role`, `user` or `group` and its name, or `permission-set` and its ARN."""


@dataclass(frozen=True)
class Attachments:
    """Identity policies of a deployment.

    Attributes:
        managed: Managed policies by ARN.
        inline: Inline policies that are resources of their own, by their names in AWS.
        attached: ARNs of attached managed policies.
    """

    managed: Mapping[str, Policy]
    inline: Mapping[Named, Mapping[str, Policy]]
    attached: Mapping[Named, Sequence[str]]

    def of(self, whose: Named, own: Mapping[str, Policy], arns: Iterable[str]) -> tuple[list[Policy], list[str]]:
        """An identity's policies, and the ARNs of those whose documents the deployment does not hold.

        Args:
            whose: The identity.
            own: Inline policies that its own resource lists, by name.
            arns: Managed policies that its own resource lists.
        """
        # After a refresh the provider lists inline policies that are resources of their own with the identity, too.
        inline = {**own, **self.inline.get(whose, {})}
        listed = dict.fromkeys([*self.attached.get(whose, ()), *arns])
        known = [self.managed[arn] for arn in listed if arn in self.managed]
        return [*inline.values(), *known], [arn for arn in listed if arn not in self.managed]

    def holders(self, kind: str) -> tuple[str, ...]:
        """The names of all identities of a kind that some policy belongs to."""
        return tuple(dict.fromkeys(name for of, name in (*self.inline, *self.attached) if of == kind))


def read_attachments(resources: Sequence[Resource]) -> Attachments:
    """All identity policies among the resources.

    Raises:
        DeploymentError: A policy cannot be read.
    """
    inline: dict[Named, dict[str, Policy]] = {}
    attached: dict[Named, list[str]] = {}
    managed = {r.text("arn"): read_policy(r, r.name, r.get("policy")) for r in resources if r.type == MANAGED_POLICY}
    for resource in resources:
        if resource.type in INLINE:
            kind, whose, document = INLINE[resource.type]
            policy = read_policy(resource, resource.name, resource.get(document))
            name = resource.optional_text("name") or resource.name
            inline.setdefault((kind, resource.text(whose)), {})[name] = policy
        for named, arn in _attached(resource, managed):
            attached.setdefault(named, []).append(arn)
    return Attachments(managed, inline, attached)


def inline_of(resource: Resource) -> Mapping[str, Policy]:
    """The inline policies that an identity's own resource lists in `inlinePolicies`, by name.

    Raises:
        DeploymentError: The property is something else, or a policy cannot be read.
    """
    entries: Any = resource.get("inlinePolicies") or []
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        raise resource.wrong("inlinePolicies", entries, "a list of policies")
    names = [str(entry.get("name") or "inline") for entry in entries]
    return {
        name: read_policy(resource, f"{resource.name}/{name}", entry["policy"])
        for name, entry in zip(names, entries, strict=True)
        if entry.get("policy")
    }


def _attached(resource: Resource, managed: Mapping[str, Policy]) -> Iterator[tuple[Named, str]]:
    if resource.type in ATTACHED:
        kind, whose, arn = ATTACHED[resource.type]
        yield (kind, resource.text(whose)), resource.text(arn)
    if resource.type == POLICY_ATTACHMENT:
        for kind in ("role", "user", "group"):
            listed = f"{kind}s"
            for name in resource.texts(listed, resource.get(listed)):
                yield (kind, name), resource.text("policyArn")
    if resource.type == CUSTOMER_MANAGED:
        reference = resource.mapping("customerManagedPolicyReference")
        written = f"policy{reference.get('path') or '/'}{reference.get('name')}"
        # The account's own policy of that name; without one in the deployment, its document is not known.
        arn = next((known for known in managed if known.endswith(f":{written}")), written)
        yield (PERMISSION_SET_KIND, resource.text("permissionSetArn")), arn
