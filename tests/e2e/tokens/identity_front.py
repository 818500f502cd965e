"""What stands between agents and AgentCore Identity of the local deployment: it counts, remembers, and breaks.

It passes each request on as it came, so that the deployment checks signature and rights; what it knows of the answers
is what must stand nowhere else.
"""

import http.client
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

WORKLOAD, ACCESS = "/identities/GetWorkloadAccessToken", "/identities/oauth2/token"


@dataclass
class Asked:
    """A request that came.

    Attributes:
        path: Its path.
        provider: The credential provider that it names.
        status: The status of Identity's answer; 0 where that was not asked.
    """

    path: str
    provider: str = ""
    status: int = 0


@dataclass
class Answer:
    """What is sent back: a head and a body, which may be more or less than the head says."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


PASSED_ON = Answer(0, b"")
"""What a fault says that is none this time."""

type Fault = Callable[["IdentityFront", socket.socket], Answer | None]


class IdentityFront:
    """The front.

    Attributes:
        url: Its address; nobody else's, also while nobody listens.
        asked: The requests in the order in which they came.
        given: Every workload and access token that Identity gave.
        fault: What is done with a request instead of passing it on.
    """

    def __init__(self, upstream: str) -> None:
        self.asked: list[Asked] = []
        self.given: set[str] = set()
        self.fault: Fault | None = None
        self.healed = threading.Event()
        self.upstream = upstream
        self._holder = socket.socket()  # keeps the port, and does not listen
        self._holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._holder.bind(("127.0.0.1", 0))
        self.port: int = self._holder.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._server: _Server | None = None
        self._listen()

    def close(self) -> None:
        self.healed.set()
        self._refuse()
        self._holder.close()

    def fetches(self, agent: str) -> int:
        """How many access tokens an agent was given."""
        given = [it.provider for it in list(self.asked) if it.path == ACCESS and it.status == 200]
        return sum(provider.endswith(f"_{agent}_tokens") for provider in given)

    @contextmanager
    def broken(self, fault: Fault | None) -> Iterator[None]:
        """While the block runs, each request meets the fault; None is a port at which nobody listens."""
        self.healed.clear()
        self.fault = fault
        if fault is None:
            self._refuse()
        try:
            yield
        finally:
            self.fault = None
            self.healed.set()
            if fault is None:
                self._listen()

    def _listen(self) -> None:
        self._server = _Server(self)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def _refuse(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()
        self._server = None


class _Server(ThreadingHTTPServer):
    allow_reuse_port = True
    request_queue_size = 128
    block_on_close = False  # a request that is kept waiting ends when its fault does

    def __init__(self, front: IdentityFront) -> None:
        self.front = front
        super().__init__(("127.0.0.1", front.port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The agent has left, as it may."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        front = self.server.front
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        asked = Asked(self.path, json.loads(body or b"{}").get("resourceCredentialProviderName", ""))
        front.asked.append(asked)
        answer = front.fault(front, self.connection) if front.fault else PASSED_ON
        if answer is PASSED_ON:
            answer = self._passed_on(front, asked, body)
        if answer:
            lines = [f"HTTP/1.0 {answer.status} X", *(f"{name}: {text}" for name, text in answer.headers.items())]
            self.wfile.write("\r\n".join([*lines, "", ""]).encode() + answer.body)

    def do_GET(self) -> None:
        """What is no operation is counted, too."""
        self.do_POST()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed."""

    def _passed_on(self, front: IdentityFront, asked: Asked, body: bytes) -> Answer:
        connection = http.client.HTTPConnection(urlsplit(front.upstream).netloc, timeout=60)
        try:
            connection.putrequest("POST", self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            said = answer.read()
        finally:
            connection.close()
        if answer.status == 200:
            front.given.update(json.loads(said).values())
        asked.status = answer.status
        return Answer(answer.status, said, dict(answer.getheaders()))


# Faults


def answered(status: int, body: bytes, **headers: str) -> Fault:
    head = {"content-type": "application/json", "content-length": str(len(body))}
    return lambda _front, _connection: Answer(status, body, head | headers)


def error(status: int, code: str) -> Fault:
    return answered(status, b'{"message": "Not now."}', **{"x-amzn-errortype": code})


def reset(_front: IdentityFront, connection: socket.socket) -> None:
    """The connection ends without a word."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.shutdown(socket.SHUT_RD)


def silence(front: IdentityFront, _connection: socket.socket) -> None:
    """Nothing comes as long as the fault is there."""
    front.healed.wait(120)


def cut_off(_front: IdentityFront, _connection: socket.socket) -> Answer:
    return Answer(200, b'{"accessToken": "', {"content-type": "application/json", "content-length": "4000"})


def slow(front: IdentityFront, _connection: socket.socket) -> Answer:
    """It answers, and takes a second for it."""
    front.healed.wait(1)
    return PASSED_ON


def redirect(front: IdentityFront, _connection: socket.socket) -> Answer:
    """To another place of the same host, which would be the least to hide from."""
    return Answer(307, b"", {"location": f"{front.url}/elsewhere", "content-length": "0"})
