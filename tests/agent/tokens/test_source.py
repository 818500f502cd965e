"""The source of tokens: one fetch at a time, no token that has ended, and Identity asked no more than it must be."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

import contract
from contract import ContractError
from gateway.tokens import GIVEN_UP_SECONDS, QUIET_SECONDS, UNREADABLE_SECONDS, Given, TokenSource, claims
from tests.agent.tokens.fake_identity import jwt


@dataclass
class Asked:
    """Gives tokens as it is told to; one fetch waits until `free`."""

    seconds: float | None = 3600
    fails: bool = False
    first_fails: bool = False
    keeps: bool = False
    fetches: int = 0
    anew: list[bool] = field(default_factory=list)
    reached: threading.Event = field(default_factory=threading.Event)
    free: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.free.set()

    def __call__(self, anew: bool) -> Given:
        self.fetches += 1
        self.anew.append(anew)
        self.reached.set()
        assert self.free.wait(20)
        if self.fails or (self.first_fails and self.fetches == 1):
            raise ContractError(contract.GATEWAY_TOKEN_UNAVAILABLE)
        return Given(f"token-{0 if self.keeps else self.fetches}", self.seconds)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def got(source: TokenSource, refused: str | None = None) -> str | None:
    """The token, or the code of the fault."""
    try:
        return asyncio.run(source.another(refused) if refused else source.token())
    except ContractError as error:
        return error.fault.code


def at_once(source: TokenSource, count: int, refused: str | None = None) -> list[str | None]:
    """What so many get that ask at the same time, each in a thread and loop of its own as sessions are."""
    together = threading.Barrier(count)

    def one() -> str | None:
        together.wait()
        return got(source, refused)

    with ThreadPoolExecutor(count) as threads:
        return [each.result() for each in [threads.submit(one) for _ in range(count)]]


def settled(condition: Callable[[], bool]) -> None:
    while not condition():
        threading.Event().wait(0.005)


def test_fifty_without_a_token_cost_one_fetch() -> None:
    ask = Asked()
    assert at_once(TokenSource(ask), 50) == ["token-1"] * 50
    assert ask.fetches == 1


def test_fifty_with_a_token_that_has_ended_cost_one_fetch() -> None:
    ask, clock = Asked(), Clock()
    source = TokenSource(ask, clock)
    assert got(source) == "token-1"
    clock.now += 3600
    assert at_once(source, 50) == ["token-2"] * 50
    assert ask.fetches == 2


def test_fifty_whose_token_is_refused_cost_one_fetch() -> None:
    ask = Asked()
    source = TokenSource(ask)
    assert got(source) == "token-1"
    assert at_once(source, 50, "token-1") == ["token-2"] * 50
    assert ask.anew == [False, True]


def test_fifty_of_one_loop_cost_one_fetch() -> None:
    ask = Asked()
    source = TokenSource(ask)

    async def all_of_them() -> list[str]:
        return await asyncio.gather(*(source.token() for _ in range(50)))

    assert asyncio.run(all_of_them()) == ["token-1"] * 50
    assert ask.fetches == 1


def test_a_late_refusal_of_an_old_token_asks_for_none() -> None:
    ask = Asked()
    source = TokenSource(ask)
    assert got(source) == "token-1"
    assert got(source, "token-1") == "token-2"
    assert got(source, "token-1") == "token-2"
    assert ask.fetches == 2


def test_a_failure_is_shared_by_those_who_asked_before_it_began() -> None:
    ask = Asked(fails=True)
    ask.free.clear()
    source = TokenSource(ask)

    async def all_of_them() -> list[str | BaseException]:
        waiting = [asyncio.create_task(source.token()) for _ in range(50)]
        await asyncio.sleep(0)
        ask.free.set()
        return await asyncio.gather(*waiting, return_exceptions=True)

    assert all(isinstance(error, ContractError) for error in asyncio.run(all_of_them()))
    assert ask.fetches == 2  # the first one's, and one for those who came while that was under way


def test_a_failure_that_began_before_somebody_asked_is_not_theirs() -> None:
    ask = Asked(first_fails=True)
    ask.free.clear()
    source = TokenSource(ask)

    async def first_and_second() -> tuple[str | BaseException, ...]:
        first = asyncio.create_task(source.token())
        await asyncio.to_thread(ask.reached.wait, 20)
        second = asyncio.create_task(source.token())
        await asyncio.sleep(0)
        ask.free.set()
        return await asyncio.gather(first, second, return_exceptions=True)

    first, second = asyncio.run(first_and_second())
    assert isinstance(first, ContractError)
    assert second == "token-2"


def test_who_asks_in_place_of_a_refused_token_waits_for_one_failure() -> None:
    """The fetch began for them: to wait for a second one doubles a wait of ten seconds."""
    ask = Asked()
    source = TokenSource(ask)
    assert got(source) == "token-1"
    ask.fails = True
    assert got(source, "token-1") == "gateway_token_unavailable"
    assert ask.anew == [False, True]


def test_a_token_is_replaced_before_it_ends_while_nobody_waits() -> None:
    ask, clock = Asked(), Clock()
    source = TokenSource(ask, clock)
    assert got(source) == "token-1"
    clock.now += 3600 - 60 - 1
    assert got(source) == "token-1"
    assert ask.fetches == 1
    clock.now += 1
    ask.free.clear()
    assert got(source) == "token-1"  # while Identity is silent
    assert ask.reached.wait(20)
    ask.free.set()
    settled(lambda: source._fetch is None)
    assert got(source) == "token-2"


@pytest.mark.parametrize(("seconds", "spare"), [(300, 30), (3, 0.3), (86400, 60), (None, 30)])
def test_when_a_token_is_replaced(seconds: float | None, spare: float) -> None:
    ask, clock = Asked(seconds), Clock()
    source = TokenSource(ask, clock, lambda work: threading.Thread(target=work).start())
    got(source)
    clock.now += (UNREADABLE_SECONDS if seconds is None else seconds) - spare - 0.01
    got(source)
    assert ask.fetches == 1
    clock.now += 0.02
    got(source)
    settled(lambda: ask.fetches == 2)


def test_identity_that_fails_while_the_token_is_good_is_asked_every_five_seconds() -> None:
    ask, clock = Asked(), Clock()
    source = TokenSource(ask, clock)
    assert got(source) == "token-1"
    ask.fails = True
    clock.now += 3600 - 60
    for second in range(60):
        assert got(source) == "token-1"
        settled(lambda: source._fetch is None)
        assert ask.fetches == 1 + second // QUIET_SECONDS + 1
        clock.now += 1
    assert got(source) == "gateway_token_unavailable"
    ask.fails = False
    assert (got(source) or "").startswith("token-")  # at once, without waiting for the five seconds


def test_the_same_token_again_is_used_to_its_end_and_seldom_asked_for() -> None:
    """Nobody has seen whether Identity keeps tokens."""
    ask, clock = Asked(keeps=True), Clock()
    source = TokenSource(ask, clock)
    assert got(source) == "token-0"
    clock.now += 3540
    while clock.now < 4600:
        ask.seconds = 4600 - clock.now
        assert got(source) == "token-0"
        settled(lambda: source._fetch is None)
        clock.now += 0.25
    assert ask.fetches <= 1 + 60 // QUIET_SECONDS


def test_a_fetch_that_hangs_is_given_up() -> None:
    ask, clock = Asked(), Clock()
    ask.free.clear()
    source = TokenSource(ask, clock)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(got, source)
        assert ask.reached.wait(20)
        clock.now += GIVEN_UP_SECONDS
        second = threads.submit(got, source)
        settled(lambda: ask.fetches == 2)
        ask.free.set()
        assert {first.result(), second.result()} <= {"token-1", "token-2"}


def test_who_stops_waiting_stops_it_for_nobody_else() -> None:
    ask = Asked()
    ask.free.clear()
    source = TokenSource(ask)

    async def impatient() -> str:
        waiting = asyncio.create_task(source.token())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(source.token(), 0.05)
        ask.free.set()
        return await waiting

    assert asyncio.run(impatient()) == "token-1"
    assert ask.fetches == 1


def test_a_defect_of_the_fetch_is_a_fault_and_holds_nobody() -> None:
    def broken(_: bool) -> Given:
        raise ZeroDivisionError

    assert got(TokenSource(broken)) == "gateway_token_unavailable"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "opaque",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "..",
        "é.é.é",
        "a.bnVsbA.c",
        "a.W10.c",
        "a.e30=.c",
        "a.eyJhIjoxLCJhIjoyfQ.c",
    ],
)
def test_what_is_no_jwt_says_nothing(token: str) -> None:
    assert claims(token) == {}


@given(st.text())
def test_no_text_breaks_the_reading_of_claims(text: str) -> None:
    assert isinstance(claims(text), dict)
    assert isinstance(claims(f"a.{text}.c"), dict)


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.booleans(), max_size=5))
def test_claims_are_those_of_the_token(said: dict[str, int | str | bool]) -> None:
    assert claims(jwt(said)) == said


@dataclass
class Fetch:
    """One fetch: when it began and ended, whether there was a valid token, and what it gave."""

    work: Any
    begun: float
    has_valid: bool
    ended: float = 0
    gave: str = ""

    @property
    def anew(self) -> bool:
        return bool(self.work.args[2])


class Source(RuleBasedStateMachine):
    """Calls, refusals, time, and fetches that end well or badly, in any order; by its own clock, without threads."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.fetches: list[Fetch] = []
        self.under_way: list[Fetch] = []
        self.outcome: Given | None = None
        self.ends: dict[str, float] = {}
        self.loop = asyncio.new_event_loop()
        self.waiting: list[asyncio.Task[str | None]] = []
        self.source = TokenSource(self.ask, self.clock, self.start)

    def teardown(self) -> None:
        while self.under_way:
            self.fail()
        assert all(task.done() for task in self.waiting)  # nobody waits for ever
        for task in self.waiting:
            assert task.exception() is None or isinstance(task.exception(), ContractError)
        self.loop.close()

    def start(self, work: Callable[[], None]) -> None:
        assert not self.under_way, "two fetches at once"
        fetch = Fetch(work, self.clock.now, self.is_valid())
        if self.fetches:
            last = self.fetches[-1]
            if fetch.has_valid and last.gave != "new":
                assert fetch.begun - last.ended >= QUIET_SECONDS
            if fetch.anew and (last.anew or last.gave != "new"):
                assert fetch.begun - last.begun >= QUIET_SECONDS
        self.under_way.append(fetch)
        self.fetches.append(fetch)

    def is_valid(self) -> bool:
        held = self.source._held
        return held is not None and self.clock.now < held.ends

    def ask(self, _: bool) -> Given:
        if self.outcome is None:
            raise ContractError(contract.GATEWAY_TOKEN_UNAVAILABLE)
        return self.outcome

    def turn(self) -> None:
        open_before = [task for task in self.waiting if not task.done()]
        for _ in range(5):
            self.loop.run_until_complete(asyncio.sleep(0))
        for task in open_before:
            if task.done() and not task.exception() and (text := task.result()):
                assert self.clock.now < self.ends[text], "a token after its end"

    @rule()
    def call(self) -> None:
        was_valid = self.is_valid()
        self.waiting.append(self.loop.create_task(self.source.token()))
        self.turn()
        assert self.waiting[-1].done() or not was_valid  # a valid token is waited for by nobody

    @precondition(lambda self: self.source._held)
    @rule()
    def refuse(self) -> None:
        assert self.source._held
        self.waiting.append(self.loop.create_task(self.source.another(self.source._held.text)))
        self.turn()

    @precondition(lambda self: self.under_way)
    @rule(seconds=st.none() | st.floats(0.1, 4000), same=st.booleans())
    def succeed(self, seconds: float | None, same: bool) -> None:
        held = self.source._held
        if same and held and self.clock.now < held.ends:
            self.outcome = Given(held.text, held.ends - self.clock.now)
        else:
            self.outcome = Given(f"token-{len(self.ends)}", seconds)
            self.ends[self.outcome.text] = self.clock.now + (UNREADABLE_SECONDS if seconds is None else seconds)
        self.finish("same" if held and held.text == self.outcome.text else "new")

    @precondition(lambda self: self.under_way)
    @rule()
    def fail(self) -> None:
        self.outcome = None
        self.finish("nothing")

    def finish(self, gave: str) -> None:
        fetch = self.under_way.pop()
        fetch.ended, fetch.gave = self.clock.now, gave
        fetch.work()
        self.turn()

    @rule(seconds=st.sampled_from([0.01, 1, 4.9, 5, 30, 300]))
    def wait(self, seconds: float) -> None:
        # A fetch that hangs is given up: that has a test of its own.
        if not self.under_way or self.clock.now + seconds < self.fetches[-1].begun + GIVEN_UP_SECONDS:
            self.clock.now += seconds


TestSource = Source.TestCase
