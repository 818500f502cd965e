from collections.abc import Callable
from typing import Any

import pytest

from toolgate.local.serve.memory import events
from toolgate.local.serve.memory.events import EMPTY_SECONDS, MemoryEvents, NoRoomError
from toolgate.local.serve.memory.served_memories import ServedMemory

DAY = 24 * 60 * 60.0
MEMORY = ServedMemory("a-ABCDEFGHIJ", "arn:a", 7)
OTHER = ServedMemory("b-ABCDEFGHIJ", "arn:b", 7)


class Clock:
    """Shows what it is told."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def kept(clock: Clock) -> MemoryEvents:
    return MemoryEvents(clock)


def given(**more: Any) -> dict[str, Any]:
    return {"actorId": "a", "sessionId": "s", "eventTimestamp": 1, "payload": [], **more}


def test_an_event_expires_whatever_time_it_names(kept: MemoryEvents, clock: Clock) -> None:
    kept.create(MEMORY, given(eventTimestamp=9_000_000))
    clock.now += 3 * DAY
    kept.create(MEMORY, given(eventTimestamp=5, sessionId="later"))
    clock.now += 4 * DAY - 1
    assert len(kept.of_session(MEMORY, "a", "s")) == 1
    clock.now += 1
    assert kept.of_session(MEMORY, "a", "s") == []
    assert len(kept.of_session(MEMORY, "a", "later")) == 1


def test_a_session_without_events_is_gone_after_a_day(kept: MemoryEvents, clock: Clock) -> None:
    kept.create(MEMORY, given())
    [event] = kept.of_session(MEMORY, "a", "s")
    kept.delete(MEMORY, ("a", "s", event["eventId"]))
    clock.now += EMPTY_SECONDS - 1
    assert kept.actors(MEMORY) == ["a"]
    assert list(kept.sessions(MEMORY, "a")) == ["s"]
    clock.now += 1
    assert kept.actors(MEMORY) == []
    assert kept.sessions(MEMORY, "a") == {}


def test_a_session_that_is_used_again_stays(kept: MemoryEvents, clock: Clock) -> None:
    event = kept.create(MEMORY, given())
    kept.delete(MEMORY, ("a", "s", event["eventId"]))
    kept.create(MEMORY, given())
    clock.now += EMPTY_SECONDS
    assert kept.actors(MEMORY) == ["a"]


def _deleted(kept: MemoryEvents, clock: Clock, event_id: str) -> None:
    kept.delete(MEMORY, ("a", "s", event_id))


def _expired(kept: MemoryEvents, clock: Clock, event_id: str) -> None:
    clock.now += 7 * DAY


def _forgotten(kept: MemoryEvents, clock: Clock, event_id: str) -> None:
    kept.keep({OTHER.arn})


@pytest.mark.parametrize("goes", [_deleted, _expired, _forgotten])
def test_what_is_gone_leaves_room_and_its_token(
    kept: MemoryEvents,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    goes: Callable[[MemoryEvents, Clock, str], None],
) -> None:
    monkeypatch.setattr(events, "MOST_KEPT", 500)
    full = given(payload=["x" * 150], clientToken="t")
    first = kept.create(MEMORY, full)
    assert kept.create(MEMORY, full) == first  # the same again takes no room
    with pytest.raises(NoRoomError):
        kept.create(OTHER, given(payload=["x" * 150]))
    goes(kept, clock, first["eventId"])
    if goes is _expired:
        assert kept.actors(MEMORY) == ["a"]
    assert kept.create(MEMORY, full)["eventId"] != first["eventId"]


def test_memories_keep_their_own(kept: MemoryEvents) -> None:
    kept.create(MEMORY, given())
    kept.create(OTHER, given(clientToken="t"))
    kept.create(MEMORY, given(clientToken="t", eventTimestamp=2))  # a token is one memory's
    kept.keep({MEMORY.arn})
    assert len(kept.of_session(MEMORY, "a", "s")) == 2
    assert kept.of_session(OTHER, "a", "s") == []


def test_the_newest_event_comes_first(kept: MemoryEvents) -> None:
    for second in (1, 3, 2):
        kept.create(MEMORY, given(eventTimestamp=second))
    assert [it["eventTimestamp"] for it in kept.of_session(MEMORY, "a", "s")] == [3, 2, 1]
