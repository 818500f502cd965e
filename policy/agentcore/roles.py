"""The identity policies of the roles that AgentCore may take, in a resource check and in a stack check.

A resource check sees one resource at a time, so `Registrations` remembers the roles and customer managed policies of a
run: a role is always registered before what refers to it, and so a policy can be judged before it is created. The stack
check sees the graph, and finds what the memory could not: a role whose name a preview does not know.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field

from toolgate.policy import policy_sources, properties
from toolgate.policy.agentcore import managed_policies
from toolgate.policy.language import documents, trust
from toolgate.policy.language.agentcore_facts import MANAGED_POLICY, ROLE, ROLE_USERS
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.policy_sources import FOR_ROLES, SourcedDocument
from toolgate.policy.properties import at
from toolgate.policy.rule import Resource
from toolgate.policy.stack import Stack

type _Key = tuple[str, str]


@dataclass(frozen=True)
class Registrations:
    """What the registrations of one run have told so far; made anew for each run."""

    _trusting: dict[_Key, bool] = field(default_factory=dict)
    _policies: dict[_Key, Resource] = field(default_factory=dict)

    def documents(self, resource: Resource) -> Iterator[SourcedDocument]:
        """The documents this resource gives to a role that AgentCore may take, as far as registrations so far tell."""
        name = properties.at(resource.props, "name")
        if resource.type == MANAGED_POLICY and isinstance(name, str):
            self._policies[_key(resource, name)] = resource
        if resource.type == ROLE:
            trusting = trust.trusts_agentcore(policy_sources.trust_document(resource).document)
            if isinstance(name, str):
                self._trusting[_key(resource, name)] = trusting
            if trusting:
                yield from self._given(resource)
        elif resource.type in FOR_ROLES:
            names = properties.each(resource.props, FOR_ROLES[resource.type])
            if any(isinstance(role, str) and self._trusting.get(_key(resource, role)) for role in names):
                yield from self._given(resource)

    def _given(self, resource: Resource) -> Iterator[SourcedDocument]:
        yield from policy_sources.identity_documents(resource)
        for arn in policy_sources.attached(resource):
            policy = self._policies.get(_key(resource, arn))
            if policy is not None and not managed_policies.is_aws(arn):
                yield _attached(resource, policy)


def _key(resource: Resource, name: str) -> _Key:
    """A name within the stack and project of a URN, without the path an ARN has before it."""
    return resource.urn.rpartition("::")[0].rpartition("::")[0], name.rpartition("/")[2]


def _attached(resource: Resource, policy: Resource) -> SourcedDocument:
    document = documents.read(properties.at(policy.props, "policy"))
    return SourcedDocument(resource, f"attached policy {policy_sources.named(policy.name)}", document)


def agentcore_roles(stack: Stack) -> list[Resource]:
    """The roles that AgentCore may take: by their trust policy, or because an AgentCore resource names them."""
    named = {role.urn: role for user in stack.of(*ROLE_USERS) for role in roles_of(stack, user, ROLE_USERS[user.type])}
    made = [
        role
        for role in stack.of(ROLE)
        if role.urn in named or trust.trusts_agentcore(policy_sources.trust_document(role).document)
    ]
    return [*made, *(role for urn, role in named.items() if urn.startswith("arn:"))]


def roles_of(stack: Stack, resource: Resource, prop: str) -> list[Resource]:
    """The roles of the stack that a property names: by name or ARN where it is known, else by the graph."""
    index = _by_name(stack)
    values = [value for value in properties.each(resource.props, prop) if isinstance(value, str)]
    named = [role for value in values for role in index.get(value) or index.get(_last_of_arn(value)) or ()]
    return named or stack.behind(resource, prop, ROLE)


def _last_of_arn(value: str) -> str:
    return value.rpartition("/")[2] if value.startswith("arn:") else value


@functools.lru_cache(maxsize=1)
def _by_name(stack: Stack) -> dict[str, list[Resource]]:
    index: dict[str, list[Resource]] = {}
    for role in (*stack.of(ROLE), *_given(stack)):
        for name in (role.props.get("arn"), role.props.get("name")):
            if isinstance(name, str):
                index.setdefault(name, []).append(role)
    return index


def _given(stack: Stack) -> Iterator[Resource]:
    """The roles that AgentCore resources name and that others made: what the stack writes into them is judged, too."""
    made = {at(role.props, key) for role in stack.of(ROLE) for key in ("arn", "name")}
    named = (at(user.props, ROLE_USERS[user.type]) for user in stack.of(*ROLE_USERS))
    for arn in dict.fromkeys(arn for arn in named if isinstance(arn, str) and arn.startswith("arn:")):
        name = _last_of_arn(arn)
        if arn not in made and name not in made:
            yield Resource(ROLE, name, arn, {"arn": arn, "name": name}, "")


def documents_of(stack: Stack, role: Resource) -> Iterator[SourcedDocument]:
    """All identity policies of a role."""
    for carrier in _carriers(stack, role):
        yield from _in_stack(stack, carrier)


def _carriers(stack: Stack, role: Resource) -> list[Resource]:
    """The role itself, and what gives it documents or attaches policies to it."""
    return [role, *_by_role(stack).get(role.urn, ())]


@functools.lru_cache(maxsize=1)
def _by_role(stack: Stack) -> dict[str, list[Resource]]:
    index: dict[str, list[Resource]] = {}
    for carrier in stack.of(*FOR_ROLES):
        for role in roles_of(stack, carrier, FOR_ROLES[carrier.type]):
            index.setdefault(role.urn, []).append(carrier)
    return index


def _in_stack(stack: Stack, resource: Resource) -> Iterator[SourcedDocument]:
    yield from policy_sources.identity_documents(resource)
    path = policy_sources.attaching(resource)
    if not path:
        return
    arns = policy_sources.attached(resource)
    named = [policy for policy in stack.of(MANAGED_POLICY) if policy.props.get("arn") in arns]
    for policy in named or stack.behind(resource, path[0], MANAGED_POLICY):
        yield _attached(resource, policy)


def unknown_attachments(stack: Stack, role: Resource) -> Iterator[Resource]:
    """What attaches a managed policy to the role that neither its ARN nor the graph tells."""
    for carrier in _carriers(stack, role):
        unknown = UNKNOWN in policy_sources.attachments(carrier)
        if unknown and not stack.behind(carrier, policy_sources.attaching(carrier)[0], MANAGED_POLICY):
            yield carrier
