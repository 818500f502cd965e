"""policy-engine-attached: Cedar policies are asked by a gateway, and a gateway that should ask has an engine."""

from collections.abc import Iterator

from pulumi_policy import Severity

from toolgate.policy import frameworks, gateways
from toolgate.policy.agentcore import CEDAR_POLICY, GATEWAY, POLICY_ENGINE, TOOL_GATEWAY
from toolgate.policy.messages import quote
from toolgate.policy.reading import UNKNOWN, at
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import Settings
from toolgate.policy.stack import Stack

# What toolgate's ToolGateway calls a gateway whose tools are granted one by one.
BY_TOOL = "tool"

# The components of this run that ask for it: a component is always registered before its parts.
_by_tool: dict[str, str] = {}


def check(resource: Resource, config: Settings) -> Iterator[Finding]:
    """A gateway that is a part of a component, before it is created."""
    if resource.type == TOOL_GATEWAY:
        if at(resource.props, "authorization") == BY_TOOL:
            _by_tool[resource.urn] = resource.name
    elif resource.parent in _by_tool and not at(resource.props, "policyEngineConfiguration"):
        component = f"ToolGateway {quote(_by_tool[resource.parent])}"
        what = f"has no policy engine, and {component} says that tools are granted one by one"
        yield Finding(resource, what, "policyEngineConfiguration")


def check_stack(stack: Stack, config: Settings) -> Iterator[Finding]:
    """Engines that hold policies; unless a gateway's engine is one that nobody knows yet."""
    _by_tool.clear()
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
)
