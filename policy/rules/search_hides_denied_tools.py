"""search-hides-denied-tools: tool search does not show a caller the tools it may not call."""

from collections.abc import Iterator

from pulumi_policy import Severity

from toolgate.policy import frameworks
from toolgate.policy.agentcore import interceptors
from toolgate.policy.agentcore.interceptors import Interceptor
from toolgate.policy.language.agentcore_facts import FUNCTION, FUNCTION_ALIAS, GATEWAY
from toolgate.policy.language.interceptors import RESPONSE
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.properties import at
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.rules.policy_engine_enforces import ENFORCE
from toolgate.policy.settings import RuleSettings
from toolgate.policy.stack import Stack


def check_so_far(resource: Resource, so_far: Stack, config: RuleSettings) -> Iterator[Finding]:
    """When a gateway is registered, after the functions that it names; another may still be registered."""
    asked = _asked(so_far, resource) if resource.type == GATEWAY else []
    if not any(it.elsewhere or not it.functions for it in asked):
        yield from _of_gateway(resource, asked)


def check_stack(stack: Stack, config: RuleSettings) -> Iterator[Finding]:
    """With every function in view."""
    for gateway in stack.of(GATEWAY):
        yield from _of_gateway(gateway, _asked(stack, gateway))


def _asked(stack: Stack, gateway: Resource) -> list[Interceptor]:
    """The interceptors that see what search finds."""
    return [it for it in interceptors.of(stack, gateway) if RESPONSE in it.points]


def _of_gateway(gateway: Resource, asked: list[Interceptor]) -> Iterator[Finding]:
    search = at(gateway.props, "protocolConfiguration", "mcp", "searchType")
    mode = at(gateway.props, "policyEngineConfiguration", "mode")
    if search == "SEMANTIC" and mode == ENFORCE and not any(map(_may_filter, asked)):
        what = "searchType is SEMANTIC while its policy engine enforces, and no RESPONSE interceptor declares that it"
        yield Finding(gateway, f"{what} filters tools by what the caller may call", "protocolConfiguration.mcp")


def _may_filter(interceptor: Interceptor) -> bool:
    """Whether one of those that it may be says so, or is not known; undecided-in-preview tells of that."""
    if not interceptor.elsewhere and not interceptor.functions:
        return True
    declared = interceptor.declared()
    return any(it is UNKNOWN or (it is not None and it.tools and it.caller) for it in declared)


RULE = Rule(
    name="search-hides-denied-tools",
    description=(
        "A gateway whose policy engine enforces has no semantic tool search, or an interceptor that filters what it"
        " finds by its caller."
    ),
    why="The search tool returns names and schemas of tools that the policies deny to the caller.",
    fix=(
        "Leave search_type out: tools/list is filtered by the policies, search is not. Or give the gateway a RESPONSE"
        " interceptor with a function under @filter_tools that takes a Caller."
    ),
    severity=Severity.MEDIUM,
    framework=frameworks.LEAST_PRIVILEGE,
    types=frozenset({GATEWAY}),
    check_so_far=check_so_far,
    check_stack=check_stack,
    remembers=frozenset({GATEWAY, FUNCTION, FUNCTION_ALIAS}),
)
