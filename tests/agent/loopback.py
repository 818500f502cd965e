"""An ASGI application served on a loopback port, from a thread, started and stopped at will."""

import asyncio
import contextlib
import faulthandler
import socket
import sys
import threading
from typing import Any

import uvicorn

# asyncio's Server.wait_closed may wait for ever, for a connection that is gone (Python 3.13 keeps them as weak
# references, and a last one that is collected wakes nobody): uvicorn waits so long for it.
_PATIENCE = 2
_LONGEST_STOP = 30.0


class Loopback:
    """Serves `app`; a stopped one comes back on the same port. With a path it serves at a Unix socket instead.

    Options are uvicorn's.
    """

    def __init__(self, app: Any, path: str = "", **options: Any) -> None:
        self._app = app
        self._path = path
        self._options = {"loop": "asyncio", **options}
        self.port = 0
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        config = uvicorn.Config(
            self._app,
            host="127.0.0.1",
            port=self.port,
            log_level="critical",
            lifespan="off",
            timeout_graceful_shutdown=_PATIENCE,
            **self._options,
        )
        started = threading.Event()
        self._server = uvicorn.Server(config)
        # With the protocol named asyncio turns Nagle's algorithm off; uvicorn's bind_socket doesn't name it, and then
        # each streamed answer costs a delayed acknowledgement (40 ms).
        if self._path:
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(self._path)
        else:
            listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", self.port))
            self.port = listener.getsockname()[1]
        server = self._server

        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            task = asyncio.create_task(server.serve([listener]))
            while not server.started and not task.done():
                await asyncio.sleep(0.001)
            started.set()
            await task

        self._thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
        self._thread.start()
        assert started.wait()

    def stop(self) -> None:
        """Refuse connections from now on, and drop those there are.

        Raises:
            RuntimeError: It did not end; what its thread waits for is said.
        """
        if self._server is None or self._thread is None:
            return
        self._server.force_exit = True
        self._server.should_exit = True
        self._loop.call_soon_threadsafe(self._drop, self._server)
        self._thread.join(_LONGEST_STOP)
        if self._thread.is_alive():
            faulthandler.dump_traceback(sys.__stderr__ or 2)
            waiting = [str(task.get_coro()) for task in asyncio.all_tasks(self._loop)]
            raise RuntimeError(f"the server does not stop; its tasks: {waiting}")
        self._server = self._thread = None

    def _drop(self, server: uvicorn.Server) -> None:
        for connection in list(server.server_state.connections):
            transport: Any = connection.transport
            transport.abort()


def heard(peer: socket.socket) -> bytes:
    """Everything until the end of the connection."""
    answer = b""
    with contextlib.suppress(ConnectionError):
        while data := peer.recv(65536):
            answer += data
    return answer
