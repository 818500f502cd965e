"""The identity policies of the roles that AgentCore may take, in a resource check and in a stack check.

A resource check has the stack as far as it is registered: a role is always registered before what refers to it, and so
a policy can be judged before it is created, or at the latest before an AgentCore resource gets the role. The stack
check sees the graph, and finds what names could not tell: a role whose name a preview does not know.
"""

import functools
from collections.abc import Container, Iterator

from toolgate.policy import policy_sources, properties
from toolgate.policy.agentcore import managed_policies
from toolgate.policy.language import documents, trust
from toolgate.policy.language.agentcore_facts import (
    FUNCTION,
    LAMBDA_PERMISSION,
    MANAGED_POLICY,
    ROLE,
    ROLE_USERS,
    entity_id,
)
from toolgate.policy.language.arns import account_in
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.policy_sources import FOR_ROLES, SourcedDocument
from toolgate.policy.properties import at
from toolgate.policy.rule import Resource
from toolgate.policy.stack import Stack

TYPES = policy_sources.TYPES | ROLE_USERS.keys()
"""What a rule about these roles' documents has to see and to remember."""

USERS = {**ROLE_USERS, FUNCTION: "role"}
"""Which property names the role of AgentCore's resources and of functions."""


def registered_documents(so_far: Stack, resource: Resource) -> Iterator[SourcedDocument]:
    """The documents that a registration gives to a role that AgentCore may take, as far as the stack so far tells."""
    if resource.type in ROLE_USERS:
        for role in roles_of(so_far, resource, ROLE_USERS[resource.type]):
            yield from documents_of(so_far, role)
    elif resource.type == ROLE or resource.type in FOR_ROLES:
        named = _named(so_far)
        if any(role.urn in named or _trusts_agentcore(role) for role in named_by(so_far, resource)):
            yield from _in_stack(so_far, resource)


def _attached(resource: Resource, policy: Resource) -> SourcedDocument:
    document = documents.read(properties.at(policy.props, "policy"))
    return SourcedDocument(resource, f"attached policy {policy_sources.named(policy.name)}", document)


def agentcore_roles(stack: Stack) -> list[Resource]:
    """The roles that AgentCore may take: by their trust policy, or because an AgentCore resource names them."""
    named = _named(stack)
    made = [role for role in stack.of(ROLE) if role.urn in named or _trusts_agentcore(role)]
    return [*made, *(role for urn, role in named.items() if urn.startswith("arn:"))]


def _named(stack: Stack) -> dict[str, Resource]:
    """By URN, the roles that AgentCore resources name."""
    return {role.urn: role for user in stack.of(*ROLE_USERS) for role in roles_of(stack, user, ROLE_USERS[user.type])}


def service_linked(role: Resource) -> bool:
    """Whether AWS made the role for a service of its own: IAM lets nobody else make one under this path.

    IAM user guide, "Service-linked roles". Nobody can change its documents.
    """
    path = at(role.props, "path")
    return isinstance(path, str) and path.startswith("/aws-service-role/")


def _trusts_agentcore(role: Resource) -> bool:
    return not service_linked(role) and trust.trusts_agentcore(policy_sources.trust_document(role).document)


def roles_of(stack: Stack, resource: Resource, prop: str) -> list[Resource]:
    """The roles of the stack that a property names: by name or ARN where it is known, else by the graph."""
    values = [value for value in properties.each(resource.props, prop) if isinstance(value, str)]
    return [role for value in values for role in called(stack, value)] or stack.behind(resource, prop, ROLE)


def named_by(stack: Stack, resource: Resource) -> list[Resource]:
    """The roles that a resource is about: itself, the one it gives a policy to, that it uses or lets in."""
    if resource.type == ROLE:
        return [resource]
    prop = {**FOR_ROLES, **USERS, LAMBDA_PERMISSION: "principal"}.get(resource.type, "")
    return roles_of(stack, resource, prop)


def called(stack: Stack, name: str) -> list[Resource]:
    """The roles of the stack with this name or ARN; the ARN of a session is that of its role."""
    index = _by_name(stack)
    if name in index or not name.startswith("arn:"):
        return index.get(name, [])
    # While a role's own ARN is not known, its name is all there is.
    accounts = {account_in(name), None}
    return [role for role in index.get(_name_in(name), ()) if account_in(role.props.get("arn") or "") in accounts]


@functools.lru_cache(maxsize=4096)
def _name_in(arn: str) -> str:
    entity = entity_id(arn)
    return entity.rpartition("/")[2] if ":assumed-role/" in entity else ""


@functools.lru_cache(maxsize=1)
def _by_name(stack: Stack) -> dict[str, list[Resource]]:
    index: dict[str, list[Resource]] = {}
    _add(index, stack.of(ROLE))
    _add(index, list(_given(stack, index)))
    return index


def _add(index: dict[str, list[Resource]], more: list[Resource]) -> None:
    for role in more:
        for name in (role.props.get("arn"), role.props.get("name")):
            if isinstance(name, str):
                index.setdefault(name, []).append(role)


def _given(stack: Stack, made: Container[str]) -> Iterator[Resource]:
    """The roles that are named and that others made: what the stack writes into them is judged, too."""
    named = (at(user.props, USERS[user.type]) for user in stack.of(*USERS))
    for arn in dict.fromkeys(arn for arn in named if isinstance(arn, str) and arn.startswith("arn:")):
        name = _name_in(arn)
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
    named = [policy for arn in policy_sources.attached(resource) for policy in _made_here(stack, arn)]
    for policy in named or stack.behind(resource, path[0], MANAGED_POLICY):
        yield _attached(resource, policy)


def _made_here(stack: Stack, arn: str) -> list[Resource]:
    index = _managed(stack)
    return index.get(arn) or ([] if managed_policies.is_aws(arn) else index.get(arn.rpartition("/")[2], []))


@functools.lru_cache(maxsize=1)
def _managed(stack: Stack) -> dict[str, list[Resource]]:
    """The customer managed policies by ARN, or by name while that is all there is."""
    index: dict[str, list[Resource]] = {}
    for policy in stack.of(MANAGED_POLICY):
        known = [it for it in (at(policy.props, "arn"), at(policy.props, "name")) if isinstance(it, str)]
        for name in known[:1]:
            index.setdefault(name, []).append(policy)
    return index


def unknown_attachments(stack: Stack, role: Resource) -> Iterator[Resource]:
    """What attaches a managed policy to the role that neither its ARN nor the graph tells."""
    for carrier in _carriers(stack, role):
        unknown = UNKNOWN in policy_sources.attachments(carrier)
        if unknown and not stack.behind(carrier, policy_sources.attaching(carrier)[0], MANAGED_POLICY):
            yield carrier


def attached_elsewhere(stack: Stack, role: Resource) -> Iterator[str]:
    """The managed policies of the role whose whole document the stack does not hold, AWS's own among them."""
    for carrier in _carriers(stack, role):
        yield from (arn for arn in policy_sources.attached(carrier) if not _made_here(stack, arn))
