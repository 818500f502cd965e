"""What models were seen to write: Bedrock takes the next request all the same, and no tool is called wrongly."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.agent import fake_bedrock as faults
from tests.agent.fake_bedrock import Event, FakeBedrock, block, called, turn_of
from tests.agent.fake_gateway import FakeGateway

ADD = "math___add_numbers"
CALLS = f"call {ADD}"
ONE, TWO = '{"a": 1, "b": 2}', '{"a": 3, "b": 4}'


def ask(agent: TestClient, bedrock: FakeBedrock, turn: list[Event]) -> tuple[int, str]:
    """What comes of an invocation whose first turn is this one: status, and the answer or the error's code."""
    bedrock.inject(faults.answering(turn))
    answer = agent.post("/invocations", json={"prompt": CALLS})
    assert bedrock.refused == []
    document = answer.json()
    return answer.status_code, document["response"] if answer.status_code == 200 else document["error"]["code"]


def arguments(gateway: FakeGateway) -> list[dict[str, Any]]:
    """With what tools were called."""
    return [body["params"]["arguments"] for body in gateway.bodies if body["method"] == "tools/call"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("t1", "t1"),  # bvcyber/Cyber-AutoAgent-ng#72, agno-agi/agno#2336: the tool's name, or the same id twice
        (ADD, ADD),
        ("call_a|fc_b", "call_a|fc_c"),  # earendil-works/pi#781
        ("x" * 65, "y" * 65),  # run-llama/llama_index#22775
        ("", ""),
        ("ünï", "t1"),
    ],
    ids=lambda given: given[:12],
)
def test_calls_with_ids_that_bedrock_refuses(
    lasting: TestClient, bedrock: FakeBedrock, gateway: FakeGateway, first: str, second: str
) -> None:
    turn = turn_of(called(first, ADD, ONE), called(second, ADD, TWO, 1), stop="tool_use")
    assert ask(lasting, bedrock, turn) == (200, 'The tool said: {"result": 3}')
    results = [json.loads(result)["content"][0]["text"] for result in bedrock.tool_results()]
    assert results == ['{"result": 3}', '{"result": 7}']
    assert sorted(it["a"] for it in arguments(gateway)) == [1, 3]


def test_ids_that_bedrock_takes_stay(lasting: TestClient, bedrock: FakeBedrock) -> None:
    ask(lasting, bedrock, turn_of(called("tooluse_a-B.c:1", ADD, ONE), stop="tool_use"))
    [use] = [it["toolUse"] for it in bedrock.requests[1]["messages"][1]["content"] if "toolUse" in it]
    assert use["toolUseId"] == "tooluse_a-B.c:1"


def test_an_id_of_an_earlier_turn_is_not_used_again(lasting: TestClient, bedrock: FakeBedrock) -> None:
    bedrock.inject(faults.answering(turn_of(called("t1", ADD, ONE), stop="tool_use")))
    assert ask(lasting, bedrock, turn_of(called("t1", ADD, TWO), stop="tool_use"))[0] == 200
    content = [it for message in bedrock.requests[-1]["messages"] for it in message["content"]]
    ids = [it["toolUse"]["toolUseId"] for it in content if "toolUse" in it]
    assert len(ids) == len(set(ids)) == 2


@pytest.mark.parametrize("broken", ["first", "second"])
def test_one_of_two_calls_with_one_id_is_unreadable(
    lasting: TestClient, bedrock: FakeBedrock, gateway: FakeGateway, broken: str
) -> None:
    texts = ['{"a": 1', TWO] if broken == "first" else [ONE, '{"a": 3']
    turn = turn_of(*(called("t1", ADD, text, index) for index, text in enumerate(texts)), stop="tool_use")
    assert ask(lasting, bedrock, turn)[0] == 200
    assert arguments(gateway) == [json.loads(TWO if broken == "first" else ONE)]
    said = [json.loads(result)["content"][0]["text"] for result in bedrock.tool_results()]
    assert ["was not called" in text for text in said] == [broken == "first", broken == "second"]


def test_calls_whose_pieces_come_mixed(lasting: TestClient, bedrock: FakeBedrock, gateway: FakeGateway) -> None:
    one, two = called("t1", ADD, ONE), called("t2", ADD, TWO, 1)
    mixed = [event for pair in zip(one, two, strict=True) for event in pair]
    assert ask(lasting, bedrock, turn_of(mixed, stop="tool_use"))[0] == 200
    assert sorted(it["a"] for it in arguments(gateway)) == [1, 3]


@pytest.mark.parametrize("reason", ["end_turn", "stop_sequence", "tool_use"])
def test_a_turn_with_a_call_makes_it_whatever_reason_it_gives(
    lasting: TestClient, bedrock: FakeBedrock, gateway: FakeGateway, reason: str
) -> None:  # strands-agents/harness-sdk#1810
    turn = turn_of(block({"text": "I add."}), called("t1", ADD, ONE, 1), stop=reason)
    assert ask(lasting, bedrock, turn) == (200, 'The tool said: {"result": 3}')


@pytest.mark.parametrize(
    "blocks",
    [[], [block({"text": "I add."})], [called("t1", "", ONE)], [called("t1", ADD, ONE)[:2]]],
    ids=["nothing", "text", "a call without a name", "a call without its end"],
)
def test_a_call_that_is_announced_and_not_made_is_no_answer(
    lasting: TestClient, bedrock: FakeBedrock, gateway: FakeGateway, blocks: list[list[Event]]
) -> None:  # strands-rl/strands-env#252, earendil-works/pi#9681
    assert ask(lasting, bedrock, turn_of(*blocks, stop="tool_use")) == (502, "model_failed")
    assert len(bedrock.requests) == 1


@pytest.mark.parametrize(
    "name", ["$READFILE", f"{ADD}<|channel|>commentary", 'add" />\n<invoke name="x', "search.evidence", "a" * 200]
)
def test_a_name_that_bedrock_refuses_is_told_to_the_model(
    lasting: TestClient, bedrock: FakeBedrock, gateway: FakeGateway, name: str
) -> None:  # pydantic/pydantic-ai#4585, vercel/ai#10202, NousResearch/hermes-agent#90008
    assert ask(lasting, bedrock, turn_of(called("t1", name, ONE), stop="tool_use"))[0] == 200
    [told] = map(json.loads, bedrock.tool_results())
    assert told["status"] == "error"
    assert arguments(gateway) == []


@pytest.mark.parametrize("text", ["", " ", "\n\n"])
def test_blank_text_before_a_call(lasting: TestClient, bedrock: FakeBedrock, text: str) -> None:
    # strands-agents/harness-sdk#3029, langchain-ai/langchainjs#8618, aws/bedrock-agentcore-sdk-python#185
    turn = turn_of(block({"text": text}), called("t1", ADD, ONE, 1), stop="tool_use")
    assert ask(lasting, bedrock, turn) == (200, 'The tool said: {"result": 3}')


REASONING = {
    "signed": ([{"text": "hm"}, {"signature": "c2ln"}], {"reasoningText": {"text": "hm", "signature": "c2ln"}}),
    "redacted": ([{"redactedContent": "YWJj"}], {"redactedContent": "YWJj"}),
}


@pytest.mark.parametrize("case", REASONING)
def test_reasoning_goes_back_as_it_came(lasting: TestClient, bedrock: FakeBedrock, case: str) -> None:
    deltas, whole = REASONING[case]
    reasoning = block(*({"reasoningContent": delta} for delta in deltas))
    assert ask(lasting, bedrock, turn_of(reasoning, called("t1", ADD, ONE, 1), stop="tool_use"))[0] == 200
    assert bedrock.requests[1]["messages"][1]["content"][0] == {"reasoningContent": whole}


def test_an_answer_with_its_sources_is_an_answer(lasting: TestClient, bedrock: FakeBedrock) -> None:
    """strands-agents/harness-sdk#1489."""
    source = {"title": "Atlas", "location": {"web": {"url": "https://example.com"}}}
    turn = turn_of(block({"text": "Paris."}, {"citation": source}), block({"text": " Yes."}), stop="end_turn")
    assert ask(lasting, bedrock, turn) == (200, "Paris. Yes.")
