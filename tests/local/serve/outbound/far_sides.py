"""Real services on loopback that targets lead to: an API that tells what came, and an MCP server that wants a key."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from tests.agent.loopback import Loopback


@dataclass
class Api:
    """An API: what came, and where it is."""

    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        """Tell what came."""
        came = {
            "method": request.method,
            "path": request.scope["raw_path"].decode(),
            "query": request.url.query,
            "headers": dict(request.headers),
            "body": (await request.body()).decode(),
        }
        self.requests.append(came)
        if "status" in request.query_params:
            return PlainTextResponse("secret-of-the-server", int(request.query_params["status"]))
        if "huge" in request.query_params:
            return PlainTextResponse("x" * 7_000_000)
        if "binary" in request.query_params:
            return Response(b"\xff\xfe\x00", media_type="application/octet-stream")
        return JSONResponse({"path": came["path"], "query": came["query"], "body": came["body"]})

    async def speak(self, request: Request) -> Response:
        """Speak MCP: a tool and a prompt tell with what it was signed in."""
        message = await request.json()
        if "id" not in message:
            return Response(status_code=202)
        result: Any = {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "s", "version": "1"}}
        if message["method"] == "tools/call":
            told = {"headers": dict(request.headers), "query": request.url.query}
            result = {"content": [{"type": "text", "text": json.dumps(told)}]}
        if message["method"] == "prompts/list":
            result = {"prompts": [{"name": "headers"}]}
        if message["method"] == "prompts/get":
            told = {**dict(request.headers), "params": message["params"]}
            result = {"messages": [{"role": "user", "content": {"type": "text", "text": json.dumps(told)}}]}
        return JSONResponse({"jsonrpc": "2.0", "id": message["id"], "result": result})


@contextmanager
def api() -> Iterator[Api]:
    """An API that runs while the block does."""
    made = Api()
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    routes = [Route("/mcp", made.speak, methods=["POST"]), Route("/{path:path}", made.answer, methods=methods)]
    server = Loopback(Starlette(routes=routes))
    server.start()
    made.url = server.url
    try:
        yield made
    finally:
        server.stop()
