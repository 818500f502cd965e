"""jwt-issuer-known: whose tokens open a gateway or an agent, somebody has decided."""

import ipaddress
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from pulumi_policy import Severity

from toolgate.policy import frameworks, settings
from toolgate.policy.agentcore import tokens
from toolgate.policy.agentcore.tokens import PLACE
from toolgate.policy.language import patterns
from toolgate.policy.language.unknown import UNKNOWN
from toolgate.policy.messages import quote
from toolgate.policy.rule import Finding, Resource, Rule
from toolgate.policy.settings import RuleSettings
from toolgate.policy.stack import Stack

# OpenID Connect Discovery 1.0, section 4.
_WELL_KNOWN = "/.well-known/"
# RFC 6761, section 6.3. Numbers in place of a name are addresses, however a resolver writes them (0x7f.1, 2130706433).
_NO_NAME = re.compile(r"(?:.*\.)?localhost\.?|(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+))*\.?", re.IGNORECASE)


def check(resource: Resource, config: RuleSettings) -> Iterator[Finding]:
    """What no issuer's URL is, and an issuer that is no user pool; whose pool one is, the stack tells."""
    url = tokens.discovery_url(resource)
    if isinstance(url, str) and (why := _no_issuer(url)):
        yield Finding(resource, f"takes the tokens of {quote(_shown(url))}, {why}", PLACE)
    elif isinstance(tokens.authorizer(resource), dict) and not isinstance(url, str) and url is not UNKNOWN:
        yield Finding(resource, "its JWT authorizer has no discoveryUrl", PLACE)
    if tokens.pool_in(url) is None:
        yield from _stranger(resource, config)


def check_stack(stack: Stack, config: RuleSettings) -> Iterator[Finding]:
    """An issuer that is no user pool of this stack; which pool an unknown URL is made of, the graph tells."""
    for resource in stack.of(*tokens.TAKERS):
        if not tokens.pools_of(stack, resource):
            yield from _stranger(resource, config)


def undecided(stack: Stack, resource: Resource) -> bool:
    """Whether neither the URL nor the graph tells who the issuer is."""
    return tokens.discovery_url(resource) is UNKNOWN and not tokens.pools_of(stack, resource)


def _stranger(resource: Resource, config: RuleSettings) -> Iterator[Finding]:
    url = tokens.discovery_url(resource)
    if isinstance(url, str) and not _no_issuer(url) and not _is_listed(url, config):
        what = f"takes the tokens of {quote(_shown(url))}, which is neither a user pool of this stack nor listed"
        yield Finding(resource, what, PLACE)


def _is_listed(url: str, config: RuleSettings) -> bool:
    names = {url, _shown(url), f"{_shown(url)}/"}
    return any(patterns.read(it).like(name) for it in config.strings("issuers", []) for name in names)


def _shown(url: str) -> str:
    """The issuer; what stands behind a question mark may be a secret."""
    return url.partition("?")[0].partition(_WELL_KNOWN)[0].rpartition("@")[2]


def _no_issuer(url: str) -> str | None:
    """Why nobody's issuer is there, as the end of a sentence."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return "which is no URL"
    if parts.scheme != "https":
        return "which is not read by https: whoever is on the way says whose signatures hold"
    if not host:
        return "which names no host"
    if parts.username is not None or parts.password is not None:
        return "which names a user besides the host"
    return "which is an address or a loopback, and no issuer's name" if _is_address(host) else None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _NO_NAME.fullmatch(host) is not None
    return True


RULE = Rule(
    name="jwt-issuer-known",
    description="Tokens are taken of a user pool of this stack, or of an issuer that is listed, by https.",
    why="Whoever holds the issuer's keys makes tokens for whomever, and with them every call.",
    fix="Take the discovery URL of the stack's user pool (issuer.inbound), or list the issuer in issuers.",
    severity=Severity.CRITICAL,
    framework=frameworks.NO_PUBLIC_ACCESS,
    types=tokens.TAKERS,
    check=check,
    check_stack=check_stack,
    settings={"issuers": settings.strings_schema("Issuers of others: URLs, or patterns with * and ?.", [])},
)
