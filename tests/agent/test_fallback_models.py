"""An agent with several models: which of them answers, and when another one may."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.agent import fake_bedrock as faults
from tests.agent.conftest import HASTY, PATIENT
from tests.agent.fake_bedrock import FakeBedrock, Fault
from tests.agent.fake_gateway import NUMBERS, TOOLS, FakeGateway
from tests.agent.test_model_faults import ask

FIRST = PATIENT["model_id"]
SECOND, THIRD = "us.amazon.nova-pro-v1:0", "meta.llama3-3-70b-instruct-v1:0"
THROTTLED, DENIED = faults.refusal("ThrottlingException", 429), faults.refusal("AccessDeniedException", 403)
INVALID, AWAY = faults.refusal("ValidationException", 400), faults.refusal("ServiceUnavailableException", 503)


@pytest.fixture
def agent(serve: Callable[..., TestClient]) -> TestClient:
    return serve(fallback_model_ids=(SECOND,))


def logged(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, Any]]:
    return [vars(record)["fields"] for record in caplog.records if record.getMessage() == event]


# What each does, and how often the first model was asked before the second one.
CAUSES: dict[str, tuple[Fault, int, str]] = {
    "throttled": (THROTTLED, 2, "model_throttled"),
    "throttled in the stream": (faults.throttled_in_stream, 2, "model_throttled"),
    "unavailable": (AWAY, 1, "model_unavailable"),
    "a proxy's error": (faults.html(502), 1, "model_unavailable"),
    "slow": (faults.refusal("ModelTimeoutException", 408), 1, "model_timeout"),
    "denied": (DENIED, 1, "model_refused"),
    "no such model": (faults.refusal("ResourceNotFoundException", 404), 1, "model_refused"),
    "invalid": (INVALID, 1, "model_refused"),
    "no stream": (faults.garbage, 1, "model_failed"),
    "broken off before a word": (faults.in_the_stream("modelStreamErrorException"), 1, "model_failed"),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_a_model_that_gives_no_answer_is_followed_by_the_next(
    agent: TestClient, bedrock: FakeBedrock, caplog: pytest.LogCaptureFixture, cause: str
) -> None:
    caplog.set_level(logging.INFO, "agent")
    fault, times, code = CAUSES[cause]
    bedrock.inject(fault, times)
    assert ask(agent, "hello") == (200, "You said: hello")
    assert bedrock.models == [FIRST] * times + [SECOND]
    assert logged(caplog, "model_fallback") == [{"from": FIRST, "to": SECOND, "code": code}]
    [line] = logged(caplog, "invocation")
    assert (line["model_id"], line["code"]) == (SECOND, "success")


def test_a_model_that_is_silent_is_followed_by_the_next(serve: Callable[..., TestClient], bedrock: FakeBedrock) -> None:
    agent = serve(fallback_model_ids=(SECOND,), model_seconds=HASTY)
    bedrock.inject(faults.silence)
    assert ask(agent, "hello") == (200, "You said: hello")
    assert bedrock.models == [FIRST, SECOND]


def test_a_throttled_model_that_answers_the_second_time_is_kept(agent: TestClient, bedrock: FakeBedrock) -> None:
    bedrock.inject(THROTTLED)
    assert ask(agent, "hello") == (200, "You said: hello")
    assert bedrock.models == [FIRST, FIRST]


@pytest.mark.parametrize("fault", [faults.throttled_after_text, faults.cut_off, faults.ended_early])
def test_nothing_that_was_heard_is_said_again_by_another(agent: TestClient, bedrock: FakeBedrock, fault: Fault) -> None:
    bedrock.inject(fault)
    with agent.stream("POST", "/invocations", json={"prompt": "hello", "stream": True}) as answer:
        events = [json.loads(line.removeprefix("data: ")) for line in answer.iter_lines() if line.startswith("data: ")]
    assert events[0] == {"text": "You s"}
    assert events[-1]["status"] == "error"
    assert bedrock.models == [FIRST]


def test_no_tool_is_called_with_what_a_model_broke_off(
    agent: TestClient, bedrock: FakeBedrock, gateway: FakeGateway
) -> None:
    async def broken_call(events: list[faults.Event]) -> Any:
        return await faults.ended_early([*events[:1], events[2]])

    bedrock.inject(broken_call)
    assert ask(agent, "call math___add_numbers") == (502, "model_failed")
    assert bedrock.models == [FIRST]
    assert "tools/call" not in gateway.requests


def test_where_none_answers_the_last_ones_fault_is_the_answers(
    serve: Callable[..., TestClient], bedrock: FakeBedrock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "agent")
    agent = serve(fallback_model_ids=(SECOND, THIRD))
    bedrock.inject(INVALID)
    bedrock.inject(faults.refusal("ModelTimeoutException", 408))
    bedrock.inject(DENIED)
    assert ask(agent, "hello") == (502, "model_refused")
    assert bedrock.models == [FIRST, SECOND, THIRD]
    assert [(it["from"], it["to"]) for it in logged(caplog, "model_fallback")] == [(FIRST, SECOND), (SECOND, THIRD)]
    [line] = logged(caplog, "invocation")
    assert "model_id" not in line


def test_where_waiting_may_help_all_are_asked_twice_and_no_more(agent: TestClient, bedrock: FakeBedrock) -> None:
    bedrock.inject(AWAY, times=20)
    assert ask(agent, "hello") == (503, "model_unavailable")
    assert sorted(bedrock.models) == sorted([FIRST, SECOND] * 2)
    bedrock.heal()
    bedrock.models.clear()
    bedrock.inject(THROTTLED, times=20)
    assert ask(agent, "hello") == (503, "model_throttled")
    assert len(bedrock.models) == 6


@pytest.mark.parametrize("fault", [AWAY, DENIED, faults.refusal("ModelTimeoutException", 408)])
def test_a_model_that_failed_is_asked_last_for_a_while(
    agent: TestClient, bedrock: FakeBedrock, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    bedrock.inject(fault)
    for _ in range(2):
        assert ask(agent, "call math___add_numbers")[0] == 200
    assert bedrock.models == [FIRST, *[SECOND] * 4]
    bedrock.inject(AWAY)
    assert ask(agent, "hello")[0] == 200  # the first one is asked after the other, not never
    assert bedrock.models[5:] == [SECOND, FIRST]
    monkeypatch.setattr("model.fallback.REMEMBERED_SECONDS", 0)
    assert ask(agent, "hello")[0] == 200
    assert bedrock.models[7:] == [FIRST]


def test_what_one_request_holds_decides_nothing_for_others(agent: TestClient, bedrock: FakeBedrock) -> None:
    bedrock.inject(INVALID)
    assert ask(agent, "hello")[0] == 200
    assert ask(agent, "hello")[0] == 200
    assert bedrock.models == [FIRST, SECOND, FIRST]


def test_what_is_heard_of_two_models_in_one_invocation(agent: TestClient, bedrock: FakeBedrock) -> None:
    """The first one asks for the tool, the second one answers: usage names who answered."""
    bedrock.inject(faults.whole)
    bedrock.inject(AWAY)
    with agent.stream("POST", "/invocations", json={"prompt": "call math___add_numbers", "stream": True}) as answer:
        final = json.loads([line for line in answer.iter_lines() if line][-1].removeprefix("data: "))
    assert bedrock.models == [FIRST, FIRST, SECOND]
    assert final["usage"] == {"turns": 2, "input_tokens": 20, "output_tokens": 10, "model_id": SECOND}


def test_a_tool_that_another_model_would_refuse_is_left_out_for_that_one_only(
    agent: TestClient, bedrock: FakeBedrock, gateway: FakeGateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "agent")
    closed = {**NUMBERS, "additionalProperties": False}
    gateway.tools = [*TOOLS, {"name": "math___closed", "description": "Odd.", "inputSchema": closed}]
    ask(agent, "hello")
    offered = [tool["toolSpec"]["name"] for tool in bedrock.requests[0]["toolConfig"]["tools"]]
    assert offered == [*TOOLS, "math___closed"]
    for _ in range(2):
        bedrock.inject(INVALID)
        assert ask(agent, "hello")[0] == 200
    names = [tool["toolSpec"]["name"] for tool in bedrock.requests[-1]["toolConfig"]["tools"]]
    assert bedrock.models[-1] == SECOND
    assert names == TOOLS
    assert not bedrock.refused
    reason = f"for {SECOND}: Nova takes type, properties and required at the top of a schema, not additionalProperties"
    assert logged(caplog, "tool_left_out") == [{"tool": "math___closed", "reason": reason}]


def test_alone_a_model_is_asked_as_before(serve: Callable[..., TestClient], bedrock: FakeBedrock) -> None:
    bedrock.inject(AWAY, times=9)
    assert ask(serve(), "hello") == (503, "model_unavailable")
    assert bedrock.models == [FIRST] * 3
