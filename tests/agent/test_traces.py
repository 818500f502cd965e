import json
import subprocess
import sys
from typing import Any

import pytest

from tests.agent.conftest import AGENT
from traces import TOKEN, VARIABLE, configure

PROBE = """
import asyncio, json, os, sys
sys.path.insert(0, sys.argv[1])
import traces
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from strands import Agent
from strands.models import BedrockModel

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
traces.configure(os.environ, log_content=sys.argv[2] == "True")

class Echo(BedrockModel):
    async def stream(self, messages, *_, **__):
        yield {"messageStart": {"role": "assistant"}}
        yield {"contentBlockDelta": {"delta": {"text": "the answer"}}}
        yield {"contentBlockStop": {}}
        yield {"messageStop": {"stopReason": "end_turn"}}

model = Echo(model_id="x", region_name="us-east-1")
Agent(model=model, system_prompt="the instructions", callback_handler=None)("the question")
print(json.dumps([span.to_json() for span in exporter.get_finished_spans()]))
"""


@pytest.mark.parametrize("log_content", [True, False])
def test_a_trace_holds_content_only_when_asked_for(log_content: bool) -> None:
    command = [sys.executable, "-c", PROBE, str(AGENT), str(log_content)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={})
    spans: list[Any] = json.loads(done.stdout)
    assert len(spans) >= 3
    assert {words: words in done.stdout for words in ("the question", "the answer")} == {
        "the question": log_content,
        "the answer": log_content,
    }


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {VARIABLE: TOKEN}),
        ({VARIABLE: "http"}, {VARIABLE: f"http,{TOKEN}"}),
        ({VARIABLE: f"{TOKEN}gen_ai.output.*"}, {VARIABLE: f"{TOKEN}gen_ai.output.*"}),
    ],
)
def test_other_choices_stay(before: dict[str, str], after: dict[str, str]) -> None:
    configure(before, log_content=False)
    assert before == after
