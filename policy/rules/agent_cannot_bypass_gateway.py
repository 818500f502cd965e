"""agent-cannot-bypass-gateway: the gateway is the agent's only way to its tools."""

from collections.abc import Iterator
from dataclasses import dataclass

from pulumi_policy import Severity

from toolgate.policy import frameworks
from toolgate.policy.agentcore import families, roles
from toolgate.policy.agentcore.families import FUNCTIONS
from toolgate.policy.language import agentcore_facts, iam
from toolgate.policy.language.agentcore_facts import FUNCTION, FUNCTION_ALIAS, GATEWAY, INVOKE_FUNCTION, ROLE_USERS
from toolgate.policy.language.iam import Family
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.policy_sources import SourcedDocument
from toolgate.policy.properties import at
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings
from toolgate.policy.stack import Stack

AGENTS = (agentcore_facts.RUNTIME, agentcore_facts.HARNESS)


@dataclass(frozen=True)
class _Tool:
    """A function behind a gateway."""

    target: Resource
    family: Family
    """The ARNs it can have, as far as they are known."""
    nameless: bool
    """Whether not even its name is known: only what covers every function is then sure to cover it."""


def check_stack(stack: Stack, config: RuleSettings) -> Iterator[Finding]:
    """Each agent's role: whether a gateway has it too, and what its documents and the functions' permissions allow."""
    tools = [tool for target in stack.of(agentcore_facts.TARGET) if (tool := _tool(stack, target))]
    judged: set[str] = set()
    for agent in stack.of(*AGENTS):
        yield from _shared(stack, agent)
        for role in roles.roles_of(stack, agent, ROLE_USERS[agent.type]):
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


def _in_document(sourced: SourcedDocument, agent: Resource, tools: list[_Tool]) -> Iterator[Finding]:
    for statement in iam.statements(sourced.document):
        place = f"{sourced.location}, {statement.label}"
        if iam.allows_everything(statement):
            yield Finding(sourced.resource, f"allows {agent.label} every action", place)
        elif iam.allows(statement, INVOKE_FUNCTION):
            for tool in tools:
                if iam.reaches(statement.resources, tool.family, entirely=tool.nameless):
                    what = f"allows {agent.label} to invoke the function behind {tool.target.label}"
                    yield Finding(sourced.resource, what, place)


def _tool(stack: Stack, target: Resource) -> _Tool | None:
    arn = at(target.props, "targetConfiguration", "mcp", "lambda", "lambdaArn")
    if isinstance(arn, str):
        return _Tool(target, families.function_family(arn), nameless=False)
    for function in stack.behind(target, "targetConfiguration", FUNCTION, FUNCTION_ALIAS):
        known_arn, name = at(function.props, "arn"), at(function.props, "name")
        if isinstance(known_arn, str):
            return _Tool(target, families.function_family(known_arn), nameless=False)
        if isinstance(name, str) and function.type == FUNCTION:
            return _Tool(target, families.function_named(name), nameless=False)
    return _Tool(target, FUNCTIONS, nameless=True) if arn is UNKNOWN else None


def _in_permissions(stack: Stack, role: Resource, agent: Resource, tools: list[_Tool]) -> Iterator[Finding]:
    """A function's own policy can name the agent's role as well."""
    for permission in stack.of(agentcore_facts.LAMBDA_PERMISSION):
        if role.urn not in {named.urn for named in roles.roles_of(stack, permission, "principal")}:
            continue
        for tool in tools:
            if _is_for(stack, permission, tool):
                what = f"allows {agent.label} to invoke the function behind {tool.target.label}"
                yield Finding(permission, what, "principal")


def _is_for(stack: Stack, permission: Resource, tool: _Tool) -> bool:
    name = at(permission.props, "function")
    if isinstance(name, str):
        arn = name if name.startswith("arn:") else f"arn:*:lambda:*:*:function:{name}"
        return not tool.nameless and iam.reaches(iam.names(arn), tool.family)
    behind = {function.urn for function in stack.behind(permission, "function", FUNCTION)}
    return any(function.urn in behind for function in stack.behind(tool.target, "targetConfiguration", FUNCTION))


RULE = Rule(
    name="agent-cannot-bypass-gateway",
    description="An agent's role reaches tools through a gateway only.",
    why="What the agent can invoke directly, no gateway authorizes, filters or logs.",
    fix="Give the agent a role of its own: InvokeGateway on its gateways, nothing on the functions behind them.",
    severity=Severity.HIGH,
    framework=frameworks.LEAST_PRIVILEGE,
    check_stack=check_stack,
)
