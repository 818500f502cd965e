"""How each tool call ended, as the invocation's line in the log says it."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.agent import fake_gateway as faults
from tests.agent.conftest import HASTY
from tests.agent.fake_bedrock import FakeBedrock
from tests.agent.fake_gateway import FakeGateway, Fault
from tests.agent.test_service import invocation_lines


def returned(text: Any, **more: Any) -> str:
    """A prompt for a tool that returns this."""
    content = [{"type": "text", "text": text if isinstance(text, str) else json.dumps(text)}] if text else []
    return f"call math___return_content {json.dumps({'content': content, **more})}"


def statuses(agent: TestClient, prompt: str, caplog: pytest.LogCaptureFixture) -> list[str]:
    caplog.set_level(logging.INFO, "agent")
    agent.post("/invocations", json={"prompt": prompt})
    [line] = invocation_lines(caplog)
    return [tool["status"] for tool in line["tools"]]


FAILED = {"error": {"code": "out_of_stock", "message": "none left"}}


@pytest.mark.parametrize(
    ("prompt", "status"),
    [
        ("call math___add_numbers", "success"),
        ("call math___answer_an_error", "invalid_arguments"),
        ("call math___fail_secretly", "tool_failed"),
        ("call math___return_much", "result_too_large"),
        ("call math___add_numbers {", "invalid_arguments"),
        ("call math___of_yesterday", "unknown_tool"),
        (returned(FAILED), "out_of_stock"),
        (returned(json.dumps(FAILED, indent=2)), "out_of_stock"),
        (returned(None, structuredContent=FAILED), "out_of_stock"),
        # Data that only looks like it: a code is a word, and the error is all of the result's own.
        (returned({"error": {"code": "Ask hunter2 for it", "message": ""}}), "success"),
        (returned({"error": {"code": 7}}), "success"),
        (returned({"error": "out_of_stock"}), "success"),
        (returned([FAILED]), "success"),
        (returned({"orders": FAILED}), "success"),
        (returned('{"error": {"code": "out_of'), "success"),
        (returned('{"error": ' + "[" * 25_000), "success"),
    ],
)
def test_what_a_tool_said(lasting: TestClient, prompt: str, status: str, caplog: pytest.LogCaptureFixture) -> None:
    assert statuses(lasting, prompt, caplog) == [status]


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (faults.rpc_error, "tool_failed"),
        (faults.denied_by_policy, "tool_denied"),
        (faults.status(403), "gateway_refused"),
        (faults.status(429), "gateway_throttled"),
        (faults.cut, "gateway_unavailable"),
        (faults.silence, "tool_timeout"),
    ],
)
def test_what_the_gateway_said(
    serve: Callable[..., TestClient],
    gateway: FakeGateway,
    fault: Fault,
    status: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    agent = serve(tool_seconds=HASTY) if fault is faults.silence else serve()
    gateway.inject("tools/call", fault)
    assert statuses(agent, "call math___add_numbers", caplog) == [status]


def test_a_call_that_is_under_way_when_the_invocation_ends(
    serve: Callable[..., TestClient], gateway: FakeGateway, caplog: pytest.LogCaptureFixture
) -> None:
    agent = serve(invocation_seconds=2.0)
    agent.post("/invocations", json={"prompt": "hello"})  # opens the session
    caplog.clear()
    gateway.inject("tools/call", faults.silence)
    assert statuses(agent, "call math___add_numbers", caplog) == ["tool_cancelled"]


def test_an_unknown_name_that_is_none_is_content(
    lasting: TestClient, bedrock: FakeBedrock, caplog: pytest.LogCaptureFixture
) -> None:
    statuses(lasting, "call my_secret_is_hunter2!", caplog)
    assert "hunter2" not in str(invocation_lines(caplog))
