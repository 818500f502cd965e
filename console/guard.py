"""Who may speak with the console: a page of ours in the browser of who has started it, and nobody else.

A web page that is open beside it can send requests here, too. So each must name this address as its host (a name that
was rebound to it names itself), come from no other origin, and for anything but the files of the page carry the token
of this start, which no other page knows. There are no cookies: a browser adds nothing by itself that lets a request in.
"""

import hmac
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from toolgate.local.serve.guards.iam_guard import replayed

API = "/api/"
MOST_BODY = 2**20
"""Bytes of a request's body."""

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
"""On each answer, whatever it is."""


def new_token() -> str:
    """A token for one start."""
    return secrets.token_urlsafe(32)


@dataclass(frozen=True)
class _Refusal:
    status: int
    code: str
    message: str


@dataclass(frozen=True)
class Guard:
    """Stands in front of an app.

    Attributes:
        app: The app.
        port: The port that it is served at.
        token: What a request for data must carry.
    """

    app: ASGIApp
    port: int
    token: str = field(repr=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        guarded = _with_headers(send)
        headers = _headers(scope)
        if len(headers.get("host", ())) != 1 or headers["host"][0] not in self._hosts():
            # To a page whose name was rebound to this address nothing is said.
            await _answer(guarded, 421, b"")
            return
        refusal = self._refusal(scope, headers)
        body = None
        if refusal is None and scope["method"] == "POST":
            body = await _read(headers, receive)
            if body is None:
                refusal = _Refusal(413, "too_large", f"a request has at most {MOST_BODY} bytes")
        if refusal:
            await _answer(guarded, refusal.status, _error(refusal), b"application/json")
            return
        await self.app(scope, receive if body is None else replayed(body, receive), guarded)

    def _hosts(self) -> Iterator[str]:
        return (f"{name}:{self.port}" for name in ("127.0.0.1", "localhost", "[::1]"))

    def _refusal(self, scope: Scope, headers: Mapping[str, list[str]]) -> _Refusal | None:
        own = f"http://{headers['host'][0]}"
        if any(origin != own for origin in headers.get("origin", ())):
            return _Refusal(403, "other_origin", "the console answers its own page only")
        if any(site not in {"same-origin", "none"} for site in headers.get("sec-fetch-site", ())):
            return _Refusal(403, "other_origin", "the console answers its own page only")
        if scope["path"].startswith(API) and not self._has_token(headers):
            text = "open the console by the address that `toolgate` printed: it holds the token of this start"
            return _Refusal(401, "no_token", text)
        kind = "".join(headers.get("content-type", ())).partition(";")[0].strip().lower()
        if scope["method"] == "POST" and kind != "application/json":
            return _Refusal(415, "not_json", "send application/json")
        return None

    def _has_token(self, headers: Mapping[str, list[str]]) -> bool:
        given = "".join(headers.get("authorization", ()))
        return hmac.compare_digest(given.encode(), f"Bearer {self.token}".encode())


def _headers(scope: Scope) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return found


async def _read(headers: Mapping[str, list[str]], receive: Receive) -> bytes | None:
    """The body; None where it is too large, and then no more of it is read."""
    declared = "".join(headers.get("content-length", ()))
    if declared.isdecimal() and int(declared) > MOST_BODY:
        return None
    parts: list[bytes] = []
    more = True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
        if sum(map(len, parts)) > MOST_BODY:
            return None
    return b"".join(parts)


def _with_headers(send: Send) -> Send:
    ours = [(name.encode(), value.encode()) for name, value in HEADERS.items()]

    async def sends(message: Message) -> None:
        if message["type"] == "http.response.start":
            theirs = [(name, value) for name, value in message.get("headers", ()) if name.decode() not in HEADERS]
            message = {**message, "headers": [*theirs, *ours]}
        await send(message)

    return sends


def _error(refusal: _Refusal) -> bytes:
    return json.dumps({"error": {"code": refusal.code, "message": refusal.message}}).encode()


async def _answer(send: Send, status: int, body: bytes, kind: bytes | None = None) -> None:
    headers = [(b"content-length", str(len(body)).encode()), *([(b"content-type", kind)] if kind else [])]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
