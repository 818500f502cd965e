"""Requests to a gateway with a bearer token, replaced once where the gateway refuses it."""

import asyncio
import logging
import re
from collections.abc import Awaitable
from http import HTTPStatus
from typing import Any

import httpx

import contract
import logs
from contract import ContractError

from .tokens import TokenSource, claims

_SCHEME = "Bearer"
# Where issuers name the client: Cognito, Auth0 and Keycloak, Entra, Okta.
_CLIENT_CLAIMS = ("client_id", "azp", "appid", "cid")
# How a gateway says which scope a token lacks (RFC 6750, 3).
_NEEDS = re.compile(r'\bscope="([^"]*)"')

_CHECKS = {
    HTTPStatus.UNAUTHORIZED: "the gateway's authorizer is CUSTOM_JWT; its discovery document names exactly the token's "
    "issuer; the audience, where it wants one, is in the token (Cognito's have none); the clock is right",
    HTTPStatus.FORBIDDEN: "the gateway's allowed scopes, clients and claims let this token in; the provider's client "
    "has the scope at its issuer, and the scopes that are asked for have it",
}


class Bearer:
    """Lets requests in by a token.

    Args:
        source: Where tokens come from.
        known_as: How the log names them.
    """

    def __init__(self, source: TokenSource, known_as: dict[str, Any]) -> None:
        self._source = source
        self._known_as = known_as

    async def authorize(self, request: httpx.Request, until: float) -> None:
        """Put a valid token into `request`.

        Raises:
            ContractError: If there is none by `until`.
        """
        request.headers["authorization"] = f"{_SCHEME} {await self._within(self._source.token(), until)}"

    async def renew(self, request: httpx.Request, until: float) -> bool:
        """Put another token into a request whose token was refused: it may have ended, or its key been replaced.

        Raises:
            ContractError: If none is to be had by `until`.
        """
        refused = token_of(request)
        another = await self._within(self._source.replacement(refused), until)
        if another is None:
            return False
        logs.event("token_refused", gateway=request.url.host, **self._known_as, **_said(refused))
        request.headers["authorization"] = f"{_SCHEME} {another}"
        return True

    def diagnosis(self, request: httpx.Request, response: httpx.Response, text: str) -> dict[str, Any]:
        """Whose token it was, and which scope it lacks."""
        needed = _NEEDS.search(response.headers.get("www-authenticate", ""))
        return {
            **self._known_as,
            **_said(token_of(request)),
            "needs_scope": without_token(request, needed[1][:300].encode()).decode() if needed else None,
            "reason": text[:500],
            "check": _CHECKS[HTTPStatus(response.status_code)],
        }

    async def _within[T](self, step: Awaitable[T], until: float) -> T:
        try:
            async with asyncio.timeout_at(until):
                return await step
        except TimeoutError:
            logs.event("token_unavailable", level=logging.WARNING, **self._known_as, reason="Identity is slow")
            raise ContractError(contract.GATEWAY_TOKEN_UNAVAILABLE) from None


def token_of(request: httpx.Request) -> str:
    """The token that a request carries; none where it is signed."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme == _SCHEME else ""


def without_token(request: httpx.Request, data: bytes) -> bytes:
    """What a gateway answered without the token it was sent, in case it or a tool says that back."""
    token = token_of(request)
    return data.replace(token.encode(), b"[token]") if token else data


def _said(token: str) -> dict[str, Any]:
    """What the log may have of a token."""
    said = claims(token)
    client = next((said[name] for name in _CLIENT_CLAIMS if name in said), None)
    return {"client": _short(client), "issuer": _short(said.get("iss")), "expires": _short(said.get("exp"))}


def _short(value: Any) -> str | None:
    return None if value is None else str(value)[:200]
