"""interceptor-headers-needed: an interceptor is told of its callers what it needs, and what somebody has verified."""

from collections.abc import Iterator

from pulumi_policy import Severity

from toolgate.policy import frameworks
from toolgate.policy.agentcore import functions, interceptors
from toolgate.policy.agentcore.functions import INTERCEPTORS
from toolgate.policy.agentcore.interceptors import Interceptor
from toolgate.policy.agentcore.tokens import CUSTOM_JWT
from toolgate.policy.language.agentcore_facts import FUNCTION, FUNCTION_ALIAS, GATEWAY
from toolgate.policy.language.interceptors import JWT, Declaration
from toolgate.policy.messages import quote
from toolgate.policy.properties import at
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings
from toolgate.policy.stack import Stack


def check_so_far(resource: Resource, so_far: Stack, config: RuleSettings) -> Iterator[Finding]:
    """When a gateway is registered, after the functions that it names; another may still be registered."""
    if resource.type == GATEWAY:
        yield from _of_gateway(so_far, resource, whole=False)


def check_stack(stack: Stack, config: RuleSettings) -> Iterator[Finding]:
    """Each gateway's interceptors; those that a preview cannot tell apart are judged where all of them are wrong."""
    for gateway in stack.of(GATEWAY):
        yield from _of_gateway(stack, gateway, whole=True)


def _of_gateway(stack: Stack, gateway: Resource, *, whole: bool) -> Iterator[Finding]:
    kind = at(gateway.props, "authorizerType")
    if not isinstance(kind, str):
        return
    for interceptor in interceptors.of(stack, gateway):
        if interceptor.headers is True and (whole or not interceptor.elsewhere):
            why = _unneeded(interceptor, kind)
            if why:
                yield Finding(gateway, f"passes the request's headers to {interceptor.label}, {why}", INTERCEPTORS)
    for function in functions.resources_of(stack, gateway):
        declared = interceptors.declaration(function)
        what = _unverified(declared, kind) if isinstance(declared, Declaration) else None
        if what:
            yield Finding(gateway, f"its interceptor {quote(function.name)} {what}", INTERCEPTORS)


def _unneeded(interceptor: Interceptor, kind: str) -> str | None:
    declared = interceptor.declared()
    if declared and all(isinstance(it, Declaration) and not it.needs_headers for it in declared):
        return "which declares that it needs none"
    if declared and kind != CUSTOM_JWT and all(it is None for it in declared):
        return f"and with {quote(kind)} nobody's role can be read of them, but a signature and a session token can"
    return None


def _unverified(declared: Declaration, kind: str) -> str | None:
    if declared.claims and kind != CUSTOM_JWT:
        return f"reads the claims of a token, which an authorizer of type {quote(kind)} does not verify"
    if (declared.inbound == JWT) != (kind == CUSTOM_JWT):
        return f"declares that callers come by {quote(declared.inbound)}, and the authorizerType is {quote(kind)}"
    return None


RULE = Rule(
    name="interceptor-headers-needed",
    description="An interceptor gets the headers that it declares to need, and reads tokens that the gateway verifies.",
    why="Headers hold what callers prove themselves with; a token that nobody verified says whatever its bearer likes.",
    fix=(
        "Leave pass_request_headers out where the code reads no header; read claims behind"
        ' authorizer_type="CUSTOM_JWT" only, and declare how callers come there.'
    ),
    severity=Severity.HIGH,
    framework=frameworks.LEAST_PRIVILEGE,
    types=frozenset({GATEWAY}),
    check_so_far=check_so_far,
    check_stack=check_stack,
    remembers=frozenset({GATEWAY, FUNCTION, FUNCTION_ALIAS}),
)
