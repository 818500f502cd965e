"""grant-has-effect: a grant on a gateway that asks for tokens opens nothing, nor one on a key that AWS never brings."""

from collections.abc import Iterator

from pulumi_policy import EnforcementLevel, Severity

from toolgate.policy import frameworks
from toolgate.policy.agentcore import gateways, memories, roles, tokens
from toolgate.policy.agentcore.families import GATEWAYS
from toolgate.policy.language import iam
from toolgate.policy.language.agentcore_facts import GATEWAY, INVOKE_GATEWAY, ROLE_USERS, written_by_component
from toolgate.policy.language.carriers import CARRIERS
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.messages import quote
from toolgate.policy.policy_sources import SourcedDocument
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.rules.agent_cannot_bypass_gateway import AGENTS
from toolgate.policy.settings import RuleSettings
from toolgate.policy.stack import Stack


def check_stack(stack: Stack, config: RuleSettings) -> Iterator[Finding]:
    """The roles of agents; others, such as a deployer's, may have another use for the action."""
    taking = [it for it in stack.of(GATEWAY) if tokens.takes_tokens(it)]
    for role in {role.urn: role for agent in stack.of(*AGENTS) for role in _roles(stack, agent)}.values():
        for sourced in roles.documents_of(stack, role):
            yield from _on_gateways(sourced, taking) if taking else ()
            yield from _on_memories(sourced)
            if taking and sourced.document is UNKNOWN:
                yield from _made_of(stack, sourced, taking)


def _on_gateways(sourced: SourcedDocument, taking: list[Resource]) -> Iterator[Finding]:
    arns = {gateways.arn_of(it) for it in taking}
    for statement in iam.statements(sourced.document):
        if iam.allows(statement, INVOKE_GATEWAY):
            for arn in iam.exact_resources(statement.resources, GATEWAYS):
                if arn in arns:
                    what = f"grants {INVOKE_GATEWAY} on {quote(arn)}, which lets in by tokens and asks no IAM"
                    yield Finding(sourced.resource, what, f"{sourced.location}, {statement.label}")


def _on_memories(sourced: SourcedDocument) -> Iterator[Finding]:
    for statement in iam.statements(sourced.document):
        # Who writes a wildcard has not meant each action that it holds.
        written = {str(it).lower() for it in statement.actions.values}
        for action in memories.ACTIONS if statement.allow is True and not statement.actions.negated else ():
            key = memories.void_key(statement, action) if action.lower() in written else None
            if key:
                what = f"grants {action} on a condition on {key}, which no request for it meets"
                yield Finding(sourced.resource, what, f"{sourced.location}, {statement.label}")


def _made_of(stack: Stack, sourced: SourcedDocument, taking: list[Resource]) -> Iterator[Finding]:
    """In a preview a document is unknown, but not what it is made of."""
    carrier = sourced.resource
    for gateway in stack.behind(carrier, CARRIERS[carrier.type].document[0], GATEWAY):
        if gateway in taking and not written_by_component(carrier.urn):
            what = f"names {gateway.label}, which lets in by tokens and asks no IAM: a grant to call it opens nothing"
            yield Finding(carrier, what, sourced.location)


def _roles(stack: Stack, agent: Resource) -> list[Resource]:
    return roles.roles_of(stack, agent, ROLE_USERS[agent.type])


RULE = Rule(
    name="grant-has-effect",
    description="An agent's grant is for a gateway that asks IAM, or for what AWS says of a request to a memory.",
    why="It opens nothing, and whoever reads it believes that it is what lets the agent in.",
    fix=(
        "Take a grant on such a gateway away: a client with its scope lets the agent in. Hold events of a memory to"
        " bedrock-agentcore:actorId, and records to namespace or namespacePath, whichever they are asked for by, each"
        " in a statement of its own."
    ),
    severity=Severity.LOW,
    framework=frameworks.LEAST_PRIVILEGE,
    level=EnforcementLevel.ADVISORY,
    check_stack=check_stack,
)
