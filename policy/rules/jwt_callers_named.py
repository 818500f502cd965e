"""jwt-callers-named: an issuer's token is not enough, it has to be one that was made for this."""

from collections.abc import Iterator

from pulumi_policy import Severity

from toolgate.policy import frameworks
from toolgate.policy.language.agentcore_facts import GATEWAY, HARNESS, RUNTIME
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.messages import listed
from toolgate.policy.properties import at, each
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings

# botocore bedrock-agentcore-control CustomJWTAuthorizerConfiguration: what a token is held to besides its issuer.
# pulumi_aws says allowedAudiences, aws-native allowedAudience.
LIMITS = ("allowedAudiences", "allowedAudience", "allowedClients", "allowedScopes", "customClaims")
_WRITTEN = [name for name in LIMITS if name != "allowedAudience"]
PLACE = "authorizerConfiguration"


def check(resource: Resource, config: RuleSettings) -> Iterator[Finding]:
    """An authorizer that is not known, or whose lists are not, is not judged here; undecided-in-preview says so."""
    authorizer = _authorizer(resource)
    if isinstance(authorizer, dict) and not _given(authorizer):
        yield Finding(resource, f"its JWT authorizer has no {listed(_WRITTEN, 'or')}", PLACE)


def undecided(resource: Resource) -> bool:
    """Whether it depends on what a preview does not know."""
    authorizer = _authorizer(resource)
    given = _given(authorizer) if isinstance(authorizer, dict) else [authorizer]
    # A list with an unknown id in it is a list.
    return given == [UNKNOWN] and not any(isinstance(at(authorizer, limit), list) for limit in LIMITS)


def _authorizer(resource: Resource) -> object:
    authorizer = at(resource.props, "authorizerConfiguration", "customJwtAuthorizer")
    return authorizer[0] if isinstance(authorizer, list) and authorizer else authorizer


def _given(authorizer: object) -> list[object]:
    """What a token is held to besides its issuer."""
    return [value for limit in LIMITS for value in each(authorizer, limit) if value not in ("", {})]


RULE = Rule(
    name="jwt-callers-named",
    description="A JWT authorizer takes tokens of named audiences, clients, scopes or claims, not all of an issuer.",
    why="Otherwise whoever the issuer knows is let in, with a token that was made for something else.",
    fix="Write allowed_audiences or allowed_clients with the ids that you gave to this gateway's or agent's callers.",
    severity=Severity.HIGH,
    framework=frameworks.NO_PUBLIC_ACCESS,
    types=frozenset({GATEWAY, RUNTIME, HARNESS}),
    check=check,
)
