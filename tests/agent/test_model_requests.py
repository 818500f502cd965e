"""What the agent's requests to its model say besides the conversation: the guardrail, and what is cached."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from model_ids import caches_prompts
from model_settings import Guardrail
from tests.agent import fake_bedrock as faults
from tests.agent.conftest import PATIENT
from tests.agent.fake_bedrock import FakeBedrock
from tests.agent.test_fallback_models import logged
from tests.agent.test_model_faults import ask

GUARDRAIL = Guardrail("arn:aws:bedrock:us-east-1:111122223333:guardrail/gr1", "3")
NOVA = "us.amazon.nova-pro-v1:0"
BLOCKED = "Sorry, the guardrail has blocked this: hunter2"


def test_every_request_goes_through_the_guardrail(serve: Callable[..., TestClient], bedrock: FakeBedrock) -> None:
    agent = serve(guardrail=GUARDRAIL, fallback_model_ids=(NOVA,))
    bedrock.inject(faults.whole)
    bedrock.inject(faults.refusal("AccessDeniedException", 403))
    assert ask(agent, "call math___add_numbers")[0] == 200
    assert bedrock.models[-1] == NOVA
    assert [body["guardrailConfig"] for body in bedrock.requests] == [
        {
            "guardrailIdentifier": GUARDRAIL.id,
            "guardrailVersion": "3",
            "trace": "disabled",
            "streamProcessingMode": "sync",
        }
    ] * 3


def test_without_one_no_request_names_any(serve: Callable[..., TestClient], bedrock: FakeBedrock) -> None:
    ask(serve(), "hello")
    assert "guardrailConfig" not in bedrock.requests[0]
    assert "cachePoint" not in json.dumps(bedrock.requests[0])


@pytest.mark.parametrize("turn", [1, 2])
def test_an_intervention_is_a_fault_and_says_nothing(
    serve: Callable[..., TestClient],
    bedrock: FakeBedrock,
    turn: int,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    agent = serve(guardrail=GUARDRAIL)
    bedrock.inject(faults.whole, times=turn - 1)
    bedrock.inject(faults.answering(faults.turn_of(faults.block({"text": BLOCKED}), stop="guardrail_intervened")))
    answer = agent.post("/invocations", json={"prompt": "call math___add_numbers"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "answer_filtered")
    [line] = logged(caplog, "invocation")
    assert line["code"] == "answer_filtered"
    ours = [f"{it.getMessage()} {vars(it).get('fields')}" for it in caplog.records if it.name == "agent"]
    assert "hunter2" not in answer.text + "".join(ours) + "".join(capfd.readouterr())


def cache_points(body: dict[str, Any]) -> list[str]:
    """Where a request has cache points."""
    places = []
    for name, blocks in (("tools", body.get("toolConfig", {}).get("tools", [])), ("system", body["system"])):
        places += [f"{name}.{at}" for at, it in enumerate(blocks) if "cachePoint" in it]
    for number, message in enumerate(body["messages"]):
        places += [f"messages.{number}.{at}" for at, it in enumerate(message["content"]) if "cachePoint" in it]
    return places


def test_tools_system_prompt_and_conversation_are_cached(
    serve: Callable[..., TestClient], bedrock: FakeBedrock
) -> None:
    agent = serve(prompt_caching=True)
    assert ask(agent, "call math___add_numbers")[0] == 200
    tools = len(bedrock.requests[0]["toolConfig"]["tools"])
    assert cache_points(bedrock.requests[0]) == [f"tools.{tools - 1}", "system.1", "messages.0.1"]
    assert cache_points(bedrock.requests[1]) == [f"tools.{tools - 1}", "system.1", "messages.2.1"]


def _told(read: int | None, written: int | None) -> faults.Fault:
    def change(events: list[faults.Event]) -> None:
        given = {"cacheReadInputTokens": read, "cacheWriteInputTokens": written}
        events[-1][1]["usage"] |= {name: value for name, value in given.items() if value is not None}

    return faults.changed(change)


def test_usage_adds_up_what_the_model_tells_of_its_cache(
    serve: Callable[..., TestClient], bedrock: FakeBedrock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "agent")
    agent = serve(prompt_caching=True)
    bedrock.inject(_told(0, 1500))
    bedrock.inject(_told(1500, 40))
    assert ask(agent, "call math___add_numbers")[0] == 200
    bedrock.inject(_told(7, None))
    assert ask(agent, "hello")[0] == 200
    lines = logged(caplog, "invocation")
    assert [(it.get("cache_read_tokens"), it.get("cache_write_tokens")) for it in lines] == [(1500, 1540), (7, None)]


@pytest.mark.parametrize(
    ("model_id", "reason"),
    [
        (NOVA, "takes no cache points"),
        ("arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/abcdef", "does not tell"),
    ],
)
def test_a_model_that_may_refuse_it_is_asked_without(
    serve: Callable[..., TestClient],
    bedrock: FakeBedrock,
    caplog: pytest.LogCaptureFixture,
    model_id: str,
    reason: str,
) -> None:
    caplog.set_level(logging.INFO, "agent")
    agent = serve(prompt_caching=True, fallback_model_ids=(model_id,))
    bedrock.inject(faults.refusal("AccessDeniedException", 403))
    assert ask(agent, "hello")[0] == 200
    assert [len(cache_points(body)) for body in bedrock.requests] == [3, 0]
    [line] = logged(caplog, "prompt_caching_left_out")
    assert line["model_id"] == model_id
    assert reason in line["reason"]


@pytest.mark.parametrize(
    ("model_id", "expected"),
    [
        (PATIENT["model_id"], True),
        ("anthropic.claude-3-5-haiku-20241022-v1:0", True),
        ("eu.anthropic.claude-3-7-sonnet-20250219-v1:0", True),
        ("arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.anthropic.claude-opus-4-8", True),
        ("anthropic.claude-3-haiku-20240307-v1:0", False),
        ("us.anthropic.claude-3-5-sonnet-20241022-v2:0", False),
        ("anthropic.claude-v2:1", False),
        ("anthropic.claude-instant-v1", False),
        (NOVA, False),
        ("us.deepseek.r1-v1:0", False),
        ("arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/abcdef", None),
    ],
)
def test_which_models_take_cache_points(model_id: str, expected: bool | None) -> None:
    assert caches_prompts(model_id) is expected
