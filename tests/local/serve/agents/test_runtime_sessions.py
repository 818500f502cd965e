import asyncio
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.agent.loopback import Loopback
from toolgate.local.serve.agents import runtime_sessions
from toolgate.local.serve.agents.agent_process import AgentProcess, AgentStartError, Program
from toolgate.local.serve.agents.invoke_api import PATH, runtime_app
from toolgate.local.serve.agents.ping import Ping
from toolgate.local.serve.agents.runtime_sessions import (
    MOST_PROCESSES,
    Lifecycle,
    RuntimeSessions,
    SessionEnded,
    TooManyProcessesError,
)
from toolgate.local.serve.guards.iam_guard import REQUEST_ID

ARN = "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/r-ABCDEFGHIJ"
SESSION = "s" * 33
HEADER = "x-amzn-bedrock-agentcore-runtime-session-id"
IDLE, LONGEST = 60.0, 3600.0


class Fake:
    """A process that says what it is told to say."""

    def __init__(self, *, fails: bool = False) -> None:
        self.started = False
        self.stopped = threading.Event()
        self.said: Ping | None = Ping("Healthy")
        self.lines: list[str] = []
        self.asked = 0
        self._fails = fails

    def start(self) -> None:
        self.started = True

    def wait_ready(self) -> None:
        if self._fails:
            raise AgentStartError("it ended")

    def stop(self) -> None:
        self.stopped.set()

    def ping(self) -> Ping | None:
        self.asked += 1
        return self.said

    def tell(self, line: str) -> None:
        self.lines.append(line)


class World:
    """The sessions of a runtime, its processes, and a clock that shows what it is told."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.made: list[Fake] = []
        self.failing = False
        self.sessions = RuntimeSessions(self._make, Lifecycle(IDLE, LONGEST), lambda: self.now)
        self.sessions.start()

    def _make(self) -> Fake:
        self.made.append(Fake(fails=self.failing))
        return self.made[-1]

    async def after(self, seconds: float) -> None:
        """Let time pass, and `/ping` be asked then."""
        self.now += seconds
        await self.sessions.poll()

    def lives(self, session: str) -> bool:
        return session in self.sessions._sessions

    def serves(self, session: str) -> Fake:
        """Send a request."""
        return self.sessions.use(session).process


def timed(test: Callable[[World], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """A test that runs in an event loop."""

    def run() -> None:
        asyncio.run(test(World()))

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


@timed
async def test_sessions_share_the_process_that_is_there(world: World) -> None:
    [first] = world.made
    assert [world.serves(it) for it in ("a", "b", "a")] == [first] * 3
    assert first.started


@timed
async def test_a_session_that_has_ended_comes_back_to_another_process(world: World) -> None:
    first = world.serves("a")
    assert world.serves("b") is first
    assert world.sessions.end("a")
    second = world.serves("a")
    assert second is not first
    assert world.serves("b") is first  # where the other one still is
    assert world.serves("c") is second  # a new one goes to the newest
    await world.sessions.use("a").ready()
    assert second.started
    assert not first.stopped.is_set()
    world.sessions.end("b")
    assert first.stopped.wait(10)
    assert world.serves("b") is second


@timed
async def test_a_process_ends_with_its_last_session_and_the_next_one_is_started_when_it_is_needed(
    world: World,
) -> None:
    first = world.serves("a")
    world.sessions.end("a")
    assert first.stopped.wait(10)
    _, second = world.made
    assert not second.started
    await world.sessions.use("b").ready()
    assert world.serves("b") is second
    assert second.started


@timed
async def test_a_session_is_stopped_once(world: World) -> None:
    assert not world.sessions.end("a")
    world.serves("a")
    assert world.sessions.end("a")
    assert not world.sessions.end("a")
    assert world.made[0].lines == ["session a has ended: it was stopped"]


@timed
async def test_an_idle_session_ends(world: World) -> None:
    first = world.serves("a")
    await world.after(IDLE)
    assert world.lives("a")
    world.serves("b")
    await world.after(1)
    assert (world.lives("a"), world.lives("b")) == (False, True)
    assert first.lines == ["session a has ended: it was idle for more than 60 s (idleRuntimeSessionTimeout)."]


@timed
async def test_a_session_that_is_due_has_ended_although_nobody_has_asked_since(world: World) -> None:
    first = world.serves("a")
    world.now += IDLE + 1
    assert world.serves("a") is not first
    world.now += IDLE + 1
    assert not world.sessions.end("a")


@timed
async def test_busy_and_since_when_keeps_a_session_until_it_is_too_old(world: World) -> None:
    first = world.serves("a")
    first.said = Ping("HealthyBusy", world.now)
    for _ in range(10):
        await world.after(LONGEST / 10)
    assert world.lives("a")
    await world.after(1)
    assert not world.lives("a")
    assert first.lines == ["session a has ended: it is older than 3600 s (maxLifetime)"]


@timed
async def test_busy_without_since_when_counts_for_nothing(world: World) -> None:
    first = world.serves("a")
    first.said = Ping("HealthyBusy")
    await world.after(IDLE + 1)
    assert not world.lives("a")
    assert first.lines[0].endswith("HealthyBusy without a time_of_last_update does not keep it.")


@timed
async def test_a_session_is_idle_since_its_last_stamp(world: World) -> None:
    first = world.serves("a")
    await world.after(IDLE - 10)
    first.said = Ping("Healthy", world.now)
    await world.after(IDLE)
    assert world.lives("a")
    first.said = Ping("Healthy")  # the last one counts
    await world.after(0)
    assert world.lives("a")
    await world.after(1)
    assert not world.lives("a")


@timed
async def test_who_stamps_at_every_ping_is_never_idle(world: World) -> None:
    first = world.serves("a")
    for _ in range(5):
        first.said = Ping("Healthy", world.now + IDLE)
        await world.after(IDLE)
    assert world.lives("a")


@timed
async def test_a_stamp_of_the_future_is_one_of_now(world: World) -> None:
    world.serves("a").said = Ping("Healthy", world.now + 1_000_000)
    await world.after(1)
    world.made[0].said = Ping("Healthy")
    await world.after(IDLE + 1)
    assert not world.lives("a")


@timed
async def test_no_answer_is_no_news(world: World) -> None:
    first = world.serves("a")
    first.said = Ping("HealthyBusy", world.now)
    await world.after(1)
    first.said = None
    await world.after(IDLE + 1)
    assert world.lives("a")


@timed
async def test_a_request_that_is_under_way_does_not_count(world: World) -> None:
    use = world.sessions.use("a")
    waiting = asyncio.create_task(use.unless_ended(asyncio.sleep(3600)))
    await asyncio.sleep(0)
    await world.after(IDLE + 1)
    with pytest.raises(SessionEnded, match="idleRuntimeSessionTimeout"):
        await waiting


@timed
async def test_nobody_is_asked_without_sessions(world: World) -> None:
    await world.after(1)
    assert world.made[0].asked == 0
    world.serves("a")
    await world.after(1)
    assert world.made[0].asked == 1


@timed
async def test_there_are_only_so_many_processes(world: World) -> None:
    for number in range(MOST_PROCESSES):
        world.serves("again")
        world.serves(f"stays {number}")
        world.sessions.end("again")
    assert len(world.made) == MOST_PROCESSES
    with pytest.raises(TooManyProcessesError, match="at most 8 processes"):
        world.serves("again")
    assert world.serves("another") is world.made[-1]
    world.sessions.end("stays 3")
    assert world.serves("again") is world.made[MOST_PROCESSES]


@timed
async def test_what_a_process_has_to_remember_has_a_bound(world: World) -> None:
    first = world.serves("stays")
    for number in range(runtime_sessions.MOST_ENDED):
        assert world.serves(f"{number}") is first
        world.sessions.end(f"{number}")
    assert world.serves("one more") is not first
    assert world.serves("stays") is first


@timed
async def test_a_process_that_does_not_come_up_is_told_to_whoever_waits_and_left(world: World) -> None:
    world.failing = True
    world.serves("a")
    world.sessions.end("a")
    uses = [world.sessions.use("a"), world.sessions.use("b")]
    for use in uses:
        with pytest.raises(AgentStartError):
            await use.ready()
    assert world.made[1].stopped.wait(10)
    assert not world.lives("a")
    world.failing = False
    world.sessions._machines[:] = [runtime_sessions._Machine(world._make())]
    await world.sessions.use("a").ready()


@timed
async def test_every_process_ends_with_the_deployment(world: World) -> None:
    world.serves("a")
    world.serves("b")
    world.sessions.end("a")
    world.serves("a")
    world.sessions.stop()
    assert len(world.made) == 2
    assert all(it.stopped.is_set() for it in world.made)


@timed
async def test_work_goes_on_unless_the_session_ends(world: World) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work() -> int:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()
        return 1

    use = world.sessions.use("a")
    assert await use.unless_ended(asyncio.sleep(0, 112)) == 112
    with pytest.raises(ZeroDivisionError):
        await use.unless_ended(_fails())
    waiting = asyncio.create_task(use.unless_ended(work()))
    await begun.wait()
    world.sessions.end("a")
    with pytest.raises(SessionEnded, match="it was stopped"):
        await waiting
    assert ended.is_set()


async def _fails() -> int:
    return 1 // 0


class _Agent(Fake):
    """Says a word, and then nothing until its caller goes."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.left = threading.Event()
        self.socket = path
        self.program = Program(Path("main.py"))
        self.server = Loopback(Starlette(routes=[Route("/invocations", self._answer, methods=["POST"])]), path)
        self.server.start()

    async def _answer(self, request: Request) -> Response:
        if await request.body() == b"silent":
            await self._wait()
        return StreamingResponse(self._words(), media_type="text/event-stream")

    async def _words(self) -> AsyncIterator[str]:
        yield "data: hello\n\n"
        await self._wait()

    async def _wait(self) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            self.left.set()


@pytest.fixture
def agent() -> Iterator[_Agent]:
    with tempfile.TemporaryDirectory() as folder:
        made = _Agent(f"{folder}/agent")
        yield made
        made.server.stop()


@pytest.fixture
def client(agent: _Agent) -> Iterator[httpx.Client]:
    sessions = RuntimeSessions(lambda: cast(AgentProcess, agent), Lifecycle(IDLE, LONGEST))
    app = runtime_app({ARN: sessions})

    async def routed(scope: Scope, receive: Receive, send: Send) -> None:
        match = PATH.fullmatch(scope["raw_path"].decode())
        assert match
        await app({**scope, REQUEST_ID: "r-1", "path_params": match.groupdict()}, receive, send)

    server = Loopback(routed)
    server.start()
    with httpx.Client(base_url=f"{server.url}/runtimes/{ARN.replace('/', '%2F')}/", timeout=30) as client:
        yield client
    server.stop()


def _stop(client: httpx.Client) -> Any:
    return client.post("stopruntimesession", headers={HEADER: SESSION})


def test_a_streamed_answer_ends_when_its_session_is_stopped(client: httpx.Client, agent: _Agent) -> None:
    with client.stream("POST", "invocations", headers={HEADER: SESSION}) as answer:
        pieces = answer.iter_bytes()
        assert next(pieces) == b"data: hello\n\n"
        assert _stop(client).status_code == 200
        assert list(pieces) == []
    assert agent.left.wait(10)  # the agent is told, too


def test_who_waits_for_an_answer_is_told_that_the_session_was_stopped(client: httpx.Client) -> None:
    answers: list[httpx.Response] = []
    headers = {HEADER: SESSION}
    asking = threading.Thread(
        target=lambda: answers.append(client.post("invocations", content=b"silent", headers=headers))
    )
    asking.start()
    while _stop(client).status_code == 404:
        pass  # the session is not in use yet
    asking.join()
    assert (answers[0].status_code, answers[0].json()) == (424, {"message": "The session has ended: it was stopped"})
