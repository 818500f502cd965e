"""The gateway's one path over HTTP: what comes in is checked, and what goes out is AWS's or ours, before any library.

The library behind it sees only messages that fit, written anew: its tools, and its sessions where the gateway has some.
Source: MCP specification 2025-11-25, "Transports", "Streamable HTTP". An answer is always JSON: AWS streams where
`streamingConfiguration` says so, and that is not reproduced.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as AsgiMessage

from toolgate.local.serve.access_log import ENTRY
from toolgate.local.serve.gateway.json_rpc import (
    CALL_TOOL,
    INITIALIZE,
    INTERNAL_ERROR,
    INVALID_REQUEST,
    Id,
    Introduction,
    Message,
    RpcError,
    check_request,
    check_version,
    id_of,
    own_result,
    parse,
    read_message,
)
from toolgate.local.serve.gateway.media_types import accepts, is_json
from toolgate.local.serve.guards.iam_guard import replayed

JSON, EVENTS = "application/json", "text/event-stream"
_SESSION = "mcp-session-id"
_VERSION = "mcp-protocol-version"
_CANCELLED = "notifications/cancelled"
_INITIALIZED = "notifications/initialized"
# What the library would judge for itself, or answer with what it does not have (`last-event-id`).
_OURS = ("accept", "content-type", "content-length", "last-event-id", _VERSION, _SESSION)
_OPENING = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "client", "version": "1"}}


@dataclass(frozen=True)
class _Http:
    scope: Scope
    receive: Receive
    send: Send
    body: bytes

    def header(self, name: str) -> str | None:
        """The header's value, several joined as HTTP does; None where there is none, or an empty one."""
        return ", ".join(Headers(scope=self.scope).getlist(name)) or None


def mcp_endpoint(library: ASGIApp, gateway: Introduction, *, sessions: bool) -> ASGIApp:
    """The ASGI app of a gateway's path, behind whatever checks the caller and reads the whole body.

    Args:
        library: Answers tools/list and tools/call, and keeps the sessions.
        gateway: What the gateway says of itself.
        sessions: Whether it has MCP sessions.
    """
    endpoint = _Endpoint(library, gateway, sessions)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        first = await receive()  # the whole body: the guard has read it
        http = _Http(scope, receive, send, first.get("body", b""))
        try:
            await endpoint.answer(http)
        except RpcError as error:
            await _refuse(http, error)

    return app


@dataclass(frozen=True)
class _Endpoint:
    library: ASGIApp
    gateway: Introduction
    sessions: bool

    async def answer(self, http: _Http) -> None:
        method = http.scope["method"]
        if method == "POST":
            await self._take(http)
        elif self.sessions and method in {"GET", "DELETE"}:
            await self._manage(http)
        else:
            allowed = "GET, POST, DELETE" if self.sessions else "POST"
            text = f"{method} is not allowed here, only {allowed}"
            error = RpcError(INVALID_REQUEST, text, status=HTTPStatus.METHOD_NOT_ALLOWED)
            await _refuse(http, error, allow=allowed)

    async def _take(self, http: _Http) -> None:
        document = parse(http.body)
        try:
            message = read_message(document)
            self._check(http, message)
            result = own_result(message, self.gateway) if message.asks else None
        except RpcError as error:
            await _refuse(http, error, id_of(document))
            return
        if self.sessions or (message.asks and result is None):
            await self._ask(http, message, result)
        else:
            await _reply(message, result)(http.scope, http.receive, http.send)

    def _check(self, http: _Http, message: Message) -> None:
        if not is_json(http.header("content-type")):
            raise RpcError(INVALID_REQUEST, f"Unsupported media type: send {JSON}", status=415)
        if not accepts(http.header("accept"), JSON):
            raise RpcError(INVALID_REQUEST, f"Not acceptable: the answer is {JSON}", status=406)
        # A session has its version from its beginning, and a notification without one was seen to be taken.
        assumed = message.asks and message.method != INITIALIZE and not self.sessions
        check_version(http.header(_VERSION), self.gateway.versions, assumed=assumed)
        if message.asks:
            check_request(message)
        if self.sessions and message.method != INITIALIZE:
            _need_session(http)

    async def _ask(self, http: _Http, message: Message, result: Mapping[str, Any] | None) -> None:
        """Have the library carry the message out, or where the result is ours, have it say whether the session is."""

        def instead(status: int, headers: Headers) -> Response | None:
            if status >= HTTPStatus.BAD_REQUEST:
                return JSONResponse(_of_sessions(status).body(message.id if message.asks else None), status)
            of_a_tool = message.asks and result is None
            return None if of_a_tool else _reply(message, result, headers.get(_SESSION))

        sent = _for_library(message, own=result is not None)
        await self._pass(http, json.dumps(sent, ensure_ascii=False, separators=(",", ":")).encode(), instead)

    async def _manage(self, http: _Http) -> None:
        """Open a session's stream, or end the session."""
        if http.scope["method"] == "GET" and not accepts(http.header("accept"), EVENTS):
            raise RpcError(INVALID_REQUEST, f"Not acceptable: the stream is {EVENTS}", status=406)
        check_version(http.header(_VERSION), self.gateway.versions, assumed=False)
        _need_session(http)

        def instead(status: int, _headers: Headers) -> Response | None:
            return JSONResponse(_of_sessions(status).body(None), status) if status >= HTTPStatus.BAD_REQUEST else None

        await self._pass(http, b"", instead)

    async def _pass(self, http: _Http, body: bytes, instead: Callable[[int, Headers], Response | None]) -> None:
        """Give a request to the library and its answer to the client, or another answer in its place."""
        other: Response | None = None

        async def send(part: AsgiMessage) -> None:
            nonlocal other
            if part["type"] == "http.response.start":
                other = instead(part["status"], Headers(raw=part["headers"]))
            if other is None:
                await http.send(part)

        here = {**http.scope, "headers": _headers(http, body)}
        await self.library(here, replayed(body, http.receive), send)
        if other is not None:
            await other(http.scope, http.receive, http.send)


def _headers(http: _Http, body: bytes) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in http.scope["headers"] if name.decode("latin-1") not in _OURS]
    ours = {"accept": f"{JSON}, {EVENTS}", "content-type": JSON, "content-length": str(len(body))}
    if session := http.header(_SESSION):
        ours[_SESSION] = session
    return kept + [(name.encode(), value.encode("latin-1")) for name, value in ours.items()]


def _for_library(message: Message, *, own: bool) -> dict[str, Any]:
    """The message with what the library needs of it and nothing else, so that it has nothing to find fault with."""
    sent: dict[str, Any] = {"jsonrpc": "2.0"}
    if not message.asks:
        number = message.params.get("requestId")
        if message.method == _CANCELLED and id_of({"id": number}) is not None:
            return sent | {"method": _CANCELLED, "params": {"requestId": number}}
        return sent | {"method": _INITIALIZED}
    sent["id"] = message.id
    if message.method == INITIALIZE:
        return sent | {"method": INITIALIZE, "params": _OPENING}
    if message.method == CALL_TOOL:
        params = {"name": message.params["name"], "arguments": message.params.get("arguments") or {}}
        return sent | {"method": CALL_TOOL, "params": params}
    return sent | {"method": "ping" if own else message.method}


def _need_session(http: _Http) -> None:
    if http.header(_SESSION) is None:
        raise RpcError(INVALID_REQUEST, "Mcp-Session-Id is missing: send initialize, and the id that it answers")


def _of_sessions(status: int) -> RpcError:
    """What is wrong with a message that fits, by the status that the library gives it."""
    code = INVALID_REQUEST if status < HTTPStatus.INTERNAL_SERVER_ERROR else INTERNAL_ERROR
    return RpcError(code, _SESSIONS.get(status, HTTPStatus(status).phrase), status=status)


_SESSIONS: Mapping[int, str] = {
    HTTPStatus.NOT_FOUND: "There is no such session: it has ended, or never was. Send initialize again",
    HTTPStatus.CONFLICT: "The session has its stream already",
    HTTPStatus.SERVICE_UNAVAILABLE: "There are too many sessions",
}


def _reply(message: Message, result: Mapping[str, Any] | None, session: str | None = None) -> Response:
    headers = {_SESSION: session} if session else {}
    if not message.asks:
        return Response(status_code=HTTPStatus.ACCEPTED, headers=headers)
    return JSONResponse({"jsonrpc": "2.0", "id": message.id, "result": result}, headers=headers)


async def _refuse(http: _Http, error: RpcError, message_id: Id | None = None, *, allow: str = "") -> None:
    http.scope[ENTRY].status = error.name
    headers = {"allow": allow} if allow else {}
    await JSONResponse(error.body(message_id), error.status, headers)(http.scope, http.receive, http.send)
