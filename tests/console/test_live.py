"""Events: their order, what a listener that comes again is told, and that nothing grows and nobody waits."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import aclosing, closing
from typing import Any

import httpx
import pytest

from tests.console.conftest import World
from tests.console.test_routes import ADD, called
from tests.waiting import wait_until
from toolgate.console import live as live_module
from toolgate.console.live import Live


@pytest.fixture
def live() -> Iterator[Live]:
    with closing(Live(newest=5)) as found:
        yield found


async def some(live: Live, after: int | None, number: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    async with aclosing(live.after(after)) as told:
        async for events in told:
            found += [json.loads(event) for _, event in events]
            if len(found) >= number:
                break
    return found


def texts(live: Live, after: int | None, number: int) -> list[str]:
    return [it.get("text", "") for it in asyncio.run(some(live, after, number))]


def test_events_come_in_order_and_again_from_where_one_was(live: Live) -> None:
    for number in range(5):
        live.say("note", text=str(number))
    assert texts(live, None, 5) == ["0", "1", "2", "3", "4"]
    assert texts(live, 3, 2) == ["3", "4"]
    assert [it["seq"] for it in asyncio.run(some(live, 3, 2))] == [4, 5]


def test_what_is_gone_is_told(live: Live) -> None:
    for number in range(9):
        live.say("note", text=str(number))
    wait_until(lambda: texts(live, None, 5)[-1] == "8")
    first, *rest = asyncio.run(some(live, 1, 6))
    assert first["missed"] == 3
    assert first["seq"] == 4
    assert [it["text"] for it in rest] == ["4", "5", "6", "7", "8"]


def test_of_an_earlier_start_one_knows_nothing(live: Live) -> None:
    live.say("note", text="0")
    assert texts(live, 1_000, 1) == ["0"]


def test_who_has_all_waits_for_what_comes(live: Live) -> None:
    live.say("note", text="0")

    async def waits() -> list[dict[str, Any]]:
        await some(live, None, 1)
        waiting = asyncio.create_task(some(live, 1, 1))
        while not live.listeners:
            await asyncio.sleep(0)
        live.say("note", text="1")
        return await waiting

    assert [it["text"] for it in asyncio.run(waits())] == ["1"]
    assert live.listeners == 0


def test_a_quiet_time_has_signs_of_life(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "QUIET_SECONDS", 0.01)

    async def quiet() -> list[Any]:
        async with aclosing(live.after(None)) as told:
            return await anext(told)

    assert asyncio.run(quiet()) == []


def test_a_thread_that_tells_never_waits(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """What makes events is stuck: what comes meanwhile is counted, and neither waits nor is held."""
    monkeypatch.setattr(live_module, "MOST_WAITING", 3)
    stuck, on = threading.Event(), threading.Event()

    def make() -> dict[str, Any]:
        stuck.set()
        assert on.wait(60)
        return {"kind": "note", "text": "stuck"}

    live.tell(make)
    assert stuck.wait(60)
    for number in range(10):  # each returns, or this test ends never
        live.say("note", text=str(number))
    on.set()
    found = asyncio.run(some(live, None, 5))
    assert [it["text"] for it in found if "missed" not in it] == ["stuck", "0", "1", "2"]
    assert [it["missed"] for it in found if "missed" in it] == [7]


def test_bytes_that_are_held_are_bounded(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "MOST_WAITING_BYTES", 100)
    on = threading.Event()
    live.tell(lambda: {"kind": "note", "text": str(on.wait(60))}, 101)  # one alone has room, whatever its size
    live.tell(lambda: {"kind": "note", "text": "no room"}, 1)
    on.set()
    assert texts(live, None, 2) == ["True", "1 event missed: more happened than could be told"]
    live.tell(lambda: {"kind": "note", "text": "again"}, 100)  # the first one's bytes are free
    assert texts(live, 2, 1) == ["again"]


def test_an_event_that_cannot_be_made_ends_nothing(live: Live) -> None:
    live.tell(lambda: {"kind": object()})
    live.tell(lambda: 1 / 0)  # type: ignore[arg-type, return-value]  # it fails
    live.tell(lambda: None)
    live.say("note", text="next")
    assert texts(live, None, 1) == ["next"]


def test_its_end_lets_listeners_go_and_takes_no_more() -> None:
    live = Live()

    async def listens() -> bool:
        async def all_of_it() -> None:
            async with aclosing(live.after(None)) as told:
                async for _ in told:
                    pass

        listening = asyncio.create_task(all_of_it())
        while not live.listeners:
            await asyncio.sleep(0)
        await asyncio.to_thread(live.close)
        await asyncio.wait_for(listening, 60)
        return True

    assert asyncio.run(listens())
    live.say("note", text="late")
    live.close()
    assert "console-events" not in {it.name for it in threading.enumerate() if it is live._thread and it.is_alive()}


def events_of(answer: httpx.Response) -> Iterator[dict[str, Any]]:
    number = None
    for line in answer.iter_lines():
        if line.startswith("id: "):
            number = int(line[4:])
        if line.startswith("data: "):
            event = json.loads(line[6:])
            assert event["seq"] == number
            yield event


def until_call(answer: httpx.Response, request_id: str) -> list[dict[str, Any]]:
    """The events up to that of a request."""
    found: list[dict[str, Any]] = []
    for event in events_of(answer):
        found.append(event)
        if event.get("request_id") == request_id:
            break
    return found


def test_a_call_is_an_event_with_what_decided_it(world: World) -> None:
    with world.client.stream("GET", "/api/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        made = called(world, "greeter", a=7, b=8)
        event = until_call(answer, made["request_id"])[-1]
    assert event["kind"] == "tool"
    assert {name: event[name] for name in made["line"]} == made["line"]
    assert event["arguments_given"] == {"a": 7, "b": 8}
    assert event["why"].startswith("Cedar denies")
    assert "arguments_given" not in world.serving.access_log.read_text()


def test_large_arguments_are_cut(world: World) -> None:
    with world.client.stream("GET", "/api/events") as answer:
        made = called(world, "greeter", "math___greeting", name="x" * 100_000)
        event = until_call(answer, made["request_id"])[-1]
    assert event["arguments_cut"] is True
    assert len(event["arguments_given"]) < 5_000


def test_an_answer_is_told_step_by_step(world: World) -> None:
    question = {"agent": "calculator", "prompt": "What is 100 + 12?"}
    last = newest(world)
    asked = world.client.post("/api/ask", json=question).text
    head = json.loads(asked.partition("\n")[0].removeprefix("data: "))
    with world.client.stream("GET", f"/api/events?after={last}") as answer:
        found = until_call(answer, head["request_id"])
    steps = [it for it in found if it["kind"] != "tool" or it["method"] == "tools/call"]
    assert [it["kind"] for it in steps] == ["model", "tool", "model", "invocation"]
    first, tool, second, invocation = steps
    assert (first["prompt"], first["results"], first["turn"]) == (True, [], 1)
    assert (first["agent"], first["decision"], first["http_status"]) == ("calculator", "allowed", 200)
    assert first["why"].startswith("IAM allows: calculator-policy")
    assert (tool["tool"], tool["agent_request_id"]) == (ADD, head["request_id"])
    assert (second["prompt"], second["turn"]) == (False, 3)
    assert second["results"] == [{"tool": ADD, "status": "success", "text": "112"}]
    assert (invocation["session"], invocation["agent"]) == (head["session"], "calculator")
    assert not [it for it in (world.serving.access_log).read_text().splitlines() if '"model"' in it]


def newest(world: World) -> int:
    """The number of the newest event, once those of the calls so far are there."""
    made = called(world, "")["request_id"]
    with world.client.stream("GET", "/api/events") as answer:
        return int(until_call(answer, made)[-1]["seq"])


def test_the_tools_of_the_page_are_no_events(world: World) -> None:
    last = newest(world)
    world.source.reloaded()
    world.client.get("/api/tools")
    made = called(world, "calculator")["request_id"]
    with world.client.stream("GET", f"/api/events?after={last}") as answer:
        kinds = [(it["kind"], it.get("method")) for it in until_call(answer, made)]
    assert kinds == [("reloaded", None), ("tool", "tools/call")]


def test_who_comes_again_is_told_what_came_meanwhile(world: World) -> None:
    last = newest(world)
    made = [called(world, "calculator")["request_id"] for _ in range(3)]
    with world.client.stream("GET", f"/api/events?after={last}") as answer:
        found = until_call(answer, made[-1])
    assert [it["request_id"] for it in found] == made
    assert [it["seq"] for it in found] == [last + 1, last + 2, last + 3]


def test_who_leaves_is_forgotten(world: World) -> None:
    live = world.source.live
    for _ in range(20):
        with world.client.stream("GET", "/api/events") as answer:
            next(answer.iter_lines())
            wait_until(lambda: live.listeners)
    wait_until(lambda: live.listeners == 0)


def test_a_listener_that_does_not_read_holds_nobody_up(world: World) -> None:
    """Its connection is full: calls go on, and what it has missed it is told when it reads again."""
    live = world.source.live
    with world.client.stream("GET", "/api/events") as answer:
        wait_until(lambda: live.listeners)
        for number in range(3_000):
            live.say("note", text=f"{number} " + "x" * 5_000)
            if number % 500 == 0:
                wait_until(live._waiting.empty)
        assert called(world, "calculator")["result"]
        wait_until(live._waiting.empty)
        last = called(world, "")["request_id"]
        found = until_call(answer, last)
    assert sum(it.get("missed", 0) for it in found) > 0
    assert len(live._ring) <= live_module.NEWEST
