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
traces.write_only_what_is_kept()

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


UNKEPT = """
import json, sys
sys.path.insert(0, sys.argv[1])
import traces
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from strands import Agent, tool
from strands.models import BedrockModel
from strands.telemetry import tracer

if sys.argv[2] == "True":
    traces.write_only_what_is_kept()
written, seen = [], []
real = tracer.serialize
tracer.serialize = lambda value: written.append(value) or real(value)

def here():
    seen.append(trace.get_current_span().get_span_context().trace_id)

@tool
def look() -> str:
    '''Looks.'''
    here()
    return "seen"

class Model(BedrockModel):
    async def stream(self, messages, *_, **__):
        here()
        yield {"messageStart": {"role": "assistant"}}
        if len(messages) == 1:
            yield {"contentBlockStart": {"start": {"toolUse": {"toolUseId": "t1", "name": "look"}}}}
            yield {"contentBlockDelta": {"delta": {"toolUse": {"input": "{}"}}}}
        else:
            yield {"contentBlockDelta": {"delta": {"text": "the answer"}}}
        yield {"contentBlockStop": {}}
        yield {"messageStop": {"stopReason": "tool_use" if len(messages) == 1 else "end_turn"}}

of_the_caller = SpanContext(trace_id=7, span_id=8, is_remote=True, trace_flags=TraceFlags(1))
with trace.use_span(NonRecordingSpan(of_the_caller)):
    result = Agent(model=Model(model_id="x", region_name="us-east-1"), tools=[look], callback_handler=None)("q")
print(json.dumps([str(result).strip(), len(written), seen]))
"""


@pytest.mark.parametrize("ours", [True, False])
def test_nothing_is_written_for_spans_that_nobody_keeps(ours: bool) -> None:
    """And the trace of the caller goes on through model and tools as it does with strands' own tracer."""
    command = [sys.executable, "-c", UNKEPT, str(AGENT), str(ours)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={})
    text, written, seen = json.loads(done.stdout)
    assert text == "the answer"
    assert seen == [7, 7, 7]
    assert written == 0 if ours else written > 5
