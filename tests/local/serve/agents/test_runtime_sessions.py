import asyncio
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.agent.loopback import Loopback
from toolgate.local.serve.agents.agent_process import AgentProcess
from toolgate.local.serve.agents.invoke_api import PATH, runtime_app
from toolgate.local.serve.agents.runtime_sessions import (
    IDLE_SECONDS,
    RuntimeSessions,
    SessionStopped,
    unless_stopped,
)
from toolgate.local.serve.guards.iam_guard import REQUEST_ID

ARN = "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/r-ABCDEFGHIJ"
SESSION = "s" * 33
HEADER = "x-amzn-bedrock-agentcore-runtime-session-id"


def test_a_session_is_there_from_its_first_use_until_it_is_stopped_or_idle() -> None:
    now = 1000.0
    sessions = RuntimeSessions(lambda: now)
    assert not sessions.stop(ARN, SESSION)
    stopped = sessions.use(ARN, SESSION)
    assert sessions.use(ARN, SESSION) is stopped
    assert not sessions.stop(f"{ARN}2", SESSION)
    assert sessions.stop(ARN, SESSION)
    assert stopped.is_set()
    assert not sessions.stop(ARN, SESSION)
    assert not sessions.use(ARN, SESSION).is_set()
    now += IDLE_SECONDS
    assert sessions.stop(ARN, SESSION)
    sessions.use(ARN, SESSION)
    now += IDLE_SECONDS + 1
    assert not sessions.stop(ARN, SESSION)


def test_work_goes_on_unless_the_session_is_stopped() -> None:
    async def run() -> None:
        stopped, begun, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def work() -> int:
            begun.set()
            try:
                await asyncio.sleep(60)
            finally:
                ended.set()
            return 1

        assert await unless_stopped(stopped, asyncio.sleep(0, 112)) == 112
        with pytest.raises(ZeroDivisionError):
            await unless_stopped(stopped, _fails())
        waiting = asyncio.create_task(unless_stopped(stopped, work()))
        await begun.wait()
        stopped.set()
        with pytest.raises(SessionStopped):
            await waiting
        assert ended.is_set()

    asyncio.run(run())


async def _fails() -> int:
    return 1 // 0


class _Agent:
    """Says a word, and then nothing until its caller goes."""

    def __init__(self, path: str) -> None:
        self.left = threading.Event()
        self.socket = path
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
    app = runtime_app({ARN: cast(AgentProcess, agent)}, RuntimeSessions())

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
    assert (answers[0].status_code, answers[0].json()) == (424, {"message": "The session was stopped"})
