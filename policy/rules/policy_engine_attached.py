"""policy-engine-attached: Cedar policies are asked by a gateway, and a gateway that should ask has an engine."""

from collections.abc import Iterator

from pulumi_policy import Severity

from toolgate.policy import frameworks
from toolgate.policy.agentcore import functions, gateways
from toolgate.policy.language.agentcore_facts import CEDAR_POLICY, GATEWAY, POLICY_ENGINE, TARGET, TOOL_GATEWAY
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
    """Functions that a gateway without an engine is in front of as well, and engines that hold policies."""
    yield from _around_an_engine(stack)
    yield from _on_no_gateway(stack)


def _around_an_engine(stack: Stack) -> Iterator[Finding]:
    """The targets by which a function is reached past the engine that another gateway has in front of it."""
    fronts: dict[str, list[tuple[Resource, Resource]]] = {}
    for target in stack.of(TARGET):
        for gateway in gateways.referred(stack, target, GATEWAY, "gatewayIdentifier"):
            for function in _functions(stack, target):
                fronts.setdefault(function, []).append((target, gateway))
    for front in fronts.values():
        locked = [gateway for _, gateway in front if isinstance(_engine(gateway), (dict, list)) and _engine(gateway)]
        for target, gateway in front:
            if locked and not _engine(gateway):
                what = f"is in front of a function that {locked[0].label} has a policy engine for, and {gateway.label}"
                yield Finding(target, f"{what} has none", "gatewayIdentifier")


def _functions(stack: Stack, target: Resource) -> set[str]:
    """The functions that a target calls: those of the stack by URN, another by its ARN without a qualifier."""
    made = {function.urn for function in functions.resources_of(stack, target)}
    arn = at(target.props, "targetConfiguration", "mcp", "lambda", "lambdaArn")
    return made or ({":".join(arn.split(":")[:7])} if isinstance(arn, str) else set())


def _engine(gateway: Resource) -> object:
    return at(gateway.props, "policyEngineConfiguration")


def _on_no_gateway(stack: Stack) -> Iterator[Finding]:
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
    description=(
        "A policy engine with Cedar policies is on a gateway, where tools are granted singly there is one, and no"
        " gateway without one is in front of the same function."
    ),
    why="Without its engine a gateway lets whoever may invoke it call every tool.",
    fix=(
        "Give the gateway a policy_engine_configuration with the engine's ARN and mode ENFORCE, or make an exception "
        "for an engine whose gateway is in another stack, or for the target of a gateway that is meant to have none."
    ),
    severity=Severity.CRITICAL,
    framework=frameworks.LEAST_PRIVILEGE,
    types=frozenset({GATEWAY, TOOL_GATEWAY}),
    check=check,
    check_stack=check_stack,
    remembers=frozenset({TOOL_GATEWAY}),
)
