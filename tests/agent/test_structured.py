"""An answer as data: what of a schema is taken, what the model is told, and what comes of it."""

import json
import logging
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given as each
from hypothesis import settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from starlette.responses import JSONResponse, Response
from starlette.testclient import TestClient

import answer_schema
import structured
from tests.agent import fake_bedrock as faults
from tests.agent.conftest import PATIENT
from tests.agent.fake_bedrock import FakeBedrock, Fault
from tests.agent.fake_gateway import FakeGateway
from tests.agent.test_fallback_models import logged

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"sum": {"type": "number"}, "kind": {"enum": [1, 2]}},
    "required": ["sum"],
    "additionalProperties": False,
}
CALL = "call math___add_numbers"
VALUES = st.recursive(
    st.none() | st.booleans() | st.sampled_from([0, 1, 1.0, 0.5, "", "a", "1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
    max_leaves=8,
)
CLAUDE = PATIENT["model_id"]


def given(data: Any, name: str = answer_schema.TOOL) -> Fault:
    """The model gives this as data."""
    text = data if isinstance(data, str) else json.dumps(data)
    return faults.answering(faults.turn_of(faults.called("tooluse_data", name, text), stop="tool_use"))


def post(agent: TestClient, schema: Any = SCHEMA, **more: Any) -> tuple[int, Any]:
    answer = agent.post("/invocations", json={"prompt": CALL, "schema": schema, **more})
    return answer.status_code, answer.json()


def say(bedrock: FakeBedrock, *turns: Fault) -> None:
    """The model calls the tool and answers, then gives these turns."""
    bedrock.inject(faults.whole, times=2)
    for turn in turns:
        bedrock.inject(turn)


def test_an_answer_is_text_and_data(lasting: TestClient, bedrock: FakeBedrock) -> None:
    say(bedrock, given({"sum": 112, "kind": 2}))
    said = {"status": "success", "response": 'The tool said: {"result": 112}', "stop_reason": "end_turn"}
    assert post(lasting) == (200, {**said, "data": {"sum": 112, "kind": 2}})
    asked = bedrock.requests[2]
    [tool] = asked["toolConfig"]["tools"]
    assert tool["toolSpec"]["inputSchema"]["json"] == SCHEMA
    assert asked["toolConfig"]["toolChoice"] == {"tool": {"name": answer_schema.TOOL}}
    # The whole conversation, and one message more.
    assert asked["messages"][:3] == bedrock.requests[1]["messages"]
    assert [message["role"] for message in asked["messages"]] == ["user", "assistant", "user", "assistant", "user"]
    assert not bedrock.refused


def test_a_stream_ends_with_the_data(
    lasting: TestClient, bedrock: FakeBedrock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "agent")
    say(bedrock, given({"sum": 112}))
    body = {"prompt": CALL, "schema": SCHEMA, "stream": True}
    with lasting.stream("POST", "/invocations", json=body) as answer:
        events = [json.loads(line.removeprefix("data: ")) for line in answer.iter_lines() if line.startswith("data: ")]
    usage = {"turns": 3, "input_tokens": 30, "output_tokens": 15}
    assert events[-1] == {"status": "success", "stop_reason": "end_turn", "data": {"sum": 112}, "usage": usage}
    assert "".join(event.get("text", "") for event in events) == 'The tool said: {"result": 112}'
    [line] = logged(caplog, "invocation")
    assert [tool["name"] for tool in line["tools"]] == ["math___add_numbers"]


def test_what_was_left_out_to_get_the_data_stays_in_the_conversation(
    serve: Callable[..., TestClient], bedrock: FakeBedrock, gateway: FakeGateway
) -> None:
    agent, long = serve(), "a" * 5_000

    async def answer(message: dict[str, Any]) -> Response:
        result = {"content": [{"type": "text", "text": long}]}
        return JSONResponse({"jsonrpc": "2.0", "id": message["id"], "result": result})

    gateway.inject("tools/call", answer)
    say(bedrock, faults.invalid("Input is too long for requested model."), given({"sum": 112}))
    session = {"X-Amzn-Bedrock-AgentCore-Runtime-Session-Id": "s"}
    said = agent.post("/invocations", json={"prompt": CALL, "schema": SCHEMA}, headers=session)
    assert said.json()["data"] == {"sum": 112}
    assert long not in json.dumps(bedrock.requests[3]["messages"][2])
    agent.post("/invocations", json={"prompt": "hello"}, headers=session)
    assert long in json.dumps(bedrock.requests[4]["messages"][2])


def test_the_largest_schema_has_room_beside_the_longest_prompt(
    serve: Callable[..., TestClient], bedrock: FakeBedrock
) -> None:
    agent = serve(prompt_characters=30)
    say(bedrock, given({}))
    schema = {"type": "object", "description": "a" * 19_900}
    assert post(agent, schema)[1]["data"] == {}


def test_without_a_schema_nothing_is_asked_for(lasting: TestClient, bedrock: FakeBedrock) -> None:
    answer = lasting.post("/invocations", json={"prompt": CALL}).json()
    assert "data" not in answer
    assert len(bedrock.requests) == 2


WRONG = {
    "a wrong type": ({"sum": "many"}, "$.sum: 'many' is not of type 'number'"),
    "something missing": ({}, "'sum' is a required property"),
    "something more": ({"sum": 1, "other": 2}, "'other' was unexpected"),
    "no JSON": ('{"sum": ', "is not valid JSON"),
}


@pytest.mark.parametrize("case", WRONG)
def test_the_model_may_mend_what_does_not_fit_once(lasting: TestClient, bedrock: FakeBedrock, case: str) -> None:
    wrong, says = WRONG[case]
    say(bedrock, given(wrong), given({"sum": 112}))
    assert post(lasting)[1]["data"] == {"sum": 112}
    [result] = [block["toolResult"] for block in bedrock.requests[3]["messages"][-1]["content"]]
    assert result["status"] == "error"
    assert says in result["content"][0]["text"]
    assert len(bedrock.requests) == 4


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit_twice_is_a_fault(
    lasting: TestClient, bedrock: FakeBedrock, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "agent")
    say(bedrock, *[given(WRONG[case][0])] * 2, given({"sum": 112}))
    status, said = post(lasting)
    assert (status, said["error"]["code"]) == (502, "answer_invalid")
    assert len(bedrock.requests) == 4
    bedrock.heal()
    assert lasting.post("/invocations", json={"prompt": "hello"}).json()["response"] == "You said: hello"


@pytest.mark.parametrize(
    ("turns", "code"),
    [
        ((given({"sum": 1}, "math___add_numbers"), given({"sum": 1}, "other")), "answer_invalid"),
        ((faults.answering(faults.turn_of(faults.block({"text": '{"sum": 1}'}), stop="end_turn")),), "answer_invalid"),
        ((faults.refusal("ValidationException", 400),), "model_refused"),
        ((faults.refusal("ThrottlingException", 429),) * 3, "model_throttled"),
        ((faults.stopped("guardrail_intervened"),), "answer_filtered"),
        ((faults.stopped("max_tokens"),), "answer_too_long"),
        ((faults.ended_early,), "model_failed"),
    ],
)
def test_a_model_that_gives_no_data(
    lasting: TestClient, bedrock: FakeBedrock, turns: tuple[Fault, ...], code: str
) -> None:
    say(bedrock, *turns)
    assert post(lasting)[1]["error"]["code"] == code


def test_a_throttled_model_is_asked_again(lasting: TestClient, bedrock: FakeBedrock) -> None:
    say(bedrock, faults.refusal("ThrottlingException", 429), given({"sum": 112}))
    assert post(lasting)[0] == 200


def test_another_model_gives_the_data(serve: Callable[..., TestClient], bedrock: FakeBedrock) -> None:
    other = "us.anthropic.claude-opus-4-8"
    agent = serve(fallback_model_ids=(other,))
    say(bedrock, faults.refusal("ServiceUnavailableException", 503), given({"sum": 112}))
    assert post(agent)[1]["data"] == {"sum": 112}
    assert bedrock.models[-1] == other
    assert bedrock.requests[-1]["toolConfig"] == bedrock.requests[-2]["toolConfig"]


def nested(depth: int) -> Any:
    return {"type": "object", "properties": {"a": nested(depth - 1)}} if depth else {"type": "string"}


def beside(schema: Any) -> dict[str, Any]:
    """A schema with another one where JSON Schema knows of none, and a reference to it."""
    return {"type": "object", "properties": {"a": {"$ref": "#/x-beside"}}, "x-beside": schema}


REFUSED: dict[str, tuple[Any, str]] = {
    "a list": ([], "must be a JSON object"),
    "null": (None, "must be a JSON object"),
    "a text": ("object", "must be a JSON object"),
    "no type": ({}, "its schema's type is None, and must be object"),
    "not an object": ({"type": "array", "items": {}}, "must be object"),
    "no schema": ({"type": "object", "properties": []}, "must be a map of schemas"),
    "too deep": (nested(70), "schemas deep"),
    "too large": ({"type": "object", "description": "a" * 20_000}, "the most is 20000"),
    "elsewhere": ({"type": "object", "properties": {"a": {"$ref": "https://example.com/s.json"}}}, "refers to"),
    "at the top": ({"type": "object", "anyOf": [{}]}, "Claude takes no anyOf at the top"),
    "half a pair": ({"type": "object", "description": "\ud800"}, "no JSON"),
    "a pattern": ({"type": "object", "properties": {"a": {"pattern": "(a+)+$"}}}, "/properties/a/pattern"),
    "patterns": ({"type": "object", "patternProperties": {}}, "/patternProperties"),
    "a dynamic reference": ({"type": "object", "properties": {"a": {"$dynamicRef": "#b"}}}, "Write $ref"),
    "another base": ({"type": "object", "$defs": {"a": {"$id": "https://a.example/"}}}, "Remove it"),
    "another draft": (
        {"type": "object", "$defs": {"a": {"$schema": "http://json-schema.org/draft-07/schema#"}}},
        "top",
    ),
    "unevaluated": ({"type": "object", "unevaluatedProperties": False}, "additionalProperties"),
    "dependencies": ({"type": "object", "dependencies": {"a": {"$anchor": "b"}}}, "dependentSchemas"),
    "a pattern in an example": (beside({"pattern": "(a+)+$"}), "#/x-beside, where no schema stands"),
    "another draft in an example": (beside({"$schema": "http://json-schema.org/draft-07/schema#"}), "no schema stands"),
    "a reference to a map of schemas": (
        {"type": "object", "$defs": {"type": {}}, "properties": {"a": {"$ref": "#/$defs"}}},
        "#/$defs, where no schema stands",
    ),
    "a reference to an example by way of a schema": (
        {**beside({"pattern": "(a+)+$"}), "$defs": {"a": {"$ref": "#/x-beside"}}, "properties": {}},
        "#/x-beside, where no schema stands",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_schema_that_cannot_be_asked_for(lasting: TestClient, bedrock: FakeBedrock, case: str) -> None:
    schema, says = REFUSED[case]
    body = json.dumps({"prompt": "hello", "schema": schema})
    answer = lasting.post("/invocations", content=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")
    assert says in answer.json()["error"]["message"]
    assert not bedrock.requests


@pytest.mark.parametrize("depth", [900, 5_000, 100_000])
def test_a_schema_without_a_bottom(lasting: TestClient, bedrock: FakeBedrock, depth: int) -> None:
    body = '{"prompt": "hello", "schema": {"type": "object", "not": ' + '{"not":' * depth + "{}" + "}" * (depth + 2)
    answer = lasting.post("/invocations", content=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")
    assert not bedrock.requests


def test_what_one_of_its_models_refuses_is_refused(serve: Callable[..., TestClient], bedrock: FakeBedrock) -> None:
    agent = serve(fallback_model_ids=("us.amazon.nova-pro-v1:0",))
    status, said = post(agent)
    assert status == 400
    assert "Nova takes type, properties and required" in said["error"]["message"]
    assert not bedrock.requests


TAKEN: list[dict[str, Any]] = [
    {"type": "object", "$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://a.example/s"},
    {"type": "object", "title": "A", "$defs": {"a": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/a"}}},
    {"type": "object", "properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}}},
    {"type": "object", "properties": {"a": {"type": "array", "items": {"$ref": "#"}}}},
    {
        "type": "object",
        "$defs": {"a": {"$anchor": "b"}, "c": {"$ref": "#b"}},
        "properties": {"a": {"$ref": "#/$defs/c"}},
    },
    {"type": "object", "$defs": {"a/b~": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/a~1b~0"}}},
    {"type": "object", "properties": {"pattern": {"type": "string"}, "a": {"const": {"pattern": 1, "$id": 2}}}},
]


@pytest.mark.parametrize("schema", TAKEN)
def test_a_schema_that_can(schema: dict[str, Any]) -> None:
    assert answer_schema.fault(schema, [CLAUDE]) == ""
    assert structured.problems(schema, {}) == []


def test_the_check_is_of_the_drafts_own_words() -> None:
    schema = {**TAKEN[0], "properties": {"a": {"type": ["string", "null"], "maxLength": 2}}, "minProperties": 1}
    assert structured.problems(schema, {"a": None}) == []
    assert structured.problems(schema, {"a": "abc"}) == ["$.a: 'abc' is too long"]
    assert structured.problems(schema, {}) == ["$: {} should be non-empty"]
    tree = TAKEN[3]
    assert structured.problems(tree, {"a": [{"a": []}]}) == []
    assert structured.problems(tree, {"a": [{"a": 1}]}) == ["$.a[0].a: 1 is not of type 'array'"]


def doubling(keyword: str, steps: int) -> dict[str, Any]:
    """A small schema whose check takes 2 to the power of `steps`."""
    levels = {f"l{n}": {keyword: [{"$ref": f"#/$defs/l{n + 1}"}] * 2} for n in range(steps)}
    last = {f"l{steps}": {"type": "object", "required": ["never"]}}
    return {"type": "object", "$defs": levels | last, "properties": {"a": {"$ref": "#/$defs/l0"}}}


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf", "allOf"])
@pytest.mark.parametrize("draft", [None, "https://json-schema.org/draft/2020-12/schema"])
def test_no_schema_makes_a_check_without_end(keyword: str, draft: str | None) -> None:
    schema = doubling(keyword, 40) | ({"$schema": draft} if draft else {})
    assert answer_schema.fault(schema, [CLAUDE]) == ""
    [said] = structured.problems(schema, {"a": {}})[:1]
    assert said.startswith(("The check takes too long", "$.a:"))
    assert answer_schema.fault(doubling(keyword, 3), [CLAUDE]) == ""


TOO_LONG = ["The check takes too long: the data is too large, or the schema too intricate."]
LONG_LIST = {"type": "object", "properties": {"a": {"type": "array", "items": {"enum": [*range(3_300)]}}}}


@pytest.mark.parametrize(
    ("schema", "data"),
    [
        (LONG_LIST, [3_299] * 100_000),
        (doubling("anyOf", 40) | {"properties": {"a": {"items": {"$ref": "#/$defs/l0"}}}}, [["a" * 100_000]]),
    ],
)
def test_no_data_makes_a_check_without_end(schema: dict[str, Any], data: Any) -> None:
    began = time.thread_time()
    assert answer_schema.fault(schema, [CLAUDE]) == ""
    assert structured.problems(schema, {"a": data}) == TOO_LONG
    assert time.thread_time() - began < 10 * structured.MOST_SECONDS


def test_what_is_there_once_is_found_in_one_pass() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "array", "uniqueItems": True}}}
    many = [{"x": n, "y": [n]} for n in range(30_000)]
    assert structured.problems(schema, {"a": many}) == []
    [said] = structured.problems(schema, {"a": [*many, {"y": [7.0], "x": 7}]})
    assert said.endswith("has items that are there twice")
    assert structured.problems({**schema, "properties": {"a": {"uniqueItems": False}}}, {"a": [1, 1]}) == []


@settings(max_examples=300, deadline=None)
@each(st.lists(VALUES, max_size=5) | VALUES)
def test_what_is_there_once_is_what_the_draft_says(data: Any) -> None:
    schema = {"uniqueItems": True}
    assert (structured.problems(schema, data) == []) == Draft202012Validator(schema).is_valid(data)


def test_a_number_too_large_for_the_check_does_not_fit() -> None:
    schema = {"type": "object", "properties": {"a": {"multipleOf": 0.1}}}
    assert structured.problems(schema, {"a": 10**400}) == TOO_LONG


def test_a_long_row_of_references_is_followed_once() -> None:
    """Each leads to the next, and the last one to a schema: looked at at the edge, where everything else waits."""
    row = {str(n): {"$ref": f"#/$defs/{n + 1}"} for n in range(600)} | {"600": {"type": "string"}}
    began = time.thread_time()
    assert answer_schema.fault({"type": "object", "$defs": row}, [CLAUDE]) == ""
    assert time.thread_time() - began < 0.2


@pytest.mark.parametrize("loop", [{"allOf": [{"$ref": "#/$defs/a"}]}, {"anyOf": [{"$ref": "#/$defs/a"}, {}]}])
def test_a_schema_that_is_itself_ends(loop: dict[str, Any]) -> None:
    schema = {"type": "object", "$defs": {"a": loop}, "properties": {"a": {"$ref": "#/$defs/a"}}}
    assert structured.problems(schema, {"a": 1}) == TOO_LONG


def test_nothing_is_fetched_for_a_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """The edge refuses such a reference; the check itself must not follow one either."""
    monkeypatch.setattr("urllib.request.urlopen", lambda *_: pytest.fail("fetched"))
    with pytest.raises(Exception, match="Unresolvable"):
        structured.problems({"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1:1/s"}}}, {"a": 1})
