"""function-url-signed: a function that a gateway calls has no URL that takes unsigned requests."""

from collections.abc import Iterator

from pulumi_policy import Severity

from toolgate.policy import frameworks
from toolgate.policy.agentcore import functions
from toolgate.policy.language.agentcore_facts import FUNCTION, FUNCTION_ALIAS, FUNCTION_URL
from toolgate.policy.language.spellings import ADDS_NO_PERMISSION
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.messages import quote
from toolgate.policy.properties import at
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings
from toolgate.policy.stack import Stack

SIGNED = "AWS_IAM"


def check_so_far(resource: Resource, so_far: Stack, config: RuleSettings) -> Iterator[Finding]:
    """When a URL is registered for a gateway's function, or what calls it for a function with a URL."""
    return check_stack(so_far, config)


def check_stack(stack: Stack, config: RuleSettings) -> Iterator[Finding]:
    """Each function URL that does not demand a signature; a public URL of any other function is nobody's business.

    Where the provider adds no permission the URL alone opens nothing: lambda-permission-pinned judges who does.
    """
    for url in stack.of(FUNCTION_URL):
        authorization = at(url.props, "authorizationType")
        if authorization in (SIGNED, UNKNOWN) or at(url.props, ADDS_NO_PERMISSION):
            continue
        for function in functions.to_be_of_gateways(stack):
            if functions.is_for(stack, url, "functionName", function):
                what = f"opens {function.label} to everybody: it is {quote(str(authorization))}, not {SIGNED}"
                yield Finding(url, what, "authorizationType")
                break


RULE = Rule(
    name="function-url-signed",
    description="The URL of a function behind a gateway, or of its interceptor, takes signed requests only.",
    why="Else everybody calls it unsigned, past the gateway, its authorizer and its policies.",
    fix='Write authorization_type="AWS_IAM"; or remove the URL where a gateway calls the function by its ARN.',
    severity=Severity.CRITICAL,
    framework=frameworks.NO_PUBLIC_ACCESS,
    types=frozenset({FUNCTION_URL, *functions.USERS}),
    check_so_far=check_so_far,
    check_stack=check_stack,
    remembers=frozenset({FUNCTION, FUNCTION_ALIAS, FUNCTION_URL, *functions.USERS}),
)
