"""The sessions of runtimes: which are in use, and how one is stopped."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

IDLE_SECONDS = 900.0
"""A session that is not used for so long is gone.

Source: AgentCore developer guide, "runtime-lifecycle-settings", idleRuntimeSessionTimeout's default.
"""


class SessionStopped(Exception):  # noqa: N818  # what happened, not a fault
    """The session was stopped while its request was under way."""


@dataclass
class _Session:
    used: float
    stopped: asyncio.Event = field(default_factory=asyncio.Event)


class RuntimeSessions:
    """The sessions in use, by runtime and id."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Know of none yet.

        Args:
            clock: Seconds, as `time.monotonic`.
        """
        self._clock = clock
        self._sessions: dict[tuple[str, str], _Session] = {}

    def use(self, runtime_arn: str, session: str) -> asyncio.Event:
        """Note that a session is used, and say when it is stopped."""
        self._forget_idle()
        found = self._sessions.pop((runtime_arn, session), None) or _Session(0)
        found.used = self._clock()
        self._sessions[runtime_arn, session] = found  # at the end: the one that is idle longest comes first
        return found.stopped

    def stop(self, runtime_arn: str, session: str) -> bool:
        """Stop a session and what it waits for; False if there is none."""
        self._forget_idle()
        found = self._sessions.pop((runtime_arn, session), None)
        if found:
            found.stopped.set()
        return found is not None

    def _forget_idle(self) -> None:
        since = self._clock() - IDLE_SECONDS
        while self._sessions and next(iter(self._sessions.values())).used < since:
            del self._sessions[next(iter(self._sessions))]


async def unless_stopped[T](stopped: asyncio.Event, work: Awaitable[T]) -> T:
    """What `work` gives, as long as the session is not stopped.

    Raises:
        SessionStopped: It was; the work is cancelled.
    """
    task, stop = asyncio.ensure_future(work), asyncio.ensure_future(stopped.wait())
    try:
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise SessionStopped
    finally:
        for one in (task, stop):
            one.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await one
