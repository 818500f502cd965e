"""An MCP server behind a target, called by JSON-RPC over streamable HTTP.

A call introduces the gateway first; where the gateway has sessions, once for each session of its own (AgentCore
developer guide, "Use MCP sessions with gateways"). Results come back as the server wrote them; what is none is masked.
Source: MCP specification 2025-11-25, "Transports", "Lifecycle", "Tools", "Prompts", "Resources", "Pagination".
"""

import itertools
import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from toolgate.local.serve.access_log import Entry
from toolgate.local.serve.gateway.backend import Call, Called
from toolgate.local.serve.gateway.json_rpc import METHOD_NOT_FOUND
from toolgate.local.serve.gateway.mcp_sessions import MOST
from toolgate.local.serve.json_body import NotJsonError, read_json
from toolgate.local.serve.outbound.far_side import MOST_BYTES, Answer, FarSide, FarSideError
from toolgate.local.serve.outbound.sign_in import Guard, SignIn

_EVENTS = "text/event-stream"
_HEADERS = {"content-type": "application/json", "accept": f"application/json, {_EVENTS}"}
_SESSION, _VERSION = "mcp-session-id", "mcp-protocol-version"
_MOST_WORDS = 2_000  # bytes of a refusal
_MOST_PAGES = 100  # of one list; ours, as the bytes of an answer are AWS's


class _ServerError(FarSideError):
    """The server has answered with an error of JSON-RPC, whose code this is."""

    def __init__(self, code: Any, message: Any) -> None:
        super().__init__("JsonRpcError", f"{code}: {message}")
        self.code = code


@dataclass(frozen=True)
class Server:
    """Where an MCP server is, and how it is spoken to.

    Attributes:
        url: Its endpoint, as it is reached from here.
        version: The protocol version that the gateway offers.
        gateway: The gateway's name.
        guarded: The door of one that is served here.
    """

    url: str
    version: str
    gateway: str
    guarded: Guard | None = None


@dataclass(frozen=True)
class _Introduced:
    """What the server has answered to `initialize`."""

    version: str
    session: str | None

    def headers(self) -> dict[str, str]:
        return {_VERSION: self.version} | ({_SESSION: self.session} if self.session else {})


@dataclass
class McpBackend:
    """Calls the tools of one MCP server."""

    server: Server
    far_side: FarSide
    sign_in: SignIn
    _kept: OrderedDict[str, _Introduced] = field(default_factory=OrderedDict)
    _ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def call(self, call: Call, entry: Entry) -> Called:
        """Call a tool of the server."""
        params = {"name": call.tool, "arguments": call.arguments}
        return await self.far_side.carried_out(self._called(params, call.session, entry), entry)

    async def ask(self, method: str, params: Mapping[str, Any], session: str | None, entry: Entry) -> Mapping[str, Any]:
        """The server's result of a request that is no call of a tool.

        Raises:
            RpcError: It gives none.
        """
        return await self.far_side.asked(self._result_of(method, params, session, entry), entry)

    async def every(self, method: str, member: str, session: str | None, entry: Entry) -> list[Mapping[str, Any]]:
        """All that the server lists of one thing, page by page; nothing where it has no such list.

        Args:
            method: The method that lists it.
            member: The member of the result that has the list.
            session: The MCP session with the gateway, if there is one.
            entry: The exchange.

        Raises:
            RpcError: It gives no such list.
        """
        return await self.far_side.asked(self._pages(method, member, session, entry), entry)

    async def aclose(self) -> None:
        """Close its connections."""
        await self.far_side.aclose()

    async def _pages(self, method: str, member: str, session: str | None, entry: Entry) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        params: dict[str, Any] = {}
        size = 0
        for _ in range(_MOST_PAGES):
            try:
                result = await self._result_of(method, params, session, entry)
            except _ServerError as error:
                if error.code == METHOD_NOT_FOUND:
                    return []
                raise
            listed = result.get(member)
            if not isinstance(listed, list) or not all(isinstance(it, dict) for it in listed):
                raise FarSideError("NotMcp", f"{member} of {method} must be a list of objects")
            size += len(json.dumps(listed))
            if size > MOST_BYTES:
                raise FarSideError("TooLarge", f"{method} has more than {MOST_BYTES} bytes in all its pages")
            found += listed
            if result.get("nextCursor") is None:
                return found
            params = {"cursor": result["nextCursor"]}
        raise FarSideError("TooLarge", f"{method} has more than {_MOST_PAGES} pages")

    async def _result_of(
        self, method: str, params: Mapping[str, Any], session: str | None, entry: Entry
    ) -> Mapping[str, Any]:
        result = await self._in_session(method, params, session, entry)
        if not isinstance(result, dict):
            raise FarSideError("NotMcp", f"the result of {method} is no object")
        return result

    async def _called(self, params: Mapping[str, Any], session: str | None, entry: Entry) -> Called:
        result = await self._in_session("tools/call", params, session, entry)
        if misfit := _misfit(result):
            raise FarSideError("NotMcp", f"the result of tools/call is none: {misfit}")
        entry.status = "tool_error" if result.get("isError") else "ok"
        entry.log = self.far_side.log.path
        return Called(result)

    async def _in_session(self, method: str, params: Mapping[str, Any], session: str | None, entry: Entry) -> Any:
        introduced = self._kept.get(session) if session else None
        try:
            introduced = introduced or await self._introduce(entry)
            if session:
                self._keep(session, introduced)
            return await self._ask(method, params, introduced.headers(), entry)
        except BaseException:  # whatever it was, the next call begins anew
            if session:
                self._kept.pop(session, None)
            raise

    def _keep(self, session: str, introduced: _Introduced) -> None:
        self._kept[session] = introduced
        self._kept.move_to_end(session)
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)

    async def _introduce(self, entry: Entry) -> _Introduced:
        says = {"name": self.server.gateway, "version": "1.0.0"}
        params = {"protocolVersion": self.server.version, "capabilities": {}, "clientInfo": says}
        message = _request(next(self._ids), "initialize", params)
        async with self._sent(message, {}, entry) as answer:
            result = await _result(answer, message["id"])
            session = answer.headers.get(_SESSION)
        version = result.get("protocolVersion") if isinstance(result, dict) else None
        if not isinstance(version, str):
            raise FarSideError("NotMcp", "the result of initialize has no protocolVersion")
        introduced = _Introduced(version, session)
        told = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        async with self._sent(told, introduced.headers(), entry):
            return introduced

    async def _ask(self, method: str, params: Mapping[str, Any], headers: Mapping[str, str], entry: Entry) -> Any:
        message = _request(next(self._ids), method, params)
        async with self._sent(message, headers, entry) as answer:
            return await _result(answer, message["id"])

    @asynccontextmanager
    async def _sent(
        self, message: Mapping[str, Any], headers: Mapping[str, str], entry: Entry
    ) -> AsyncIterator[Answer]:
        body = json.dumps(message, ensure_ascii=False).encode()
        request = httpx.Request("POST", self.server.url, headers={**_HEADERS, **headers}, content=body)
        async with self.far_side.answer(self.sign_in(request, entry)) as answer:
            if not 200 <= answer.status < 300:
                await self._refused(answer, entry)
            yield answer

    async def _refused(self, answer: Answer, entry: Entry) -> None:
        """Raise for an answer that is no success: a door of this server may have decided."""
        words = (await answer.read())[:_MOST_WORDS].decode(errors="replace")
        if self.server.guarded:
            self.server.guarded.heed(answer, words, self.far_side, entry)
        raise FarSideError(f"HttpStatus{answer.status}", words)


def _request(number: int, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


async def _result(answer: Answer, number: int) -> Any:
    """The result in the answer to a request.

    Raises:
        FarSideError: The server answers with an error, or with nothing that is MCP.
    """
    streamed = answer.headers.get("content-type", "").partition(";")[0].strip().lower() == _EVENTS
    # The server may say and ask other things on the way: nobody here waits for them.
    messages = _events(answer) if streamed else _only(answer)
    async for message in messages:
        if isinstance(message, dict) and message.get("id") == number and "method" not in message:
            if "result" in message:
                return message["result"]
            error = message.get("error")
            said = error if isinstance(error, dict) else {}
            raise _ServerError(said.get("code"), said.get("message"))
    raise FarSideError("NotMcp", "the answer holds no answer to the request")


async def _only(answer: Answer) -> AsyncIterator[Any]:
    yield _read(await answer.read())


async def _events(answer: Answer) -> AsyncIterator[Any]:
    """The messages of an event stream (HTML standard, "Server-sent events": only `data` counts here)."""
    data: list[bytes] = []
    async for line in _lines(answer):
        name, _, value = line.partition(b":")
        if name == b"data":
            data.append(value.removeprefix(b" "))
        elif not line and data:
            yield _read(b"\n".join(data))
            data = []


async def _lines(answer: Answer) -> AsyncIterator[bytes]:
    rest = b""
    async for piece in answer.pieces():
        *whole, rest = (rest + piece).replace(b"\r\n", b"\n").split(b"\n")
        for line in whole:
            yield line


def _read(body: bytes) -> Any:
    try:
        return read_json(body)
    except NotJsonError as error:
        raise FarSideError("NotMcp", str(error)) from None


def _misfit(result: Any) -> str:
    """What keeps a result from being one of tools/call; empty where nothing does."""
    if not isinstance(result, dict):
        return "it is no object"
    content = result.get("content")
    if not isinstance(content, list) or not all(
        isinstance(it, dict) and isinstance(it.get("type"), str) for it in content
    ):
        return "content must be a list of objects with a type"
    if not isinstance(result.get("isError", False), bool):
        return "isError must be true or false"
    return "" if isinstance(result.get("structuredContent", {}), dict) else "structuredContent must be an object"
