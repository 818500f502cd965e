"""The real agent's process over tokens of the local deployment: how many it takes, and keys that are rotated."""

import json
import threading
from collections.abc import Iterator

import pytest

from tests.e2e.tokens.token_world import ANSWER, SUM, World, talkative, token_world
from tests.e2e.ways_in import JWT, planned_agents

CALCULATOR = "calculator"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with token_world(talkative(planned_agents(JWT).deployment), tmp_path_factory.mktemp("logs")) as world:
        yield world


def prompts(invocations: int, calls: int) -> list[str]:
    """Each with so many calls, whose sums are all different."""
    return [
        ", ".join(f"call math___add_numbers {json.dumps({'a': 1000 * n, 'b': it})}" for it in range(calls))
        for n in range(invocations)
    ]


def sums(invocations: int, calls: int) -> list[str]:
    return ["\n".join(f"The result is {1000 * n + it}." for it in range(calls)) for n in range(invocations)]


def test_a_process_takes_one_token_for_all_of_its_invocations(world: World) -> None:
    world.kill(CALCULATOR)
    before, made = world.front.fetches(CALCULATOR), len(world.serving.calls)
    assert world.ask_at_once(CALCULATOR, prompts(50, 4)) == sums(50, 4)
    assert len(world.serving.calls) - made == 200
    assert world.ask(CALCULATOR) == ANSWER
    assert world.front.fetches(CALCULATOR) - before == 1


def test_each_process_takes_its_own(world: World) -> None:
    before = world.front.fetches("greeter")
    world.kill("greeter")
    assert world.ask("greeter", "Greet Alice") == "Hello, Alice! Welcome."
    assert world.front.fetches("greeter") - before == 1
    refused = world.ask("greeter", 'call math___add_numbers {"a": 1, "b": 2}')
    assert refused.startswith("I have no tool math___add_numbers.")


def test_a_key_that_is_rotated_costs_one_token_for_all_who_wait(world: World) -> None:
    assert world.ask(CALCULATOR) == ANSWER
    before, process = world.front.fetches(CALCULATOR), world.process(CALCULATOR)
    with world.rotated():
        assert world.ask_at_once(CALCULATOR, [SUM] * 20) == [ANSWER] * 20
    assert world.front.fetches(CALCULATOR) - before == 1
    assert world.process(CALCULATOR) == process
    line = world.log(CALCULATOR, "token_refused")[-1]
    assert line["provider"] == "toolgate_jwt_calculator_tokens"
    assert line["client"] in json.dumps(world.deployment)


def test_a_key_that_is_rotated_between_the_calls_of_invocations(world: World) -> None:
    assert world.ask(CALCULATOR) == ANSWER
    before, made = world.front.fetches(CALCULATOR), len(world.serving.calls)
    answers: list[str] = []
    asking = threading.Thread(target=lambda: answers.extend(world.ask_at_once(CALCULATOR, prompts(10, 5))))
    with world.calm():
        asking.start()
        while len(world.serving.calls) - made < 10:
            assert asking.is_alive()
            asking.join(0.001)
        world.serving.rotate_keys()
        asking.join()
    assert answers == sums(10, 5)
    assert len(world.serving.calls) - made == 50  # what was refused has reached no tool
    assert world.front.fetches(CALCULATOR) - before == 1


@pytest.mark.parametrize("place", ["answer", "log", "environment"])
def test_a_token_or_a_secret_would_be_found(world: World, place: str) -> None:
    """What every module of these tests ends with: the search for them in all that came of it."""
    assert world.ask(CALCULATOR) == ANSWER
    assert world.found_secrets() == []
    [token] = [it for it in world.front.given if it.count(".") == 2][:1]
    secret = next(iter(world.serving._world.host.issuers._secrets.values()))
    signature = token.rsplit(".", 1)[-1]
    if place == "answer":
        world.said.append(f"your token ends in {signature}")
        found = world.found_secrets()
        world.said.pop()
    elif place == "log":
        leak = world.serving.access_log.parent / "leak.log"
        leak.write_text(f"Authorization: Bearer {token}")
        found = world.found_secrets()
        leak.unlink()
    else:
        [agent, *_] = world.serving._world._agents.values()
        environment = dict(agent.process._environment)
        agent.process._environment = environment | {"CLIENT": secret}
        found = world.found_secrets()
        agent.process._environment = environment
    assert found
    assert place in " ".join(found) or "leak.log" in found[0]
