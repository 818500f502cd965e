"""One HTTP exchange with a gateway: authorized, bounded, and always answered.

MCP's client for Python waits for a reply without a limit and gives up the whole session over one bad one. So every
failure is turned, here, into the JSON-RPC error that the waiting call expects: the call ends, the session lives on.
"""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx
from botocore.exceptions import BotoCoreError
from httpx_sse import EventSource
from mcp.types import JSONRPCError, JSONRPCMessage, JSONRPCResponse
from opentelemetry import context as trace_context
from opentelemetry import propagate
from pydantic import ValidationError

import contract
import logs
from contract import ContractError, Fault
from settings import Settings
from toolset.offer import readable

from .authorization import Authorization
from .bearer import without_token

SESSION_HEADER = "mcp-session-id"
# Code of JSON-RPC errors made here; -32000 to -32099 are the implementation's own (JSON-RPC 2.0, section 5.1).
ERROR_CODE = -32000

# How a gateway says that its policy engine denies a tool call (seen live: mrwersa/agentmandate, deny-response.json).
POLICY_DENIED = -32002

_STATUS_FAULTS = {
    401: contract.GATEWAY_REFUSED,
    403: contract.GATEWAY_REFUSED,
    404: contract.GATEWAY_UNAVAILABLE,
    429: contract.GATEWAY_THROTTLED,
}
# How servers say that they do not know a session: 404 (MCP, "Session Management"); reported of others are 400 and 410
# (diegosouzapw/OmniRoute#5191). None of them has taken the call.
_SESSION_LOST = (400, 404, 410)


@dataclass(frozen=True)
class _Message:
    """What of an outgoing JSON-RPC message decides how its exchange goes, and when it has to be over."""

    id: int | str | None
    method: str
    tool: str | None
    meta: dict[str, str]
    until: float


class GatewayTransport(httpx.AsyncBaseTransport):
    """Carries the messages of one MCP session; never raises anything but a cancellation.

    Args:
        inner: What sends the bytes.
        authorization: The way in.
        settings: Bounds.
        on_fault: Called with the fault of each exchange that failed, and whether the session is to be given up.
    """

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        authorization: Authorization,
        settings: Settings,
        on_fault: Callable[[Fault, bool], None],
    ) -> None:
        self._inner = inner
        self._authorization = authorization
        self._settings = settings
        self._on_fault = on_fault

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Carry one message out and its reply back."""
        if request.method == "GET":
            # A stream for messages that the gateway starts on its own: the agent has no use for any.
            return httpx.Response(405, request=request)
        message = _outgoing(request, self._settings)
        started = time.monotonic()
        try:
            with _in_trace_of(message):
                body, headers = await self._exchange(request, message)
        except Exception as error:
            fault = _fault(error, message)
            if not isinstance(error, ContractError):
                logs.event(
                    "gateway_call_failed",
                    level=logging.WARNING,
                    code=fault.code,
                    method=message.method,
                    gateway=request.url.host,
                    **logs.origin(error),
                )
            # A reply that cannot be used may be how the server says that it knows no such session (keryx#503).
            lost = fault is contract.GATEWAY_FAILED and SESSION_HEADER in request.headers
            self._on_fault(fault, lost or fault is contract.GATEWAY_SESSION_LOST)
            return _answer(request, message, fault)
        spent = round((time.monotonic() - started) * 1000)
        logs.event("gateway_call", level=logging.DEBUG, method=message.method, tool=message.tool, milliseconds=spent)
        status = 202 if message.id is None else 200
        return httpx.Response(status, headers=headers, content=body, request=request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()

    async def _exchange(self, request: httpx.Request, message: _Message) -> tuple[bytes, dict[str, str]]:
        await self._authorization.authorize(request, message.until)
        async with aclosing(await self._sent(request, message)) as response:
            # What was answered with 401 has reached no tool, so it may be sent again.
            is_refused = response.status_code == HTTPStatus.UNAUTHORIZED
            if not (is_refused and await self._authorization.renew(request, message.until)):
                return await self._taken(response, request, message)
        async with aclosing(await self._sent(request, message)) as response:
            return await self._taken(response, request, message)

    async def _sent(self, request: httpx.Request, message: _Message) -> httpx.Response:
        async with asyncio.timeout_at(message.until):
            return await self._inner.handle_async_request(request)

    async def _taken(
        self, response: httpx.Response, request: httpx.Request, message: _Message
    ) -> tuple[bytes, dict[str, str]]:
        async with asyncio.timeout_at(message.until):
            if response.status_code >= 300:
                raise ContractError(await self._refusal(request, message, response))
            if message.id is None:
                return b"", {}
            body = await self._reply(response, request, message)
        if message.method == "tools/list":
            body = _without_output_schemas(body)
        headers = {"content-type": "application/json"}
        if SESSION_HEADER in response.headers:
            headers[SESSION_HEADER] = response.headers[SESSION_HEADER]
        return body, headers

    async def _reply(self, response: httpx.Response, request: httpx.Request, message: _Message) -> bytes:
        kind = response.headers.get("content-type", "").lower()
        capped = httpx.Response(200, headers={"content-type": kind}, stream=Capped(response, self._settings))
        if kind.startswith("text/event-stream"):
            async for event in EventSource(capped).aiter_sse():
                data = without_token(request, event.data.encode())
                if data and _replies(body := _readable(data, message), message):
                    return body
        elif kind.startswith("application/json"):
            data = without_token(request, await capped.aread())
            if _replies(body := _readable(data, message), message):
                return body
        raise ContractError(contract.GATEWAY_FAILED)

    async def _refusal(self, request: httpx.Request, message: _Message, response: httpx.Response) -> Fault:
        status = response.status_code
        if status in _SESSION_LOST and SESSION_HEADER in request.headers:
            fault = contract.GATEWAY_SESSION_LOST
        else:
            default = contract.GATEWAY_UNAVAILABLE if status >= 500 else contract.GATEWAY_FAILED
            fault = _STATUS_FAULTS.get(status, default)
        diagnosis = {}
        if fault is contract.GATEWAY_REFUSED:
            said = without_token(request, await _beginning(response)).decode(errors="replace")
            diagnosis = self._authorization.diagnosis(request, response, said)
        logs.event(
            "gateway_call_failed",
            level=logging.WARNING,
            code=fault.code,
            http_status=status,
            method=message.method,
            gateway=request.url.host,
            **diagnosis,
        )
        return fault


class Capped(httpx.AsyncByteStream):
    """The decoded bytes of a response, up to the most that is read of one."""

    def __init__(self, response: httpx.Response, settings: Settings) -> None:
        self._response = response
        self._most = settings.result_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for part in self._response.aiter_bytes():
            size += len(part)
            if size > self._most:
                raise ContractError(contract.RESULT_TOO_LARGE)
            yield part


def _outgoing(request: httpx.Request, settings: Settings) -> _Message:
    document: Any = json.loads(request.content) if request.method == "POST" else {}
    parameters = document.get("params") or {}
    meta = parameters.get("_meta") or {}
    method = document.get("method", request.method)
    longest = settings.tool_seconds if method == "tools/call" else settings.handshake_seconds
    until = asyncio.get_running_loop().time() + longest
    return _Message(document.get("id"), method, parameters.get("name"), meta, until)


@contextmanager
def _in_trace_of(message: _Message) -> Iterator[None]:
    # The session's task was started by an earlier request: without this its spans would join that request's trace.
    if "traceparent" not in message.meta:
        yield
        return
    token = trace_context.attach(propagate.extract(message.meta))
    try:
        yield
    finally:
        trace_context.detach(token)


def _readable(data: bytes, message: _Message) -> bytes:
    return readable(data) if message.method == "tools/list" else data


def _replies(data: bytes, message: _Message) -> bool:
    root = JSONRPCMessage.model_validate_json(data).root
    if not isinstance(root, JSONRPCResponse | JSONRPCError) or root.id != message.id:
        return False
    if isinstance(root, JSONRPCError) and root.error.code == POLICY_DENIED:
        logs.event("tool_denied", level=logging.WARNING, tool=message.tool, reason=root.error.message[:500])
        raise ContractError(contract.TOOL_DENIED)
    return True


def _without_output_schemas(body: bytes) -> bytes:
    """A list of tools that leaves open what they give back.

    MCP's client throws a result away that is not as the tool's output schema says, or that has its text only: the tool
    has run, and the model would be told that it failed, and call it again.
    """
    document = json.loads(body)
    tools = document.get("result", {}).get("tools")
    for tool in tools if isinstance(tools, list) else ():
        if isinstance(tool, dict):
            tool.pop("outputSchema", None)
    return json.dumps(document).encode()


def _fault(error: Exception, message: _Message) -> Fault:
    if isinstance(error, ContractError):
        return error.fault
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return contract.GATEWAY_UNAVAILABLE
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return contract.TOOL_TIMEOUT if message.method == "tools/call" else contract.GATEWAY_TIMEOUT
    if isinstance(error, httpx.TransportError | BotoCoreError):
        return contract.GATEWAY_UNAVAILABLE
    if isinstance(error, ValidationError | ValueError):
        return contract.GATEWAY_FAILED
    return contract.INTERNAL


def _answer(request: httpx.Request, message: _Message, fault: Fault) -> httpx.Response:
    if message.id is None:
        return httpx.Response(202, request=request)
    error = {"code": ERROR_CODE, "message": fault.code}
    return httpx.Response(200, json={"jsonrpc": "2.0", "id": message.id, "error": error}, request=request)


async def _beginning(response: httpx.Response) -> bytes:
    """What a refusal says, as far as anybody reads."""
    data = b""
    async for part in response.aiter_bytes():
        data += part
        if len(data) > 4_000:
            break
    return data
