"""Starts an agent's program as AgentCore Runtime would, where nobody but the local deployment's server reaches it.

There each has a machine of its own and listens at 0.0.0.0 and a port of the service contract, 8080 or 8000, as the
SDK's `app.run()` does whatever the environment says. A program asks nobody for a signature, so here it must not listen
at a port of this machine: any user and any web page could send it a prompt. Whoever would listen at the contract's port
listens at a Unix socket instead, which `agent_process` has made and handed down; the program's file stays as it is. A
listener at any other port keeps its port, on loopback, and the log says so.

`agent_process` runs this file by its path, so it imports nothing of ours.
"""

import os
import runpy
import site
import socket
import sys
from typing import Any, ClassVar

CONTRACT_PORTS = {"HTTP": 8080, "MCP": 8000}
"""By protocol. Source: AgentCore developer guide, "HTTP protocol contract" and "MCP protocol contract"."""

_CALLER = ("127.0.0.1", 0)
_LOOPBACK = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # what nobody may listen at
_OF_TCP = frozenset({socket.IPPROTO_IP, socket.IPPROTO_TCP, socket.IPPROTO_IPV6})


class ContractSocket(socket.socket):
    """The Unix socket, or a connection to it, as the program sees it: with TCP's addresses, deaf to TCP's options."""

    __slots__ = ()
    port: ClassVar[int]

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept a connection of the server."""
        connection, _ = super().accept()
        connection.__class__ = ContractSocket
        return connection, _CALLER

    def getsockname(self) -> Any:
        """The contract's port."""
        return "127.0.0.1", self.port

    def getpeername(self) -> Any:
        """Somebody on this machine."""
        return _CALLER

    def setsockopt(self, level: int, *option: Any) -> None:
        """Set an option, unless it is one of TCP or IP."""
        if level not in _OF_TCP:
            super().setsockopt(level, *option)


def main(entry_point: str, descriptor: int, port: int) -> None:
    """Run the program in this process.

    Args:
        entry_point: The program's file.
        descriptor: A Unix socket that is bound and does not listen yet.
        port: The contract's port.
    """
    ContractSocket.port = port
    os.set_inheritable(descriptor, False)
    _move_sockets(descriptor)
    sys.path[0] = os.path.dirname(entry_point)  # noqa: PTH120  as Python itself does for a script
    _move_uvloop(descriptor)  # it may be one of the program's own packages
    if sys.flags.no_site:  # it has its own packages beside it, and none of ours; Python's words for people stay
        site.setquit()
        site.sethelper()
    sys.argv = [entry_point]
    runpy.run_path(entry_point, run_name="__main__")


def _move_sockets(descriptor: int) -> None:
    bind, listen = socket.socket.bind, socket.socket.listen

    def moved(self: socket.socket, address: Any, /) -> None:
        if _of_tcp(self) and address[1] == ContractSocket.port:
            _become(self, descriptor)
        else:
            bind(self, address)

    def told(self: socket.socket, *backlog: int) -> None:
        if _of_tcp(self):
            _keep_to_loopback(self)
            _tell(self.getsockname())
        listen(self, *backlog)

    setattr(socket.socket, "bind", moved)  # noqa: B010  mypy takes no other for a method; every server calls it
    setattr(socket.socket, "listen", told)  # noqa: B010  as above


def _of_tcp(one: socket.socket) -> bool:
    return one.family in {socket.AF_INET, socket.AF_INET6} and one.type == socket.SOCK_STREAM


def _become(one: socket.socket, descriptor: int) -> None:
    """Put the Unix socket in the place of a socket of TCP, under its number; two of them share it (IPv4 and IPv6)."""
    seconds = one.gettimeout()
    os.dup2(descriptor, one.fileno(), inheritable=one.get_inheritable())
    socket.socket.__init__(one, socket.AF_UNIX, socket.SOCK_STREAM, fileno=one.fileno())
    one.settimeout(seconds)
    one.__class__ = ContractSocket


def _keep_to_loopback(one: socket.socket) -> None:
    """Bind a socket to loopback, under its number and its port, if it is bound to every interface."""
    host, port, *rest = one.getsockname()
    if host not in _LOOPBACK:
        return
    seconds = one.gettimeout()
    with socket.socket(one.family, one.type, one.proto) as other:
        for each in (one, other):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((_LOOPBACK[host], port, *rest))
        os.dup2(other.fileno(), one.fileno(), inheritable=one.get_inheritable())
    one.settimeout(seconds)


def _tell(address: Any) -> None:
    where = f"{address[0]}:{address[1]}"
    print(
        f"toolgate: the program listens at {where} too, beside {ContractSocket.port}: on this machine whoever knows the"
        " port reaches it, unsigned. On AgentCore Runtime nobody does.",
        file=sys.stderr,
        flush=True,
    )


def _move_uvloop(descriptor: int) -> None:
    """uvloop, which uvicorn takes where it is installed, binds its sockets in C."""
    try:
        from uvloop import Loop  # noqa: PLC0415
    except ImportError:
        return
    create_server = Loop.create_server

    async def moved(self: Loop, factory: Any, host: Any = None, port: Any = None, **settings: Any) -> Any:
        sock = settings.pop("sock", None)
        if port == ContractSocket.port or isinstance(sock, ContractSocket):
            kept = {name: value for name, value in settings.items() if name in _OF_UNIX_SERVERS}
            plain = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=os.dup(descriptor))
            return await self.create_unix_server(factory, sock=plain, **kept)
        if sock is None:
            host = _LOOPBACK.get(host or "", host)
        made: Any = await create_server(self, factory, host, port, sock=sock, **settings)
        for one in made.sockets:
            _tell(one.getsockname())
        return made

    setattr(Loop, "create_server", moved)  # noqa: B010  as above


_OF_UNIX_SERVERS = frozenset({"backlog", "ssl", "ssl_handshake_timeout", "ssl_shutdown_timeout", "start_serving"})


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
