"""The edge of the HTTP server: an invocation's body is checked here, whole, before anything else sees it."""

import asyncio
import json
import re
import uuid
from concurrent.futures import Future
from contextvars import ContextVar

from bedrock_agentcore.runtime.models import REQUEST_ID_HEADER, SESSION_HEADER
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import answer_schema
import contract
from contract import ContractError, Fault, Request, TaskRequest
from health import Health
from invocation import Invocation
from settings import Settings

# botocore's bedrock-agentcore model, InvokeAgentRuntime.runtimeUserId; that AWS passes it on nobody here has seen
# (tests/aws asks it: test_user_of_a_request).
USER_HEADER = "X-Amzn-Bedrock-AgentCore-Runtime-User-Id"
# Done once the request's caller has left. AgentCore's SDK runs the handler in a loop of its own, with this context.
LEFT: ContextVar[Future[None] | None] = ContextVar("left", default=None)
# The id of the invocation in which another agent asks this one. It is for the log: whoever may ask could write any.
ORIGIN: ContextVar[str | None] = ContextVar("origin", default=None)

# Of the event loop, until the end of a caller is heard that sends it right behind its request: nothing is begun then.
_ROUNDS = 3
# A character of JSON takes at most six bytes (\uXXXX), or twelve for one outside the basic plane.
_BYTES_PER_CHARACTER = 12
_BYTES_BESIDES_PROMPT = 10_000 + answer_schema.LARGEST
# W3C Baggage, section 3.2, with the key of `asking.REQUEST_ID`; a request's id is a UUID, or AgentCore's own.
_ORIGIN = re.compile(r"(?:^|,)\s*toolgate\.request-id=(?P<id>[A-Za-z0-9-]{1,64})\s*(?=[,;]|$)")
_ASKS = ("GET", "HEAD")


class Edge:
    """ASGI middleware: says how the agent is, and lets an invocation through only with a body of the contract.

    Args:
        app: What answers accepted requests. It gets the request anew, with the fields of `contract`.
        settings: Bounds of a request.
        health: Is told of each invocation.
    """

    def __init__(self, app: ASGIApp, settings: Settings, health: Health) -> None:
        self._app = app
        self._settings = settings
        self._health = health
        self._most = settings.prompt_characters * _BYTES_PER_CHARACTER + _BYTES_BESIDES_PROMPT

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection or request."""
        if scope["type"] == "http" and scope["path"] == "/ping" and scope["method"] in _ASKS:
            # Here, and in no thread: beside a busy event loop one waits for its turn for seconds.
            await Response(self._health.answer(), media_type="application/json")(scope, receive, send)
        elif scope["type"] == "http" and scope["path"] == "/invocations" and scope["method"] == "POST":
            await self._invoke(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _invoke(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(self._settings.invocation_seconds):
                body = await self._body(receive)
            request = contract.read(body, self._settings.prompt_characters, self._settings.model_ids)
        except (ContractError, TimeoutError) as error:
            fault = error.fault if isinstance(error, ContractError) else contract.BODY_TIMEOUT
            _log(scope, fault)
            if fault is not contract.CALLER_LEFT:
                await JSONResponse(contract.failure(fault), fault.status)(scope, receive, send)
            return
        left: Future[None] = Future()
        watching = asyncio.create_task(_watch(receive, left))
        try:
            for _ in range(_ROUNDS):
                await asyncio.sleep(0)
            if left.done():
                _log(scope, contract.CALLER_LEFT)
                return
            LEFT.set(left)
            ORIGIN.set(_origin(Headers(scope=scope).get("baggage", "")))
            self._health.begin()
            try:
                await self._app(scope, _replaying(request, receive), send)
            finally:
                self._health.end()
        finally:
            watching.cancel()

    async def _body(self, receive: Receive) -> bytes:
        """Read the body. All of it is taken, so that the client gets to read its answer."""
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ContractError(contract.CALLER_LEFT)
            size += len(message.get("body", b""))
            if size <= self._most:
                parts.append(message.get("body", b""))
            else:
                parts.clear()
            if not message.get("more_body", False):
                break
        if size > self._most:
            raise ContractError(contract.too_large(self._most))
        return b"".join(parts)


def _log(scope: Scope, fault: Fault) -> None:
    headers = Headers(scope=scope)
    request_id = headers.get(REQUEST_ID_HEADER) or str(uuid.uuid4())
    Invocation(request_id, headers.get(SESSION_HEADER)).log(fault.status, fault.code)


def _origin(baggage: str) -> str | None:
    found = _ORIGIN.search(baggage)
    return found["id"] if found else None


async def _watch(receive: Receive, left: Future[None]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    left.set_result(None)


def _replaying(request: Request | TaskRequest, receive: Receive) -> Receive:
    body: bytes | None = json.dumps(vars(request)).encode()

    async def replay() -> Message:
        nonlocal body
        if body is None:
            return await receive()
        message, body = {"type": "http.request", "body": body, "more_body": False}, None
        return message

    return replay
