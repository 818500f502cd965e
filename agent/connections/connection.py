"""One connection: its states, and what is done when one lasts too long."""

import asyncio
import re
import sys
import time
from asyncio import TimerHandle, Transport
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import h11
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from .bounds import Bounds
from .turns import Reads, Turns

# After each question six times as long passes to the next: from one second on that makes five in 15 minutes, the
# longest invocation, and Go's client takes five 1xx answers to a request (net/http, max1xxResponses).
_ASKED_LATER = 6
# How long what a refused peer still sends is read: closing before would take back the answer to it (RFC 9112, 9.6).
_LINGER_SECONDS = 2.0
# How much later it is asked again whether something is late that had come and was not taken yet.
_AGAIN_SECONDS = 1.0
# Read at once, and taken in pieces while a turn lasts: a line of a header, or a chunk, costs h11 some microseconds.
_READ_BYTES = 65536
_PIECE_BYTES = 512
# A question after the agent's health needs no turn; AgentCore's requests have about 30 lines.
_AT_ONCE = b"GET "
_SMALL_BYTES = 4096
_SMALL_LINES = 64
_HEADER_END = re.compile(rb"\n\r?\n")


class Connection(H11Protocol):
    """One connection; see the module. The server makes it."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        bounds: Bounds,
        turns: Turns,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._bounds = bounds
        self._turns = turns
        self._held = b""  # what waits for its turn
        self._at_start = True
        self._seconds = {"header": bounds.header_seconds, "body": bounds.body_seconds, "rest": bounds.rest_seconds}
        self._awaited = ""  # what the peer owes: header, body, rest (of a body that was answered), or nothing
        self._since = 0.0
        self._late: TimerHandle | None = None
        self._unsent: TimerHandle | None = None
        self._asking: TimerHandle | None = None
        self._bytes = self._lines = 0
        self._tail = b""
        self._refused = False
        self._only_reads = False
        self._is_events = self._between_events = False
        self.app = _noting(self.app, self._sent)

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        """Bound it from its first moment."""
        if len(self.connections) >= self._bounds.connections:
            self._make_room()
        super().connection_made(transport)
        self.flow = self._reads = Reads(transport)
        transport.max_size = _READ_BYTES  # type: ignore[attr-defined]  # of asyncio's transports
        transport.set_write_buffer_limits(high=0)  # `pause_writing` is then told of each byte that stays
        self._await()

    def connection_lost(self, exc: Exception | None) -> None:
        """End what waits for it."""
        for timer in (self._late, self._unsent, self._asking):
            if timer:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came: the start of a small GET at once, everything else in turn."""
        small = len(data) <= _SMALL_BYTES and data.count(b"\n") <= _SMALL_LINES
        at_once = self._at_start and small and data.startswith(_AT_ONCE)
        self._at_start = False
        if at_once:
            self._take(data)
        else:
            self._held = data
            self._reads.wait()
            self._turns.ask(self._take_held)

    def _take_held(self, end: float) -> bool:
        """Take some of what waits, until a time; whether there is more."""
        while self._held and time.perf_counter() < end and not self.transport.is_closing():
            size = _READ_BYTES if self._is_cheap() else _PIECE_BYTES
            piece, self._held = self._held[:size], self._held[size:]
            self._take(piece)
        if self._held and not self.transport.is_closing():
            return True
        self._held = b""
        self._reads.go_on()
        return False

    def _is_cheap(self) -> bool:
        """Whether what comes next is a body whose length is told: it costs h11 the same in however large a piece."""
        if self.conn.their_state is not h11.SEND_BODY:
            return False
        names = {name for name, _ in self.headers}
        return b"content-length" in names and b"transfer-encoding" not in names

    def _take(self, data: bytes) -> None:
        """Take a piece, unless it is too much; what a refused peer still sends is dropped."""
        if self._refused:
            return
        if self._awaited == "header" and self._too_large(data):
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            return
        super().data_received(data)
        self._await()

    def eof_received(self) -> bool:  # type: ignore[override]  # uvicorn never keeps it open
        """The peer sends no more: whether its answer may be on its way all the same."""
        if self._refused or self.cycle is None or self.cycle.more_body or self.cycle.response_complete:
            return False
        self._only_reads = True
        self._ask(self._bounds.asked_seconds)
        return True

    def on_response_complete(self) -> None:
        """Wait for what comes next, if anything can."""
        self._at_start = True
        super().on_response_complete()
        self._await()
        if self._only_reads and self._awaited == "header":
            self.transport.close()

    def pause_writing(self) -> None:
        """Bound the time until everything written is with the peer."""
        super().pause_writing()
        self._unsent = self.loop.call_later(self._bounds.unsent_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Everything is."""
        super().resume_writing()
        if self._unsent:
            self._unsent.cancel()

    def send_400_response(self, msg: str) -> None:
        """Refuse what h11 could not read; called where its error is handled."""
        error = sys.exception()
        self._refuse(error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else HTTPStatus.BAD_REQUEST)

    def _await(self) -> None:
        """Bound the wait for what the peer has to send next; one that is bounded already goes on."""
        awaited = ""
        if self.conn.their_state is h11.IDLE:
            awaited = "header"
        elif self.conn.their_state is h11.SEND_BODY:
            awaited = "rest" if self.cycle.response_complete else "body"
        if awaited == self._awaited or self._refused or self.transport.is_closing():
            return
        if self._late:
            self._late.cancel()
        self._awaited, self._since, self._late = awaited, self.loop.time(), None
        self._bytes, self._lines, self._tail = 0, 0, b""
        if awaited:
            self._late = self.loop.call_later(self._seconds[awaited], self._not_in_time)

    def _not_in_time(self) -> None:
        if self.transport.is_closing():
            return
        if self._held:  # it has come, and waits for its turn: who is late is this process
            self._late = self.loop.call_later(_AGAIN_SECONDS, self._not_in_time)
            return
        if self._awaited == "rest" or (self._awaited == "header" and not self.conn.trailing_data[0]):
            self.transport.close()  # it has its answer, or has asked for none
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _too_large(self, data: bytes) -> bool:
        """Count a piece of a header, to its end at most; before h11 works on it."""
        piece = self._tail + data
        end = _HEADER_END.search(piece)
        last = end.end() if end else len(piece)
        self._bytes += last - len(self._tail)
        self._lines += piece.count(b"\n", len(self._tail), last)
        self._tail = piece[-2:]
        return self._bytes > self._bounds.header_bytes or self._lines > self._bounds.header_lines

    def _refuse(self, status: int) -> None:
        """Answer in the application's place, and take no more."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):  # an answer is on its way already
            self.transport.close()
            return
        self._refused = True
        phrase = HTTPStatus(status).phrase.encode()
        headers = [("content-type", "text/plain; charset=utf-8"), ("content-length", str(len(phrase)))]
        answer = h11.Response(status_code=status, headers=[*headers, ("connection", "close")], reason=phrase)
        for event in (answer, h11.Data(data=phrase), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        if self._late:
            self._late.cancel()
        self._awaited, self._late = "", self.loop.call_later(_LINGER_SECONDS, self.transport.close)
        self.transport.write_eof()
        self.flow.resume_reading()

    def _make_room(self) -> None:
        """Drop the connection that has waited longest for its header."""
        others = [one for one in self.connections if isinstance(one, Connection) and one._awaited == "header"]
        if others:
            oldest = min(others, key=lambda one: one._since)
            self.connections.discard(oldest)
            oldest.transport.abort()

    def _sent(self, message: Message) -> None:
        """Note whether the answer stands between two events of an event stream."""
        if message["type"] == "http.response.start":
            headers = dict(message.get("headers", []))
            kind = headers.get(b"content-type", b"")
            self._is_events = kind.startswith(b"text/event-stream") and b"content-length" not in headers
            self._between_events = self._is_events
        elif message["type"] == "http.response.body" and message.get("body"):
            self._between_events = self._is_events and message["body"].endswith(b"\n\n")

    def _ask(self, again: float) -> None:
        """Send something that means nothing, so that a peer that has left says so; and again later."""
        if self.transport.is_closing() or self.cycle.response_complete:
            return
        event: h11.Event | None = None
        # An HTTP/1.0 client knows no 1xx.
        if self.conn.our_state is h11.SEND_RESPONSE and self.conn.their_http_version != b"1.0":
            event = h11.InformationalResponse(status_code=100, headers=[], reason="Continue")
        elif self.conn.our_state is h11.SEND_BODY and self._between_events:
            event = h11.Data(data=b":\n\n")
        if event:
            self.transport.write(self.conn.send(event) or b"")
        self._asking = self.loop.call_later(again, self._ask, again * _ASKED_LATER)


def _noting(app: ASGIApp, note: Callable[[Message], None]) -> ASGIApp:
    """An application whose messages are told of once they are sent, and that hears HTTP/1 only."""

    async def noted(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["http_version"].startswith("1."):  # h11 takes any number
            headers = {"connection": "close"}
            await PlainTextResponse("Write HTTP/1.1", HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, headers)(
                scope, receive, send
            )
            return

        async def sending(message: Message) -> None:
            await send(message)
            note(message)

        await app(scope, receive, sending)

    return noted
