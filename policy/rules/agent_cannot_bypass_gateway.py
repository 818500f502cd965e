"""agent-cannot-bypass-gateway: the gateway is the agent's only way to its tools."""

from collections.abc import Iterable, Iterator

from pulumi_policy import Severity

from toolgate.policy import frameworks, policy_sources
from toolgate.policy.agentcore import functions, roles
from toolgate.policy.agentcore.functions import Tool
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


def check_so_far(resource: Resource, so_far: Stack, config: RuleSettings) -> Iterator[Finding]:
    """When an agent is registered, something about its role, or a target."""
    agents = so_far.of(*AGENTS)
    if agents and resource.type == TARGET:
        yield from _of_agents(so_far, agents, [it for it in functions.tools(so_far) if it.target == resource.urn])
        return
    about = {role.urn for role in roles.named_by(so_far, resource)} if agents else set()
    concerned = [it for it in agents if about & {role.urn for role in roles.named_by(so_far, it)}]
    if concerned:
        yield from _of_agents(so_far, concerned, functions.tools(so_far))


def check_stack(stack: Stack, config: RuleSettings) -> Iterator[Finding]:
    """Each agent's role: whether a gateway has it too, and what its documents and the functions' permissions allow."""
    return _of_agents(stack, stack.of(*AGENTS), functions.tools(stack))


def _of_agents(stack: Stack, agents: list[Resource], tools: Iterable[Tool]) -> Iterator[Finding]:
    tools, judged = tuple(tools), set[str]()
    for agent in agents:
        yield from _shared(stack, agent)
        for role in roles.named_by(stack, agent):
            if role.urn not in judged:
                judged.add(role.urn)
                for sourced in roles.documents_of(stack, role):
                    yield from _in_document(sourced, agent, tools)
                yield from _in_permissions(stack, role, agent, tools)


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


def _in_document(sourced: SourcedDocument, agent: Resource, tools: Iterable[Tool]) -> Iterator[Finding]:
    for statement in iam.statements(sourced.document):
        place = f"{sourced.location}, {statement.label}"
        if iam.allows_everything(statement):
            yield Finding(sourced.resource, f"allows {agent.label} every action", place)
        elif iam.allows(statement, INVOKE_FUNCTION, INVOKE_FUNCTION_URL):
            for tool in tools:
                if iam.reaches(statement.resources, tool.family, entirely=tool.nameless):
                    yield Finding(sourced.resource, f"allows {agent.label} to invoke {tool.label}", place)


def _in_permissions(stack: Stack, role: Resource, agent: Resource, tools: Iterable[Tool]) -> Iterator[Finding]:
    """A function's own policy can name the agent's role as well."""
    for permission in stack.of(LAMBDA_PERMISSION):
        if role.urn not in {named.urn for named in roles.roles_of(stack, permission, "principal")}:
            continue
        for tool in tools:
            if functions.is_for(stack, permission, "function", tool):
                yield Finding(permission, f"allows {agent.label} to invoke {tool.label}", "principal")


RULE = Rule(
    name="agent-cannot-bypass-gateway",
    description="An agent's role reaches tools through a gateway only.",
    why="What the agent can invoke directly, no gateway authorizes, filters or logs.",
    fix="Give the agent a role of its own: InvokeGateway on its gateways, or their tokens; nothing on the functions.",
    severity=Severity.HIGH,
    framework=frameworks.LEAST_PRIVILEGE,
    types=SEEN,
    check_so_far=check_so_far,
    check_stack=check_stack,
    remembers=SEEN | {FUNCTION, FUNCTION_ALIAS, FUNCTION_URL},
)
