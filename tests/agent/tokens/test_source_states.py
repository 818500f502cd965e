"""The source of tokens in whatever order things happen to it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

import contract
from contract import ContractError
from gateway.tokens import GIVEN_UP_SECONDS, QUIET_SECONDS, UNREADABLE_SECONDS, AccessToken, TokenSource
from tests.agent.tokens.asking import Clock, turn

LEAST_QUIET = QUIET_SECONDS - 1e-6  # the clock's floats are sums of many


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
        self.outcome: AccessToken | None = None
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
                assert fetch.begun - last.ended >= LEAST_QUIET
            if fetch.anew and (last.anew or last.gave != "new"):
                assert fetch.begun - last.begun >= LEAST_QUIET
        self.under_way.append(fetch)
        self.fetches.append(fetch)

    def is_valid(self) -> bool:
        held = self.source._held
        return held is not None and self.clock.now < held.ends

    def ask(self, _: bool) -> AccessToken:
        if self.outcome is None:
            raise ContractError(contract.GATEWAY_TOKEN_UNAVAILABLE)
        return self.outcome

    def turn(self) -> None:
        open_before = [task for task in self.waiting if not task.done()]
        turn(self.loop)
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
        self.waiting.append(self.loop.create_task(self.source.replacement(self.source._held.text)))
        self.turn()

    @precondition(lambda self: self.under_way)
    @rule(seconds=st.none() | st.floats(0.1, 4000), same=st.booleans())
    def succeed(self, seconds: float | None, same: bool) -> None:
        held = self.source._held
        if same and held and self.clock.now < held.ends:
            self.outcome = AccessToken(held.text, held.ends - self.clock.now)
        else:
            self.outcome = AccessToken(f"token-{len(self.ends)}", seconds)
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

    @precondition(lambda self: self.source._held)
    @rule(edge=st.sampled_from(["due", "ends"]))
    def wait_until(self, edge: str) -> None:
        """To where a token is good for a little longer, or has just ended; nothing else gets there often."""
        self.wait(getattr(self.source._held, edge) - self.clock.now)

    @rule(seconds=st.sampled_from([0.01, 1, 4.9, 5, 30, 300]))
    def wait(self, seconds: float) -> None:
        seconds = max(seconds, 0)
        # A fetch that hangs is given up: that has a test of its own.
        if not self.under_way or self.clock.now + seconds < self.fetches[-1].begun + GIVEN_UP_SECONDS:
            self.clock.now += seconds


TestSource = Source.TestCase
