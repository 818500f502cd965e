"""An MCP gateway on loopback that verifies SigV4 and misbehaves on demand."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Container
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.agent.loopback import Loopback
from tests.agent.signature import signed

SECRET = "db password is hunter2"
NUMBERS = {"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}}, "required": ["a", "b"]}
TOOLS = [
    "math___add_numbers",
    "math___fail_secretly",
    "math___answer_an_error",
    "math___return_much",
    "math___return_content",
]

Fault = Callable[[dict[str, Any]], Awaitable[Response]]


class FakeGateway:
    """The gateway. `requests` holds the methods of the MCP messages that came, signed as they must be.

    With `tokens` it is one that takes these tokens instead. `shown` holds what each request showed.

    What `tools` lists is a name, or a whole definition.

    A tool call is answered once `answers_together` of them have been open at a time.
    """

    def __init__(self) -> None:
        self.server = Loopback(Starlette(routes=[Route("/mcp", self._serve, methods=["POST", "GET", "DELETE"])]))
        self.reset()

    def reset(self) -> None:
        self.tools: list[Any] = list(TOOLS)
        self.page = 100
        self.stateful = False
        self.sessions: set[str] = set()
        self.requests: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self.refused: list[str] = []
        self.secrets = {"AKIDEXAMPLE": "secret"}
        self.tokens: Container[str] | None = None
        self.shown: list[str] = []
        self.answers_together = 1
        self.open_calls = 0
        self.most_open_calls = 0
        self._faults: list[tuple[str, Fault]] = []

    @property
    def url(self) -> str:
        return self.server.url + "/mcp"

    def inject(self, method: str, fault: Fault, times: int = 1) -> None:
        self._faults += [(method, fault)] * times

    def heal(self) -> None:
        self._faults.clear()

    async def _serve(self, request: Request) -> Response:
        body = await request.body()
        self.shown.append(request.headers.get("authorization", ""))
        if self.tokens is not None:
            scheme, _, token = self.shown[-1].partition(" ")
            if scheme != "Bearer" or token not in self.tokens:
                self.refused.append(token)
                return unauthorized()
        elif not signed(request, body, self.secrets):
            self.refused.append(request.headers.get("authorization", ""))
            return JSONResponse({"message": "The request signature we calculated does not match"}, 403)
        if request.method != "POST":
            return Response(status_code=405 if request.method == "GET" else 200)
        message = json.loads(body)
        self.requests.append(message["method"])
        self.bodies.append(message)
        for index, (method, fault) in enumerate(self._faults):
            if method == message["method"]:
                del self._faults[index]
                return await fault(message)
        return await self._answer(request, message)

    async def _answer(self, request: Request, message: dict[str, Any]) -> Response:
        if message["method"] == "initialize":
            headers = {}
            if self.stateful:
                headers["mcp-session-id"] = f"session-{len(self.requests)}"
                self.sessions.add(headers["mcp-session-id"])
            return JSONResponse(_result(message, _initialized(message)), headers=headers)
        if self.stateful and request.headers.get("mcp-session-id") not in self.sessions:
            return JSONResponse({"error": "session not found"}, 404)
        if "id" not in message:
            return Response(status_code=202)
        if message["method"] == "tools/list":
            # Python's own JSON: what a gateway lists may hold NaN.
            return Response(json.dumps(_result(message, self._page(message))), media_type="application/json")
        self.open_calls += 1
        self.most_open_calls = max(self.most_open_calls, self.open_calls)
        while self.most_open_calls < self.answers_together:
            await asyncio.sleep(0.01)
        self.open_calls -= 1
        return JSONResponse(_result(message, _call(message["params"])))

    def _page(self, message: dict[str, Any]) -> dict[str, Any]:
        first = int((message.get("params") or {}).get("cursor") or 0)
        last = first + self.page
        tools = [_definition(tool) for tool in self.tools[first:last]]
        return {"tools": tools, **({"nextCursor": str(last)} if last < len(self.tools) else {})}


def _definition(tool: Any) -> Any:
    return {"name": tool, "description": tool, "inputSchema": NUMBERS} if isinstance(tool, str) else tool


def _result(message: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": message["id"], "result": result}


def _initialized(message: dict[str, Any]) -> dict[str, Any]:
    return {
        "protocolVersion": message["params"]["protocolVersion"],
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "fake", "version": "1"},
    }


def _call(params: dict[str, Any]) -> dict[str, Any]:
    arguments = params["arguments"]
    match params["name"].rpartition("___")[2]:
        case "add_numbers" | "add-numbers":
            text = json.dumps({"result": arguments["a"] + arguments["b"]})
        case "fail_secretly":
            return {"content": [{"type": "text", "text": SECRET}], "isError": True}
        case "answer_an_error":
            text = json.dumps({"error": {"code": "invalid_arguments", "message": "b must not be 0"}})
        case "return_much":
            text = "x" * 20_000_000
        case "return_content":
            return {"isError": False, **arguments}
        case other:
            text = f"{other} was called"
    return {"content": [{"type": "text", "text": text}], "isError": False}


def unauthorized(said: str = "Missing or invalid Bearer token") -> Response:
    """The answer to no token, or one that is not valid (developer guide, "Inbound authorization")."""
    return JSONResponse({"message": said}, 401, headers={"WWW-Authenticate": "Bearer"})


# Faults


async def insufficient_scope(_: dict[str, Any]) -> Response:
    """The answer to a valid token without the gateway's scope (the same page)."""
    challenge = 'Bearer error="insufficient_scope", scope="other/invoke"'
    return JSONResponse({"message": "insufficient scope"}, 403, headers={"WWW-Authenticate": challenge})


def status(code: int, body: str = "internal detail") -> Fault:
    async def fault(_: dict[str, Any]) -> Response:
        return PlainTextResponse(body, code)

    return fault


def text(body: str, kind: str) -> Fault:
    async def fault(_: dict[str, Any]) -> Response:
        return Response(body, media_type=kind)

    return fault


async def silence(_: dict[str, Any]) -> Response:
    await asyncio.sleep(60)
    return Response()


async def silent_body(_: dict[str, Any]) -> Response:
    async def body() -> AsyncIterator[str]:
        yield '{"jsonrpc": "2.0",'
        await asyncio.sleep(60)

    return StreamingResponse(body(), media_type="application/json")


async def dripping_body(_: dict[str, Any]) -> Response:
    async def body() -> AsyncIterator[str]:
        while True:
            yield " "
            await asyncio.sleep(0.02)

    return StreamingResponse(body(), media_type="application/json")


async def silent_events(_: dict[str, Any]) -> Response:
    async def body() -> AsyncIterator[str]:
        yield ": here\n\n"
        await asyncio.sleep(60)

    return StreamingResponse(body(), media_type="text/event-stream")


async def no_reply_in_events(_: dict[str, Any]) -> Response:
    notification = {"method": "notifications/message", "params": {"data": "", "level": "info"}}

    async def body() -> AsyncIterator[str]:
        yield f"id: 7\ndata: {json.dumps({'jsonrpc': '2.0', **notification})}\n\n"

    return StreamingResponse(body(), media_type="text/event-stream")


async def much_in_events(message: dict[str, Any]) -> Response:
    async def body() -> AsyncIterator[str]:
        for _ in range(20):
            yield "data: " + "x" * 1_000_000 + "\n"

    return StreamingResponse(body(), media_type="text/event-stream")


async def reply_in_events(message: dict[str, Any]) -> Response:
    reply = json.dumps(_result(message, _call(message["params"])))

    async def body() -> AsyncIterator[str]:
        yield ": comment\r\n\r\n"
        yield "event: message\r\ndata: " + reply[:20]
        yield reply[20:] + "\r\n\r\n"

    return StreamingResponse(body(), media_type="text/event-stream")


async def cut(_: dict[str, Any]) -> Response:
    async def body() -> AsyncIterator[str]:
        yield '{"jsonrpc": "2.0",'
        raise ConnectionError

    return StreamingResponse(body(), media_type="application/json")


async def other_id(message: dict[str, Any]) -> Response:
    return JSONResponse(_result({**message, "id": 4711}, {"content": []}))


async def no_result(message: dict[str, Any]) -> Response:
    return JSONResponse({"jsonrpc": "2.0", "id": message["id"]})


async def wrong_shape(message: dict[str, Any]) -> Response:
    return JSONResponse(_result(message, {"unexpected": True}))


async def denied_by_policy(message: dict[str, Any]) -> Response:
    says = "Tool Execution Denied: Tool call not allowed due to policy enforcement [No policy applies to the request]"
    return JSONResponse({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32002, "message": says}})


async def rpc_error(message: dict[str, Any]) -> Response:
    error = {"code": -32603, "message": SECRET}
    return JSONResponse({"jsonrpc": "2.0", "id": message["id"], "error": error})
