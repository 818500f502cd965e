"""logs-delivered: what a gateway or runtime did can be read afterwards."""

from collections.abc import Iterator

from pulumi_policy import EnforcementLevel, Severity

from policy import agentcore, frameworks
from policy.rule import Finding, Resource, Rule
from policy.settings import Settings
from policy.stack import Stack

ARNS = {agentcore.GATEWAY: "gatewayArn", agentcore.RUNTIME: "agentRuntimeArn"}


def check_stack(stack: Stack, config: Settings) -> Iterator[Finding]:
    """A delivery source names the resource by its ARN, or in a preview by the graph."""
    sources = stack.of(agentcore.LOG_DELIVERY_SOURCE)
    for resource in stack.of(*ARNS):
        if not any(_delivers(stack, source, resource) for source in sources):
            yield Finding(resource, "no log delivery source names it")


def _delivers(stack: Stack, source: Resource, resource: Resource) -> bool:
    arn = resource.props.get(ARNS[resource.type])
    named = isinstance(arn, str) and source.props.get("resourceArn") == arn
    return named or resource.urn in {found.urn for found in stack.behind(source, "resourceArn", resource.type)}


RULE = Rule(
    name="logs-delivered",
    description="Gateways and runtimes deliver their logs.",
    why="AgentCore keeps no record of calls that nobody asked it to deliver.",
    fix="Add a cloudwatch.LogDeliverySource (APPLICATION_LOGS) for its ARN, with a destination and a delivery.",
    severity=Severity.LOW,
    framework=frameworks.LOGGING,
    level=EnforcementLevel.ADVISORY,
    check_stack=check_stack,
)
