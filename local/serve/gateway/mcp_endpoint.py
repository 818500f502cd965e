"""The gateway's one path over HTTP: what comes in is checked here, and what goes out has AWS's form or ours.

Source: MCP specification 2025-11-25, "Transports", "Streamable HTTP". An answer is always JSON: AWS streams where
`streamingConfiguration` says so, and that is not reproduced.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from toolgate.local.serve.access_log import DENIED, ENTRY, Entry
from toolgate.local.serve.gateway.interception import Interceptors
from toolgate.local.serve.gateway.json_rpc import (
    INITIALIZE,
    INVALID_REQUEST,
    PARSE_ERROR,
    Answer,
    Id,
    Introduction,
    Message,
    RpcError,
    check_request,
    check_version,
    id_of,
    own_result,
    read_message,
)
from toolgate.local.serve.gateway.mcp_sessions import McpSession, McpSessions
from toolgate.local.serve.guards.credentials import SessionPrincipal
from toolgate.local.serve.guards.gateway_caller import GatewayCaller, by_role
from toolgate.local.serve.guards.iam_guard import PRINCIPAL
from toolgate.local.serve.json_body import NotJsonError, compact

JSON, EVENTS = "application/json", "text/event-stream"
SESSION = "mcp-session-id"
_VERSION = "mcp-protocol-version"
_TYPE = {"content-type": JSON}

type Behind = Callable[[Message, GatewayCaller, Entry], Awaitable[Mapping[str, Any]]]
"""Carries out a request for what stands behind, for a caller and in an exchange: its result. It raises RpcError."""


@dataclass(frozen=True)
class _Http:
    scope: Scope
    receive: Receive
    send: Send
    headers: Headers

    @property
    def entry(self) -> Entry:
        """The exchange, which has the body."""
        entry: Entry = self.scope[ENTRY]
        return entry

    @property
    def caller(self) -> GatewayCaller:
        """Who calls."""
        who: GatewayCaller | SessionPrincipal = self.scope[PRINCIPAL]
        return by_role(who.role.arn) if isinstance(who, SessionPrincipal) else who

    def header(self, name: str) -> str | None:
        """The header's value, several joined as HTTP does; None where there is none, or an empty one."""
        return ", ".join(self.headers.getlist(name)) or None


def mcp_endpoint(
    behind: Behind,
    gateway: Introduction,
    session_seconds: float | None,
    interceptors: Interceptors | None = None,
) -> ASGIApp:
    """The ASGI app of a gateway's path, behind whatever checks the caller and reads the whole body.

    Args:
        behind: Answers what is asked of tools, prompts and resources.
        gateway: What the gateway says of itself.
        session_seconds: How long an MCP session lasts; None where it has none.
        interceptors: Who is asked about messages and answers, if there is anybody.
    """
    sessions = None if session_seconds is None else McpSessions(session_seconds)
    endpoint = _Endpoint(behind, gateway, sessions, interceptors)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        http = _Http(scope, receive, send, Headers(scope=scope))
        try:
            await endpoint.answer(http)
        except RpcError as error:
            await _send(http, _refusal(http, error))

    return app


@dataclass(frozen=True)
class _Endpoint:
    behind: Behind
    gateway: Introduction
    sessions: McpSessions | None
    interceptors: Interceptors | None

    async def answer(self, http: _Http) -> None:
        method = http.scope["method"]
        if method == "POST":
            await self._take(http)
        elif self.sessions and method == "GET":
            await self._wait(http, self.sessions)
        elif self.sessions and method == "DELETE":
            check_version(http.header(_VERSION), self.gateway.versions, assumed=False)
            self.sessions.end(_session(http, self.sessions))
            await _send(http, Answer(HTTPStatus.OK))
        else:
            allowed = "GET, POST, DELETE" if self.sessions else "POST"
            error = RpcError(INVALID_REQUEST, f"{method} is not allowed here, only {allowed}", status=405)
            await _send(http, _refusal(http, error, allow=allowed))

    async def _take(self, http: _Http) -> None:
        try:
            document = http.entry.document
        except NotJsonError as error:
            raise RpcError(PARSE_ERROR, f"Parse error: {error}") from None
        carry_out = partial(self._carried_out, http)
        if self.interceptors is None:
            await _send(http, await carry_out(document))
            return
        headers = {name: http.header(name) or "" for name in http.headers}
        await _send(http, await self.interceptors.around(http.entry, headers, carry_out))

    async def _carried_out(self, http: _Http, document: Any) -> Answer:
        """The gateway's own answer to a message: the client's, or what an interceptor made of it."""
        try:
            message = read_message(document)
            self._check(http, message)
            if not message.asks:
                return Answer(HTTPStatus.ACCEPTED)
            result = own_result(message, self.gateway)
            if result is None:
                result = await self.behind(message, http.caller, http.entry)
        except RpcError as error:
            return _refusal(http, error, id_of(document))
        begins = self.sessions.begin(http.caller.owner) if self.sessions and message.method == INITIALIZE else None
        body = {"jsonrpc": "2.0", "id": message.id, "result": result}
        return Answer(HTTPStatus.OK, body, _TYPE | ({SESSION: begins.id} if begins else {}))

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
            _session(http, self.sessions)

    async def _wait(self, http: _Http, sessions: McpSessions) -> None:
        """The stream of a session's messages: functions send none, so that it only ends."""
        if not accepts(http.header("accept"), EVENTS):
            raise RpcError(INVALID_REQUEST, f"Not acceptable: the stream is {EVENTS}", status=406)
        check_version(http.header(_VERSION), self.gateway.versions, assumed=False)
        session = _session(http, sessions)
        headers = [(b"content-type", EVENTS.encode())]
        await http.send({"type": "http.response.start", "status": HTTPStatus.OK, "headers": headers})
        await http.send({"type": "http.response.body", "body": b"", "more_body": True})
        waits = [asyncio.create_task(it) for it in (session.over.wait(), _left(http.receive))]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        await http.send({"type": "http.response.body", "body": b""})


def _session(http: _Http, sessions: McpSessions) -> McpSession:
    named = http.header(SESSION)
    if named is None:
        raise RpcError(INVALID_REQUEST, "Mcp-Session-Id is missing: send initialize, and the id that it answers")
    session = sessions.find(named, http.caller.owner)
    if session is None:
        text = "There is no such session: it has ended, or never was. Send initialize again"
        raise RpcError(INVALID_REQUEST, text, status=HTTPStatus.NOT_FOUND)
    return session


async def _left(receive: Receive) -> bool:
    """The client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
    return True


async def _send(http: _Http, answer: Answer) -> None:
    body = b"" if answer.body is None else compact(answer.body)
    every = {**answer.headers, "content-length": str(len(body))}
    raw = [(name.encode(), value.encode()) for name, value in every.items()]
    await http.send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await http.send({"type": "http.response.body", "body": body})


def _refusal(http: _Http, error: RpcError, message_id: Id | None = None, *, allow: str = "") -> Answer:
    if http.entry.decision != DENIED:  # else what decided is told
        http.entry.status = error.name
    return Answer(error.status, error.body(message_id), _TYPE | ({"allow": allow} if allow else {}))


def accepts(header: str | None, media_type: str) -> bool:
    """Whether a header Accept takes a media type; one that is not there takes all (RFC 9110, section 12.5.1)."""
    if not (header or "").strip():
        return True
    taken = {"*/*", f"{media_type.partition('/')[0]}/*", media_type}
    return any(_media_type(part) in taken and not _refused(part) for part in (header or "").split(","))


def is_json(content_type: str | None) -> bool:
    """Whether a header Content-Type says JSON (RFC 9110, section 8.3)."""
    return _media_type(content_type or "") == "application/json"


def _media_type(text: str) -> str:
    return text.partition(";")[0].strip().lower()


def _refused(part: str) -> bool:
    """Whether a part of a header Accept has the weight 0."""
    _, *parameters = (it.replace(" ", "").lower() for it in part.split(";"))
    return any(it in {"q=0", "q=0.", "q=0.0", "q=0.00", "q=0.000"} for it in parameters)
