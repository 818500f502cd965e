"""policy-engine-attached: Cedar policies are asked by a gateway, and a gateway that should ask has an engine."""

from collections.abc import Iterator

from pulumi_policy import Severity

from toolgate.policy import frameworks
from toolgate.policy.agentcore import gateways
from toolgate.policy.language.agentcore_facts import CEDAR_POLICY, GATEWAY, POLICY_ENGINE, TOOL_GATEWAY
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.messages import quote
from toolgate.policy.properties import at
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings
from toolgate.policy.stack import Stack

# What toolgate's ToolGateway calls a gateway whose tools are granted one by one.
BY_TOOL = "tool"


def check(resource: Resource, config: RuleSettings) -> Iterator[Finding]:
    """A gateway that is a part of a component, before it is created."""
    component = resource.within
    if component is None or resource.type != GATEWAY or at(component.props, "authorization") != BY_TOOL:
        return
    if not at(resource.props, "policyEngineConfiguration"):
        says = f"ToolGateway {quote(component.name)} says that tools are granted one by one"
        yield Finding(resource, f"has no policy engine, and {says}", "policyEngineConfiguration")


def check_stack(stack: Stack, config: RuleSettings) -> Iterator[Finding]:
    """Engines that hold policies; unless a gateway's engine is one that nobody knows yet."""
    attached: set[str] = set()
    for gateway in stack.of(GATEWAY):
        named = gateways.referred(stack, gateway, POLICY_ENGINE, "policyEngineConfiguration", "arn")
        if not named and at(gateway.props, "policyEngineConfiguration", "arn") is UNKNOWN:
            return
        attached |= {engine.urn for engine in named}
    for engine, policies in _policies(stack).values():
        if engine.urn not in attached:
            names = f"{policies[0].label} and {len(policies) - 1} more" if policies[1:] else policies[0].label
            yield Finding(engine, f"holds {names}, and no gateway of this stack has this engine")


def _policies(stack: Stack) -> dict[str, tuple[Resource, list[Resource]]]:
    """Each engine of the stack that has policies, by its URN."""
    found: dict[str, tuple[Resource, list[Resource]]] = {}
    for policy in stack.of(CEDAR_POLICY):
        for engine in gateways.referred(stack, policy, POLICY_ENGINE, "policyEngineId"):
            found.setdefault(engine.urn, (engine, []))[1].append(policy)
    return found


RULE = Rule(
    name="policy-engine-attached",
    description="A policy engine with Cedar policies is on a gateway, and so is one where tools are granted singly.",
    why="Without its engine a gateway lets whoever may invoke it call every tool.",
    fix=(
        "Give the gateway a policy_engine_configuration with the engine's ARN and mode ENFORCE, or make an exception "
        "for an engine whose gateway is in another stack."
    ),
    severity=Severity.CRITICAL,
    framework=frameworks.LEAST_PRIVILEGE,
    types=frozenset({GATEWAY, TOOL_GATEWAY}),
    check=check,
    check_stack=check_stack,
    remembers=frozenset({TOOL_GATEWAY}),
)
