"""grant-has-effect: a grant on a gateway that asks for tokens opens nothing."""

from collections.abc import Iterator

from pulumi_policy import EnforcementLevel, Severity

from toolgate.policy import frameworks
from toolgate.policy.agentcore import gateways, roles, tokens
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
    judged = {role.urn: role for agent in stack.of(*AGENTS) for role in _roles(stack, agent)} if taking else {}
    for role in judged.values():
        for sourced in roles.documents_of(stack, role):
            yield from _in_document(sourced, taking)
            if sourced.document is UNKNOWN:
                yield from _made_of(stack, sourced, taking)


def _in_document(sourced: SourcedDocument, taking: list[Resource]) -> Iterator[Finding]:
    arns = {gateways.arn_of(it) for it in taking}
    for statement in iam.statements(sourced.document):
        if iam.allows(statement, INVOKE_GATEWAY):
            for arn in iam.exact_resources(statement.resources, GATEWAYS):
                if arn in arns:
                    what = f"grants {INVOKE_GATEWAY} on {quote(arn)}, which lets in by tokens and asks no IAM"
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
    description="An agent's grant to call a gateway is for one that asks IAM.",
    why="It opens nothing, and whoever reads it believes that it is what lets the agent in.",
    fix="Take the grant away; a client with the gateway's scope lets the agent in.",
    severity=Severity.LOW,
    framework=frameworks.LEAST_PRIVILEGE,
    level=EnforcementLevel.ADVISORY,
    check_stack=check_stack,
)
