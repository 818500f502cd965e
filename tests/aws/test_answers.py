"""The main job: a question to the stack's agents is answered with what a tool returned."""

import json
import random
import re

import pytest

from tests.aws.asking import ask
from tests.aws.runtime_details import variables
from tests.aws.world import World
from toolgate.access.deployment.agentcore_resources import Runtime
from toolgate.access.iam.evaluation import Access
from toolgate.access.matrix.access_matrix import matrix

MULTIPLY = "math___multiply_numbers"
SECRET_NAME = re.compile("SECRET|PASSWORD|TOKEN|ACCESS_KEY|CREDENTIAL")
BY_TOKEN = "TOKEN_GATEWAYS"
"""By which providers an agent gets its tokens: their names, and no token."""
KEY_ID = re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{12,}")


def test_an_agent_answers_with_what_its_tool_returned(world: World) -> None:
    """A product that no model has by heart; that the function ran is read from what AWS itself keeps of it."""
    for runtime in _multiplying(world):
        one, other = (random.randrange(10**6, 10**7) for _ in range(2))
        ran = world.runs(world.front, world.target(world.front, "math"))
        reply = ask(world, runtime, {"prompt": f"What is {one} * {other}?"})
        assert reply.document, reply.words(world)
        assert str(one * other) in re.sub(r"\D", "", reply.document["response"]), reply.document
        assert ran(1) == 1


def _multiplying(world: World) -> list[Runtime]:
    """The agents that may call the tool for products."""
    may = {
        entry.agent
        for entry in matrix(world.stack).entries
        if entry.tool == MULTIPLY and entry.decision is Access.ALLOW
    }
    found = [runtime for runtime in world.stack.runtimes if runtime.agent in may]
    if not found:
        pytest.skip(f"no agent of the stack may call {MULTIPLY}")
    return found


def test_an_agent_holds_nothing_but_its_role(world: World) -> None:
    """Its environment leads it to its gateways, and holds no credential."""
    urls = {gateway.url for gateway in world.stack.gateways}
    for runtime in world.stack.runtimes:
        held = variables(world, runtime)
        by_token = json.loads(held.get(BY_TOKEN, '{"tokens": []}'))["tokens"]
        led_to = {*held.get("GATEWAY_URL", "").split(), *(url for it in by_token for url in it["gateways"])}
        assert led_to
        assert led_to <= urls
        assert held["AWS_REGION"] == world.region
        assert not [name for name in held if SECRET_NAME.search(name) and name != BY_TOKEN]
        assert not [name for name, value in held.items() if KEY_ID.search(value)]
