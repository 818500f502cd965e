"""Tokens that end while an agent is at work, with an Identity that works, stumbles, or is gone."""

import base64
import itertools
import json
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e.tokens import identity_front as faults
from tests.e2e.tokens.identity_front import IdentityFront
from tests.e2e.tokens.token_world import ANSWER, World, only, token_world
from tests.e2e.ways_in import JWT, planned_agents

CALCULATOR = "calculator"
LIFE_SECONDS = 6
LIVES = 2
NO_TOKEN = "Received error (503) from runtime. Please check your CloudWatch logs for more information."


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    logs = tmp_path_factory.mktemp("logs")
    with token_world(only(planned_agents(JWT).deployment, CALCULATOR), logs, token_seconds=LIFE_SECONDS) as world:
        yield world


def asked_until(world: World, done: Callable[[], bool]) -> list[str]:
    """The answers to one question after the other."""
    answers: list[str] = []
    while not done() and len(answers) < 3000:
        answers.append(world.ask(CALCULATOR))
        time.sleep(0.05)
    assert done()
    return answers


def test_tokens_are_replaced_before_anybody_notices(world: World) -> None:
    began, before = time.monotonic(), world.front.fetches(CALCULATOR)
    answers = asked_until(world, lambda: world.front.fetches(CALCULATOR) - before > LIVES)
    lived = time.monotonic() - began
    assert answers == [ANSWER] * len(answers)
    # One is replaced after nine tenths of its life, or when it is refused, and so has ended: seconds are whole, so that
    # may be one sooner. A slow machine gives both counts more time.
    assert world.front.fetches(CALCULATOR) - before <= math.floor(lived / (LIFE_SECONDS - 1)) + 1


def test_an_identity_that_stumbles_at_every_other_request_fails_nobody(world: World) -> None:
    number = itertools.count()
    throttled = faults.error(429, "ThrottlingException")

    def stumbling(front: IdentityFront, connection: Any) -> Any:
        return throttled(front, connection) if next(number) % 2 == 0 else faults.PASSED_ON

    before = world.front.fetches(CALCULATOR)
    with world.front.broken(stumbling):
        answers = asked_until(world, lambda: world.front.fetches(CALCULATOR) - before >= 1)
    assert answers == [ANSWER] * len(answers)


def test_while_a_token_is_good_an_identity_that_is_gone_is_not_missed(world: World) -> None:
    gone = faults.error(403, "AccessDeniedException")
    with world.front.broken(gone):
        asked_until(world, lambda: world.said[-1:] == [NO_TOKEN])
    began = time.time()
    assert world.ask(CALCULATOR) == ANSWER  # with a token that came in the meantime
    took = time.time() - began
    ends = max(_ends(token) for token in list(world.front.given) if token.count(".") == 2)
    with world.front.broken(gone):
        *before, _last = asked_until(world, lambda: world.said[-1] == NO_TOKEN)
        # A token's time is counted from before it is asked for, and in whole seconds.
        assert time.time() >= ends - took - 1
    assert before == [ANSWER] * len(before)
    assert world.log(CALCULATOR, "invocation")[-1]["code"] == "gateway_token_unavailable"
    assert world.ask(CALCULATOR) == ANSWER


def _ends(token: str) -> float:
    payload = token.split(".")[1]
    return float(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["exp"])
