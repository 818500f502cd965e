"""The issuers over HTTP: discovery, keys, and Cognito's token endpoint.

On AWS these are two hosts, `cognito-idp.<region>.amazonaws.com/<pool>` and `<domain>.auth.<region>.amazoncognito.com`;
here both are below `/issuer/<pool>`. The documents say the real issuer, so that tokens and deployment agree, and the
addresses of this machine.
"""

import asyncio
import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from urllib.parse import parse_qs, unquote

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from toolgate.local.serve.guards.iam_guard import Service, nobody
from toolgate.local.serve.tokens.issuer import ALGORITHM, Issuer, NoTokenError
from toolgate.local.serve.tokens.issuers import Issuers

_PATH = re.compile(
    r"/issuer/(?P<issuer>[\w-]{1,80})/"
    r"(?P<what>\.well-known/openid-configuration|\.well-known/jwks\.json|oauth2/token)"
)
MAX_BODY = 16 * 1024
_MOST_FIELDS = 32
_METHODS = ("client_secret_basic", "client_secret_post")


def issuer_url(url: str, issuer: Issuer) -> str:
    """Where an issuer is on this machine.

    Args:
        url: The local address.
        issuer: The issuer.
    """
    return f"{url}/issuer/{issuer.path}"


def token_endpoint(url: str, issuer: Issuer) -> str:
    """Where an issuer gives tokens on this machine."""
    return f"{issuer_url(url, issuer)}/oauth2/token"


def service(issuers: Issuers, url: str) -> Service:
    """The issuers, for everybody: who asks for a token says by its secret who it is.

    Args:
        issuers: The issuers.
        url: The local address.
    """
    methods = frozenset({"GET", "POST"})
    app = _app(issuers, url)
    return Service("oauth2", _PATH, methods, lambda _match, _request: [], app, MAX_BODY, admit=nobody)


def _app(issuers: Issuers, url: str) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        issuer, what = issuers.at(scope["path_params"]["issuer"]), scope["path_params"]["what"]
        asks_token = what == "oauth2/token"
        answer: Response
        if issuer is None or (asks_token and not issuer.has_endpoint):
            answer = _no(404, "not_found")
        elif scope["method"] != ("POST" if asks_token else "GET"):
            answer = _no(405, "invalid_request")
        elif asks_token:
            answer = await _token(issuer, Headers(scope=scope), (await receive())["body"])
        elif what.endswith("jwks.json"):
            key = await asyncio.to_thread(issuer.key.pair)
            answer = JSONResponse({"keys": [key.as_dict(private=False)]})
        else:
            answer = JSONResponse(_discovery(issuer, url))
        await answer(scope, receive, send)

    return app


def _discovery(issuer: Issuer, url: str) -> Mapping[str, object]:
    """What is there on this machine of what OpenID Connect Discovery, section 3, lists: no user signs in here."""
    endpoint = {
        "token_endpoint": token_endpoint(url, issuer),
        "token_endpoint_auth_methods_supported": _METHODS,
        "grant_types_supported": ["client_credentials"],
    }
    return {
        "issuer": issuer.url,
        "jwks_uri": f"{issuer_url(url, issuer)}/.well-known/jwks.json",
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "response_types_supported": ["code", "token"],
        "subject_types_supported": ["public"],
        **(endpoint if issuer.has_endpoint else {}),
    }


async def _token(issuer: Issuer, headers: Headers, body: bytes) -> Response:
    try:
        form = {name: values[0] for name, values in parse_qs(body.decode(), max_num_fields=_MOST_FIELDS).items()}
    except ValueError:  # not UTF-8, or too many fields
        return _no(400, "invalid_request")
    try:
        client_id, secret = _authenticated(headers, form)
        client = issuer.clients.get(client_id)
        if form.get("grant_type") != "client_credentials":
            return _no(400, "unsupported_grant_type")
        if client is None or not hmac.compare_digest(client.secret.encode(), secret.encode()):
            return _no(400, "invalid_client")
        scopes = form.get("scope", "").split()
        if "scope" in form and not scopes:
            return _no(400, "invalid_scope")
        token = await asyncio.to_thread(issuer.issue, client_id, scopes)
    except NoTokenError as error:
        return _no(400, error.code)
    answer = {"access_token": token, "expires_in": client.seconds, "token_type": "Bearer"}
    return JSONResponse(answer, headers={"cache-control": "no-store"})


def _authenticated(headers: Headers, form: Mapping[str, str]) -> tuple[str, str]:
    """Who the client says it is, and its secret: by the header, else in the body (RFC 6749, section 2.3.1)."""
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeError):
        raise NoTokenError("invalid_client") from None
    return unquote(client_id), unquote(secret)


def _no(status: int, error: str) -> Response:
    return JSONResponse({"error": error}, status, headers={"cache-control": "no-store"})
