"""agent-cannot-bypass-gateway: the gateway is the only way of an agent, and of an interceptor, to tools."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pulumi_policy import Severity

from toolgate.policy import frameworks, policy_sources
from toolgate.policy.agentcore import functions, roles
from toolgate.policy.agentcore.functions import GatewayFunction
from toolgate.policy.language import agentcore_facts, iam
from toolgate.policy.language.agentcore_facts import (
    FUNCTION,
    FUNCTION_ALIAS,
    FUNCTION_URL,
    GATEWAY,
    INVOKE_FUNCTION,
    INVOKE_FUNCTION_URL,
    LAMBDA_PERMISSION,
    ROLE_USERS,
    TARGET,
)
from toolgate.policy.policy_sources import SourcedDocument
from toolgate.policy.properties import at
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings
from toolgate.policy.stack import Stack

AGENTS = (agentcore_facts.RUNTIME, agentcore_facts.HARNESS)
SEEN = policy_sources.TYPES | {*AGENTS, GATEWAY, LAMBDA_PERMISSION, TARGET}


@dataclass(frozen=True)
class _Holder:
    """Who reaches tools through a gateway only."""

    label: str
    """How a message names it."""
    resource: Resource
    """What has the role: an agent, or an interceptor's function."""


def check_so_far(resource: Resource, so_far: Stack, config: RuleSettings) -> Iterator[Finding]:
    """When an agent or a gateway is registered, something about the role of one or of an interceptor, or a target."""
    holders = _holders(so_far)
    if not holders:
        return
    called = functions.called_by(so_far, resource) if resource.type in functions.USERS else ()
    new = {it.urn for function in called for it in function.resources if resource.type == GATEWAY}
    about = {role.urn for role in roles.named_by(so_far, resource)}
    concerned = [
        it
        for it in holders
        if it.resource.urn in new or about & {role.urn for role in roles.named_by(so_far, it.resource)}
    ]
    yield from _of_holders(so_far, concerned, functions.of_gateways(so_far))
    yield from _of_holders(so_far, [it for it in holders if it not in concerned] if called else [], called)


def check_stack(stack: Stack, config: RuleSettings) -> Iterator[Finding]:
    """Each agent's role: whether a gateway has it too; and, as each interceptor's, what it may do with functions."""
    return _of_holders(stack, _holders(stack), functions.of_gateways(stack))


def _holders(stack: Stack) -> list[_Holder]:
    agents = [_Holder(it.label, it) for it in stack.of(*AGENTS)]
    called = (function for gateway in stack.of(GATEWAY) for function in functions.called_by(stack, gateway))
    interceptors = {it.urn: _Holder(function.label, it) for function in called for it in function.resources}
    return [*agents, *interceptors.values()]


def _of_holders(stack: Stack, holders: list[_Holder], called: Iterable[GatewayFunction]) -> Iterator[Finding]:
    judged = set[str]()
    for holder in holders:
        if holder.resource.type in AGENTS:
            yield from _shared(stack, holder.resource)
        for role in roles.named_by(stack, holder.resource):
            if role.urn not in judged:
                judged.add(role.urn)
                for sourced in roles.documents_of(stack, role):
                    yield from _in_document(sourced, holder, called)
                yield from _in_permissions(stack, role, holder, called)


def _shared(stack: Stack, agent: Resource) -> Iterator[Finding]:
    for gateway in stack.of(GATEWAY):
        if _same_role(stack, agent, gateway):
            yield Finding(agent, f"its role is also the role of {gateway.label}", ROLE_USERS[agent.type])


def _same_role(stack: Stack, one: Resource, other: Resource) -> bool:
    arns = [at(resource.props, ROLE_USERS[resource.type]) for resource in (one, other)]
    if isinstance(arns[0], str) and isinstance(arns[1], str):
        return arns[0] == arns[1]
    urns = [{role.urn for role in roles.roles_of(stack, user, ROLE_USERS[user.type])} for user in (one, other)]
    return bool(urns[0] & urns[1])


def _in_document(sourced: SourcedDocument, holder: _Holder, called: Iterable[GatewayFunction]) -> Iterator[Finding]:
    for statement in iam.statements(sourced.document):
        place = f"{sourced.location}, {statement.label}"
        if iam.allows_everything(statement):
            yield Finding(sourced.resource, f"allows {holder.label} every action", place)
        elif iam.allows(statement, INVOKE_FUNCTION, INVOKE_FUNCTION_URL):
            for function in called:
                if iam.reaches(statement.resources, function.family, entirely=function.nameless):
                    yield Finding(sourced.resource, f"allows {holder.label} to invoke {function.label}", place)


def _in_permissions(
    stack: Stack, role: Resource, holder: _Holder, called: Iterable[GatewayFunction]
) -> Iterator[Finding]:
    """A function's own policy can name the role as well."""
    for permission in stack.of(LAMBDA_PERMISSION):
        if role.urn not in {named.urn for named in roles.roles_of(stack, permission, "principal")}:
            continue
        for function in called:
            if functions.is_for(stack, permission, "function", function):
                yield Finding(permission, f"allows {holder.label} to invoke {function.label}", "principal")


RULE = Rule(
    name="agent-cannot-bypass-gateway",
    description="The role of an agent, and of a gateway's interceptor, reaches tools through a gateway only.",
    why="What it can invoke directly, no gateway authorizes, filters or logs.",
    fix=(
        "Give each a role of its own: an agent's with InvokeGateway on its gateways, or their tokens; nothing on the"
        " functions."
    ),
    severity=Severity.HIGH,
    framework=frameworks.LEAST_PRIVILEGE,
    types=SEEN,
    check_so_far=check_so_far,
    check_stack=check_stack,
    remembers=SEEN | {FUNCTION, FUNCTION_ALIAS, FUNCTION_URL},
)
