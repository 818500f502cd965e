"""Starts an agent's program as AgentCore Runtime would, many beside each other on one machine.

There each has a machine of its own and listens at 0.0.0.0:8080 (the service contract), as the SDK's `app.run()` does
whatever the environment says. Here whoever would listen at that port gets its own one, on loopback; the program's file
stays as it is. `agent_process` runs this file by its path, so it imports nothing of ours.
"""

import os
import runpy
import socket
import sys
from typing import Any

CONTRACT_PORT = 8080
"""Source: AgentCore developer guide, "Understand the AgentCore Runtime service contract"."""


def main(entry_point: str, port: int) -> None:
    """Run the program in this process."""
    _move_sockets(port)
    _move_uvloop(port)
    sys.argv = [entry_point]
    sys.path[0] = os.path.dirname(entry_point)  # noqa: PTH120  as Python itself does for a script
    runpy.run_path(entry_point, run_name="__main__")


def _move_sockets(port: int) -> None:
    bind = socket.socket.bind

    def moved(self: socket.socket, address: Any, /) -> None:
        if isinstance(address, tuple) and len(address) > 1 and address[1] == CONTRACT_PORT:
            loopback = "::1" if self.family == socket.AF_INET6 else "127.0.0.1"
            address = (loopback, port, *address[2:])
        bind(self, address)

    setattr(socket.socket, "bind", moved)  # noqa: B010  mypy takes no other for a method; every server calls it


def _move_uvloop(own: int) -> None:
    """uvloop, which uvicorn takes where it is installed, binds its sockets in C."""
    try:
        from uvloop import Loop  # noqa: PLC0415
    except ImportError:
        return
    create_server = Loop.create_server

    async def moved(self: Loop, factory: Any, host: Any = None, port: Any = None, **settings: Any) -> Any:
        if port == CONTRACT_PORT:
            host, port = "127.0.0.1", own
        return await create_server(self, factory, host, port, **settings)

    setattr(Loop, "create_server", moved)  # noqa: B010  as above


if __name__ == "__main__":
    main(sys.argv[1], int(os.environ["PORT"]))
