"""invoke-gateway-exact-arn: a grant to call a gateway names the gateway."""

from collections.abc import Iterator

from pulumi_policy import Severity

from toolgate.policy import frameworks, policy_sources, properties
from toolgate.policy.agentcore.families import GATEWAYS
from toolgate.policy.language import agentcore_facts, iam
from toolgate.policy.language.agentcore_facts import AGENT_RUNTIME, INVOKE_GATEWAY
from toolgate.policy.language.documents import Broken
from toolgate.policy.policy_sources import SourcedDocument
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings


def check(resource: Resource, config: RuleSettings) -> Iterator[Finding]:
    """Every identity policy a resource carries, and in a first preview the grants handed to our own component."""
    for sourced in policy_sources.identity_documents(resource):
        yield from in_document(sourced)
    if resource.type == AGENT_RUNTIME:
        yield from _in_component(resource)


def in_document(sourced: SourcedDocument) -> Iterator[Finding]:
    """A document that IAM refuses, and the statements that grant more than gateways they name."""
    if isinstance(sourced.document, Broken):
        yield Finding(sourced.resource, f"the document {sourced.document.reason}, so IAM refuses it", sourced.location)
    for statement in iam.statements(sourced.document):
        if iam.allows(statement, INVOKE_GATEWAY):
            for reach in iam.wide_resources(statement.resources, GATEWAYS):
                what = f"allows {INVOKE_GATEWAY} {reach}"
                yield Finding(sourced.resource, what, f"{sourced.location}, {statement.label}")


def _in_component(resource: Resource) -> Iterator[Finding]:
    for grant in properties.each(resource.props, "tools"):
        arn = properties.at(grant, "gateway_arn")
        # What is called with a token needs no grant, and the component writes none.
        if isinstance(arn, str) and properties.at(grant, "bearer") is None:
            for reach in iam.wide_resources(iam.names(arn), GATEWAYS):
                yield Finding(resource, f"grants {INVOKE_GATEWAY} {reach}", "tools")


RULE = Rule(
    name="invoke-gateway-exact-arn",
    description="bedrock-agentcore:InvokeGateway is granted on exact gateway ARNs only.",
    why="Whoever holds this grant can call gateways that nobody named, today's and tomorrow's.",
    fix=(
        "Name each gateway by its exact ARN (gateway.gateway_arn); grant other actions in a statement of their own."
        " For an administrator, as a break-glass role is, make an exception with the reason."
    ),
    severity=Severity.CRITICAL,
    framework=frameworks.LEAST_PRIVILEGE,
    types=policy_sources.TYPES | {agentcore_facts.AGENT_RUNTIME},
    check=check,
)
