"""What is read of a connection waits for its turn; all turns of a round of the event loop have a millisecond."""

import asyncio
import time
from asyncio import Transport
from collections import deque
from collections.abc import Callable

from uvicorn.protocols.http.flow_control import FlowControl

_ROUND_SECONDS = 0.001

type Take = Callable[[float], bool]
"""Takes some of what waits, until a time of `time.perf_counter`; whether there is more."""


class Turns:
    """Who waits, in order."""

    def __init__(self) -> None:
        self._waiting: deque[Take] = deque()

    def ask(self, take: Take) -> None:
        """Let `take` be called in its turn, and again in a later one for as long as it says so."""
        self._waiting.append(take)
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        end = time.perf_counter() + _ROUND_SECONDS
        try:
            while self._waiting and time.perf_counter() < end:
                take = self._waiting.popleft()
                if take(end):
                    self._waiting.append(take)
        finally:
            if self._waiting:
                asyncio.get_running_loop().call_soon(self._next)


class Reads(FlowControl):
    """uvicorn's control of the flow, that also stops reading while something waits for its turn."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        self._waits = False

    def wait(self) -> None:
        """Read no more until `go_on`."""
        self._waits = True
        self._transport.pause_reading()

    def go_on(self) -> None:
        """Read, if uvicorn lets."""
        self._waits = False
        if not self.read_paused:
            self._transport.resume_reading()

    def pause_reading(self) -> None:
        """Read no more until `resume_reading`."""
        self.read_paused = True
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read, if nothing waits."""
        self.read_paused = False
        if not self._waits:
            self._transport.resume_reading()
