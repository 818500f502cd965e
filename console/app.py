"""The console's routes: what the page asks of a source, as JSON, and the page's own files."""

import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from functools import partial
from importlib.resources import files
from typing import Any

import anyio
from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from toolgate.console.requests import call_of, change_of, number, question_of
from toolgate.console.source import Asking, Mistake, Source, Unavailable

log = logging.getLogger(__name__)

_TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}
_INDEX = "index.html"
_MOST_ASKED = 64
"""Questions that are answered at once: each waits in a thread."""
_MOST_LINES = 5_000


def console_app(source: Source) -> Starlette:
    """The app, behind nothing: `guard.Guard` has to stand in front of it.

    Args:
        source: Answers what the page asks.
    """
    api = _Api(source)
    get = {
        "overview": api.overview,
        "access": api.access,
        "access/picture": api.picture,
        "access/explain": api.explained,
        "tools": api.tools,
        "events": api.events,
        "logs": api.logs,
        "calls": api.calls,
    }
    post = {"ask": api.ask, "tools/call": api.call, "what-if": api.what_if}
    routes = [
        *(Route(f"/api/{path}", _answering(endpoint), methods=["GET"]) for path, endpoint in get.items()),
        *(Route(f"/api/{path}", _answering(endpoint), methods=["POST"]) for path, endpoint in post.items()),
        *_page(),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: _not_there})


def _page() -> list[Route]:
    """The page's files, each at an address of its own: no path of a request ever names a file."""
    folder = files("toolgate.console") / "page"
    names = sorted(it.name for it in folder.iterdir() if it.name.rpartition(".")[2] in _TYPES)

    def sent(name: str) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(_request: Request) -> Response:
            content = await to_thread.run_sync((folder / name).read_bytes)
            return Response(content, headers={"content-type": _TYPES[name.rpartition(".")[2]]})

        return endpoint

    return [Route("/" if name == _INDEX else f"/{name}", sent(name), methods=["GET"]) for name in names]


type _Endpoint = Callable[[Request], Awaitable[Response]]


def _answering(endpoint: _Endpoint) -> _Endpoint:
    """The endpoint, with what it raises as an answer: of a fault of ours nothing is told but that there is one."""

    async def answered(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Mistake as mistake:
            return _error(400, "mistake", str(mistake))
        except Unavailable as unavailable:
            return _error(409, "unavailable", str(unavailable))
        except Exception:
            log.exception("%s %s", request.method, request.url.path)
            return _error(500, "internal", "the console has failed; what it says in the terminal tells why")

    return answered


async def _not_there(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # of what else it is not the handler
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "refused")
    return _error(error.status_code, code, error.detail)


def _error(status: int, code: str, message: str) -> Response:
    return _json({"error": {"code": code, "message": message}}, status)


def _json(document: Any, status: int = 200) -> Response:
    return _text(json.dumps(document), "application/json", status)


def _text(text: str, kind: str, status: int = 200) -> Response:
    return Response(text, status, {"content-type": kind})


class _Api:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._asking = CapacityLimiter(_MOST_ASKED)

    async def overview(self, _request: Request) -> Response:
        return _json(await to_thread.run_sync(self._source.overview))

    async def access(self, _request: Request) -> Response:
        return _text(await to_thread.run_sync(self._source.access), "application/json")

    async def picture(self, _request: Request) -> Response:
        return _text(await to_thread.run_sync(self._source.picture), "image/svg+xml")

    async def explained(self, request: Request) -> Response:
        principal, tool, memory = (request.query_params.get(name, "") for name in ("principal", "tool", "memory"))
        return _json({"text": await to_thread.run_sync(self._source.explained, principal, tool, memory)})

    async def tools(self, _request: Request) -> Response:
        return _json(await to_thread.run_sync(self._source.tools))

    async def call(self, request: Request) -> Response:
        call = call_of(await request.body())
        return _json(await to_thread.run_sync(self._source.call, call))

    async def logs(self, request: Request) -> Response:
        lines = number(request.query_params, "lines", _MOST_LINES) or 200
        return _json(await to_thread.run_sync(self._source.logs, request.query_params.get("of", ""), lines))

    async def calls(self, request: Request) -> Response:
        limit = number(request.query_params, "limit", _MOST_LINES) or 50
        return _json(await to_thread.run_sync(self._source.calls, request.query_params.get("tool", ""), limit))

    async def what_if(self, request: Request) -> Response:
        change = change_of(await request.body())
        return _json(await to_thread.run_sync(self._source.what_if, change))

    async def events(self, request: Request) -> Response:
        live = self._source.live
        if live is None:
            raise Unavailable(self._source.overview()["unavailable"]["events"])
        after = number(request.query_params, "after")

        async def told() -> AsyncGenerator[str]:
            yield ":\n\n"  # the browser knows at once that it is connected
            async with aclosing(live.after(after)) as found:
                async for events in found:
                    yield "".join(f"id: {seq}\ndata: {event}\n\n" for seq, event in events) or ":\n\n"

        return _EventStream(told)

    async def ask(self, request: Request) -> Response:
        question = question_of(await request.body())
        asking = await to_thread.run_sync(self._source.ask, question)
        return _EventStream(partial(self._answer, asking))

    async def _answer(self, asking: Asking) -> AsyncGenerator[str]:
        events = asking.events()
        try:
            while True:
                # The thread may be left to itself: `leave` ends what it waits for.
                event = await to_thread.run_sync(next, events, None, limiter=self._asking, abandon_on_cancel=True)
                if event is None:
                    return
                yield f"data: {json.dumps(event)}\n\n"
        finally:
            asking.leave()


class _EventStream(Response):
    """Server-sent events until they end or the browser leaves; whoever makes them is closed at once then."""

    media_type = "text/event-stream"

    def __init__(self, events: Callable[[], AsyncGenerator[str]]) -> None:
        super().__init__(headers={"content-type": "text/event-stream; charset=utf-8"})
        del self.headers["content-length"]
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def left() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            group.start_soon(left)
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async with aclosing(self._events()) as events:
                async for text in events:
                    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
            await send({"type": "http.response.body", "body": b""})
            group.cancel_scope.cancel()
