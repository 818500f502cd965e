"""interceptor-fails-closed: no call gets past an interceptor because it took too long."""

from collections.abc import Iterator
from typing import Any

from pulumi_policy import Severity

from toolgate.policy import frameworks, settings
from toolgate.policy.agentcore import functions, interceptors
from toolgate.policy.agentcore.functions import INTERCEPTORS
from toolgate.policy.language.agentcore_facts import FUNCTION, FUNCTION_ALIAS, GATEWAY
from toolgate.policy.language.interceptors import MARGIN
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.messages import quote
from toolgate.policy.properties import at
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.rules.policy_engine_enforces import ENFORCE
from toolgate.policy.settings import RuleSettings
from toolgate.policy.stack import Stack

# botocore bedrock-agentcore-control AuthorizerType: the two that let in whom nobody chose.
OPEN = ("NONE", "AUTHENTICATE_ONLY")
LEAST, LEAST_DEFAULT = "minTimeoutSeconds", 5
LAMBDA_DEFAULT = 3
"""Seconds. Source: botocore lambda CreateFunctionRequest, `Timeout`."""


def check(resource: Resource, config: RuleSettings) -> Iterator[Finding]:
    """What is in front of the tools are literals of one resource."""
    if resource.type != GATEWAY:
        return
    kind, given = at(resource.props, "authorizerType"), at(resource.props, INTERCEPTORS)
    mode = at(resource.props, "policyEngineConfiguration", "mode")
    if kind in OPEN and given and given is not UNKNOWN and mode not in (ENFORCE, UNKNOWN):
        what = f"its authorizerType is {quote(kind)} and no policy engine enforces, so that its only lock is one"
        yield Finding(resource, f"{what} that lets through whatever it has not answered in time", INTERCEPTORS)


def check_so_far(resource: Resource, so_far: Stack, config: RuleSettings) -> Iterator[Finding]:
    """When a gateway is registered, after the functions that it names."""
    if resource.type == GATEWAY:
        yield from _of_gateways(so_far, [resource], config)


def check_stack(stack: Stack, config: RuleSettings) -> Iterator[Finding]:
    """The functions that are interceptors. A reservation of 0 refuses every call, which is closed."""
    yield from _of_gateways(stack, stack.of(GATEWAY), config)


def _of_gateways(stack: Stack, gateways: list[Resource], config: RuleSettings) -> Iterator[Finding]:
    found = {it.urn: (it, gateway) for gateway in gateways for it in functions.resources_of(stack, gateway)}
    for function, gateway in found.values():
        what = _wrong(function, config)
        if what:
            yield Finding(function, f"is an interceptor of {gateway.label} that Lambda ends after {what}", "timeout")


def _wrong(function: Resource, config: RuleSettings) -> str | None:
    given = at(function.props, "timeout")
    timeout = LAMBDA_DEFAULT if given is None else given
    declared = interceptors.declaration(function)
    if not isinstance(timeout, int | float) or declared is UNKNOWN:
        return None
    if declared is None or not declared.seconds:
        least = config.number(LEAST, LEAST_DEFAULT)
        return f"{_shown(timeout)} s, and nobody knows that it has answered by then" if timeout < least else None
    if timeout < declared.seconds + MARGIN:
        return f"{_shown(timeout)} s, less than {MARGIN} s after the {_shown(declared.seconds)} s in which it answers"
    return None


def _shown(seconds: Any) -> str:
    return f"{seconds:g}" if isinstance(seconds, float) else str(seconds)


RULE = Rule(
    name="interceptor-fails-closed",
    description="A gateway's interceptor has time to refuse before Lambda ends it, and is not the gateway's only lock.",
    why="When Lambda ends an interceptor, the call goes through: so it was measured, and no setting changes it.",
    fix=(
        "Give the function a timeout of at least 3 s more than its declared seconds, or than it takes to answer;"
        ' authorize callers with authorizer_type="AWS_IAM" or CUSTOM_JWT, or with a policy engine in ENFORCE.'
    ),
    severity=Severity.HIGH,
    framework=frameworks.FAILING_OPEN,
    types=frozenset({GATEWAY}),
    check=check,
    check_so_far=check_so_far,
    check_stack=check_stack,
    remembers=frozenset({GATEWAY, FUNCTION, FUNCTION_ALIAS}),
    settings={
        LEAST: settings.number_schema(
            "The least timeout, in seconds, of an interceptor that does not declare in which time it answers.",
            LEAST_DEFAULT,
        )
    },
)
