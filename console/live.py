"""What happens while it happens: a ring of the newest events, and who listens.

Whoever tells of an event is never held up: it is put aside here, and made by a thread of our own. A listener reads the
ring at its own pace; what it was too slow for is gone, and it is told how much that was. So nothing grows.
"""

import asyncio
import json
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import suppress
from itertools import count
from typing import Any

log = logging.getLogger(__name__)

NEWEST = 500
"""Events that are kept."""
MOST_WAITING = 1_000
MOST_WAITING_BYTES = 64 * 2**20
"""What may be put aside until it is made into events: bodies of requests hang on it."""
QUIET_SECONDS = 10.0
"""After so long without an event a listener gets a sign of life."""

type Made = Mapping[str, Any] | None
type Kept = tuple[int, str]


class Live:
    """The newest events, in order; may be told of more from any thread."""

    def __init__(self, newest: int = NEWEST) -> None:
        """Begin to listen; `close` ends it.

        Args:
            newest: How many events are kept.
        """
        self._ring: deque[Kept] = deque(maxlen=newest)
        self._numbers = count(1)
        self._waiting: queue.SimpleQueue[tuple[Callable[[], Made], int] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._bytes = 0
        self._dropped = 0
        self._listeners: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}
        self._closed = False
        self._thread = threading.Thread(target=self._make, name="console-events", daemon=True)
        self._thread.start()

    @property
    def listeners(self) -> int:
        """How many listen at the moment."""
        return len(self._listeners)

    def say(self, kind: str, **facts: Any) -> None:
        """Tell of an event that is known already."""
        self.tell(lambda: {"kind": kind, **facts})

    def tell(self, make: Callable[[], Made], size: int = 0) -> None:
        """Tell of an event.

        Args:
            make: Makes it, in a thread of ours; None where it is none.
            size: Bytes that are held until then.
        """
        with self._lock:
            if self._closed:
                return
            too_large = self._bytes > 0 and self._bytes + size > MOST_WAITING_BYTES
            if too_large or self._waiting.qsize() >= MOST_WAITING:
                self._dropped += 1
                return
            self._bytes += size
            self._waiting.put((make, size))

    def close(self) -> None:
        """Let every listener go, and keep no more events."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._waiting.put(None)
        self._thread.join()
        self._wake()

    async def after(self, seq: int | None) -> AsyncGenerator[list[Kept]]:
        """What is in the ring after an event, and whatever comes; an empty list where it has been quiet.

        Each is a number and the event as JSON. What the ring has lost meanwhile is a note, under the number of the
        last event that is lost.

        Args:
            seq: The number of the last event that the listener has; None for none.
        """
        woken = asyncio.Event()
        self._listeners[woken] = asyncio.get_running_loop()
        last = seq
        try:
            while not self._closed:
                woken.clear()
                if found := self._newer(last):
                    last = found[-1][0]
                    yield found
                    continue
                with suppress(TimeoutError):
                    async with asyncio.timeout(QUIET_SECONDS):
                        await woken.wait()
                    continue
                yield []
        finally:
            del self._listeners[woken]

    def _newer(self, last: int | None) -> list[Kept]:
        with self._lock:
            ring = list(self._ring)
        if not ring:
            return []
        oldest, newest = ring[0][0], ring[-1][0]
        if last is None or last > newest:  # of an earlier start: it knows nothing of this one
            return ring
        lost = oldest - last - 1
        if lost > 0:
            return [(oldest - 1, _numbered(oldest - 1, _missed(lost))), *ring]
        return [it for it in ring if it[0] > last]

    def _make(self) -> None:
        while (waiting := self._waiting.get()) is not None:
            make, size = waiting
            facts = None
            try:
                made = make()
                facts = None if made is None else json.dumps(made)
            except Exception:  # one event that cannot be told of is no reason to tell of no other
                log.exception("An event cannot be told of")
            self._keep(facts, size)

    def _keep(self, facts: str | None, size: int) -> None:
        """Put an event into the ring, and after it how many had no room to wait behind it."""
        with self._lock:
            self._bytes -= size
            dropped, self._dropped = self._dropped, 0
            for told in (facts, _missed(dropped) if dropped else None):
                if told is not None:
                    seq = next(self._numbers)
                    self._ring.append((seq, _numbered(seq, told)))
        if facts is not None or dropped:
            self._wake()

    def _wake(self) -> None:
        for woken, loop in list(self._listeners.items()):
            with suppress(RuntimeError):  # its loop has ended
                loop.call_soon_threadsafe(woken.set)


def _missed(number: int) -> str:
    text = f"{number} event{'s' if number > 1 else ''} missed: more happened than could be told"
    return json.dumps({"kind": "note", "missed": number, "text": text})


def _numbered(seq: int, facts: str) -> str:
    """The event of facts, which are a JSON object."""
    return f'{{"seq": {seq}, "time": {round(time.time() * 1000)}, {facts[1:]}'
