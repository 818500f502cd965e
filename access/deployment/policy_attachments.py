"""Which identity policies belong to which role, user, group or permission set, however the program attached them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from toolgate.access.deployment.stack_export import Resource
from toolgate.access.iam.policies import Policy, read_policy
from toolgate.policy.language.agentcore_facts import MANAGED_POLICY, PERMISSION_SET
from toolgate.policy.language.carriers import BY_NAME, CARRIERS, IDENTITIES, Carrier

READ = frozenset(CARRIERS) | BY_NAME
"""Types whose policies are read."""
PERMISSION_SET_KIND = IDENTITIES[PERMISSION_SET]

Named = tuple[str, str]
"""Whom a policy belongs to: the kind of identity, as `carriers` calls it, and its name; of a permission set its ARN."""


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

    def of(self, whose: Named) -> tuple[list[Policy], list[str]]:
        """An identity's policies, and the ARNs of those whose documents the deployment does not hold."""
        listed = dict.fromkeys(self.attached.get(whose, ()))
        known = [self.managed[arn] for arn in listed if arn in self.managed]
        return [*self.inline.get(whose, {}).values(), *known], [arn for arn in listed if arn not in self.managed]

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
    managed = {
        arn: read_policy(it, it.name, it.get("policy"))
        for it in resources
        if it.type == MANAGED_POLICY and (arn := it.optional_text("arn"))
    }
    # After a refresh the provider lists inline policies that are resources of their own with the identity, too: those
    # are read last, and by their names take the place of the others.
    for resource in sorted(resources, key=lambda it: it.type not in IDENTITIES):
        if resource.type not in READ:
            continue
        carrier = CARRIERS.get(resource.type, _BY_NAME)
        policies, arns = _inline(resource, carrier), (*_attached(resource, carrier), *_by_name(resource, managed))
        for whose in _holders(resource, carrier) if policies or arns else ():
            inline.setdefault(whose, {}).update(policies)
            attached.setdefault(whose, []).extend(arns)
    return Attachments(managed, inline, attached)


def _holders(resource: Resource, carrier: Carrier) -> Iterator[Named]:
    if kind := IDENTITIES.get(resource.type):
        yield kind, resource.text("arn" if resource.type == PERMISSION_SET else "name")
    for kind, prop in carrier.holders.items():
        yield from ((kind, name) for name in _names(resource, prop, optional=len(carrier.holders) > 1))


def _inline(resource: Resource, carrier: Carrier) -> Mapping[str, Policy]:
    if carrier.document[:1] == ("inlinePolicies",):
        return _inline_of(resource)
    if not carrier.document or (resource.type == MANAGED_POLICY and resource.get("arn") is not None):
        return {}
    if resource.type == PERMISSION_SET and not resource.get(carrier.document[0]):
        return {}
    policy = read_policy(resource, resource.name, resource.get(carrier.document[0]))
    return {resource.optional_text("name") or resource.name: policy}


def _attached(resource: Resource, carrier: Carrier) -> Sequence[str]:
    """ARNs; of a managed policy its own, for those whom it names itself."""
    path = ("arn",) if resource.type == MANAGED_POLICY else carrier.attached
    optional = resource.type in (*IDENTITIES, MANAGED_POLICY)
    return [arn for prop in path for arn in _names(resource, prop, optional=optional)]


def _names(resource: Resource, prop: str, *, optional: bool) -> Sequence[str]:
    value = resource.get(prop)
    if isinstance(value, str) or (value is None and not optional):
        return (resource.text(prop),)
    return resource.texts(prop, value)


def _inline_of(resource: Resource) -> Mapping[str, Policy]:
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


_BY_NAME = Carrier(holders={PERMISSION_SET_KIND: "permissionSetArn"})


def _by_name(resource: Resource, managed: Mapping[str, Policy]) -> Iterator[str]:
    """What a permission set is given by name, in each account that has one: the policy that is made here, if any is."""
    single = resource.get("customerManagedPolicyReference")
    for reference in [single] if single else resource.get("customerManagedPolicyReferences") or ():
        written = f"policy{reference.get('path') or '/'}{reference.get('name')}"
        yield next((known for known in managed if known.endswith(f":{written}")), written)
