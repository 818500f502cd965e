"""Which roles lead to a gateway, to a tool behind one or to a model, and how: whoever takes such a role is there."""

from collections.abc import Iterator

from toolgate.policy import policy_sources
from toolgate.policy.agentcore import functions, roles
from toolgate.policy.agentcore.families import GATEWAYS, MODELS, PROJECTS
from toolgate.policy.language import documents, iam, principals, trust
from toolgate.policy.language.agentcore_facts import (
    CREATE_INFERENCE,
    INVOKE_FUNCTION,
    INVOKE_FUNCTION_URL,
    INVOKE_GATEWAY,
    INVOKE_MODEL,
    RESOURCE_POLICY,
    ROLE_USERS,
)
from toolgate.policy.language.documents import Statement
from toolgate.policy.properties import at
from toolgate.policy.rule import Resource
from toolgate.policy.stack import Stack

_GUARDED = (
    ((INVOKE_GATEWAY,), GATEWAYS, "call gateways"),
    (INVOKE_MODEL, MODELS, "invoke models"),
    ((CREATE_INFERENCE,), PROJECTS, "invoke models"),
)


def guarded(stack: Stack, role: Resource) -> str | None:
    """What a role of the stack leads to, as a phrase that names the role; None where it is known to lead nowhere."""
    return next(_ways(stack, role), None)


def _ways(stack: Stack, role: Resource) -> Iterator[str]:
    for user in stack.of(*ROLE_USERS):
        if _is_of(stack, role, user, ROLE_USERS[user.type]):
            yield f"the role of {user.label}"
    for tool in functions.to_be_tools(stack):
        if any(_is_of(stack, role, function, "role") for function in tool.resources):
            yield f"the role of {tool.label}"
    if trust.trusts_agentcore(policy_sources.trust_document(role).document):
        yield "a role that AgentCore may take"
    for policy in stack.of(RESOURCE_POLICY):
        for statement in iam.statements(documents.read(at(policy.props, "policy"))):
            if iam.allows(statement, INVOKE_GATEWAY) and _names(stack, role, principals.aws_principals(statement)):
                yield f"a role that {policy.label} lets call a gateway"
    for permission, tool in functions.permissions(stack):
        if _is_of(stack, role, permission, "principal"):
            yield f"a role that {permission.label} lets invoke {tool.label}"
    for sourced in roles.documents_of(stack, role):
        for statement in iam.statements(sourced.document):
            yield from _granted(stack, statement)


def _is_of(stack: Stack, role: Resource, user: Resource, prop: str) -> bool:
    return role.urn in {it.urn for it in roles.roles_of(stack, user, prop)}


def _names(stack: Stack, role: Resource, listed: list[str]) -> bool:
    return any(role.urn == it.urn for principal in listed for it in roles.called(stack, principal))


def _granted(stack: Stack, statement: Statement) -> Iterator[str]:
    # What is unknown of an ARN under such an action is of no other kind.
    for actions, family, what in _GUARDED:
        if iam.allows(statement, *actions) and iam.may_reach(statement.resources, family):
            yield f"a role that may {what}"
    if iam.allows(statement, INVOKE_FUNCTION, INVOKE_FUNCTION_URL):
        for tool in functions.to_be_tools(stack):
            if iam.reaches(statement.resources, tool.family, entirely=tool.nameless):
                yield f"a role that may invoke {tool.label}"
