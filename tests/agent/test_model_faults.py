"""Every fault of the model: an answer of the contract within the bounds, and a process that goes on."""

import copy
import json
import logging
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock

import botocore.session
import pytest
from bedrock_agentcore.runtime.models import SESSION_HEADER
from botocore.eventstream import EventStream
from starlette.testclient import TestClient

from tests.agent import fake_bedrock as faults
from tests.agent.conftest import HASTY
from tests.agent.fake_bedrock import FakeBedrock, Fault
from tests.agent.fake_gateway import FakeGateway
from tests.waiting import wait_until

CALLS = "call math___add_numbers"
INTERNAL = ("arn:", "iam", "http", "127.0.0.1", "Exception", "botocore", "bedrock", "Traceback", "html")


def ask(agent: TestClient, prompt: str, **headers: str) -> tuple[int, str]:
    answer = agent.post("/invocations", json={"prompt": prompt}, headers=headers)
    document = answer.json()
    if answer.status_code == 200:
        return 200, document["response"]
    assert not [word for word in INTERNAL if word in answer.text]
    return answer.status_code, document["error"]["code"]


CASES: dict[str, tuple[Fault, int, str]] = {
    "denied": (faults.refusal("AccessDeniedException", 403), 502, "model_refused"),
    "unknown model": (faults.refusal("ResourceNotFoundException", 404), 502, "model_refused"),
    "invalid": (faults.refusal("ValidationException", 400), 502, "model_refused"),
    "throttled": (faults.refusal("ThrottlingException", 429), 503, "model_throttled"),
    "unavailable": (faults.refusal("ServiceUnavailableException", 503), 503, "model_unavailable"),
    "internal": (faults.refusal("InternalServerException", 500), 503, "model_unavailable"),
    "unheard of": (faults.refusal("NewException", 500), 503, "model_unavailable"),
    "slow": (faults.refusal("ModelTimeoutException", 408), 504, "model_timeout"),
    "throttled by another name": (faults.refusal("TooManyRequestsException", 429), 503, "model_throttled"),
    "out of quota": (faults.refusal("ServiceQuotaExceededException", 400), 503, "model_throttled"),
    "busy in front of it": (faults.html(429), 503, "model_throttled"),
    "slow in front of it": (faults.html(408), 504, "model_timeout"),
    "away in front of it": (faults.html(502), 503, "model_unavailable"),
    **{
        f"{name} in the stream": (faults.in_the_stream(f"{name}Exception"), status, code)
        for name, status, code in (
            ("internalServer", 503, "model_unavailable"),
            ("serviceUnavailable", 503, "model_unavailable"),
            ("modelStreamError", 502, "model_failed"),
            ("validation", 502, "model_refused"),
            ("brandNew", 502, "model_failed"),
        )
    },
    "an error in the stream": (faults.error_in_the_stream, 502, "model_failed"),
    "throttled in the stream": (faults.throttled_in_stream, 503, "model_throttled"),
    "cut off": (faults.cut_off, 502, "model_failed"),
    "ended early": (faults.ended_early, 502, "model_failed"),
    "not a stream": (faults.garbage, 502, "model_failed"),
    "out of tokens": (faults.stopped("max_tokens"), 502, "answer_too_long"),
    "filtered": (faults.stopped("content_filtered"), 502, "answer_filtered"),
    "a guardrail": (faults.stopped("guardrail_intervened"), 502, "answer_filtered"),
    "out of context": (faults.stopped("model_context_window_exceeded"), 502, "model_overflow"),
    "malformed output": (faults.stopped("malformed_model_output"), 502, "model_failed"),
    "malformed tool use": (faults.stopped("malformed_tool_use"), 502, "model_failed"),
    "a new stop reason": (faults.stopped("a_new_one"), 502, "model_failed"),
}


# What Bedrock's models were seen to say of a conversation that is too long: strands-agents/harness-sdk#1663, #3969,
# mario-andreschak/FLUJO#291, gsd-build/gsd-2#5409; Nova says it in the stream.
OVERFLOWS = [
    "The model returned the following errors: prompt is too long: 208310 tokens > 200000 maximum",
    "Input is too long for requested model.",
    "The model returned the following errors: input length and `max_tokens` exceed context limit: 1 + 2 > 2",
    "The model returned the following errors: Input Tokens Exceeded: Number of input tokens exceeds maximum length. "
    "Please update the input to try again.",
    "This model's maximum context length is 202752 tokens. However, you requested 65536 output tokens",
    "Requested token count exceeds the model's maximum context length of 128000 tokens.",
    "Input length 301574 exceeds the maximum allowed input length of 262112 tokens.",
    "Your input exceeds the context window of this model. Please adjust your input and try again.",
]


@pytest.mark.parametrize("words", OVERFLOWS, ids=lambda words: words[:50])
@pytest.mark.parametrize("is_in_stream", [False, True])
def test_a_conversation_that_is_too_long(
    lasting: TestClient, bedrock: FakeBedrock, words: str, is_in_stream: bool
) -> None:
    fault = faults.in_the_stream("validationException", words) if is_in_stream else faults.invalid(words)
    bedrock.inject(fault, times=9)
    assert ask(lasting, "hello") == (502, "model_overflow")
    bedrock.heal()
    # What can be left out is what a tool returned: strands does, and asks again.
    large = json.dumps({"content": [{"type": "text", "text": "much " * 2_000}]})
    bedrock.inject(faults.whole)
    bedrock.inject(fault)
    status, said = ask(lasting, f"call math___return_content {large}")
    assert (status, len(said) < 5_000) == (200, True)


SILENT: dict[str, tuple[Fault, int, str]] = {
    "silent": (faults.silence, 504, "model_timeout"),
    "silent in the stream": (faults.silent_stream, 504, "model_timeout"),
}


@pytest.mark.parametrize("case", SILENT)
def test_a_silent_model(serve: Callable[..., TestClient], bedrock: FakeBedrock, case: str) -> None:
    hasty = serve(model_seconds=HASTY)
    bedrock.inject(SILENT[case][0])
    assert ask(hasty, "hello") == SILENT[case][1:]
    assert len(bedrock.requests) == 1
    assert ask(hasty, "hello") == (200, "You said: hello")


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("turn", [1, 2])
def test_a_model_that_fails(lasting: TestClient, bedrock: FakeBedrock, case: str, turn: int) -> None:
    fault, status, code = CASES[case]
    bedrock.inject(faults.whole, times=turn - 1)
    bedrock.inject(fault, times=5)
    assert ask(lasting, CALLS) == (status, code)
    bedrock.heal()
    assert ask(lasting, "hello") == (200, "You said: hello")


def test_every_stop_reason_is_judged(lasting: TestClient, bedrock: FakeBedrock) -> None:
    enum = botocore.session.get_session().get_service_model("bedrock-runtime").shape_for("StopReason").enum
    whole = set()
    for reason in set(enum) - {"tool_use"}:  # the end of a turn, not of an answer
        bedrock.inject(faults.stopped(reason))
        if ask(lasting, "hello")[0] == 200:
            whole.add(reason)
    assert whole == {"end_turn", "stop_sequence"}
    assert {"content_filtered", "malformed_tool_use"} < set(enum)


def test_an_answer_says_why_the_model_stopped(lasting: TestClient, bedrock: FakeBedrock) -> None:
    bedrock.inject(faults.stopped("stop_sequence"))
    for reason in ("stop_sequence", "end_turn"):
        answer = lasting.post("/invocations", json={"prompt": "hello"}).json()
        assert answer == {"status": "success", "response": "You said: hello", "stop_reason": reason}


@pytest.mark.parametrize("turn", [1, 2])
def test_no_answer_is_no_success(lasting: TestClient, bedrock: FakeBedrock, turn: int) -> None:
    bedrock.inject(faults.whole, times=turn - 1)
    bedrock.inject(faults.empty)
    assert ask(lasting, CALLS if turn == 2 else "hello") == (502, "answer_empty")


UNREADABLE = {
    '{"a": 1,': "is not valid JSON",
    "{'a': 1, 'b': 2}": "is not valid JSON",
    '{"a": 1, "b": 2} and more': "is not valid JSON",
    '{"a": 1, "b": 2, "a": 3}': "has a name twice in one object",
    '{"a": NaN, "b": 2}': "has NaN, which is no JSON number",
    '{"a": -Infinity, "b": 2}': "has -Infinity, which is no JSON number",
    '{"a": 1e400, "b": 2}': "has a number that is too large",
    '{"a": ' + "9" * 5000 + ', "b": 2}': "has a number that is too large",
    '{"a": ' + "[" * 10_000 + "]" * 10_000 + "}": "is nested too deeply",
    "[1, 2]": "is not a JSON object",
    "null": "is not a JSON object",
    '"a"': "is not a JSON object",
    '{"name": "\\ud800"}': "is not valid Unicode",
}


@pytest.mark.parametrize("written", UNREADABLE, ids=lambda text: text[:30])
def test_a_tool_is_called_as_the_model_wrote_or_not_at_all(
    lasting: TestClient, bedrock: FakeBedrock, gateway: FakeGateway, written: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "agent")
    said = f"The tool was not called: the text of its arguments {UNREADABLE[written]}. Write one JSON object."
    assert ask(lasting, f"{CALLS} {written}") == (200, f"The tool said: {said}")
    assert "tools/call" not in gateway.requests
    [line] = [vars(r)["fields"] for r in caplog.records if r.getMessage() == "invocation"]
    assert [tool["status"] for tool in line["tools"]] == ["invalid_arguments"]


@pytest.mark.parametrize("written", ["", " ", None])
def test_no_arguments_are_an_empty_object(
    lasting: TestClient, bedrock: FakeBedrock, gateway: FakeGateway, written: str | None
) -> None:
    def change(events: list[faults.Event]) -> None:
        delta = next(event for event in events if event[0] == "contentBlockDelta")
        if written is None:
            events.remove(delta)
        else:
            delta[1]["delta"]["toolUse"]["input"] = written

    bedrock.inject(faults.changed(change))
    ask(lasting, CALLS)
    assert "tools/call" in gateway.requests
    [use] = [block["toolUse"] for block in bedrock.requests[1]["messages"][1]["content"] if "toolUse" in block]
    assert use["input"] == {}


def test_arguments_that_come_in_pieces(lasting: TestClient, bedrock: FakeBedrock) -> None:
    def change(events: list[faults.Event]) -> None:
        at = next(index for index, event in enumerate(events) if event[0] == "contentBlockDelta")
        pieces = ['{"a": 1', "00, ", '"b": 1', "2}"]
        events[at : at + 1] = [
            ("contentBlockDelta", {"delta": {"toolUse": {"input": piece}}, "contentBlockIndex": 0}) for piece in pieces
        ]

    bedrock.inject(faults.changed(change))
    assert ask(lasting, CALLS) == (200, 'The tool said: {"result": 112}')


def test_one_unreadable_call_among_others(lasting: TestClient, bedrock: FakeBedrock, gateway: FakeGateway) -> None:
    def change(events: list[faults.Event]) -> None:
        start, delta, stop = (copy.deepcopy(event) for event in events[1:4])
        start[1]["start"]["toolUse"]["toolUseId"] = "broken"
        delta[1]["delta"]["toolUse"]["input"] = '{"a": 1'
        events[1:1] = [start, delta, stop]

    bedrock.inject(faults.changed(change))
    assert ask(lasting, CALLS)[0] == 200
    assert gateway.requests.count("tools/call") == 1
    assert "was not called" in bedrock.tool_results()[0]
    assert "112" in bedrock.tool_results()[1]


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths to everything in an answer's events; an event's name and content are not told apart from it."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if len(path) != 1:
            yield (*path, key)
        if isinstance(inner, dict | list | tuple):
            yield from _places(inner, (*path, key))


def _with(path: tuple[Any, ...], new: Any) -> Fault:
    """The answer with something else at this place; with nothing there if it is None."""

    def change(events: list[faults.Event]) -> None:
        holder: Any = events
        for step in path[:-1]:
            holder = holder[step]
        if new is None:
            del holder[path[-1]]
        else:
            holder[path[-1]] = new

    return faults.changed(change)


@pytest.mark.parametrize("prompt", ["hello", CALLS])
def test_what_the_models_endpoint_sends_wrongly_is_its_own_fault(
    lasting: TestClient, bedrock: FakeBedrock, prompt: str
) -> None:
    right: list[faults.Event] = []
    bedrock.inject(faults.changed(right.extend))
    ask(lasting, prompt)
    others: tuple[Any, ...] = (None, {}, [], "x", 7, 1.5)
    wrong = [(path, new) for path in _places(right) for new in (others if len(path) > 1 else [None])]
    answers = {}
    for path, new in wrong:
        bedrock.inject(_with(path, new))
        answers[path, repr(new)] = ask(lasting, prompt)
        bedrock.heal()
    assert len(answers) > 50
    assert {place: answer for place, answer in answers.items() if answer[0] == 500} == {}
    assert (502, "model_failed") in answers.values()


@pytest.mark.parametrize(
    "case", ["throttled", "unavailable", "internal", "throttled in the stream", "busy in front of it"]
)
def test_a_fault_that_passes_is_not_seen(lasting: TestClient, bedrock: FakeBedrock, case: str) -> None:
    bedrock.inject(CASES[case][0], times=2)
    assert ask(lasting, "hello") == (200, "You said: hello")
    assert len(bedrock.requests) == 3


@pytest.mark.parametrize("case", ["denied", "invalid", "cut off", "ended early"])
def test_a_fault_that_stays_is_not_tried_again(lasting: TestClient, bedrock: FakeBedrock, case: str) -> None:
    bedrock.inject(CASES[case][0], times=1)
    assert ask(lasting, "hello") == CASES[case][1:]
    assert len(bedrock.requests) == 1


@pytest.mark.parametrize("case", ["throttled in the stream", "cut off", "not a stream"])
def test_a_stream_that_fails_gives_its_connection_back(lasting: TestClient, bedrock: FakeBedrock, case: str) -> None:
    bedrock.inject(CASES[case][0], times=5)
    with mock.patch.object(EventStream, "close", autospec=True, side_effect=EventStream.close) as close:
        ask(lasting, "hello")
    assert close.call_count == len(bedrock.requests) > 0


def test_a_throttled_model_is_asked_three_times_in_all(lasting: TestClient, bedrock: FakeBedrock) -> None:
    bedrock.inject(CASES["throttled"][0], times=10)
    assert ask(lasting, "hello") == (503, "model_throttled")
    assert len(bedrock.requests) == 3


def test_a_model_that_is_away_for_a_while(lasting: TestClient, bedrock: FakeBedrock) -> None:
    bedrock.server.stop()
    try:
        assert ask(lasting, "hello") == (503, "model_unavailable")
    finally:
        bedrock.server.start()
    assert ask(lasting, "hello") == (200, "You said: hello")


def test_a_model_that_calls_tools_for_ever(lasting: TestClient, bedrock: FakeBedrock) -> None:
    assert ask(lasting, "loop math___add_numbers") == (502, "turn_limit")
    assert len(bedrock.requests) == 5


def get_ready(agent: TestClient) -> None:
    """The first invocation makes clients and connections: on a busy machine its time is over before it asks a model."""
    wait_until(lambda: ask(agent, "hello") == (200, "You said: hello"))


@pytest.mark.parametrize("fault", [faults.silence, faults.silent_stream])
def test_an_invocation_ends_at_its_deadline(
    serve: Callable[..., TestClient], bedrock: FakeBedrock, fault: Fault
) -> None:
    agent = serve(invocation_seconds=2.0, model_seconds=10.0)
    get_ready(agent)
    bedrock.inject(fault)
    assert ask(agent, "hello") == (504, "deadline_exceeded")
    assert ask(agent, "hello") == (200, "You said: hello")


def test_silent_models_do_not_use_up_the_threads(serve: Callable[..., TestClient], bedrock: FakeBedrock) -> None:
    agent = serve(invocation_seconds=2.5)
    with agent, ThreadPoolExecutor(20) as threads:
        get_ready(agent)
        bedrock.inject(faults.silence, times=20)
        # Requests of one session would wait for each other, and not for the model.
        answers = list(threads.map(lambda _: ask(agent, "hello", **{SESSION_HEADER: str(uuid.uuid4())}), range(20)))
        assert answers == [(504, "deadline_exceeded")] * 20
        bedrock.heal()  # on a busy machine some of them have not reached the model
        assert ask(agent, "hello") == (200, "You said: hello")


def test_a_refusal_is_diagnosed_in_the_log(
    lasting: TestClient, bedrock: FakeBedrock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "agent")
    for case in ("denied", "invalid"):
        bedrock.inject(CASES[case][0])
        lasting.post("/invocations", json={"prompt": "hello"})
    denied, invalid = [vars(r)["fields"] for r in caplog.records if r.getMessage() == "model_call_failed"]
    said = "arn:aws:iam::123456789012:role/secret is not allowed"
    assert denied == {"code": "model_refused", "aws_error": "AccessDeniedException", "reason": said}
    assert invalid == {"code": "model_refused", "aws_error": "ValidationException"}  # its words may quote the prompt
