"""What the agent's bench runs against, in a process of its own: MCP gateways, Identity and a model's endpoint.

The gateway is fastmcp behind SigV4; `/mcp` answers at once, `/slow/mcp` after 30 ms. `/token/mcp` is `/mcp` behind a
look-up of the token among those that Identity gave. `/requests` tells how many MCP messages came. Identity and the
model are the tests', the model scripted. Prints its port and serves until it is killed.
"""

import asyncio
import socket
import sys
from pathlib import Path

import uvicorn
from fastmcp import FastMCP
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Message, Receive, Scope, Send

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "agent"))  # the model goes by the agent's rules of tools

from tests.agent.fake_bedrock import FakeBedrock
from tests.agent.signature import signed
from tests.agent.tokens.fake_identity import FakeIdentity

SECRETS = {"AKIDEXAMPLE": "secret"}
SLOW_SECONDS = 0.03


class Services:
    """The ASGI application."""

    def __init__(self) -> None:
        seconds = {"/mcp": 0, "/slow/mcp": SLOW_SECONDS, "/token/mcp": 0}
        self._gateways = {path: _gateway(wait, path) for path, wait in seconds.items()}
        self._identity = FakeIdentity()
        self._model = FakeBedrock().app
        self._requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, or the lifespan of both gateways."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["path"] == "/requests":
            await JSONResponse(self._requests)(scope, receive, send)
        elif gateway := self._gateways.get(scope["path"]):
            body = await Request(scope, receive).body()
            if not self._lets_in(Request(scope), body):
                await JSONResponse({"message": "not let in"}, 403)(scope, receive, send)
                return
            self._requests += 1
            await gateway(scope, _again(body, receive), send)
        elif scope["path"].startswith("/identities/"):
            await self._identity.app(scope, receive, send)
        else:
            await self._model(scope, receive, send)

    def _lets_in(self, request: Request, body: bytes) -> bool:
        if request.url.path.startswith("/token/"):
            return request.headers.get("authorization", "").removeprefix("Bearer ") in self._identity.given
        return signed(request, body, SECRETS)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        first, second, third = self._gateways.values()
        async with first.lifespan(first), second.lifespan(second), third.lifespan(third):
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


def _gateway(seconds: float, path: str):  # type: ignore[no-untyped-def]
    server = FastMCP("bench")

    @server.tool(name="math___add_numbers")
    async def add_numbers(a: float, b: float) -> dict[str, float]:
        """Add two numbers."""
        await asyncio.sleep(seconds)
        return {"result": a + b}

    return server.http_app(path=path, stateless_http=True, json_response=True)


def _again(body: bytes, receive: Receive) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return messages.pop() if messages else await receive()

    return again


def main() -> None:
    """Serve."""
    # The protocol is named so that asyncio turns Nagle's algorithm off, as it does for a server of its own.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    server = uvicorn.Server(uvicorn.Config(Services(), log_level="critical", lifespan="on"))
    asyncio.run(server.serve([listener]))


if __name__ == "__main__":
    main()
