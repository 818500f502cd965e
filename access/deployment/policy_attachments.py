"""Which identity policies belong to which role, user, group or permission set, however the program attached them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from toolgate.access.deployment.not_read import IDENTITY_POLICIES, read_not_read
from toolgate.access.deployment.stack_export import Resource
from toolgate.access.iam.policies import Policy, read_policy
from toolgate.policy.language.agentcore_facts import MANAGED_POLICY, PERMISSION_SET
from toolgate.policy.language.carriers import CARRIERS, IDENTITIES, Carrier

Named = tuple[str, str]
"""Whom a policy belongs to: the kind of identity, as `carriers` calls it, and its name; of a permission set its ARN."""


@dataclass(frozen=True)
class Attachments:
    """Identity policies of a deployment.

    Attributes:
        managed: Managed policies by ARN.
        inline: Inline policies that are resources of their own, by their names in AWS.
        attached: ARNs of attached managed policies.
        unread: What a scan could not read.
    """

    managed: Mapping[str, Policy]
    inline: Mapping[Named, Mapping[str, Policy]]
    attached: Mapping[Named, Sequence[str]]
    unread: Mapping[Named, Sequence[str]]

    def of(self, whose: Named) -> tuple[list[Policy], list[str]]:
        """An identity's policies, and the ARNs or names of those whose documents the deployment does not hold."""
        listed = dict.fromkeys(self.attached.get(whose, ()))
        known = [self.managed[arn] for arn in listed if arn in self.managed]
        missing = [arn for arn in listed if arn not in self.managed]
        return [*self.inline.get(whose, {}).values(), *known], [*missing, *self.unread.get(whose, ())]

    def holders(self, kind: str) -> tuple[str, ...]:
        """The names of all identities of a kind that some policy belongs to."""
        return tuple(dict.fromkeys(name for of, name in (*self.inline, *self.attached) if of == kind))


def read_attachments(resources: Sequence[Resource]) -> Attachments:
    """All identity policies among the resources.

    Raises:
        DeploymentError: A policy cannot be read.
    """
    managed = {
        arn: read_policy(it, it.name, it.get("policy"))
        for it in resources
        if it.type == MANAGED_POLICY and (arn := it.optional_text("arn"))
    }
    inline: dict[Named, dict[str, Policy]] = {}
    attached: dict[Named, list[str]] = {}
    # After a refresh the provider lists inline policies that are resources of their own with the identity, too: those
    # are read last, and by their names take the place of the others.
    for resource in sorted(resources, key=lambda it: it.type not in IDENTITIES):
        carrier = CARRIERS.get(resource.type, _NONE)
        policies = _inline(resource, carrier)
        arns = [*_attached(resource, carrier), *_by_name(resource, carrier, managed)]
        for whose in _holders(resource, carrier) if policies or arns else ():
            if policies:
                inline.setdefault(whose, {}).update(policies)
            attached.setdefault(whose, []).extend(arns)
    return Attachments(managed, inline, attached, _unread(resources))


def _unread(resources: Sequence[Resource]) -> Mapping[Named, Sequence[str]]:
    unread: dict[Named, list[str]] = {}
    for it in read_not_read(resources):
        if it.about and it.part == IDENTITY_POLICIES:
            kind, _, name = it.about.rpartition(":")[2].partition("/")
            unread.setdefault((kind, name.rpartition("/")[2]), []).append(it.what)
    return unread


_NONE = Carrier()


def _holders(resource: Resource, carrier: Carrier) -> Iterator[Named]:
    if kind := IDENTITIES.get(resource.type):
        yield kind, resource.text("arn" if resource.type == PERMISSION_SET else "name")
    for kind, prop in carrier.holders.items():
        yield from ((kind, name) for name in _names(resource, prop, optional=len(carrier.holders) > 1))


def _inline(resource: Resource, carrier: Carrier) -> Mapping[str, Policy]:
    *block, last = carrier.document or ("",)
    written = resource.get(block[0] if block else last)
    if block:
        return _listed(resource, block[0], written or [])
    optional = resource.type in IDENTITIES
    # One with an ARN is attached by it.
    if not last or (optional and not written) or (resource.type == MANAGED_POLICY and resource.get("arn") is not None):
        return {}
    return {resource.optional_text("name") or resource.name: read_policy(resource, resource.name, written)}


def _attached(resource: Resource, carrier: Carrier) -> Iterator[str]:
    """ARNs; of a managed policy its own, for those whom it names itself."""
    path = ("arn",) if resource.type == MANAGED_POLICY else carrier.attached
    optional = resource.type in (*IDENTITIES, MANAGED_POLICY)
    for prop in path:
        yield from _names(resource, prop, optional=optional)


def _by_name(resource: Resource, carrier: Carrier, managed: Mapping[str, Policy]) -> Iterator[str]:
    """ARNs of the deployment's own policies of that name and path, or else what of an ARN is known."""
    given = resource.get(carrier.named) if carrier.named else None
    listed = [] if given is None else given if isinstance(given, list) else [given]
    for reference in listed:
        if not isinstance(reference, Mapping):
            raise resource.wrong(carrier.named, reference, "the name and path of a policy")
        written = f"policy{reference.get('path') or '/'}{reference.get('name')}"
        yield next((arn for arn in managed if arn.endswith(f":{written}")), written)


def _names(resource: Resource, prop: str, *, optional: bool) -> Sequence[str]:
    value = resource.get(prop)
    if isinstance(value, str) or (value is None and not optional):
        return (resource.text(prop),)
    return resource.texts(prop, value)


def _listed(resource: Resource, prop: str, entries: Any) -> Mapping[str, Policy]:
    """The inline policies that an identity's own resource lists, by name.

    Raises:
        DeploymentError: The property is something else, or a policy cannot be read.
    """
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        raise resource.wrong(prop, entries, "a list of policies")
    names = [str(entry.get("name") or "inline") for entry in entries]
    return {
        name: read_policy(resource, f"{resource.name}/{name}", entry["policy"])
        for name, entry in zip(names, entries, strict=True)
        if entry.get("policy")
    }
