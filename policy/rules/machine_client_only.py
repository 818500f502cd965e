"""machine-client-only: a client that gets tokens for itself has a secret, scopes of its own, and no user."""

from collections.abc import Iterator

from pulumi_policy import Severity

from toolgate.policy import frameworks, settings
from toolgate.policy.agentcore import tokens
from toolgate.policy.agentcore.tokens import CLIENT_CREDENTIALS
from toolgate.policy.language.agentcore_facts import USER_POOL_CLIENT
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.messages import listed, quote
from toolgate.policy.properties import at, each
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.rules.jwt_callers_named import STANDARD_SCOPES
from toolgate.policy.settings import RuleSettings
from toolgate.policy.stack import Stack

MINUTES = 60
# botocore cognito-idp TimeUnitsType; without a unit it is hours (UserPoolClientType, AccessTokenValidity).
_UNITS = {"seconds": 1 / 60, "minutes": 1, "hours": 60, "days": 1440}
SEEN = frozenset({*tokens.TAKERS, *tokens.CLIENTS})


def check_so_far(resource: Resource, so_far: Stack, config: RuleSettings) -> Iterator[Finding]:
    """When a client is registered whose tokens something takes, or what takes them."""
    taken = resource.type in tokens.CLIENTS or tokens.takes_tokens(resource)
    for client in tokens.issuing_clients(so_far) if taken else ():
        if resource.type not in tokens.CLIENTS or resource.urn == client.urn:
            yield from _of(client, client, config)


def check_stack(stack: Stack, config: RuleSettings) -> Iterator[Finding]:
    """The clients of the pools that issue for something of this stack."""
    written = {it.urn: it for it in stack.registered}
    for client in tokens.issuing_clients(stack):
        yield from _of(client, written.get(client.urn, client), config)


def undecided(client: Resource) -> list[str]:
    """The settings of a client that a preview does not know, though the program says them."""
    keys = ("allowedOauthFlows", "allowedOauthScopes", "accessTokenValidity", "tokenValidityUnits")
    written = [key for key in keys if UNKNOWN in each(client.props, key)]
    # Scopes of a server that is new are custom ones.
    return [key for key in written if key != "allowedOauthScopes" or at(client.props, key) is UNKNOWN]


def _of(client: Resource, written: Resource, config: RuleSettings) -> Iterator[Finding]:
    if not tokens.for_machines(client):
        return
    more = [it for it in each(client.props, "allowedOauthFlows") if isinstance(it, str) and it != CLIENT_CREDENTIALS]
    if more:
        yield Finding(client, f"also has the flow {_names(more)}, by which users get tokens", "allowedOauthFlows")
    if client.type == USER_POOL_CLIENT and at(client.props, "generateSecret") not in (True, UNKNOWN):
        yield Finding(client, "has no secret: whoever knows its id gets its tokens", "generateSecret")
    standard = [it for it in each(client.props, "allowedOauthScopes") if isinstance(it, str) and it in STANDARD_SCOPES]
    if standard:
        yield Finding(client, f"may ask for {_names(standard)}, which is about a user", "allowedOauthScopes")
    yield from _signs_in(client, written)
    yield from _lives(client, config.number("accessTokenMinutes", MINUTES))


def _signs_in(client: Resource, written: Resource) -> Iterator[Finding]:
    """What the program left out, AWS gives (botocore cognito-idp, CreateUserPoolClient, ExplicitAuthFlows)."""
    flows = [it for it in each(client.props, "explicitAuthFlows") if isinstance(it, str) and it]
    if flows:
        yield Finding(client, f"lets users sign in by {_names(flows)}", "explicitAuthFlows")
    elif at(written.props, "explicitAuthFlows") is None:
        what = "is not given, and AWS then lets users sign in (ALLOW_USER_SRP_AUTH and others)"
        yield Finding(client, what, "explicitAuthFlows")


def _lives(client: Resource, most: float) -> Iterator[Finding]:
    """A token that is out cannot be taken back."""
    life, unit = at(client.props, "accessTokenValidity"), at(client.props, "tokenValidityUnits", "accessToken")
    factor = 60 if unit is None else _UNITS.get(unit) if isinstance(unit, str) else None
    known = isinstance(life, int | float) and not isinstance(life, bool)
    if known and factor is not None and life * factor > most:
        what = f"its tokens live {life * factor:g} minutes, and at most {most:g} are allowed"
        yield Finding(client, what, "accessTokenValidity")


def _names(words: list[str]) -> str:
    return listed([quote(word) for word in dict.fromkeys(words)])


RULE = Rule(
    name="machine-client-only",
    description="A client that gets tokens by client_credentials has a secret, own scopes, short tokens and no users.",
    why="Otherwise a user's sign-in, or whoever knows the client's id, gets the token that opens the gateway.",
    fix=(
        'Write generate_secret=True, allowed_oauth_flows=["client_credentials"], allowed_oauth_scopes of a resource'
        " server, explicit_auth_flows=[] and access_token_validity; give users a client of their own."
    ),
    severity=Severity.HIGH,
    framework=frameworks.LEAST_PRIVILEGE,
    types=SEEN,
    check_so_far=check_so_far,
    check_stack=check_stack,
    remembers=SEEN,
    settings={"accessTokenMinutes": settings.number_schema("Longest life of an access token, in minutes.", MINUTES)},
)
