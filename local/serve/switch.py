"""The app that answers now: one generation after another, each whole before it takes over.

What is on its way when a new generation comes is answered by the one that it reached; that one ends when it has nothing
more to answer, or after `GRACE_SECONDS`.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

GRACE_SECONDS = 10.0


@dataclass(frozen=True)
class Generation:
    """An app, and what must be running while it answers; both are used in the server's event loop only."""

    app: ASGIApp
    lifespan: Callable[[], AbstractAsyncContextManager[Any]]


@dataclass
class _Serving:
    generation: Generation
    ready: asyncio.Future[None]
    over: asyncio.Event = field(default_factory=asyncio.Event)
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    requests: int = 0
    task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Enter the generation's lifespan, and leave it in the same task, as its libraries demand."""
        try:
            async with self.generation.lifespan():
                self.ready.set_result(None)
                await self.over.wait()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.idle.wait(), GRACE_SECONDS)
        except Exception as error:
            if self.ready.done():
                raise
            self.ready.set_exception(error)


class Switch:
    """An ASGI app that hands each request to the generation of the moment."""

    def __init__(self, first: Generation) -> None:
        """Describe it; the server starts it.

        Args:
            first: The generation to begin with.
        """
        self._first = first
        self._loop: asyncio.AbstractEventLoop | None = None
        self._current: _Serving | None = None
        self._ending: set[asyncio.Task[None]] = set()

    def replace(self, by: Generation, after: Callable[[], None] = lambda: None) -> None:
        """Let another generation take over once it is ready; called from another thread than the server's.

        Args:
            by: The generation.
            after: Called in a thread of its own when the old one has ended.

        Raises:
            Exception: What its lifespan raises; the old one then goes on.
        """
        self.run(self._take_over(by, after))

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something in the server's event loop, and wait for its end; called from another thread than the server's.

        Raises:
            Exception: What it raises.
        """
        assert self._loop is not None  # noqa: S101  # nobody has work before the server runs
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or the server's start and end."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        serving = self._current
        assert serving is not None  # noqa: S101  # the server asks after it has started
        serving.requests += 1
        serving.idle.clear()
        try:
            await serving.generation.app(scope, receive, send)
        finally:
            serving.requests -= 1
            if not serving.requests:
                serving.idle.set()

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._loop = asyncio.get_running_loop()
        try:
            await self._take_over(self._first, lambda: None)
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            raise
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if self._current:
            self._end(self._current)
            self._current.idle.set()
        for task in list(self._ending):
            await task
        await send({"type": "lifespan.shutdown.complete"})

    async def _take_over(self, generation: Generation, after: Callable[[], None]) -> None:
        serving = _Serving(generation, asyncio.get_running_loop().create_future())
        serving.idle.set()
        serving.task = asyncio.create_task(serving.run())
        await serving.ready
        before, self._current = self._current, serving
        if before:
            self._end(before).add_done_callback(lambda _task: threading.Thread(target=after).start())

    def _end(self, serving: _Serving) -> asyncio.Task[None]:
        serving.over.set()
        assert serving.task is not None  # noqa: S101  # it has been running
        self._ending.add(serving.task)
        serving.task.add_done_callback(self._ending.discard)
        return serving.task
