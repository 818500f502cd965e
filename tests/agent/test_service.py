"""Invocations that go well, and what is said of each in the log."""

import json
import logging
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from connections import Bounds, options
from server import build_app, build_service
from settings import Settings
from tests.agent import fake_bedrock, fake_gateway
from tests.agent.conftest import PATIENT
from tests.agent.fake_bedrock import FakeBedrock
from tests.agent.fake_gateway import SECRET, FakeGateway
from tests.agent.loopback import Loopback
from tests.waiting import wait_until

CALL = {"prompt": 'call math___add_numbers {"a": 100, "b": 12}'}


def events_of(agent: TestClient, prompt: str) -> list[dict[str, Any]]:
    answer = agent.post("/invocations", json={"prompt": prompt, "stream": True})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    blocks = answer.text.removesuffix("\n\n").split("\n\n")
    assert all(block.startswith("data: ") for block in blocks)
    return [json.loads(block.removeprefix("data: ")) for block in blocks]


def invocation_lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [vars(record)["fields"] for record in caplog.records if record.getMessage() == "invocation"]


def test_answers_with_what_the_tool_returned(agent: TestClient, gateway: FakeGateway) -> None:
    answer = agent.post("/invocations", json=CALL)
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "success",
        "response": 'The tool said: {"result": 112}',
        "stop_reason": "end_turn",
    }
    assert gateway.refused == []


def test_an_agent_without_gateways_has_no_tools(
    serve: Callable[..., TestClient], gateway: FakeGateway, bedrock: FakeBedrock
) -> None:
    answer = serve(gateway_urls=()).post("/invocations", json={"prompt": "hello"})
    assert answer.json() == {"status": "success", "response": "You said: hello", "stop_reason": "end_turn"}
    assert "toolConfig" not in bedrock.requests[0]
    assert gateway.requests == []


def test_a_warm_invocation_makes_one_request_to_the_gateway(agent: TestClient, gateway: FakeGateway) -> None:
    with agent:
        agent.post("/invocations", json=CALL)
        gateway.requests.clear()
        agent.post("/invocations", json=CALL)
        assert gateway.requests == ["tools/call"]


def test_nothing_is_opened_before_the_first_invocation(agent: TestClient, gateway: FakeGateway) -> None:
    assert agent.get("/ping").status_code == 200
    assert gateway.requests == []


def test_what_begins_after_the_signal_to_end_has_its_last_seconds_only(bedrock: FakeBedrock) -> None:
    wanted = Settings(**PATIENT, shutdown_seconds=0.5, model_seconds=20)
    service = build_service(wanted)
    bedrock.inject(fake_bedrock.silence)
    service.stop()
    answer = TestClient(build_app(service, wanted)).post("/invocations", json={"prompt": "hello"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "shutting_down")
    service.close()


def test_twenty_invocations_at_once(agent: TestClient, gateway: FakeGateway) -> None:
    gateway.answers_together = 20
    with agent, ThreadPoolExecutor(20) as threads:
        prompts = [f'call math___add_numbers {{"a": {n}, "b": 1000}}' for n in range(20)]
        answers = list(threads.map(lambda prompt: agent.post("/invocations", json={"prompt": prompt}).json(), prompts))
    expected = [f'The tool said: {{"result": {n + 1000}}}' for n in range(20)]
    assert [answer["response"] for answer in answers] == expected
    assert gateway.most_open_calls == 20
    assert gateway.requests.count("initialize") == 1


def test_invocations_know_nothing_of_each_other(agent: TestClient, bedrock: FakeBedrock) -> None:
    for prompt in ("first", "second"):
        agent.post("/invocations", json={"prompt": prompt})
    assert [len(body["messages"]) for body in bedrock.requests] == [1, 1]


def test_streams_text_and_one_final_event(agent: TestClient) -> None:
    *pieces, final = events_of(agent, CALL["prompt"])
    assert [set(piece) for piece in pieces] == [{"text"}] * len(pieces)
    assert len(pieces) > 1
    assert "".join(piece["text"] for piece in pieces) == 'The tool said: {"result": 112}'
    usage = {"turns": 2, "input_tokens": 20, "output_tokens": 10}
    assert final == {"status": "success", "stop_reason": "end_turn", "usage": usage}


def test_streams_an_error_as_the_final_event(agent: TestClient, gateway: FakeGateway, bedrock: FakeBedrock) -> None:
    gateway.inject("tools/list", fake_gateway.status(403, SECRET))
    [refused] = events_of(agent, CALL["prompt"])
    assert refused == {
        "status": "error",
        "error": {"code": "gateway_refused", "message": "The tool gateway refused the agent."},
    }
    bedrock.inject(fake_bedrock.cut_off)
    *heard, broken = events_of(agent, "hello")
    assert heard == [{"text": "You s"}]
    assert broken["error"]["code"] == "model_failed"


def test_a_part_that_was_streamed_is_not_said_twice(agent: TestClient, bedrock: FakeBedrock) -> None:
    bedrock.inject(fake_bedrock.throttled_after_text)
    assert [event.get("text") for event in events_of(agent, "hello")] == ["You s", None]
    assert len(bedrock.requests) == 1


def test_one_line_per_invocation(agent: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "agent")
    session = "s" * 40
    prefix = "X-Amzn-Bedrock-AgentCore-Runtime-"
    headers = {prefix + "Session-Id": session, prefix + "Request-Id": "r1"}
    agent.post("/invocations", json=CALL, headers=headers)
    [line] = invocation_lines(caplog)
    assert line.pop("milliseconds") >= 0
    assert line["tools"][0].pop("milliseconds") >= 0
    assert line == {
        "request_id": "r1",
        "session_id": session,
        "status": 200,
        "code": "success",
        "stop_reason": "end_turn",
        "turns": 2,
        "input_tokens": 20,
        "output_tokens": 10,
        "tools": [{"name": "math___add_numbers", "status": "success"}],
    }


@pytest.mark.parametrize("stream", [True, False])
def test_a_caller_who_leaves(
    agent: TestClient, bedrock: FakeBedrock, stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "agent")
    bedrock.inject(fake_bedrock.whole)
    bedrock.inject(fake_bedrock.silent_stream)
    server = Loopback(agent.app, **options(Bounds()))
    server.start()
    try:
        with socket.create_connection(("127.0.0.1", server.port)) as caller:
            body = json.dumps({**CALL, "stream": stream}).encode()
            head = f"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n"
            caller.sendall(head.encode() + body)
            wait_until(lambda: len(bedrock.requests) == 2)
        wait_until(lambda: invocation_lines(caplog))
        [line] = invocation_lines(caplog)
        assert (line["status"], line["code"]) == (499, "caller_left")
        assert [tool["status"] for tool in line["tools"]] == ["success"]
        assert line["turns"] == 2
        assert httpx.post(f"{server.url}/invocations", json={"prompt": "hello"}).status_code == 200
        assert [line["code"] for line in invocation_lines(caplog)] == ["caller_left", "success"]
    finally:
        server.stop()


def test_a_line_for_each_that_fails_too(
    agent: TestClient, gateway: FakeGateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "agent")
    agent.post("/invocations", content=b"{", headers={"X-Amzn-Bedrock-AgentCore-Runtime-Request-Id": "r1"})
    gateway.inject("tools/call", fake_gateway.status(503))
    agent.post("/invocations", json=CALL)
    refused, failed = invocation_lines(caplog)
    assert (refused["status"], refused["code"], refused["request_id"]) == (400, "invalid_request", "r1")
    assert (failed["status"], failed["code"], failed["turns"]) == (503, "gateway_unavailable", 2)
    assert failed["tools"][0]["status"] == "gateway_unavailable"


@pytest.mark.parametrize("asked_for", [False, True])
def test_content_is_logged_only_when_asked_for(
    serve: Callable[..., TestClient], caplog: pytest.LogCaptureFixture, asked_for: bool
) -> None:
    caplog.set_level(logging.INFO, "agent")
    agent = serve(log_content=asked_for)
    agent.post("/invocations", json={"prompt": "call math___fail_secretly"})
    ours = str([vars(record)["fields"] for record in caplog.records if record.name == "agent"])
    for content in ("call math___fail_secretly", "The tool said", SECRET):
        assert (content in ours) == asked_for
