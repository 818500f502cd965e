"""The agent's port while the agent is still being imported: `/ping` is answered at once, whoever wants more waits.

Only modules of the standard library that are imported in no time. Nothing is read here but a `/ping` that came whole:
every other connection is handed to the server as it is, with all that its peer has sent, and is bounded there.
"""

import selectors
import socket
import sys
import threading
from collections.abc import Callable

_PINGS = (b"GET /ping HTTP/1.1\r\n", b"GET /ping HTTP/1.0\r\n")
_END = b"\r\n\r\n"
# What is looked at of a connection: AgentCore's own question has a few hundred bytes.
_LOOKED_AT = 4096
_MOST = 256
_BACKLOG = 2048
# A thread that imports gives way to another one this often, and an answer takes about six turns.
_TURN_SECONDS = 0.0005


def listening(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen at a host's addresses, as asyncio makes them.

    Raises:
        OSError: If the host has no address, or the port is not to be had.
    """
    found = dict.fromkeys(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE))
    listeners: list[socket.socket] = []
    for family, kind, _, _, address in found:
        # The protocol is named so that asyncio turns Nagle's algorithm off for each connection.
        listener = socket.socket(family, kind, socket.IPPROTO_TCP)
        listeners.append(listener)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    return listeners


class Door:
    """Answers `/ping` in a thread of its own until it hands over.

    Args:
        listeners: Sockets that listen.
        answer: Gives the body of an answer.
    """

    def __init__(self, listeners: list[socket.socket], answer: Callable[[], bytes]) -> None:
        self.listeners = listeners
        self._answer = answer
        self._silent: dict[socket.socket, None] = {}  # in order of their arrival
        self._held: list[socket.socket] = []
        self._ended, self._end = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._thread = threading.Thread(target=self._watch, name="door", daemon=True)

    def open(self) -> None:
        """Answer from now on."""
        for one in (*self.listeners, self._ended):
            one.setblocking(False)
            self._selector.register(one, selectors.EVENT_READ)
        self._turns = sys.getswitchinterval()
        sys.setswitchinterval(_TURN_SECONDS)
        self._thread.start()

    def hand_over(self) -> list[socket.socket]:
        """Answer no more; gives the connections that are left. The listeners go on listening."""
        self._end.close()
        self._thread.join()
        sys.setswitchinterval(self._turns)
        self._selector.close()
        self._ended.close()
        return [*self._held, *self._silent]

    def _watch(self) -> None:
        while True:
            ready = [key.fileobj for key, _ in self._selector.select()]
            for one in ready:
                if one is self._ended:
                    return
                if one in self.listeners:
                    self._let_in(one)
                elif one in self._silent:
                    self._hear(one)

    def _let_in(self, listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
        except OSError:  # it has left already, or there are no files: whoever waits is let in later
            return
        connection.setblocking(False)
        if len(self._silent) + len(self._held) >= _MOST:
            self._close(next(iter(self._silent), connection))
        if connection.fileno() != -1:
            self._silent[connection] = None
            self._selector.register(connection, selectors.EVENT_READ)

    def _hear(self, connection: socket.socket) -> None:
        try:
            said = connection.recv(_LOOKED_AT, socket.MSG_PEEK)
            if said.startswith(_PINGS) and said.find(_END) == len(said) - len(_END):
                connection.recv(len(said))
                body = self._answer()
                head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: "
                connection.send(b"%b%d\r\n\r\n%b" % (head, len(body), body))
                said = b""
        except OSError:
            said = b""
        if said:  # how it goes on is the server's part
            self._selector.unregister(connection)
            del self._silent[connection]
            self._held.append(connection)
        else:
            self._close(connection)

    def _close(self, connection: socket.socket) -> None:
        if connection in self._silent:
            self._selector.unregister(connection)
            del self._silent[connection]
        connection.close()
