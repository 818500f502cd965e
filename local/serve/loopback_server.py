"""An HTTP server on loopback, in a thread of its own: the data plane's, and the console's."""

import errno
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from toolgate.agent import connections

# The shipped agent keeps idle connections for 50 seconds: whoever closes first may lose a request that is just coming.
_IDLE_SECONDS = 65

HOST = "127.0.0.1"
"""Loopback only: what is served is for this machine's user."""


class PortInUseError(Exception):
    """Another program listens on the port; the text says what to do."""


@contextmanager
def listening(port: int) -> Iterator[socket.socket]:
    """A socket that takes connections for as long as the block runs.

    Args:
        port: The port, or 0 for a free one.

    Raises:
        PortInUseError: Another program listens on it.
    """
    # Only where the protocol is named does asyncio send what is streamed at once (TCP_NODELAY).
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise PortInUseError(f"port {port} is in use: choose another one, or 0 for any that is free") from error
        listener.listen(128)
        yield listener


@contextmanager
def running(app: ASGIApp, listener: socket.socket, name: str) -> Iterator[None]:
    """Serve an app for as long as the block runs.

    Args:
        app: The app.
        listener: Where its connections come in.
        name: The thread's name.
    """
    # Their loop is asyncio's: uvloop starts processes by a plain fork, which gRPC (the policy pack's) complains about.
    bounded = connections.options(connections.Bounds())
    config = uvicorn.Config(
        app, log_config=None, timeout_graceful_shutdown=2, timeout_keep_alive=_IDLE_SECONDS, **bounded
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name=name)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            thread.join(0.005)
        if not server.started:
            raise RuntimeError("the local server did not start")
        yield
    finally:
        server.should_exit = True
        thread.join()
