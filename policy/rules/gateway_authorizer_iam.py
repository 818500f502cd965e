"""gateway-authorizer-iam: a gateway lets in only whom IAM lets in."""

from collections.abc import Iterator

from pulumi_policy import Severity

from toolgate.policy import frameworks, settings
from toolgate.policy.language import agentcore_facts
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.messages import listed, quote
from toolgate.policy.properties import at
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings

ALLOWED = ["AWS_IAM"]


def check(resource: Resource, config: RuleSettings) -> Iterator[Finding]:
    """An allow-list, so that a type AWS adds later is a violation; so is one that nobody can read in the preview."""
    allowed = config.strings("allowedAuthorizers", ALLOWED)
    found = at(resource.props, "authorizerType")
    if isinstance(found, str) and found in allowed:
        return
    if found is UNKNOWN:
        what = "authorizerType is not known before the deployment"
    elif isinstance(found, str):
        what = f"authorizerType is {quote(found)}"
    else:
        what = "authorizerType is not given"
    yield Finding(resource, f"{what}; allowed is {listed([quote(name) for name in allowed], 'or') or 'nothing'}")


RULE = Rule(
    name="gateway-authorizer-iam",
    description="AgentCore gateways authorize their callers with AWS_IAM.",
    why="With another authorizer no IAM policy decides who calls the tools, or (NONE, AUTHENTICATE_ONLY) nothing does.",
    fix='Write authorizer_type="AWS_IAM" as a literal.',
    severity=Severity.CRITICAL,
    framework=frameworks.GATEWAY_AUTHORIZATION,
    types=frozenset({agentcore_facts.GATEWAY}),
    check=check,
    settings={"allowedAuthorizers": settings.strings_schema("Authorizer types a gateway may have.", ALLOWED)},
)
