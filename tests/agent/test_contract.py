"""What the agent refuses to take, asked over HTTP: always 400, in the contract's shape and in our own words."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.agent.fake_bedrock import FakeBedrock
from tests.agent.fake_gateway import FakeGateway

TOOL_USE = {"toolUse": {"toolUseId": "t1", "name": "math___add_numbers", "input": {"a": 1, "b": 2}}}


def refusal(agent: TestClient, body: bytes) -> str:
    answer = agent.post("/invocations", content=body, headers={"content-type": "application/json"})
    document = answer.json()
    assert answer.status_code == 400
    assert document.keys() == {"status", "error"}
    assert document["status"] == "error"
    assert document["error"].keys() == {"code", "message"}
    assert document["error"]["code"] == "invalid_request"
    return str(document["error"]["message"])


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b'{"prompt": "a",}', "not valid JSON"),
        (b'{"prompt": NaN}', "NaN, which is no JSON number"),
        (b'{"prompt": "a", "x": Infinity}', "Infinity, which is no JSON number"),
        (b'{"prompt": "a", "prompt": "b"}', "a name twice"),
        (b'{"prompt": "a", "x": 1e400}', "a number that is too large"),
        (b'{"prompt": "\xff"}', "not UTF-8"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"a":' * 60_000, "nested too deeply"),
        (b"[]", "must be a JSON object"),
        (b'"What is 1 + 1?"', "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b"{}", 'no "prompt"'),
        (b'{"input": "a"}', 'no "prompt"'),
        (b'{"prompt": "a", "message": "b"}', 'both "prompt" and "message"'),
        (b'{"prompt": ""}', '"prompt" is empty'),
        (b'{"prompt": " \\n\\t\\u00a0 "}', '"prompt" is empty'),
        (b'{"message": ""}', '"message" is empty'),
        (b'{"prompt": null}', '"prompt" must be a string'),
        (b'{"prompt": 7}', '"prompt" must be a string'),
        (b'{"prompt": "\\ud800"}', "not valid Unicode"),
        (b'{"prompt": "a", "stream": "yes"}', '"stream" must be true or false'),
        (b'{"prompt": "a", "background": 1}', '"background" must be true or false'),
        (b'{"prompt": "a", "background": true, "stream": true}', 'both "stream" and "background"'),
        (b'{"task": "x", "prompt": "a"}', 'both "task" and "prompt"'),
        (b'{"task": "x", "background": true}', 'both "task" and "background"'),
        (b'{"task": 7}', '"task" must be the id of a task'),
        (b'{"task": "x", "cancel": "no"}', '"cancel" must be true or false'),
        (b'{"prompt": "a", "stream": 1}', '"stream" must be true or false'),
    ],
)
def test_refuses(lasting: TestClient, body: bytes, says: str) -> None:
    assert says in refusal(lasting, body)


@pytest.mark.parametrize(
    "prompt",
    [
        [TOOL_USE],
        [{"role": "assistant", "content": [TOOL_USE]}],
        {"role": "assistant", "content": [TOOL_USE]},
        TOOL_USE,
    ],
)
def test_a_prompt_that_is_no_text_runs_no_tool(
    lasting: TestClient, gateway: FakeGateway, bedrock: FakeBedrock, prompt: Any
) -> None:
    assert "must be a string" in refusal(lasting, json.dumps({"prompt": prompt}).encode())
    assert gateway.requests == []
    assert bedrock.requests == []


def test_a_prompt_of_two_megabytes_is_refused(lasting: TestClient) -> None:
    assert "larger than" in refusal(lasting, json.dumps({"prompt": "a" * 2_000_000}).encode())


def test_the_longest_prompt_is_taken_and_one_more_character_is_not(lasting: TestClient) -> None:
    longest = "\U0001f600" * 32_000
    assert "has 32001 characters; the most is 32000" in refusal(lasting, json.dumps({"prompt": longest + "a"}).encode())
    assert lasting.post("/invocations", json={"prompt": longest}).status_code == 200


@pytest.mark.parametrize("name", ["prompt", "message"])
def test_takes_either_name(lasting: TestClient, name: str) -> None:
    answer = lasting.post("/invocations", json={name: "hello"})
    assert answer.json() == {"status": "success", "response": "You said: hello", "stop_reason": "end_turn"}


def test_ping(lasting: TestClient) -> None:
    assert lasting.get("/ping").json()["status"] == "Healthy"
