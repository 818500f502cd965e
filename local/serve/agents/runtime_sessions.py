"""The sessions of a runtime as AgentCore Runtime keeps them, and the processes that they are bound to.

On AWS each session has a machine of its own. Here sessions share a process, but one that has ended never comes back to
the process that it was in: what that process remembers is lost to it, as it would be with its machine. A process ends
with the last of its sessions.

When a session ends was measured on AWS by others: `/ping` is asked every two seconds; a session is idle since its last
request or the `time_of_last_update` of its `/ping`, whichever is later; it is not idle while `/ping` says `HealthyBusy`
and has a `time_of_last_update`; a request that is under way does not count. Sources: fastagent-sh/fastagent#314,
Boise-State-Development/agentcore-public-stack#827, aws-samples/sample-multi-agent-orchestration-chat-on-agentcore#42.
Its longest life, and the defaults: AgentCore developer guide, "runtime-lifecycle-settings".
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from toolgate.local.serve.agents.ping import Ping

POLL_SECONDS = 2.0
"""How often `/ping` is asked (fastagent-sh/fastagent#314)."""
MOST_PROCESSES = 8
"""Processes of a runtime at once: a machine has less room than AWS."""
MOST_ENDED = 1000
"""Sessions that may have ended in a process before the next one gets another process: which they were is remembered."""


class SessionEnded(Exception):  # noqa: N818  # what happened, not a fault
    """The session ended while its request was under way; the text says why."""


class TooManyProcessesError(Exception):
    """The session needs a process that has not served it, and there are as many as may be."""


class Process(Protocol):
    """What runs an agent (`agent_process`)."""

    def start(self) -> None:
        """Start it."""

    def wait_ready(self) -> None:
        """Wait until it answers."""

    def stop(self) -> None:
        """End it."""

    def ping(self) -> Ping | None:
        """What it says of itself; None if it does not answer."""

    def tell(self, line: str) -> None:
        """Write a line of ours into its log."""


@dataclass(frozen=True)
class Lifecycle:
    """How long a session lasts, in seconds: without a sign of life, and at most."""

    idle: float
    longest: float


@dataclass
class _Machine[P: Process]:
    """A process and its sessions."""

    process: P
    started: bool = False
    ready: asyncio.Task[None] | None = None
    ping: Ping = field(default_factory=Ping)
    stamp: float = 0
    sessions: dict[str, "_Session[P]"] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)


@dataclass
class _Session[P: Process]:
    machine: _Machine[P]
    began: float
    used: float
    over: asyncio.Event = field(default_factory=asyncio.Event)
    why: str = ""


@dataclass(frozen=True)
class Use[P: Process]:
    """A request's use of a session."""

    id: str
    _session: _Session[P]

    @property
    def process(self) -> P:
        """The process that it is bound to."""
        return self._session.machine.process

    @property
    def machine(self) -> _Machine[P]:
        """The process with its sessions."""
        return self._session.machine

    async def ready(self) -> None:
        """Wait until the process answers.

        Raises:
            AgentStartError: It does not.
        """
        if self._session.machine.ready:
            await asyncio.shield(self._session.machine.ready)

    async def unless_ended[T](self, work: Awaitable[T]) -> T:
        """What `work` gives, as long as the session goes on.

        Raises:
            SessionEnded: It has ended; the work is cancelled.
        """
        return await unless(self._session.over.wait(), work, lambda: SessionEnded(self._session.why))


class RuntimeSessions[P: Process]:
    """The sessions of one runtime.

    There is always a process for the next new session; only the first one is started before somebody comes. But for
    `start`, `wait_ready` and `stop`, everything is called in the server's event loop.
    """

    def __init__(self, make: Callable[[], P], lifecycle: Lifecycle, clock: Callable[[], float] = time.time) -> None:
        """Have no session yet.

        Args:
            make: Makes a process that is not started.
            lifecycle: How long a session lasts.
            clock: Seconds since 1970, as agents' stamps.
        """
        self._make = make
        self._lifecycle = lifecycle
        self._clock = clock
        self._machines = [_Machine(make())]
        self._sessions: dict[str, _Session[P]] = {}
        self._leaving: list[P] = []

    @property
    def process(self) -> P:
        """The newest process."""
        return self._machines[-1].process

    def start(self) -> None:
        """Start the first process."""
        self._machines[0].started = True
        self.process.start()

    def wait_ready(self) -> None:
        """Wait until the first process answers.

        Raises:
            AgentStartError: It does not.
        """
        self.process.wait_ready()

    def stop(self) -> None:
        """End every process."""
        for process in (*(machine.process for machine in self._machines), *self._leaving):
            process.stop()

    def use(self, session: str) -> Use[P]:
        """Note a request in a session, which begins unless it goes on.

        Raises:
            TooManyProcessesError: See there.
        """
        now = self._clock()
        self._end_if_due(session, now)
        found = self._sessions.get(session)
        if found is None:
            machine = self._machine_for(session)
            found = machine.sessions[session] = self._sessions[session] = _Session(machine, now, now)
        found.used = now
        return Use(session, found)

    def join(self, use: Use[P], session: str) -> None:
        """Let another session's id lead to the process of a use: the one that an MCP server has given its session."""
        if session not in self._sessions:
            now, machine = self._clock(), use.machine
            machine.sessions[session] = self._sessions[session] = _Session(machine, now, now)

    def end(self, session: str, why: str = "it was stopped") -> bool:
        """End a session, and its process if no other session is in it; False if there is none."""
        self._end_if_due(session, self._clock())
        return self._end(session, why)

    async def watch(self) -> None:
        """Ask and end without end."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            await self.poll()

    async def poll(self) -> None:
        """Ask each process that has sessions how it is, and end the sessions that are due."""
        asked = [machine for machine in self._machines if machine.sessions]
        pings = await asyncio.gather(*(asyncio.to_thread(machine.process.ping) for machine in asked))
        now = self._clock()
        for machine, ping in zip(asked, pings, strict=True):
            if ping:  # no answer is no news
                machine.ping = ping
                machine.stamp = max(machine.stamp, min(ping.stamp or 0, now))
        for session in list(self._sessions):
            self._end_if_due(session, now)

    def _machine_for(self, session: str) -> _Machine[P]:
        """The machine of a new session: the newest one that has not served it, else another one."""
        fitting = (it for it in reversed(self._machines) if session not in it.ended and len(it.ended) < MOST_ENDED)
        machine = next(fitting, None) or self._another()
        if not machine.started:
            machine.started = True
            machine.ready = asyncio.get_running_loop().create_task(self._bring_up(machine))
            machine.ready.add_done_callback(lambda task: task.cancelled() or task.exception())  # whoever waits is told
        return machine

    def _another(self) -> _Machine[P]:
        if len(self._machines) >= MOST_PROCESSES:
            text = (
                f"The local deployment runs at most {MOST_PROCESSES} processes of a runtime, and each serves a session"
            )
            raise TooManyProcessesError(text)
        self._machines.append(_Machine(self._make()))
        return self._machines[-1]

    async def _bring_up(self, machine: _Machine[P]) -> None:
        try:
            await asyncio.to_thread(machine.process.start)
            await asyncio.to_thread(machine.process.wait_ready)
        except BaseException:
            for session in machine.sessions:
                del self._sessions[session]
            machine.sessions.clear()
            self._retire(machine)
            raise

    def _end_if_due(self, session: str, now: float) -> None:
        found = self._sessions.get(session)
        if found and (why := self._due(found, now)):
            self._end(session, why)

    def _due(self, session: _Session[P], now: float) -> str:
        """Why a session ends now; empty when it goes on."""
        idle, longest = self._lifecycle.idle, self._lifecycle.longest
        if now - session.began > longest:
            return f"it is older than {longest:g} s (maxLifetime)"
        machine = session.machine
        if machine.ping.busy or now - max(session.used, machine.stamp) <= idle:
            return ""
        said = " HealthyBusy without a time_of_last_update does not keep it." if machine.ping.unstamped else ""
        return f"it was idle for more than {idle:g} s (idleRuntimeSessionTimeout).{said}"

    def _end(self, session: str, why: str) -> bool:
        found = self._sessions.pop(session, None)
        if found is None:
            return False
        machine = found.machine
        del machine.sessions[session]
        machine.ended.add(session)
        machine.process.tell(f"session {session} has ended: {why}")
        found.why = why
        found.over.set()
        if not machine.sessions:
            self._retire(machine)
        return True

    def _retire(self, machine: _Machine[P]) -> None:
        """End a machine's process, without waiting for its end."""
        if machine not in self._machines:
            return
        self._machines.remove(machine)
        if not self._machines:
            self._machines.append(_Machine(self._make()))
        self._leaving.append(machine.process)
        threading.Thread(target=self._leave, args=(machine.process,), name="agent-ends").start()

    def _leave(self, process: P) -> None:
        process.stop()
        self._leaving.remove(process)


async def unless[T](end: Awaitable[object], work: Awaitable[T], error: Callable[[], Exception]) -> T:
    """What `work` gives, as long as something has not come to its end; whichever goes on after that is cancelled.

    Args:
        end: Done once it has.
        work: The work.
        error: What is raised then.
    """
    task, over = asyncio.ensure_future(work), asyncio.ensure_future(end)
    try:
        await asyncio.wait({task, over}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise error()
    finally:
        for one in (task, over):
            one.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await one
