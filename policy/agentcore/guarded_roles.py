"""Which roles lead to a gateway, to a function that it calls or to a model, and how: who takes one is there."""

from collections.abc import Iterator

from toolgate.policy import policy_sources
from toolgate.policy.agentcore import families, functions, roles
from toolgate.policy.agentcore.families import GATEWAYS, MODELS, PROJECTS
from toolgate.policy.language import documents, iam, patterns, principals, trust
from toolgate.policy.language.agentcore_facts import (
    ASSUME_ROLE,
    CHANGE_FUNCTION,
    CREATE_INFERENCE,
    INVOKE_FUNCTION,
    INVOKE_FUNCTION_URL,
    INVOKE_GATEWAY,
    INVOKE_MODEL,
    RESOURCE_POLICY,
    ROLE,
    ROLE_USERS,
)
from toolgate.policy.language.documents import Statement
from toolgate.policy.language.iam import Family
from toolgate.policy.properties import at
from toolgate.policy.rule import Resource
from toolgate.policy.stack import Stack

_OF_FUNCTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("invoke", (INVOKE_FUNCTION, INVOKE_FUNCTION_URL)),
    ("change", CHANGE_FUNCTION),
)
_GUARDED = (
    ((INVOKE_GATEWAY,), GATEWAYS, "call gateways"),
    (INVOKE_MODEL, MODELS, "invoke models"),
    ((CREATE_INFERENCE,), PROJECTS, "invoke models"),
)


def guarded(stack: Stack, role: Resource) -> str | None:
    """What a role of the stack leads to, as a phrase that names the role; None where it is known to lead nowhere."""
    own = next(_ways(stack, role), None)
    if own is not None:
        return own
    for other in _assumable(stack, role):
        for way in _ways(stack, other):
            return f"a role that leads to {other.label}, {way}"
    return None


def _ways(stack: Stack, role: Resource) -> Iterator[str]:
    yield from _used(stack, role)
    yield from _let_in(stack, role)
    for statement in _held(stack, role):
        yield from _granted(stack, statement)


def _held(stack: Stack, role: Resource) -> list[Statement]:
    return [it for sourced in roles.documents_of(stack, role) for it in iam.statements(sourced.document)]


def _assumable(stack: Stack, role: Resource) -> Iterator[Resource]:
    """The other roles that may be assumed from a role, one after another."""
    seen, waiting = {role.urn}, [role]
    while waiting:
        one = waiting.pop()
        held = _held(stack, one)
        found = [it for it in stack.of(ROLE) if it.urn not in seen and _may_assume(stack, one, held, it)]
        seen.update(it.urn for it in found)
        waiting += found
        yield from found


def _used(stack: Stack, role: Resource) -> Iterator[str]:
    """By AgentCore, or by a function that a gateway calls."""
    for user in stack.of(*ROLE_USERS):
        if _is_of(stack, role, user, ROLE_USERS[user.type]):
            yield f"the role of {user.label}"
    for function in functions.to_be_of_gateways(stack):
        if any(_is_of(stack, role, it, "role") for it in function.resources):
            yield f"the role of {function.label}"
    if trust.trusts_agentcore(policy_sources.trust_document(role).document):
        yield "a role that AgentCore may take"


def _let_in(stack: Stack, role: Resource) -> Iterator[str]:
    """By the policy of a gateway or of a function that one calls."""
    for policy in stack.of(RESOURCE_POLICY):
        for statement in iam.statements(documents.read(at(policy.props, "policy"))):
            if iam.allows(statement, INVOKE_GATEWAY) and _names(stack, role, principals.aws_principals(statement)):
                yield f"a role that {policy.label} lets call a gateway"
    for permission, function in functions.permissions(stack):
        if _is_of(stack, role, permission, "principal"):
            yield f"a role that {permission.label} lets use {function.label}"


def _may_assume(stack: Stack, role: Resource, held: list[Statement], other: Resource) -> bool:
    """Whether a trust policy names the role, or leaves it to its account and the account to the role's own policies."""
    letting = [
        it for it in iam.statements(policy_sources.trust_document(other).document) if iam.allows(it, ASSUME_ROLE)
    ]
    listed = [principal for it in letting for principal in principals.aws_principals(it)]
    if _names(stack, role, listed):
        return True
    asked = any(iam.allows(it, ASSUME_ROLE) and iam.reaches(it.resources, _family(other)) for it in held)
    return asked and any(principals.is_account(principal) for principal in listed)


def _family(role: Resource) -> Family:
    arn, name = at(role.props, "arn"), at(role.props, "name")
    if isinstance(arn, str):
        return patterns.one(arn)
    return families.role_anywhere(name) if isinstance(name, str) else ()


def _is_of(stack: Stack, role: Resource, user: Resource, prop: str) -> bool:
    return role.urn in {it.urn for it in roles.roles_of(stack, user, prop)}


def _names(stack: Stack, role: Resource, listed: list[str]) -> bool:
    return any(role.urn == it.urn for principal in listed for it in roles.called(stack, principal))


def _granted(stack: Stack, statement: Statement) -> Iterator[str]:
    # What is unknown of an ARN under such an action is of no other kind.
    for actions, family, what in _GUARDED:
        if iam.allows(statement, *actions) and iam.may_reach(statement.resources, family):
            yield f"a role that may {what}"
    for what, asked in _OF_FUNCTIONS:
        for function in functions.to_be_of_gateways(stack) if iam.allows(statement, *asked) else ():
            if iam.reaches(statement.resources, function.family, entirely=function.nameless):
                yield f"a role that may {what} {function.label}"
