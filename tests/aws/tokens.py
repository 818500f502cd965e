"""Tokens of the throw-away stack's client, as any client of its user pool gets them, and requests that bring one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from tests.aws import signed, waiting
from tests.aws.masking import masked
from tests.aws.signed import Answer, Signature
from tests.aws.world import MissingError, World
from toolgate.access.deployment.agentcore_resources import Gateway
from toolgate.access.deployment.tokens import AppClient, UserPool

SLACK = 2.0
"""Seconds past a token's end after which no clock is said to be wrong."""
_NOTHING: Mapping[str, str] = {}
_PARAMETER = re.compile(r'\b(\w+)="([^"]*)"')


@dataclass(frozen=True)
class Refusal:
    """No token was given; the text says why, masked."""

    text: str


def discovered(world: World, pool: UserPool) -> Mapping[str, Any]:
    """What a user pool says of itself.

    Raises:
        MissingError: It says nothing.
    """
    answer = signed.client().get(world.discovery(pool))
    if answer.status_code != httpx.codes.OK:
        raise MissingError(masked(f"the discovery document: HTTP {answer.status_code}, {answer.text[:500]}", world))
    document: Mapping[str, Any] = answer.json()
    return document


def asked(world: World, client: AppClient) -> str | Refusal:
    """Ask the issuer for a token in a client's own name (RFC 6749, section 4.4)."""
    try:
        endpoint = str(discovered(world, world.pool).get("token_endpoint"))
        form = {"grant_type": "client_credentials", "scope": " ".join(client.scopes)}
        answer = signed.client().post(endpoint, data=form, auth=(client.id, world.secret(client)))
    except (MissingError, httpx.HTTPError, httpx.InvalidURL) as error:
        return Refusal(masked(f"{type(error).__name__}: {error}", world))
    if answer.status_code != httpx.codes.OK:
        return Refusal(masked(f"HTTP {answer.status_code}, {answer.text[:500]}", world))
    return str(answer.json()["access_token"])


def taken(world: World, client: AppClient) -> str:
    """A token.

    Raises:
        MissingError: The issuer gives none.
    """
    given = asked(world, client)
    if isinstance(given, Refusal):
        raise MissingError(f"no token: {given.text}")
    return given


def expired(world: World, client: AppClient) -> str:
    """A token whose life is over: as long as that takes, nothing is done."""
    token = taken(world, client)
    waiting.sleep(client.seconds + SLACK)
    return token


def bearing(token: str) -> dict[str, str]:
    """The header that brings a token."""
    return {"Authorization": f"Bearer {token}"}


def rpc(
    world: World, gateway: Gateway, token: str, method: str, headers: Mapping[str, str] = _NOTHING, **params: Any
) -> Answer:
    """Send one JSON-RPC request with a token."""
    unsigned = Signature(None, world.region)
    return signed.send(world.endpoint(gateway), method, params, unsigned, {**bearing(token), **headers})


def call(world: World, gateway: Gateway, token: str, tool: str, arguments: Mapping[str, Any]) -> Answer:
    """Call a tool with a token."""
    return rpc(world, gateway, token, "tools/call", name=tool, arguments=dict(arguments))


def challenge(answer: Answer) -> dict[str, str]:
    """The parameters of the header by which a refusal says which tokens are wanted (RFC 6750, section 3)."""
    return dict(_PARAMETER.findall(answer.headers.get("www-authenticate", "")))
