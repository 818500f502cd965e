"""Turns that outlive their request: begun, asked for and cancelled in the session that they belong to.

Nothing of it is kept beyond the process. AgentCore keeps the process while `/ping` says that it is busy, so each task
is one of the SDK's application, and a task that has ended is none any more.
"""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import contract
from contract import ContractError, TaskRequest
from conversation import Key

MOST_RUNNING = 16
"""Tasks at once. On AWS a process serves one session, and that has one for each user; on one machine it serves many."""
MOST_KEPT = 100
"""Results that are kept; the one that came first goes."""
KEPT_SECONDS = 3600.0
"""How long each is kept."""
# A cancelled turn waits for nothing more. Who cancels is told how it is by then, whatever goes wrong.
_CANCEL_SECONDS = 5.0

type Body = dict[str, Any]
type Turn = Callable[[str, Future[None]], Awaitable[Body]]
"""Gives the body of the answer; is told the task's id, and what is done once the task is cancelled."""


@dataclass(frozen=True)
class _Running:
    id: str
    began: float
    cancelled: Future[None]
    work: asyncio.Task[None]


@dataclass(frozen=True)
class _Ended:
    owner: Key
    at: float
    body: Body


class Tasks:
    """The process's tasks; used from one event loop, all but `running`.

    Args:
        add: Makes the application say that it is busy; gives what `complete` takes.
        complete: Takes that back.
        clock: Seconds that only grow.
    """

    def __init__(
        self, add: Callable[[str], int], complete: Callable[[int], object], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._add = add
        self._complete = complete
        self._clock = clock
        self._running: dict[Key, _Running] = {}
        self._ended: dict[str, _Ended] = {}  # in the order of their ends

    @property
    def running(self) -> int:
        """How many run; may be asked from any thread."""
        return len(self._running)

    def check(self, owner: Key | None) -> None:
        """See that a conversation is free for another prompt: one that would wait for a task would wait for too long.

        Raises:
            ContractError: A task runs in it.
        """
        if owner in self._running:
            raise ContractError(contract.SESSION_BUSY)

    def start(self, owner: Key | None, turn: Turn) -> Body:
        """Begin a turn, and do not wait for it.

        Args:
            owner: The conversation of the request; None for a request that stands alone.
            turn: The turn.

        Returns:
            What the caller is told.

        Raises:
            ContractError: There is no session, a task runs in it, or there are too many.
        """
        if owner is None:
            raise ContractError(contract.NO_SESSION)
        self.check(owner)
        if len(self._running) >= MOST_RUNNING:
            raise ContractError(contract.TOO_MANY_TASKS)
        name, cancelled = str(uuid.uuid4()), Future[None]()
        # Before the request has ended: between the two the process would say that it is idle.
        tracked = self._add("background turn")
        work = asyncio.create_task(self._work(owner, name, tracked, turn(name, cancelled)))
        self._running[owner] = _Running(name, self._clock(), cancelled, work)
        return {"status": "accepted", "task": name}

    async def answer(self, owner: Key | None, request: TaskRequest) -> Body:
        """How a task is, or the body of its answer; cancels it before if that is asked for.

        A task that has ended keeps its answer: cancelling comes too late then, and says so by that answer.

        Raises:
            ContractError: There is no session, or no such task in it.
        """
        if owner is None:
            raise ContractError(contract.NO_SESSION)
        running = self._running.get(owner)
        if running and running.id == request.task:
            if not request.cancel:
                return self._told(running)
            if not running.cancelled.done():
                running.cancelled.set_result(None)
            await asyncio.wait({running.work}, timeout=_CANCEL_SECONDS)
            if not running.work.done():
                return self._told(running)
        self._forget()
        ended = self._ended.get(request.task)
        if ended is None or ended.owner != owner:  # that there is one is nobody else's affair
            raise ContractError(contract.UNKNOWN_TASK)
        return ended.body

    def _told(self, running: _Running) -> Body:
        return {"status": "running", "task": running.id, "seconds": round(self._clock() - running.began)}

    async def _work(self, owner: Key, name: str, tracked: int, turn: Awaitable[Body]) -> None:
        body = contract.failure(contract.SHUTTING_DOWN)  # unless it comes to its end
        try:
            body = await turn
        finally:
            if body == contract.failure(contract.TASK_CANCELLED):
                body = {"status": "cancelled", "task": name}
            del self._running[owner]
            self._ended[name] = _Ended(owner, self._clock(), body)
            self._forget()
            self._complete(tracked)

    def _forget(self) -> None:
        oldest = self._clock() - KEPT_SECONDS
        surplus = len(self._ended) - MOST_KEPT
        for place, (name, ended) in enumerate(list(self._ended.items())):
            if place < surplus or ended.at < oldest:
                del self._ended[name]
