"""Every fault of the model: an answer of the contract within the bounds, and a process that goes on."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import pytest
from botocore.eventstream import EventStream
from starlette.testclient import TestClient

from tests.agent import fake_bedrock as faults
from tests.agent.fake_bedrock import FakeBedrock, Fault

CALLS = "call math___add_numbers"
INTERNAL = ("arn:", "iam", "http", "127.0.0.1", "Exception", "botocore", "bedrock", "Traceback", "html")


def ask(agent: TestClient, prompt: str) -> tuple[int, str]:
    answer = agent.post("/invocations", json={"prompt": prompt})
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
    "throttled in the stream": (faults.throttled_in_stream, 503, "model_throttled"),
    "cut off": (faults.cut_off, 502, "model_failed"),
    "ended early": (faults.ended_early, 502, "model_failed"),
    "not a stream": (faults.garbage, 502, "model_failed"),
    "out of tokens": (faults.out_of_tokens, 502, "answer_too_long"),
}


SILENT: dict[str, tuple[Fault, int, str]] = {
    "silent": (faults.silence, 504, "model_timeout"),
    "silent in the stream": (faults.silent_stream, 504, "model_timeout"),
}


@pytest.mark.parametrize("case", SILENT)
def test_a_silent_model(hasty: TestClient, bedrock: FakeBedrock, case: str) -> None:
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


@pytest.mark.parametrize("case", ["throttled", "unavailable", "internal", "throttled in the stream"])
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


@pytest.mark.parametrize("fault", [faults.silence, faults.silent_stream])
def test_an_invocation_ends_at_its_deadline(
    serve: Callable[..., TestClient], bedrock: FakeBedrock, fault: Fault
) -> None:
    agent = serve(invocation_seconds=2.0, model_seconds=10.0)
    # The first invocation makes clients and connections: on a busy machine its time may be over before it asks a model.
    assert ask(agent, "hello") == (200, "You said: hello")
    bedrock.inject(fault)
    assert ask(agent, "hello") == (504, "deadline_exceeded")
    assert ask(agent, "hello") == (200, "You said: hello")


def test_silent_models_do_not_use_up_the_threads(serve: Callable[..., TestClient], bedrock: FakeBedrock) -> None:
    agent = serve(invocation_seconds=2.5)
    with agent, ThreadPoolExecutor(20) as threads:
        assert ask(agent, "hello") == (200, "You said: hello")
        bedrock.inject(faults.silence, times=20)
        answers = list(threads.map(lambda _: ask(agent, "hello"), range(20)))
        assert answers == [(504, "deadline_exceeded")] * 20
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
