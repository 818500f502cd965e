"""The conversations of a process, without a model: order, room, and turns that come to nothing."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

import pytest

import contract
from contract import ContractError
from conversation import Conversations, Key, Window
from conversation.memory import Stored
from conversation.window import Message, Turn

BOUNDS = Window(20, 100_000)
KEY = Key("s")


def said(prompt: str, answer: str = "yes") -> list[Message]:
    return [{"role": "user", "content": [{"text": prompt}]}, {"role": "assistant", "content": [{"text": answer}]}]


def prompts(messages: list[Message]) -> list[str]:
    return [message["content"][0]["text"] for message in messages if message["role"] == "user"]


def in_a_loop(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    @wraps(test)
    def run(*args: Any, **options: Any) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **options), 60))

    return run


class InMemory:
    """A memory; a write waits until `free`, and fails where it is told to."""

    recalls = False

    def __init__(self) -> None:
        self.stored: dict[Key, list[Turn]] = {}
        self.loads = 0
        self.fails: set[str] = set()
        self.reached = threading.Event()
        self.free = threading.Event()
        self.free.set()

    def load(self, key: Key) -> Stored:
        self.loads += 1
        self._fail("load")
        turns = list(self.stored.get(key, []))
        return Stored(turns, sum(map(len, turns)))

    def append(self, key: Key, turn: Turn, place: int, before: int) -> int:
        self.reached.set()
        assert self.free.wait(30)
        self._fail("append")
        assert place == sum(map(len, self.stored.get(key, [])))
        self.stored.setdefault(key, []).append(turn)
        return place + len(turn)

    def recall(self, key: Key, prompt: str) -> list[str]:
        raise AssertionError

    def _fail(self, call: str) -> None:
        if call in self.fails:
            raise ContractError(contract.MEMORY_UNAVAILABLE)


def conversations(memory: InMemory | None = None, most: int = 10, bounds: Window = BOUNDS) -> Conversations:
    made = Conversations(bounds, most, (lambda: memory) if memory else None)
    made.open()
    return made


async def take(all_: Conversations, key: Key | None, prompt: str) -> list[str]:
    """One turn; the prompts before it."""
    async with all_.turn(key) as turn:
        before = turn.before()
        await turn.keep(before, said(prompt))
        return prompts(before)


@in_a_loop
async def test_a_conversation_goes_on_and_others_know_nothing_of_it() -> None:
    all_ = conversations()
    alice = Key("s", "alice")
    assert await take(all_, KEY, "one") == []
    assert await take(all_, KEY, "two") == ["one"]
    for other in (alice, Key("t"), None, None):
        assert await take(all_, other, "else") == []
    assert await take(all_, KEY, "three") == ["one", "two"]
    assert await take(all_, alice, "mine") == ["else"]


@in_a_loop
async def test_requests_of_one_conversation_are_put_in_order() -> None:
    all_ = conversations()
    free = asyncio.Event()

    async def slow(prompt: str) -> list[str]:
        async with all_.turn(KEY) as turn:
            before = turn.before()
            await free.wait()
            await turn.keep(before, said(prompt))
            return prompts(before)

    tasks = []
    for number in range(5):
        tasks.append(asyncio.create_task(slow(str(number))))
        await asyncio.sleep(0)
    assert await take(all_, Key("other"), "x") == []  # which waits for nobody
    free.set()
    assert await asyncio.gather(*tasks) == [[str(n) for n in range(number)] for number in range(5)]


@in_a_loop
async def test_who_leaves_while_waiting_leaves_the_line() -> None:
    all_ = conversations()
    async with all_.turn(KEY) as turn:
        leaving = asyncio.create_task(take(all_, KEY, "left"))
        staying = asyncio.create_task(take(all_, KEY, "stayed"))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.sleep(0)
        await turn.keep([], said("first"))
    assert await staying == ["first"]
    assert leaving.cancelled()
    assert await take(all_, KEY, "last") == ["first", "stayed"]


@pytest.mark.parametrize("durable", [False, True])
@pytest.mark.parametrize("how", ["fault", "cancelled", "not kept"])
@in_a_loop
async def test_a_turn_that_comes_to_nothing_leaves_it_as_it_was(durable: bool, how: str) -> None:
    memory = InMemory() if durable else None
    all_ = conversations(memory)
    await take(all_, KEY, "one")

    async def failing() -> None:
        async with all_.turn(KEY) as turn:
            before = turn.before()
            before[0]["content"].append({"text": "changed"})  # strands changes what it is given
            before.append({"role": "user", "content": [{"text": "half"}]})
            if how == "fault":
                raise ContractError(contract.MODEL_FAILED)
            if how == "cancelled":
                await asyncio.sleep(60)
            await turn.keep(before, [])

    task = asyncio.create_task(failing())
    await asyncio.sleep(0)
    if how == "cancelled":
        task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with all_.turn(KEY) as turn:
        assert turn.before() == said("one")
    if memory:
        assert memory.stored == {KEY: [said("one")]}
        assert memory.loads == 1


@in_a_loop
async def test_the_conversation_unused_longest_goes_and_never_one_in_use() -> None:
    all_ = conversations(most=2)
    async with all_.turn(KEY) as turn:
        for number in range(5):
            await take(all_, Key(f"t{number}"), "x")
        assert len(all_) == 2
        await turn.keep([], said("kept"))
    assert await take(all_, KEY, "again") == ["kept"]
    assert await take(all_, Key("t4"), "again") == ["x"]
    assert await take(all_, Key("t3"), "again") == []
    assert await take(all_, KEY, "gone") == []  # t4 and t3 were used since


@in_a_loop
async def test_more_than_there_is_room_for_may_be_in_use() -> None:
    all_ = conversations(most=1)
    async with all_.turn(Key("a")) as one, all_.turn(Key("b")) as two:
        assert len(all_) == 2
        await one.keep([], said("a"))
        await two.keep([], said("b"))
    assert len(all_) == 1


@in_a_loop
async def test_what_came_to_nothing_takes_no_room() -> None:
    all_ = conversations(most=2)
    await take(all_, KEY, "one")
    for number in range(5):
        with pytest.raises(ContractError):
            async with all_.turn(Key(f"t{number}")):
                raise ContractError(contract.MODEL_FAILED)
    assert len(all_) == 1
    assert await take(all_, KEY, "two") == ["one"]


@in_a_loop
async def test_the_window_moves_on() -> None:
    all_ = conversations(bounds=Window(3, 100_000))
    for number in range(10):
        assert await take(all_, KEY, str(number)) == [str(n) for n in range(max(0, number - 3), number)]


@in_a_loop
async def test_what_the_model_was_not_shown_any_more_is_gone() -> None:
    all_ = conversations()
    for prompt in ("one", "two"):
        await take(all_, KEY, prompt)
    async with all_.turn(KEY) as turn:
        await turn.keep(turn.before()[1:], said("three"))  # from the middle of a turn
    assert await take(all_, KEY, "four") == ["two", "three"]


@in_a_loop
async def test_a_turn_that_is_too_large_is_not_kept_and_the_others_are() -> None:
    all_ = conversations(bounds=Window(20, 1000))
    await take(all_, KEY, "one")
    await take(all_, KEY, "x" * 2000)
    assert await take(all_, KEY, "two") == ["one"]


@in_a_loop
async def test_a_memory_is_read_where_the_process_does_not_have_it() -> None:
    memory = InMemory()
    memory.stored[KEY] = [said(str(number)) for number in range(30)]
    all_ = conversations(memory)
    assert await take(all_, KEY, "30") == [str(number) for number in range(10, 30)]
    assert await take(all_, KEY, "31") == [str(number) for number in range(11, 31)]
    assert memory.loads == 1
    assert len(memory.stored[KEY]) == 32


@pytest.mark.parametrize("call", ["load", "append"])
@in_a_loop
async def test_a_memory_that_fails_fails_the_request_and_is_read_anew(call: str) -> None:
    memory = InMemory()
    all_ = conversations(memory)
    memory.fails = {call}
    with pytest.raises(ContractError, match="memory_unavailable"):
        await take(all_, KEY, "lost")
    assert len(all_) == 0
    memory.fails.clear()
    memory.stored[KEY] = [said("stored all the same")]
    assert await take(all_, KEY, "next") == ["stored all the same"]


@in_a_loop
async def test_a_write_that_nobody_waits_for_is_over_before_the_next_request_reads() -> None:
    memory = InMemory()
    memory.free.clear()
    all_ = conversations(memory)
    left = asyncio.create_task(take(all_, KEY, "left"))
    await asyncio.to_thread(memory.reached.wait)
    left.cancel()
    next_ = asyncio.create_task(take(all_, KEY, "next"))
    await asyncio.gather(left, return_exceptions=True)
    await asyncio.sleep(0)
    assert memory.loads == 1
    memory.free.set()
    assert await next_ == ["left"]
    assert left.cancelled()
    assert memory.loads == 2


@in_a_loop
async def test_a_write_that_fails_when_nobody_waits_for_it_lets_the_next_go_on() -> None:
    memory = InMemory()
    memory.free.clear()
    memory.fails = {"append"}
    all_ = conversations(memory)
    left = asyncio.create_task(take(all_, KEY, "left"))
    await asyncio.to_thread(memory.reached.wait)
    left.cancel()
    await asyncio.gather(left, return_exceptions=True)
    next_ = asyncio.create_task(all_.turn(KEY).__aenter__())
    memory.free.set()
    assert (await next_).before() == []
