"""The edge's own bounds, asked without a server."""

import asyncio
import json
import logging
import threading
import tracemalloc
from typing import Any

import httpx
import pytest
from starlette.types import Message

from edge import Edge
from health import Health
from server import build_app, build_service
from settings import Settings
from tests.agent.conftest import PATIENT

SCOPE: dict[str, Any] = {"type": "http", "method": "POST", "path": "/invocations", "headers": []}


class Caller:
    """Sends the parts it is given, or nothing more; `answer` is what came back."""

    def __init__(self, parts: int, size: int, then: str = "end") -> None:
        self._parts = parts
        self._size = size
        self._then = then
        self.sent: list[Message] = []

    async def receive(self) -> Message:
        self._parts -= 1
        if self._parts >= 0:
            more = self._parts > 0 or self._then != "end"
            return {"type": "http.request", "body": bytes(self._size), "more_body": more}
        if self._then == "leave":
            return {"type": "http.disconnect"}
        await asyncio.sleep(60)
        raise AssertionError

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    def call(self, **changes: Any) -> None:
        async def behind(*_: Any) -> None:
            raise AssertionError("a body that is none was let through")

        asyncio.run(Edge(behind, Settings(**{**PATIENT, **changes}), Health())(dict(SCOPE), self.receive, self.send))

    @property
    def answer(self) -> tuple[int, Any]:
        return self.sent[0]["status"], json.loads(self.sent[1]["body"])["error"]["code"]


def test_an_endless_body_takes_no_memory() -> None:
    caller = Caller(parts=100, size=1_000_000)
    tracemalloc.start()
    caller.call()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert caller.answer == (400, "invalid_request")
    assert peak < 10_000_000


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    caller = Caller(parts=1, size=5, then="stay")
    caller.call(invocation_seconds=0.2)
    assert caller.answer == (408, "invalid_request")


def test_a_caller_that_leaves_gets_no_answer_and_has_its_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "agent")
    caller = Caller(parts=1, size=5, then="leave")
    caller.call()
    assert caller.sent == []
    [line] = [vars(record)["fields"] for record in caplog.records]
    assert (line["status"], line["code"]) == (499, "caller_left")


def test_nothing_begins_for_a_caller_that_has_left_right_behind_its_request(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "agent")
    messages: list[Message] = [
        {"type": "http.request", "body": b'{"prompt": "Hi"}', "more_body": False},
        {"type": "http.disconnect"},
    ]
    caller = Caller(parts=0, size=0)

    async def receive() -> Message:
        return messages.pop(0)

    async def begin(*_: Any) -> None:
        raise AssertionError("an invocation has begun")

    asyncio.run(Edge(begin, Settings(**PATIENT), Health())(dict(SCOPE), receive, caller.send))
    assert caller.sent == []
    [line] = [vars(record)["fields"] for record in caplog.records]
    assert (line["status"], line["code"]) == (499, "caller_left")


def test_the_agents_health_needs_no_thread() -> None:
    """Beside a busy event loop, one that waits for Python's lock may do so for seconds."""
    wanted = Settings(**PATIENT)
    threads = set[int]()

    def now() -> float:
        threads.add(threading.get_ident())
        return 7.9

    app = build_app(build_service(wanted), wanted, Health(now))

    async def asked() -> Any:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://agent") as client:
            idle = await client.get("/ping")
            task = app.add_async_task("report")
            busy = await client.get("/ping")
            app.complete_async_task(task)
            assert (await client.post("/ping")).status_code == 405
            assert (await client.head("/ping")).status_code == 200
            return idle.headers["content-type"], idle.json(), busy.json()

    assert asyncio.run(asked()) == (
        "application/json",
        {"status": "Healthy", "time_of_last_update": 7},
        {"status": "HealthyBusy", "time_of_last_update": 7},
    )
    assert threads == {threading.get_ident()}


def test_the_agent_is_busy_while_an_invocation_runs_and_by_nothing_less() -> None:
    health = Health()
    told: list[str] = []

    def look() -> None:
        told.append(json.loads(health.answer())["status"])

    async def fail(*_: Any) -> None:
        look()
        raise RuntimeError

    def caller(body: bytes) -> Any:
        messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            look()
            if messages:
                return messages.pop()
            await asyncio.sleep(60)
            raise AssertionError

        return receive

    edge = Edge(fail, Settings(**PATIENT), health)
    asyncio.run(edge(dict(SCOPE), caller(b"no JSON"), Caller(0, 0).send))
    look()
    assert told == ["Healthy", "Healthy"]
    with pytest.raises(RuntimeError):
        asyncio.run(edge(dict(SCOPE), caller(b'{"prompt": "Hi"}'), Caller(0, 0).send))
    look()
    assert told[2:] == ["Healthy", "Healthy", "HealthyBusy", "Healthy"]
