"""invoke-gateway-exact-arn: a grant to call a gateway names the gateway."""

from collections.abc import Iterator

from pulumi_policy import Severity

from toolgate.policy import agentcore, carriers, frameworks, iam, reading
from toolgate.policy.agentcore import AGENT_RUNTIME, GATEWAYS, INVOKE_GATEWAY
from toolgate.policy.carriers import Carried
from toolgate.policy.documents import Broken
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import Settings


def check(resource: Resource, config: Settings) -> Iterator[Finding]:
    """Every identity policy a resource carries, and in a first preview the grants handed to our own component."""
    for carried in carriers.identity_documents(resource):
        yield from _in_document(carried)
    if resource.type == AGENT_RUNTIME:
        yield from _in_component(resource)


def _in_document(carried: Carried) -> Iterator[Finding]:
    if isinstance(carried.document, Broken):
        yield Finding(carried.resource, f"the document {carried.document.reason}, so IAM refuses it", carried.place)
    for statement in iam.statements(carried.document):
        if iam.allows(statement, INVOKE_GATEWAY):
            for reach in iam.wide_resources(statement.resources, GATEWAYS):
                what = f"allows {INVOKE_GATEWAY} {reach}"
                yield Finding(carried.resource, what, f"{carried.place}, {statement.label}")


def _in_component(resource: Resource) -> Iterator[Finding]:
    for arn in reading.each(resource.props, "tools", "gateway_arn"):
        if isinstance(arn, str):
            for reach in iam.wide_resources(iam.names(arn), GATEWAYS):
                yield Finding(resource, f"grants {INVOKE_GATEWAY} {reach}", "tools")


RULE = Rule(
    name="invoke-gateway-exact-arn",
    description="bedrock-agentcore:InvokeGateway is granted on exact gateway ARNs only.",
    why="Whoever holds this grant can call gateways that nobody named, today's and tomorrow's.",
    fix="Name each gateway by its exact ARN (gateway.gateway_arn); grant other actions in a statement of their own.",
    severity=Severity.CRITICAL,
    framework=frameworks.LEAST_PRIVILEGE,
    types=carriers.TYPES | {agentcore.AGENT_RUNTIME},
    check=check,
)
