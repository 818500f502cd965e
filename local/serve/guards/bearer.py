"""Verify a bearer token, and say who comes with it: what a gateway with an authorizer for tokens does first.

The cryptography is joserfc's. Written here is what a server does besides: which tokens are looked at at all, which key
may have signed, which times hold. What a token may do is `access.tokens.authorizer`'s.
Source: RFC 7519, RFC 7515 and RFC 8725 (the key is the issuer's own, the algorithm is not the token's choice); of the
answers RFC 6750, section 3, RFC 9728, section 5.1, and AgentCore developer guide, "gateway-inbound-auth".
"""

import base64
import binascii
import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from starlette.types import Send

from toolgate.access.deployment.tokens import JwtAuthorizer
from toolgate.access.iam.evaluation import Access
from toolgate.access.tokens.authorizer import SCOPE, Claims, admits
from toolgate.local.serve.access_log import Entry
from toolgate.local.serve.guards.gateway_caller import GatewayCaller, by_token
from toolgate.local.serve.guards.iam_guard import RequestRefused, refuse
from toolgate.local.serve.guards.sigv4 import Received
from toolgate.local.serve.json_body import NotJsonError, compact, read_json
from toolgate.local.serve.tokens.issuer import ALGORITHM, Issuer

log = logging.getLogger(__name__)

LONGEST = 8 * 1024
"""Characters of a token that is looked at. AgentCore's bound is not documented; Cognito's tokens have about 1,000."""
SKEW_SECONDS = 5
"""How far another machine's clock may be ahead. What AgentCore allows is not documented, and an expired token it may
take a little longer than this machine, which takes none."""

_PARTS = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
_ONE_ALGORITHM = jws.JWSRegistry(algorithms=[ALGORITHM])
_REFUSED = -32001
_NO_TOKEN, _INVALID, _SCOPE = "missing_token", "invalid_token", "insufficient_scope"


class TokenError(Exception):
    """The token is not taken: which check says so, why, and the caller where the signature is the issuer's."""

    def __init__(self, check: str, reason: str, claims: Mapping[str, Any] | None = None) -> None:
        super().__init__(reason)
        self.check = check
        self.claims = claims


def verified(token: str, issuer: Issuer, now: float | None = None) -> dict[str, Any]:
    """The claims of a token that the issuer has signed and that holds now.

    Args:
        token: The token, from anybody.
        issuer: Who must have signed it.
        now: The time; the clock's when left out.

    Raises:
        TokenError: It is not one.
    """
    if len(token) > LONGEST:
        raise TokenError("form", f"it is longer than {LONGEST} characters")
    if not _PARTS.fullmatch(token):
        raise TokenError("form", "it is not three parts of base64url with dots between them")
    header = _object(token.partition(".")[0], "header")
    if header.get("alg") != ALGORITHM:
        raise TokenError("algorithm", f"its algorithm is not {ALGORITHM}")
    if "crit" in header:
        raise TokenError("form", "its header has extensions that must be understood")
    key = issuer.key.public(header.get("kid"))  # joserfc would take one without where the issuer has one key
    if key is None:
        raise TokenError("key", "the issuer has no such key")
    _decoded(token.rpartition(".")[2], "signature")
    try:
        payload = jws.deserialize_compact(token, key, registry=_ONE_ALGORITHM).payload
    except (JoseError, ValueError):
        raise TokenError("signature", "the issuer has not signed it") from None
    claims = _parsed(payload, "payload")
    _check_times(claims, time.time() if now is None else now)
    if claims.get("iss") != issuer.url:
        raise TokenError("issuer", f"iss is not {issuer.url}", claims)
    if not isinstance(claims.get("sub"), str):
        raise TokenError("form", "sub is not a text", claims)
    return claims


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    """Source: RFC 7519, sections 4.1.4 to 4.1.6. That a token must say when it expires is ours."""
    expires = _time(claims, "exp")
    if expires is None:
        raise TokenError("expiry", "it does not say when it expires", claims)
    if now >= expires:
        raise TokenError("expiry", "it has expired", claims)
    for name in ("nbf", "iat"):
        begins = _time(claims, name)
        if begins is not None and begins > now + SKEW_SECONDS:
            raise TokenError("expiry", f"its {name} is in the future", claims)


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenError("expiry", f"its {name} is not a number", claims)
    return value


def _object(part: str, what: str) -> dict[str, Any]:
    return _parsed(_decoded(part, what), what)


def _decoded(part: str, what: str) -> bytes:
    """The bytes of a part; of several texts with the same bytes only the one that an encoder writes."""
    try:
        content = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError):
        raise TokenError("form", f"its {what} is not base64url") from None
    if base64.urlsafe_b64encode(content).rstrip(b"=") != part.encode():
        raise TokenError("form", f"its {what} is not base64url as it is written")
    return content


def _parsed(content: bytes, what: str) -> dict[str, Any]:
    try:
        document = read_json(content)
    except NotJsonError:
        raise TokenError("form", f"its {what} is not JSON") from None
    if not isinstance(document, dict):
        raise TokenError("form", f"its {what} is not a JSON object")
    return document


@dataclass(frozen=True)
class BearerGuard:
    """What stands in front of a gateway that takes tokens.

    Attributes:
        authorizer: What the gateway checks.
        issuer: Whose tokens it takes.
        metadata_url: Where the gateway says whose tokens it takes (RFC 9728).
    """

    authorizer: JwtAuthorizer
    issuer: Issuer
    metadata_url: str

    def admit(self, head: Received, entry: Entry) -> GatewayCaller:
        """Who comes with the token of a request; the exchange learns it, and what decided.

        Raises:
            RequestRefused: There is no token, or it is not let in.
        """
        given = [value for name, value in head.headers if name.lower() == "authorization"]
        scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        if scheme.lower() != "bearer" or not token:
            why = "the request is signed, and this gateway takes tokens" if scheme.startswith("AWS4-") else "no token"
            raise self._refused(entry, HTTPStatus.UNAUTHORIZED, _NO_TOKEN, "form", why)
        try:
            claims = verified(token, self.issuer)
        except TokenError as error:
            if error.claims:
                entry.comes_with(error.claims)
            raise self._refused(entry, HTTPStatus.UNAUTHORIZED, _INVALID, error.check, str(error)) from None
        entry.comes_with(claims)
        admission = admits(self.authorizer, Claims(claims))
        if admission.access is not Access.ALLOW:
            # Which status another claim than the scope gets is not documented.
            lacks_scope = admission.claim == SCOPE
            status = HTTPStatus.FORBIDDEN if lacks_scope else HTTPStatus.UNAUTHORIZED
            code = _SCOPE if lacks_scope else _INVALID
            raise self._refused(entry, status, code, admission.claim, admission.reason)
        entry.allow(by="token", effect="allow", reason=self._says)
        return by_token(claims)

    @property
    def _says(self) -> str:
        """What a token was let in for, in a few words."""
        checked = {
            "aud": self.authorizer.audiences,
            "client_id": self.authorizer.clients,
            "scope": self.authorizer.scopes,
            **{it.name: it.values for it in self.authorizer.claims},
        }
        listed = [f"{name} {' or '.join(values)}" for name, values in checked.items() if values]
        return ", ".join(["signature", "expiry", *listed])

    def _refused(self, entry: Entry, status: int, code: str, check: str, reason: str) -> RequestRefused:
        """The refusal of a request; the words in it are ours, and tell the caller the error of RFC 6750 alone."""
        log.info("token refused: %s: %s", check, reason)
        entry.deny(by="token", effect="deny", check=check, reason=f"{check}: {reason}", code=code)
        said = {} if code == _NO_TOKEN else {"error": code}
        scope = " ".join(self.authorizer.scopes)
        said |= {"resource_metadata": self.metadata_url, **({"scope": scope} if scope else {})}
        challenge = ", ".join(f'{name}="{value}"' for name, value in said.items())
        return RequestRefused(status, code, _WORDS[code], {"www-authenticate": f"Bearer {challenge}"})


_WORDS = {_NO_TOKEN: "Missing Bearer token", _INVALID: "Invalid Bearer token", _SCOPE: "Insufficient scope"}


async def refuse_token(send: Send, status: int, code: str, message: str) -> None:
    """Answer a request to a gateway that takes tokens: the body is one of JSON-RPC, whose words are not documented."""
    if code not in _WORDS:
        await refuse(send, status, code, message)
        return
    body = compact({"jsonrpc": "2.0", "id": None, "error": {"code": _REFUSED, "message": message}})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
