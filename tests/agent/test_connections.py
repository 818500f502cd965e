"""What a connection may take, asked of a small application behind raw sockets.

No time is measured: what must end is read to its end, and what must not end early waits for the test.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from connections import Bounds, options
from connections.turns import Turns
from tests.agent.loopback import Loopback, heard

HASTY = Bounds(header_seconds=0.3, body_seconds=0.3, rest_seconds=0.3, unsent_seconds=0.3)
HEAD = b"Host: a\r\n\r\n"


class App:
    """`/` says how long the body is; `/held` and `/events` wait for `release`; `/much` never ends."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.release = threading.Event()
        self.left = threading.Event()
        self.over = threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.reached.set()
        if scope["path"] in ("/held", "/events"):
            watching = asyncio.create_task(self._watch(receive))
            answer: Any = PlainTextResponse("held") if scope["path"] == "/held" else _stream(self._events())
            if scope["path"] == "/held":
                await self._held()
            await answer(scope, _never, send)
            watching.cancel()
        elif scope["path"] == "/much":
            try:
                await _stream(_much())(scope, receive, send)
            finally:
                self.over.set()
        else:
            await self._measure(scope, receive, send)

    async def _measure(self, scope: Scope, receive: Receive, send: Send) -> None:
        size, more = 0, scope["method"] == "POST"
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.left.set()
                return
            size, more = size + len(message["body"]), message["more_body"]
        await PlainTextResponse(f"{size} bytes")(scope, receive, send)

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        if not self.release.is_set():  # else the answer is out
            self.left.set()
            self.release.set()

    async def _held(self) -> None:
        while not self.release.is_set():
            await asyncio.sleep(0.01)

    async def _events(self) -> Any:
        yield b"data: first\n\n"
        await self._held()
        yield b"data: last\n\n"


def _stream(body: Any) -> StreamingResponse:
    return StreamingResponse(body, media_type="text/event-stream")


async def _much() -> Any:
    while True:
        yield bytes(1_000_000)
        await asyncio.sleep(0)  # to a peer that is lost nothing is sent, and so nothing waited for


async def _never() -> Any:
    await asyncio.sleep(3600)


Serve = Callable[[Bounds], App]


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[App, Callable[[], socket.socket]]]]:
    servers: list[Loopback] = []
    sockets: list[socket.socket] = []

    def serve_(bounds: Bounds = Bounds()) -> tuple[App, Callable[[], socket.socket]]:  # noqa: B008  # it is frozen
        app = App()
        servers.append(Loopback(app, **options(bounds)))
        servers[-1].start()

        def connect() -> socket.socket:
            sockets.append(socket.create_connection(("127.0.0.1", servers[-1].port)))
            return sockets[-1]

        return app, connect

    yield serve_
    for one in sockets:
        one.close()
    for server in servers:
        server.stop()


def sent(peer: socket.socket, *pieces: bytes) -> socket.socket:
    for piece in pieces:
        peer.sendall(piece)
    return peer


def until(peer: socket.socket, words: bytes) -> bytes:
    answer = b""
    while words not in answer:
        data = peer.recv(65536)
        assert data, answer
        answer += data
    return answer


def lines(number: int, size: int) -> bytes:
    return b"".join(b"X-%d: %s\r\n" % (index, b"a" * size) for index in range(number))


@pytest.mark.parametrize("header", [lines(20, 4096), lines(250, 10)], ids=["as large as AgentCore's", "many lines"])
def test_a_large_header_is_taken(serve: Any, header: bytes) -> None:
    _, connect = serve()
    answer = heard(sent(connect(), b"GET / HTTP/1.1\r\nConnection: close\r\n" + header + HEAD))
    assert answer.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "pieces",
    [
        [b"GET / HTTP/1.1\r\nX: ", *[b"a" * 65536] * 40],
        [b"GET / HTTP/1.1\r\nX: " + b"a" * 140_000 + b"\r\n" + HEAD],
        [b"GET /" + b"a" * 140_000 + b" HTTP/1.1\r\n" + HEAD],
        [b"GET / HTTP/1.1\r\n" + b"a:b\r\n" * 257 + HEAD],
        [b"GET / HTTP/1.1\r\n", *[b"a:b\r\n"] * 257],
    ],
    ids=["endless", "one line", "path", "lines", "lines one by one"],
)
def test_a_header_that_is_too_large(serve: Any, pieces: list[bytes]) -> None:
    _, connect = serve()
    peer = connect()
    with contextlib.suppress(ConnectionError):  # whoever never reads may find itself cut off
        sent(peer, *pieces)
    assert heard(peer).startswith(b"HTTP/1.1 431 ")


def test_the_lines_of_a_body_are_no_header(serve: Any) -> None:
    _, connect = serve()
    head = b"POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 300000\r\nHost: a\r\n\r"
    answer = heard(sent(connect(), head, b"\n" * 300_001))
    assert answer.endswith(b"300000 bytes")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + HEAD + b"zz\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + HEAD + b"1;" + b"a" * 200_000, 431),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + HEAD + b"0\r\n" + lines(1, 200_000), 431),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: br\r\n" + HEAD, 501),
    ],
    ids=["TLS", "HTTP/2", "bad chunk", "endless chunk", "trailers", "unknown coding"],
)
def test_what_cannot_be_read_is_refused(serve: Any, request_: bytes, status: int) -> None:
    _, connect = serve()
    assert heard(sent(connect(), request_)).startswith(b"HTTP/1.1 %d " % status)


@pytest.mark.parametrize(
    ("request_", "starts"),
    [
        (b"", b""),
        (b"GET / HT", b"HTTP/1.1 408 "),
        (b"GET / HTTP/1.1\r\nX: a\r\n", b"HTTP/1.1 408 "),
        (b"POST / HTTP/1.1\r\nContent-Length: 9\r\n" + HEAD + b"half", b"HTTP/1.1 408 "),
        (b"GET / HTTP/1.1\r\nContent-Length: 9\r\n" + HEAD + b"half", b"HTTP/1.1 200 "),
        (b"GET / HTTP/1.1\r\n" + HEAD + b"GET / HT", b"HTTP/1.1 200 "),
    ],
    ids=["nothing", "first line", "header", "body", "body that is answered already", "second header"],
)
def test_what_does_not_come_is_not_waited_for(serve: Any, request_: bytes, starts: bytes) -> None:
    app, connect = serve(HASTY)
    peer = sent(connect(), request_)
    answer = heard(peer)
    assert answer.startswith(starts)
    assert bool(answer) == bool(starts)
    if b"POST" in request_:
        assert app.left.wait()


def test_what_has_come_and_waits_for_its_turn_is_not_late(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = Turns.ask
    waiting: list[tuple[asyncio.AbstractEventLoop, Turns, Any]] = []
    monkeypatch.setattr(Turns, "ask", lambda turns, take: waiting.append((asyncio.get_running_loop(), turns, take)))
    _, connect = serve(replace(HASTY, body_seconds=60))
    peer = sent(connect(), b"POST / HTTP/1.1\r\nContent-Length: 4\r\n" + HEAD + b"body")
    peer.settimeout(4 * HASTY.header_seconds)
    with pytest.raises(TimeoutError):
        peer.recv(1)
    monkeypatch.setattr(Turns, "ask", ask)
    [(loop, turns, take)] = waiting
    loop.call_soon_threadsafe(ask, turns, take)
    peer.settimeout(None)
    assert heard(peer).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "start",
    [
        b"GET / HTTP/1.1\r\nX: ",
        b"POST / HTTP/1.1\r\nContent-Length: 999999\r\n" + HEAD,
        b"GET / HTTP/1.1\r\nContent-Length: 999999\r\n" + HEAD,
    ],
    ids=["header", "body", "body that is answered already"],
)
def test_a_drop_now_and_then_changes_nothing(serve: Any, start: bytes) -> None:
    _, connect = serve(HASTY)
    peer = sent(connect(), start)
    peer.settimeout(0.05)
    with contextlib.suppress(ConnectionError):
        while True:
            try:
                if not peer.recv(65536):
                    break
            except TimeoutError:
                peer.sendall(b"a")


def test_an_answer_that_is_not_read_is_given_up(serve: Any) -> None:
    app, connect = serve(HASTY)
    sent(connect(), b"GET /much HTTP/1.1\r\n" + HEAD)
    assert app.over.wait()


def test_those_that_wait_do_not_lock_others_out(serve: Any) -> None:
    _, connect = serve(replace(Bounds(), connections=10))
    slow = [sent(connect(), b"GET / HT") for _ in range(30)]
    for _ in range(3):
        answer = heard(sent(connect(), b"GET / HTTP/1.1\r\nConnection: close\r\n" + HEAD))
        assert answer.startswith(b"HTTP/1.1 200 ")
    assert [heard(one) for one in slow[:20]] == [b""] * 20


def test_one_more_than_can_be_answered_is_told(serve: Any) -> None:
    app, connect = serve(replace(Bounds(), connections=3))
    for _ in range(3):
        sent(connect(), b"GET /held HTTP/1.1\r\n" + HEAD)
        assert app.reached.wait()
        app.reached.clear()
    assert heard(sent(connect(), b"GET / HTTP/1.1\r\n" + HEAD)).startswith(b"HTTP/1.1 503 ")


PROBE = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
@pytest.mark.parametrize("path", [b"/", b"/held", b"/events"])
def test_who_only_reads_gets_the_answer(serve: Any, version: bytes, path: bytes) -> None:
    app, connect = serve()
    peer = sent(connect(), b"GET %s HTTP/%s\r\n" % (path, version) + HEAD)
    peer.shutdown(socket.SHUT_WR)
    before = b""
    if path == b"/held" and version == b"1.1":
        before = until(peer, PROBE)
    elif path == b"/events":
        before = until(peer, b":\n\n")
    app.release.set()
    answer = (before + heard(peer)).replace(PROBE, b"")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert {b"/": b"0 bytes", b"/held": b"held", b"/events": b"data: last\n\n"}[path] in answer
    assert (b"chunked" in answer.lower()) == (path == b"/events" and version == b"1.1")
    assert not app.left.is_set()


def test_who_only_reads_gets_the_answer_to_each_request(serve: Any) -> None:
    app, connect = serve()
    app.release.set()
    peer = sent(connect(), b"".join(b"GET /%s HTTP/1.1\r\n" % path + HEAD for path in (b"", b"held", b"")))
    peer.shutdown(socket.SHUT_WR)
    assert heard(peer).count(b"HTTP/1.1 200 ") == 3


RESET = struct.pack("ii", 1, 0)  # close() then sends RST instead of FIN


@pytest.mark.parametrize("how", ["end", "reset"])
@pytest.mark.parametrize("path", [b"/held", b"/events"])
def test_who_leaves_is_missed(serve: Any, path: bytes, how: str) -> None:
    app, connect = serve()
    peer = sent(connect(), b"GET %s HTTP/1.1\r\n" % path + HEAD)
    assert app.reached.wait()
    if path == b"/events":
        until(peer, b"first\n\n")
    if how == "reset":
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    peer.close()
    assert app.left.wait()


def test_who_first_only_reads_and_then_leaves_is_missed(serve: Any) -> None:
    app, connect = serve(Bounds(asked_seconds=0.1))
    peer = sent(connect(), b"GET /held HTTP/1.1\r\n" + HEAD)
    peer.shutdown(socket.SHUT_WR)
    until(peer, PROBE)
    peer.close()
    assert app.left.wait()


def test_who_leaves_within_a_body_is_missed(serve: Any) -> None:
    app, connect = serve()
    peer = sent(connect(), b"POST / HTTP/1.1\r\nContent-Length: 9\r\n" + HEAD + b"half")
    peer.shutdown(socket.SHUT_WR)
    assert heard(peer) == b""
    assert app.left.wait()


def test_all_turns_of_a_round_of_the_loop_have_a_moment_together(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("connections.turns.time.perf_counter", lambda: now)

    async def rounds() -> list[str]:
        turns, taken = Turns(), list[str]()

        def take(name: str, end: float) -> bool:
            nonlocal now
            taken.append(name)
            if name.isupper():  # it takes as long as it may
                now = end
            return name.isupper() and len(taken) < 12

        for name in ("a", "b", "A", "c", "B"):
            turns.ask(partial(take, name))
        for _ in range(6):
            await asyncio.sleep(0)
            taken.append("|")
        return taken

    assert "".join(asyncio.run(rounds())).strip("|").startswith("abA|cB|A|B")


def test_a_turn_that_fails_is_not_the_last_one() -> None:
    async def run() -> bool:
        turns, reached = Turns(), asyncio.Event()
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        turns.ask(lambda _end: bool(1 // 0))

        def last(_end: float) -> bool:
            reached.set()
            return False

        turns.ask(last)
        return await reached.wait()

    assert asyncio.run(run())
