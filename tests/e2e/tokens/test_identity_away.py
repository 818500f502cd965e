"""AgentCore Identity away, slow or talking nonsense, in front of the real agent's process."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.e2e.tokens import identity_front as faults
from tests.e2e.tokens.identity_front import Fault
from tests.e2e.tokens.token_world import ANSWER, SUM, World, only, talkative, token_world
from tests.e2e.ways_in import JWT, planned_agents

CALCULATOR = "calculator"
FAULTS: dict[str, Fault | None] = {
    "nobody listens": None,
    "the connection is reset": faults.reset,
    "silence": faults.silence,
    "throttled": faults.error(429, "ThrottlingException"),
    "access denied": faults.error(403, "AccessDeniedException"),
    "down": faults.answered(503, b"<html>busy</html>", **{"content-type": "text/html"}),
    "10 MB": faults.answered(200, b'{"workloadAccessToken": "' + b"a" * 10_000_000 + b'"}'),
    "cut off": faults.cut_off,
    "no JSON": faults.answered(200, b"\xff\x00 nothing that anybody reads"),
    "no object": faults.answered(200, b'["workloadAccessToken"]'),
    "nothing in it": faults.answered(200, b"{}"),
    "a token that no header takes": faults.answered(
        200, b'{"workloadAccessToken": "w", "accessToken": "a\\r\\nx-more: 1"}'
    ),
    "a redirect": faults.redirect,
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    deployment = talkative(only(planned_agents(JWT).deployment, CALCULATOR))
    with token_world(deployment, tmp_path_factory.mktemp("logs")) as world:
        yield world


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_only_who_needs_a_token_notices(world: World, fault: Fault | None) -> None:
    assert world.ask(CALCULATOR) == ANSWER
    process, asked = world.process(CALCULATOR), len(world.front.asked)
    with world.front.broken(fault):
        assert world.ask(CALCULATOR) == ANSWER
        assert len(world.front.asked) == asked
        world.serving.rotate_keys()
        assert world.fault(CALCULATOR) == "gateway_token_unavailable"
        # One fetch, of at most two attempts at each of its two calls.
        assert all(count <= 2 for count in Counter(it.path for it in world.front.asked[asked:]).values())
    line = world.log(CALCULATOR, "token_unavailable")[-1]
    assert line["provider"] == line["identity"] + "_tokens"
    assert line["scopes"] == ["toolgate-jwt-tools/invoke"]
    assert line.get("check") or line["reason"]
    assert world.ask(CALCULATOR) == ANSWER
    assert world.process(CALCULATOR) == process
    assert "/elsewhere" not in [it.path for it in world.front.asked]


def test_each_invocation_asks_anew(world: World) -> None:
    assert world.ask(CALCULATOR) == ANSWER
    with world.front.broken(FAULTS["access denied"]):
        world.serving.rotate_keys()
        for _ in range(3):
            asked = len(world.front.asked)
            assert world.fault(CALCULATOR) == "gateway_token_unavailable"
            assert len(world.front.asked) - asked == 1
    assert world.ask_at_once(CALCULATOR, [SUM] * 10) == [ANSWER] * 10


@pytest.mark.parametrize("name", ["nobody listens", "silence"])
def test_a_process_that_never_had_a_token(world: World, name: str) -> None:
    world.kill(CALCULATOR)
    with world.front.broken(FAULTS[name]):
        assert world.fault(CALCULATOR) == "gateway_token_unavailable"
    process = world.process(CALCULATOR)
    assert world.ask(CALCULATOR) == ANSWER
    assert world.process(CALCULATOR) == process


def test_who_waits_for_a_slow_identity_waits_for_one_fetch(world: World) -> None:
    world.kill(CALCULATOR)
    before = world.front.fetches(CALCULATOR)
    with world.front.broken(faults.slow):
        assert world.ask_at_once(CALCULATOR, [SUM] * 10) == [ANSWER] * 10
    assert world.front.fetches(CALCULATOR) - before == 1
