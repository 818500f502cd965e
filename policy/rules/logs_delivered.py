"""logs-delivered: what a gateway or runtime did can be read afterwards."""

from collections.abc import Iterator

from pulumi_policy import EnforcementLevel, Severity

from toolgate.policy import frameworks
from toolgate.policy.language import agentcore_facts
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings
from toolgate.policy.stack import Stack

ARNS = {agentcore_facts.GATEWAY: "gatewayArn", agentcore_facts.RUNTIME: "agentRuntimeArn"}
# CloudWatch Logs API reference, PutDeliverySource, logType. The others are spans and figures of use.
LOG_TYPE = "APPLICATION_LOGS"


def check_stack(stack: Stack, config: RuleSettings) -> Iterator[Finding]:
    """A source names the resource, a delivery the source: by ARN and name, or in a preview by the graph."""
    sources = [
        it for it in stack.of(agentcore_facts.LOG_DELIVERY_SOURCE) if it.props.get("logType") in (LOG_TYPE, UNKNOWN)
    ]
    deliveries = stack.of(agentcore_facts.LOG_DELIVERY)
    for resource in stack.of(*ARNS):
        named = [it for it in sources if _refers(stack, it, "resourceArn", resource, ARNS[resource.type])]
        if not named:
            yield Finding(resource, f"no log delivery source of type {LOG_TYPE} names it")
        elif not any(_refers(stack, it, "deliverySourceName", source, "name") for it in deliveries for source in named):
            yield Finding(resource, f"no delivery leads anywhere from its {named[0].label}")


def _refers(stack: Stack, referring: Resource, prop: str, target: Resource, key: str) -> bool:
    name = target.props.get(key)
    same = isinstance(name, str) and referring.props.get(prop) == name
    return same or target.urn in {found.urn for found in stack.behind(referring, prop, target.type)}


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
