"""A gateway's way in by tokens: what it is told of their issuer, and what its tools tell who is handed them."""

import re
from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

import pulumi

from toolgate.components.checks import arguments, identifiers, names
from toolgate.components.checks.arguments import UsageError

CLIENT_CLAIM = "client_id"
"""The claim that names the client in a token of Cognito (Cognito developer guide, "Understanding the access token")."""
SCOPE = "invoke"
"""The one scope that a gateway has of a user pool; with the gateway's name before it, it opens that gateway only."""
# Cognito developer guide, "Using the access token", and CreateUserPoolClient, AccessTokenValidity: 5 minutes to a day.
SHORTEST_MINUTES, LONGEST_MINUTES, DEFAULT_MINUTES = 5, 1440, 60
# Ours: what may stand in a Cedar string as it is. A claim may be named by a URL.
_CLAIM = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,255}")
# botocore bedrock-agentcore-control AllowedScopeType
_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,255}")
# Cognito developer guide, "Verifying JSON web tokens": where a user pool's issuer is.
_COGNITO = re.compile(r"https://cognito-idp[.-]")


class Inbound(TypedDict):
    """An issuer of tokens, and which of its tokens a gateway lets in. Those of a TokenIssuer are its `inbound`."""

    issuer: str
    """The issuer's name here. Gateways with one issuer share an agent's client there: letters, digits, hyphens."""
    discovery_url: pulumi.Input[str]
    """Where it describes itself: `https://.../.well-known/openid-configuration`."""
    user_pool_id: NotRequired[pulumi.Input[str]]
    """Id of its user pool, where the issuer is the stack's own. The gateway then has a scope of its own in it."""
    token_endpoint: NotRequired[pulumi.Input[str]]
    """Where the user pool gives tokens."""
    access_token_minutes: NotRequired[pulumi.Input[int]]
    """How long a token of the user pool lives; 5 to 1440. Default 60."""
    audiences: NotRequired[list[str]]
    """Of a foreign issuer: the audiences (`aud`) that are let in."""
    scopes: NotRequired[list[str]]
    """Of a foreign issuer: the scopes of which a token needs one."""
    client_claim: NotRequired[str]
    """Of a foreign issuer: the claim that names the client, such as `azp`, `appid` or `cid`. Default `client_id`."""


class Bearer(TypedDict):
    """How to come to a gateway that takes tokens: whose, and with which scope."""

    issuer: str
    """The issuer's name here."""
    discovery_url: pulumi.Input[str]
    """Where the issuer describes itself."""
    user_pool_id: NotRequired[pulumi.Input[str]]
    """Id of its user pool, where the issuer is one of the stack's own: clients are made there."""
    token_endpoint: NotRequired[pulumi.Input[str]]
    """Where the user pool gives tokens."""
    access_token_minutes: NotRequired[pulumi.Input[int]]
    """How long a token of the user pool lives; 5 to 1440. Default 60."""
    scope: NotRequired[pulumi.Input[str]]
    """The gateway's scope in the user pool."""
    client_claim: NotRequired[str]
    """Of a foreign issuer: the claim that names the client. Default `client_id`."""


def check(inbound: Inbound, where: str) -> None:
    """Check what a gateway is told before anything is made. What an Output holds comes later.

    Raises:
        UsageError: AWS would refuse a value, the issuer's tokens would all be let in or all be refused, or it says both
            that the issuer is the stack's own and that it is a foreign one.
    """
    _check_issuer(inbound, where)
    locks: dict[str, list[str]] = {key: it for key, it in _locks(inbound).items() if it is not None}
    if "user_pool_id" in inbound:
        for key in (*locks, *(["client_claim"] if "client_claim" in inbound else [])):
            raise UsageError(f"{where}.{key}: {_OF_OWN[key]} Remove {key!r}.")
        return
    if not any(locks.values()):
        raise UsageError(
            f"{where}: lets in every token of {inbound['issuer']!r}. Write the audiences or the scopes of those that "
            f"are for this gateway: 'audiences': ['tools'] or 'scopes': ['tools/{SCOPE}']."
        )
    for key, values in locks.items():
        if not values:
            raise UsageError(f"{where}.{key}: is empty. Name one, or leave the key out.")
    for value in inbound.get("scopes", []):
        if not _SCOPE.fullmatch(value):
            raise UsageError(
                f"{where}.scopes: {value!r} is no scope. Write 1 to 255 letters, digits and signs, without blank, "
                "quote and backslash."
            )
    if "" in inbound.get("audiences", []):
        raise UsageError(f"{where}.audiences: '' is no audience. Write what the tokens have as 'aud'.")
    url = inbound["discovery_url"]
    if isinstance(url, str) and _COGNITO.match(url) and "audiences" in inbound:
        raise UsageError(f"{where}.audiences: {_NO_AUDIENCE} Write 'scopes' instead.")


_NO_AUDIENCE = "access tokens of Cognito have no audience, so that all of them would be refused."
# What an issuer of the stack's own has no use for, and why.
_OF_OWN = {
    "audiences": _NO_AUDIENCE,
    "scopes": "in the stack's own user pool a gateway has one scope of its own.",
    "client_claim": f"in Cognito's tokens it is {CLIENT_CLAIM!r}.",
}


def check_bearer(bearer: Bearer, where: str) -> None:
    """Check how to come to a gateway; a grant may have been written out or changed by hand.

    Raises:
        UsageError: AWS would refuse a value, or a gateway of the stack's own issuer has no scope.
    """
    _check_issuer(bearer, where)
    if "user_pool_id" in bearer and "scope" not in bearer:
        raise UsageError(f"{where}: missing 'scope', which opens the gateway. Write the gateway's output `scope`.")
    if "user_pool_id" not in bearer and "scope" in bearer:
        raise UsageError(f"{where}: missing 'user_pool_id', in which the scope is. Write the token issuer's output.")
    if "user_pool_id" in bearer and bearer.get("client_claim", CLIENT_CLAIM) != CLIENT_CLAIM:
        raise UsageError(f"{where}.client_claim: {_OF_OWN['client_claim']} Remove 'client_claim'.")


def _check_issuer(given: Inbound | Bearer, where: str) -> None:
    names.issuer(given["issuer"], f"{where}.issuer")
    identifiers.check(identifiers.DISCOVERY, given["discovery_url"], f"{where}.discovery_url")
    arguments.within(
        given.get("access_token_minutes"), SHORTEST_MINUTES, LONGEST_MINUTES, f"{where}.access_token_minutes"
    )
    if "user_pool_id" not in given:
        for key in ("token_endpoint", "access_token_minutes"):
            if key in given:
                raise UsageError(
                    f"{where}.{key}: is for an issuer of the stack's own, and there is no 'user_pool_id'. Remove it, "
                    "or hand over the `inbound` of a TokenIssuer."
                )
    claim = given.get("client_claim", CLIENT_CLAIM)
    if not _CLAIM.fullmatch(claim):
        raise UsageError(
            f"{where}.client_claim: {claim!r} is no claim's name. Write one like 'azp': without blank, quote and "
            "backslash."
        )


def authorizer(inbound: Inbound, scope: pulumi.Input[str] | None) -> dict[str, Any]:
    """What the gateway checks, as the provider takes it: all that are given must hold for a token to be let in.

    AgentCore developer guide, "Inbound JWT authorizer". A scope rather than the clients' ids: those are made after the
    gateway whose tools they are handed.

    Args:
        inbound: The issuer, checked.
        scope: The gateway's own scope, where the issuer is the stack's.
    """
    locks: Mapping[str, Any] = _locks(inbound) if scope is None else {"scopes": [scope]}
    allowed = {f"allowed_{key}": values for key, values in locks.items() if values}
    return {"custom_jwt_authorizer": {"discovery_url": inbound["discovery_url"], **allowed}}


def _locks(inbound: Inbound) -> dict[str, list[str] | None]:
    return {"audiences": inbound.get("audiences"), "scopes": inbound.get("scopes")}


def bearer(inbound: Inbound, scope: pulumi.Input[str] | None) -> Bearer:
    """How to come to the gateway, for who is handed its tools.

    Args:
        inbound: The issuer.
        scope: The gateway's own scope, where the issuer is the stack's.
    """
    told: Any = {key: value for key, value in inbound.items() if key in Bearer.__annotations__}
    known: Bearer = told
    if scope is not None:
        known["scope"] = scope
    return known


def client_claim(bearer: Bearer | None) -> str | None:
    """The claim that names the client in the gateway's tokens; None where it takes none."""
    return None if bearer is None else bearer.get("client_claim", CLIENT_CLAIM)
