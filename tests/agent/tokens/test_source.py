"""The source of tokens: one fetch at a time, no token that has ended, and Identity asked no more than it must be."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from contract import ContractError
from gateway.tokens import GIVEN_UP_SECONDS, QUIET_SECONDS, UNREADABLE_SECONDS, AccessToken, TokenSource
from tests.agent.tokens.asking import Asked, Clock, got, settled, turn


def at_once(source: TokenSource, count: int, refused: str | None = None) -> list[str | None]:
    """What so many get that ask at the same time, each in a thread and loop of its own as sessions are."""
    together = threading.Barrier(count)

    def one() -> str | None:
        together.wait()
        return got(source, refused)

    with ThreadPoolExecutor(count) as threads:
        return [each.result() for each in [threads.submit(one) for _ in range(count)]]


@pytest.fixture
def loops() -> Iterator[list[asyncio.AbstractEventLoop]]:
    """Two, each of which goes on when it is told to."""
    made = [asyncio.new_event_loop() for _ in range(2)]
    yield made
    for loop in made:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        turn(loop)
        loop.close()


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


def test_a_failure_is_shared_by_those_whose_loop_comes_later(loops: list[asyncio.AbstractEventLoop]) -> None:
    """They wait for a fetch that was under way when they asked; the one that failed since began after that."""
    started: list[Callable[[], None]] = []
    source = TokenSource(Asked(fails=True), run=started.append)
    sooner, later = loops
    first = sooner.create_task(source.token())
    turn(sooner)  # its fetch is under way
    waiting = [loop.create_task(source.token()) for loop in (sooner, later)]
    turn(later)
    started[0]()
    turn(sooner)  # asks again for the one who came while it was under way
    started[1]()
    turn(sooner)
    turn(later)
    for task in (first, *waiting):
        assert isinstance(task.exception(), ContractError)
    assert len(started) == 2


def test_a_token_that_ends_while_it_comes_is_none_and_is_not_asked_for_without_end() -> None:
    ask, clock = Asked(seconds=3), Clock()

    def slow(anew: bool) -> AccessToken:
        clock.now += 3 if ask.fetches < 5 else 0
        return ask(anew)

    assert got(TokenSource(slow, clock)) == "gateway_token_unavailable"
    assert ask.fetches == 1


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


def test_a_new_token_ends_the_quiet_after_a_failure() -> None:
    ask, clock = Asked(seconds=3), Clock()
    source = TokenSource(ask, clock)
    assert got(source) == "token-1"
    ask.fails = True
    clock.now += 2.8
    assert got(source) == "token-1"
    settled(lambda: source._fetch is None)
    ask.fails = False
    clock.now += 0.2
    assert got(source) == "token-3"
    assert got(source, "token-3") == "token-4"


def test_the_process_ends_without_waiting_for_a_fetch() -> None:
    threads: list[threading.Thread] = []

    def ask(_: bool) -> AccessToken:
        threads.append(threading.current_thread())
        return AccessToken("token", 3600)

    assert got(TokenSource(ask)) == "token"
    assert [thread.daemon for thread in threads] == [True]


def test_what_holds_a_token_does_not_say_it() -> None:
    source = TokenSource(Asked())
    assert got(source) == "token-1"
    assert "token-1" not in repr(source._held)


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


def test_the_same_token_again_just_before_its_end_is_asked_for_once() -> None:
    ask, clock = Asked(keeps=True), Clock()
    source = TokenSource(ask, clock)
    assert got(source) == "token-0"
    clock.now += 3599
    ask.seconds = 1
    for _ in range(9):
        assert got(source) == "token-0"
        settled(lambda: source._fetch is None)
        clock.now += 0.12  # the last time it is due again
    assert ask.fetches == 2


@pytest.mark.parametrize(("left", "says"), [(1.5, None), (0.5, ContractError)])
def test_a_token_refused_in_its_last_second_has_ended(left: float, says: type[Exception] | None) -> None:
    """While Identity is away: before that second the gateway has another reason, and Identity is left in peace."""
    ask, clock = Asked(), Clock()
    source = TokenSource(ask, clock)
    assert got(source) == "token-1"
    ask.fails = True
    clock.now += 3600 - left
    assert got(source) == "token-1"  # it is due, and the fetch for it fails
    settled(lambda: source._fetch is None)
    fetches = ask.fetches
    if says is None:
        assert asyncio.run(source.replacement("token-1")) is None
        assert ask.fetches == fetches
    else:
        with pytest.raises(says):
            asyncio.run(source.replacement("token-1"))


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


@pytest.mark.parametrize("ends_first", [0, 1])
def test_a_fetch_that_was_given_up_and_fails_then_is_nobodys_but_theirs_who_wait_for_it(
    ends_first: int, loops: list[asyncio.AbstractEventLoop]
) -> None:
    started: list[Callable[[], None]] = []
    clock, loop = Clock(), loops[0]
    source = TokenSource(Asked(fails=True), clock, started.append)
    first = [loop.create_task(source.token())]
    turn(loop)
    first.append(loop.create_task(source.token()))  # while the first fetch is under way
    turn(loop)
    clock.now += GIVEN_UP_SECONDS
    second = loop.create_task(source.token())
    turn(loop)
    started[ends_first]()
    if ends_first == 0:
        turn(loop)
        third = loop.create_task(source.token())
        turn(loop)
        assert len(started) == 2  # who asks now waits for the one that is under way
        started[1]()
        turn(loop)
        started[2]()  # for the third, who came while that was under way
        turn(loop)
        assert isinstance(third.exception(), ContractError)
    else:
        started[0]()
        turn(loop)
        assert len(started) == 2  # what failed last began after they all had asked
    for task in (*first, second):
        assert isinstance(task.exception(), ContractError)


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


def test_a_defect_of_the_fetch_is_a_fault_and_holds_nobody(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: bool) -> AccessToken:
        raise ZeroDivisionError

    caplog.set_level(logging.ERROR, "agent")
    assert got(TokenSource(broken)) == "gateway_token_unavailable"
    [line] = [it for it in caplog.records if it.name == "agent"]
    assert (line.getMessage(), vars(line)["fields"]["error_types"]) == ("token_unavailable", ["ZeroDivisionError"])
