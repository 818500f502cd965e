"""One generation after another: none is missing in between, and each ends when it has answered."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from toolgate.local.serve import switch
from toolgate.local.serve.switch import Generation, Switch


class World:
    """Makes generations, and keeps when each began and ended."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.hold = threading.Event()
        self._changed = threading.Condition()

    def happens(self, event: str) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def wait_for(self, event: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: event in self.events, timeout=60), f"{event!r}: {self.events}"

    def generation(self, name: str, wait: bool = False) -> Generation:
        @asynccontextmanager
        async def lifespan() -> AsyncIterator[None]:
            self.happens(f"{name} begins")
            yield
            self.happens(f"{name} ends")

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            self.happens(f"{name} asked")
            if wait:
                await asyncio.to_thread(self.hold.wait)
            await PlainTextResponse(name)(scope, receive, send)

        return Generation(app, lifespan)


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.hold.set()


def test_the_next_request_goes_to_the_new_one(world: World) -> None:
    app = Switch(world.generation("a"))
    with TestClient(app) as client:
        assert client.get("/").text == "a"
        app.replace(world.generation("b"))
        assert client.get("/").text == "b"
    for before, after in (("b begins", "a ends"), ("b begins", "b asked"), ("b asked", "b ends")):
        assert world.events.index(before) < world.events.index(after)


def test_what_is_on_its_way_is_answered_by_the_old_one(world: World) -> None:
    app = Switch(world.generation("a", wait=True))
    answers: list[str] = []
    with TestClient(app) as client:
        asking = threading.Thread(target=lambda: answers.append(client.get("/").text))
        asking.start()
        world.wait_for("a asked")
        app.replace(world.generation("b"))
        assert client.get("/").text == "b"
        assert "a ends" not in world.events
        world.hold.set()
        asking.join()
    assert answers == ["a"]
    assert {"a ends", "b ends"} <= set(world.events)


def test_what_never_ends_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switch, "GRACE_SECONDS", 0.01)
    app = Switch(world.generation("a", wait=True))
    with TestClient(app) as client:
        asking = threading.Thread(target=lambda: client.get("/"))
        asking.start()
        world.wait_for("a asked")
        app.replace(world.generation("b"))
        world.wait_for("a ends")
        world.hold.set()
        asking.join()


def test_one_that_cannot_begin_takes_nothing_over(world: World) -> None:
    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        raise RuntimeError("no")
        yield

    app = Switch(world.generation("a"))
    with TestClient(app) as client:
        with pytest.raises(RuntimeError, match="no"):
            app.replace(Generation(world.generation("b").app, lifespan))
        assert client.get("/").text == "a"
    assert world.events[-1] == "a ends"


def test_a_server_whose_first_one_cannot_begin_does_not_start() -> None:
    def lifespan() -> AbstractAsyncContextManager[Any]:
        raise RuntimeError("no")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError

    with pytest.raises(RuntimeError, match="no"), TestClient(Switch(Generation(app, lifespan))):
        pass
