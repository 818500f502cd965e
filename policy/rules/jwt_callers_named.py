"""jwt-callers-named: an issuer's token is not enough, it has to be one that was made for this."""

from collections.abc import Iterator

from pulumi_policy import Severity

from toolgate.policy import frameworks
from toolgate.policy.agentcore import tokens
from toolgate.policy.agentcore.tokens import PLACE
from toolgate.policy.language.agentcore_facts import USER_POOL
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.messages import listed, quote
from toolgate.policy.properties import at, each
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings
from toolgate.policy.stack import Stack

# botocore bedrock-agentcore-control CustomJWTAuthorizerConfiguration: what a token is held to besides its issuer.
# pulumi_aws says allowedAudiences, aws-native allowedAudience.
_AUDIENCES, _SCOPES = ("allowedAudiences", "allowedAudience"), "allowedScopes"
LIMITS = (*_AUDIENCES, "allowedClients", _SCOPES, "customClaims")
_WRITTEN = [name for name in LIMITS if name != "allowedAudience"]
# Scopes that whoever signs in may ask for: OpenID Connect Core 1.0, sections 5.4 and 11, and Cognito's own (Amazon
# Cognito developer guide, "Scopes, M2M, and resource servers").
STANDARD_SCOPES = frozenset(
    {"openid", "profile", "email", "address", "phone", "offline_access", "aws.cognito.signin.user.admin"}
)


def check(resource: Resource, config: RuleSettings) -> Iterator[Finding]:
    """An authorizer that is not known, or whose lists are not, is not judged here; undecided-in-preview says so."""
    authorizer = tokens.authorizer(resource)
    if not isinstance(authorizer, dict):
        return
    given = _given(authorizer)
    if not given:
        yield Finding(resource, f"its JWT authorizer has no {listed(_WRITTEN, 'or')}", PLACE)
    scopes = each(authorizer, _SCOPES)
    everybodys = [it for it in scopes if isinstance(it, str) and it in STANDARD_SCOPES]
    # One of the scopes is enough for a token.
    if everybodys and len(given) == len([it for it in scopes if it != ""]):
        what = f"takes every token with the scope {quote(everybodys[0])}, which whoever signs in gets"
        yield Finding(resource, what, PLACE)
    if tokens.pool_in(tokens.discovery_url(resource)):
        yield from _audience(resource)


def check_stack(stack: Stack, config: RuleSettings) -> Iterator[Finding]:
    """A preview does not know the URL of a pool that is new, but what it is made of."""
    for resource in stack.of(*tokens.TAKERS):
        if tokens.discovery_url(resource) is UNKNOWN and stack.behind(resource, PLACE, USER_POOL):
            yield from _audience(resource)


def _audience(resource: Resource) -> Iterator[Finding]:
    """Amazon Cognito developer guide, "Understanding the access token": no `aud` is in it."""
    authorizer = tokens.authorizer(resource)
    if isinstance(authorizer, dict) and any(it != "" for key in _AUDIENCES for it in each(authorizer, key)):
        what = "asks for an audience, which access tokens of a Cognito user pool do not have, so that all are refused"
        yield Finding(resource, f"{what} and ID tokens, which are for no API, are not", PLACE)


def undecided(resource: Resource) -> bool:
    """Whether it depends on what a preview does not know."""
    authorizer = tokens.authorizer(resource)
    given = _given(authorizer) if isinstance(authorizer, dict) else [authorizer]
    # A list with an unknown id in it is a list.
    return given == [UNKNOWN] and not any(isinstance(at(authorizer, limit), list) for limit in LIMITS)


def _given(authorizer: object) -> list[object]:
    """What a token is held to besides its issuer."""
    return [value for limit in LIMITS for value in each(authorizer, limit) if value not in ("", {})]


RULE = Rule(
    name="jwt-callers-named",
    description="A JWT authorizer takes tokens that were made for it, not all of an issuer.",
    why="Otherwise whoever the issuer knows is let in, with a token that was made for something else.",
    fix=(
        "Write allowed_scopes with a scope that only this gateway's or agent's callers get, or allowed_clients with"
        " their ids; allowed_audiences where the issuer's access tokens have one (those of a Cognito user pool do not)."
    ),
    severity=Severity.CRITICAL,
    framework=frameworks.NO_PUBLIC_ACCESS,
    types=tokens.TAKERS,
    check=check,
    check_stack=check_stack,
)
