"""The main job: answers that come from the real handlers, through a signed and authorized gateway."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from toolgate.local.invoke_agent import ask
from toolgate.local.serve.server import Serving

AGENT = "assistant"


@pytest.mark.parametrize(
    ("question", "answer", "tool", "arguments"),
    [
        ("What is 100 + 12?", "112", "math___add_numbers", {"a": 100, "b": 12}),
        ("What is 6 * 7?", "42", "math___multiply_numbers", {"a": 6, "b": 7}),
        ("Greet Alice", "Alice", "math___greeting", {"name": "Alice"}),
    ],
)
def test_the_agent_answers_with_what_the_tool_returned(
    serving: Serving, question: str, answer: str, tool: str, arguments: dict[str, Any]
) -> None:
    made = len(serving.calls)
    assert answer in ask(serving.environment, serving.agents[AGENT], question)
    (call,) = serving.calls[made:]
    assert (call.tool, dict(call.arguments), call.failed) == (tool, arguments, False)


def test_one_request_can_be_followed_from_the_agent_through_the_gateway_to_the_function(serving: Serving) -> None:
    ask(serving.environment, serving.agents[AGENT], "What is 2 + 3?")
    lines = [json.loads(it) for it in serving.logs[AGENT].read_text().splitlines() if it.startswith("{")]
    request_id = [line["request_id"] for line in lines if line["event"] == "invocation"][-1]
    exchanges = map(json.loads, serving.access_log.read_text().splitlines())
    (exchange,) = [line for line in exchanges if line.get("agent_request_id") == request_id]
    assert (exchange["agent"], exchange["tool"], exchange["status"]) == (AGENT, "math___add_numbers", "ok")
    assert "arguments" in exchange
    assert exchange["request_id"] != request_id
    (log,) = serving.function_logs.values()
    assert log.name == "math.log"
    started = [json.loads(it) for it in log.read_text().splitlines() if '"platform.start"' in it]
    assert exchange["request_id"] in [line["record"]["requestId"] for line in started]


def test_the_agent_names_its_tools_by_searching_for_them(serving: Serving) -> None:
    made = len(serving.calls)
    text = ask(serving.environment, serving.agents[AGENT], "Tell me what I can do with these tools")
    for tool in ("add_numbers", "multiply_numbers", "greeting", "x_amz_bedrock_agentcore_search"):
        assert tool in text
    assert [call.tool for call in serving.calls[made:]] == ["x_amz_bedrock_agentcore_search"]


def test_an_answer_changes_with_the_handlers_code(
    deployment: dict[str, Any], served: Callable[[dict[str, Any]], AbstractContextManager[Serving]], tmp_path: Any
) -> None:
    changed = tmp_path / "tools.py"
    changed.write_text("def add_numbers(a, b):\n    return a + b + 1000\n")
    (function,) = [r for r in deployment["deployment"]["resources"] if r["type"] == "aws:lambda/function:Function"]
    for side in ("inputs", "outputs"):
        function[side]["code"]["assets"]["tools.py"]["path"] = str(changed)
    with served(deployment) as running:
        assert "1112" in ask(running.environment, running.agents[AGENT], "What is 100 + 12?")
