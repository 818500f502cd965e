"""agent-cannot-widen-itself: an agent has the ways it was given, and makes itself no other."""

from collections.abc import Iterable, Iterator, Sequence

from pulumi_policy import Severity

from toolgate.policy import frameworks, policy_sources
from toolgate.policy.agentcore import families, functions, roles, tokens, widening
from toolgate.policy.agentcore.families import FUNCTIONS, ROLES, USER_POOLS
from toolgate.policy.agentcore.widening import Depended
from toolgate.policy.language import agentcore_facts, iam, patterns
from toolgate.policy.language.agentcore_facts import GATEWAY, INVOKE_FUNCTION, INVOKE_GATEWAY, ROLE, ROLE_USERS
from toolgate.policy.language.documents import Statement
from toolgate.policy.policy_sources import SourcedDocument
from toolgate.policy.properties import at
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.rules.agent_cannot_bypass_gateway import AGENTS
from toolgate.policy.rules.tool_role_exact import whom
from toolgate.policy.settings import RuleSettings
from toolgate.policy.stack import Stack

WHOM = "a role that AgentCore may take"


def check(resource: Resource, config: RuleSettings) -> Iterator[Finding]:
    """In a first preview the statements handed to our own components."""
    if resource.type in agentcore_facts.COMPONENTS:
        for sourced in policy_sources.written_statements(resource):
            yield from _in_document(sourced, resource.label)


def check_role_documents(documents: Iterable[SourcedDocument]) -> Iterator[Finding]:
    """What opens a way whatever the stack holds."""
    for sourced in documents:
        yield from _in_document(sourced, WHOM, of_agentcore=True)


def _in_document(sourced: SourcedDocument, whom: str, *, of_agentcore: bool = False) -> Iterator[Finding]:
    for statement in iam.statements(sourced.document):
        yield from _finding(sourced, statement, whom, widening.widely(statement, of_agentcore=of_agentcore))


def check_stack(stack: Stack, config: RuleSettings) -> Iterator[Finding]:
    """The roles of gateways' functions, and for the agents' as well what these and gateways of the stack depend on."""
    held = list(_roles(stack))
    called = [Depended(it.label, it.family, it.nameless) for it in functions.of_gateways(stack)]
    issuers = [_issuer(pool) for pool, _ in tokens.issuing_pools(stack).values()]
    for user, role in _holders(stack):
        label = whom(user) if user.type in functions.USERS else user.label
        for sourced in roles.documents_of(stack, role):
            if user.type in functions.USERS:
                yield from _in_document(sourced, label)
            for statement in iam.statements(sourced.document):
                depended = ((ROLES, held), (FUNCTIONS, called), (USER_POOLS, issuers))
                found = [way for family, some in depended for way in widening.on(statement, family, some)]
                yield from _finding(sourced, statement, label, found)


def _finding(sourced: SourcedDocument, statement: Statement, whom: str, ways: Sequence[str]) -> Iterator[Finding]:
    if ways:
        more = f", and by {len(ways) - 1} more ways" if len(ways) > 2 else ", and another way" if ways[1:] else ""
        yield Finding(sourced.resource, f"allows {whom} {ways[0]}{more}", f"{sourced.location}, {statement.label}")


def _holders(stack: Stack) -> Iterator[tuple[Resource, Resource]]:
    """Who runs what a model may have asked for: each agent, tool and interceptor, with its role; each role once."""
    seen: set[str] = set()
    users = [(user, user, ROLE_USERS[user.type]) for user in stack.of(*AGENTS)]
    for user in stack.of(*functions.USERS):
        users += [(user, function, "role") for function in functions.resources_of(stack, user)]
    for user, holder, prop in users:
        for role in roles.roles_of(stack, holder, prop):
            if role.urn not in seen:
                seen.add(role.urn)
                yield user, role


def _roles(stack: Stack) -> Iterator[Depended]:
    """The roles by which a tool is reached: the gateways', the functions', and whose documents allow it."""
    named = {role.urn: role for gateway in stack.of(GATEWAY) for role in roles.roles_of(stack, gateway, "roleArn")}
    named |= {role.urn: role for user, role in _holders(stack) if user.type in functions.USERS}
    named |= {role.urn: role for role in stack.of(ROLE) if any(_grants(stack, role))}
    for role in named.values():
        arn, name = at(role.props, "arn"), at(role.props, "name")
        if isinstance(arn, str):
            yield Depended(role.label, patterns.one(arn))
        elif isinstance(name, str):
            yield Depended(role.label, families.role_anywhere(name))


def _issuer(pool: Resource) -> Depended:
    arn = at(pool.props, "arn")
    label = f"{pool.label}, which issues for a gateway or an agent"
    return Depended(label, patterns.one(arn)) if isinstance(arn, str) else Depended(label, USER_POOLS, nameless=True)


def _grants(stack: Stack, role: Resource) -> Iterator[bool]:
    for sourced in roles.documents_of(stack, role):
        for statement in iam.statements(sourced.document):
            yield iam.allows(statement, INVOKE_GATEWAY)
            if iam.allows(statement, INVOKE_FUNCTION):
                for function in functions.of_gateways(stack):
                    yield iam.reaches(statement.resources, function.family, entirely=function.nameless)


RULE = Rule(
    name="agent-cannot-widen-itself",
    description="An agent, its tools and a gateway's interceptors have no rights by which they make themselves others.",
    why="Whoever talks the agent into it has every right that these can be turned into.",
    fix=(
        "Leave changes to the deployer's role. Where an agent has to start something with a role, or to take one, name"
        " that role by its exact ARN."
    ),
    severity=Severity.HIGH,
    framework=frameworks.LEAST_PRIVILEGE,
    types=roles.TYPES.union(agentcore_facts.HANDED),
    check=check,
    check_role_documents=check_role_documents,
    check_stack=check_stack,
    remembers=roles.TYPES,
)
