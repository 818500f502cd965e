"""Which identity policies belong to which role, user or group, however the program attached them."""

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

INLINE = {
    ROLE_POLICY: "role",
    USER_POLICY: "user",
    GROUP_POLICY: "group",
}
"""Resource types that write one policy into an identity, and the property that names the identity."""

ATTACHED = {
    ROLE_ATTACHMENT: "role",
    USER_ATTACHMENT: "user",
    GROUP_ATTACHMENT: "group",
}
"""Resource types that attach a managed policy to an identity, and the property that names the identity."""

Named = tuple[str, str]
"""Whom a policy belongs to: `role`, `user` or `group`, and its name."""


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


def read_attachments(resources: Sequence[Resource]) -> Attachments:
    """All identity policies among the resources.

    Raises:
        DeploymentError: A policy cannot be read.
    """
    inline: dict[Named, dict[str, Policy]] = {}
    attached: dict[Named, list[str]] = {}
    for resource in resources:
        if resource.type in INLINE:
            kind = INLINE[resource.type]
            policy = read_policy(resource, resource.name, resource.get("policy"))
            name = resource.optional_text("name") or resource.name
            inline.setdefault((kind, resource.text(kind)), {})[name] = policy
        for whose in _attached_to(resource):
            attached.setdefault(whose, []).append(resource.text("policyArn"))
    managed = {r.text("arn"): read_policy(r, r.name, r.get("policy")) for r in resources if r.type == MANAGED_POLICY}
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


def _attached_to(resource: Resource) -> Iterator[Named]:
    if resource.type in ATTACHED:
        kind = ATTACHED[resource.type]
        yield kind, resource.text(kind)
    if resource.type == POLICY_ATTACHMENT:
        for kind in ("role", "user", "group"):
            listed = f"{kind}s"
            yield from ((kind, name) for name in resource.texts(listed, resource.get(listed)))
