"""Questions by the page: to an agent that is served, and to one that takes its time."""

import json
import threading
from typing import Any

import httpx
import pytest

from tests.console.conftest import World
from tests.console.pretended_runtime import ARN, SESSION, Runtime
from tests.waiting import wait_until
from toolgate.console.asked import Asked, checked
from toolgate.console.source import Question


def events(answer: httpx.Response) -> list[dict[str, Any]]:
    return [json.loads(line.removeprefix("data: ")) for line in answer.text.splitlines() if line]


def ask(world: World, **question: Any) -> httpx.Response:
    return world.client.post("/api/ask", json=question)


def test_an_answer_comes_as_the_agent_gives_it(world: World) -> None:
    answer = ask(world, agent="calculator", prompt="What is 100 + 12?", session=SESSION)
    head, *texts, end = events(answer)
    assert head["session"] == SESSION
    assert head["request_id"]
    assert "".join(it["text"] for it in texts) == "The result is 112."
    assert (end["status"], end["stop_reason"]) == ("success", "end_turn")


def test_a_session_goes_on(world: World) -> None:
    [head, *_] = events(ask(world, agent="calculator", prompt="What is 1 + 1?"))
    [again, *_] = events(ask(world, agent="calculator", prompt="What is 2 + 2?", session=head["session"]))
    [other, *_] = events(ask(world, agent="calculator", prompt="What is 2 + 2?"))
    assert head["session"] == again["session"] != other["session"]


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ({"agent": "nobody", "prompt": "x"}, "there is no agent 'nobody'"),
        ({"agent": "calculator", "prompt": " "}, "the prompt is empty"),
        ({"agent": "calculator", "prompt": "x" * 32_001}, "32001 characters"),
        ({"agent": "calculator", "prompt": "x", "session": "short"}, "33 to 256 characters"),
        ({"agent": "calculator", "prompt": "x", "session": "ä" * 40}, "ASCII"),
        ({"agent": "calculator", "prompt": "x", "session": 1}, "`session` is text"),
        ({"agent": "calculator", "prompt": "x", "schema": {"type": "string"}}, "`schema` is the JSON Schema"),
        ({"prompt": "x"}, "`agent` is text"),
    ],
)
def test_a_question_that_is_none(world: World, question: dict[str, Any], says: str) -> None:
    answer = ask(world, **question)
    assert answer.status_code == 400
    assert says in answer.json()["error"]["message"]


def asked(runtime: Runtime) -> Asked:
    environment = {
        "AWS_ENDPOINT_URL": runtime.server.url,
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
    }
    question = Question("assistant", "x", SESSION)
    return Asked(*checked(question, {"assistant": ARN}), environment)


def test_who_leaves_is_gone_at_once_though_nothing_comes(runtime: Runtime) -> None:
    runtime.answers = [b'data: {"text": "The "}\n\n']
    asking = asked(runtime)
    said: list[Any] = []
    reading = threading.Thread(target=lambda: said.extend(asking.events()))
    reading.start()
    wait_until(lambda: runtime.server and asking._response)
    asking.leave()
    reading.join(60)
    assert not reading.is_alive()
    assert runtime.left.wait(60)
    assert not [it for it in said if "error" in it]  # nobody is told of an error that nobody waits for
    asking.leave()


def test_who_has_left_before_it_began_reads_nothing(runtime: Runtime) -> None:
    asking = asked(runtime)
    asking.leave()
    runtime.answers = [b'data: {"text": "The "}\n\n']
    assert list(asking.events()) == []
    assert runtime.left.wait(60)


def test_an_error_is_the_last_event(runtime: Runtime) -> None:
    runtime.status = 424
    [event] = asked(runtime).events()
    assert event == {
        "status": "error",
        "error": {"code": "RuntimeClientError", "message": "Received error (502)"},
    }


def test_an_error_of_the_agent_is_the_last_event(runtime: Runtime) -> None:
    error = {"code": "model_unavailable", "message": "The model cannot be reached."}
    runtime.answers = [
        b'data: {"text": "The "}\n\n',
        b"data: " + json.dumps({"status": "error", "error": error}).encode() + b"\n\n",
    ]
    _, text, end = asked(runtime).events()
    assert (text, end) == ({"text": "The "}, {"status": "error", "error": error})


def test_a_browser_that_leaves_ends_the_question(
    world: World, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.source, "ask", lambda _question: asked(runtime))
    runtime.answers = [b'data: {"text": "The "}\n\n']
    body = {"agent": "calculator", "prompt": "x"}
    with world.client.stream("POST", "/api/ask", json=body) as answer:
        lines = (line for line in answer.iter_lines() if line)
        assert "session" in next(lines)
        assert next(lines) == 'data: {"text": "The "}'
        assert not runtime.left.is_set()
    assert runtime.left.wait(60)
