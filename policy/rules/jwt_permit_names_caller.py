"""jwt-permit-names-caller: where callers bring tokens, a Cedar permit says whose."""

from collections.abc import Iterator

from pulumi_policy import Severity

from toolgate.policy import frameworks, settings
from toolgate.policy.agentcore import cedar_permits, cedar_syntax, gateways, tokens
from toolgate.policy.agentcore.cedar_syntax import Permit
from toolgate.policy.language import patterns
from toolgate.policy.language.agentcore_facts import CALLER_CLAIMS, CEDAR_POLICY
from toolgate.policy.messages import listed, quote
from toolgate.policy.properties import at
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings
from toolgate.policy.stack import Stack

PLACE = "definition.cedar.statement"
CLAIMS = list(CALLER_CLAIMS)
# RFC 6749, section 3.3; `scp` is what Okta and Entra call it.
_SCOPES = frozenset({"scope", "scp"})
_OAUTH_USER = "OAuthUser"


def check(resource: Resource, config: RuleSettings) -> Iterator[Finding]:
    """A permit for callers with tokens says so itself."""
    for permit in _permits(resource) or ():
        if _OAUTH_USER in permit.principal:
            yield from _of(resource, permit, config)


def check_stack(stack: Stack, config: RuleSettings) -> Iterator[Finding]:
    """A permit for any kind of caller, on an engine of a gateway that takes tokens."""
    for policy in stack.of(CEDAR_POLICY):
        asking = [it for it in gateways.asking(stack, policy) if tokens.takes_tokens(it)]
        permits = _permits(policy) if asking else ()
        if permits is None:
            yield Finding(policy, "cannot be read, so nobody sees whom it permits", PLACE)
        for permit in permits or ():
            yield from _of(policy, permit, config)


def _permits(policy: Resource) -> tuple[Permit, ...] | None:
    """None of a statement that is known and no Cedar; one with unknown text in it may be."""
    statement = at(policy.props, "definition", "cedar", "statement")
    if not isinstance(statement, str):
        return ()
    permits = cedar_syntax.permits(statement)
    return () if permits is None and patterns.HOLE in patterns.with_holes(statement) else permits


def _of(policy: Resource, permit: Permit, config: RuleSettings) -> Iterator[Finding]:
    claims = config.strings("claims", CLAIMS)
    if not cedar_permits.names_caller(permit, frozenset(claims)):
        named = listed([quote(it) for it in claims], "or")
        yield Finding(policy, f"permits callers whom it names neither by their id nor by the claim {named}", PLACE)
    for claim in sorted(set(cedar_permits.compared_in_parts(permit, _SCOPES))):
        yield Finding(policy, f"compares {quote(claim)} with a part of it: a longer scope has that part, too", PLACE)


RULE = Rule(
    name="jwt-permit-names-caller",
    description="Where callers bring tokens, a Cedar permit names the caller by its id or by a claim of who it is.",
    why="Whoever has a token that opens the gateway may otherwise call what was meant for one of them.",
    fix=(
        'Write when { principal.hasTag("client_id") && principal.getTag("client_id") == "<client id>" }, and compare'
        ' whole scopes (== "a", like "a *", like "* a", like "* a *").'
    ),
    severity=Severity.HIGH,
    framework=frameworks.LEAST_PRIVILEGE,
    types=frozenset({CEDAR_POLICY}),
    check=check,
    check_stack=check_stack,
    settings={"claims": settings.strings_schema("Claims of a token that say who its caller is.", CLAIMS)},
)
