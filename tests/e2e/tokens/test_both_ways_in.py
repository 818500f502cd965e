"""One agent with a gateway that takes signatures and one that takes tokens: what breaks one leaves the other."""

import copy
import json
from collections.abc import Iterator

import pytest

from tests.e2e.tokens import identity_front as faults
from tests.e2e.tokens.token_world import Export, World, talkative, token_world
from tests.planning import planned

AGENT = "assistant"
SIGNED = 'call math___add_numbers {"a": 100, "b": 12}'
BY_TOKEN = 'call math___greeting {"name": "Alice"}'
SUM, GREETING = "The result is 112.", "Hello, Alice! Welcome."
GATEWAYS = {
    "arithmetic": {"targets": ["math___add_numbers", "math___multiply_numbers"]},
    "greetings": {"targets": ["math___greeting"], "inbound": "jwt"},
}
CONFIG = {
    "toolgate:gateways": json.dumps(GATEWAYS),
    "toolgate:agents": json.dumps({AGENT: {"tools": list(GATEWAYS)}}),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    deployment = talkative(planned("gateways", CONFIG).deployment)
    with token_world(deployment, tmp_path_factory.mktemp("logs")) as world:
        yield world


def unsigned(world: World) -> Export:
    """The deployment without the right to the gateway that takes signatures."""
    less = copy.deepcopy(world.deployment)
    listed = less["deployment"]["resources"]
    [grant] = [it for it in listed if it["urn"].endswith("aws:iam/rolePolicy:RolePolicy::assistant-tools")]
    listed.remove(grant)
    return less


def test_tools_of_both_in_one_conversation(world: World) -> None:
    assert world.ask(AGENT, f"{SIGNED}, {BY_TOKEN}, {SIGNED}") == f"{SUM}\n{GREETING}\n{SUM}"
    lines = [json.loads(it) for it in world.serving.access_log.read_text().splitlines()]
    by = {it["tool"]: it["decided_by"][0]["by"] for it in lines if it["method"] == "tools/call"}
    assert by == {"math___add_numbers": "iam", "math___greeting": "token"}
    assert world.front.fetches(AGENT) == 1


def test_without_a_token_the_signed_tools_go_on(world: World) -> None:
    assert world.ask(AGENT, BY_TOKEN) == GREETING
    process = world.process(AGENT)
    with world.front.broken(faults.error(403, "AccessDeniedException")):
        world.serving.rotate_keys()
        for _ in range(2):
            assert world.fault(AGENT, BY_TOKEN) == "gateway_token_unavailable"
            assert world.ask(AGENT, SIGNED) == SUM
        # What needs both gets no half answer; the tool that could be called was.
        assert world.fault(AGENT, f"{SIGNED}, {BY_TOKEN}") == "gateway_token_unavailable"
        tools = [(it["name"], it["status"]) for it in world.log(AGENT, "invocation")[-1]["tools"]]
        assert tools == [("math___add_numbers", "success"), ("math___greeting", "gateway_token_unavailable")]
    assert world.ask(AGENT, f"{SIGNED}, {BY_TOKEN}") == f"{SUM}\n{GREETING}"
    assert world.process(AGENT) == process


def test_without_the_right_to_sign_the_tools_by_token_go_on(world: World) -> None:
    assert world.ask(AGENT, f"{SIGNED}, {BY_TOKEN}") == f"{SUM}\n{GREETING}"
    process, fetches = world.process(AGENT), world.front.fetches(AGENT)
    with world.instead(unsigned(world)):
        assert world.fault(AGENT, SIGNED) == "gateway_refused"
        line = world.log(AGENT, "gateway_call_failed")[-1]
        assert (line["action"], line.get("provider")) == ("bedrock-agentcore:InvokeGateway", None)
        assert world.ask(AGENT, BY_TOKEN) == GREETING
    assert world.ask(AGENT, SIGNED) == SUM
    assert (world.process(AGENT), world.front.fetches(AGENT)) == (process, fetches)


def test_a_process_that_lists_one_gateway_alone_answers_nobody(world: World) -> None:
    """An agent that silently lacks tools answers wrongly; so it says which gateway it was that failed."""
    world.kill(AGENT)
    with world.front.broken(faults.error(403, "AccessDeniedException")):
        assert world.fault(AGENT, SIGNED) == "gateway_token_unavailable"
    assert world.ask(AGENT, SIGNED) == SUM
    world.kill(AGENT)
    with world.instead(unsigned(world)):
        assert world.fault(AGENT, BY_TOKEN) == "gateway_refused"
    assert world.ask(AGENT, f"{SIGNED}, {BY_TOKEN}") == f"{SUM}\n{GREETING}"
