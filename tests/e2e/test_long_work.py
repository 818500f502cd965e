"""Turns that outlive their request, through the served deployment: boto3, and the sessions as AgentCore ends them."""

import asyncio
import copy
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from tests.agent.loopback import Loopback
from tests.planning import SAMPLE, planned
from tests.waiting import wait_until
from toolgate.local.serve.server import Serving, serve

# Shorter than AWS takes: the real reaper, which asks every two seconds, ends what is idle within the test.
IDLE = 5
SESSION = "a-session-of-more-than-thirty-three-letters"


class SlowModel:
    """An OpenAI-compatible model that says nothing until it may."""

    def __init__(self) -> None:
        self.server = Loopback(Starlette(routes=[Route("/v1/chat/completions", self._serve, methods=["POST"])]))
        self.may = threading.Event()

    async def _serve(self, _: Request) -> Response:
        return StreamingResponse(self._said(), media_type="text/event-stream")

    async def _said(self) -> AsyncIterator[str]:
        while not self.may.is_set():
            await asyncio.sleep(0.01)
        for choice in ({"delta": {"content": "All of it."}}, {"delta": {}, "finish_reason": "stop"}):
            yield f"data: {json.dumps({'choices': [{'index': 0, **choice}]})}\n\n"
        yield "data: [DONE]\n\n"


@pytest.fixture
def model() -> Iterator[SlowModel]:
    slow = SlowModel()
    slow.server.start()
    yield slow
    slow.may.set()
    slow.server.stop()


@pytest.fixture
def serving(model: SlowModel, tmp_path: Any) -> Iterator[Serving]:
    deployment = copy.deepcopy(planned().deployment)
    for entry in deployment["deployment"]["resources"]:
        if entry["type"].endswith(":AgentcoreAgentRuntime"):
            lives = [{"idleRuntimeSessionTimeout": IDLE, "maxLifetime": 3600}]
            entry["inputs"]["lifecycleConfigurations"] = entry["outputs"]["lifecycleConfigurations"] = lives
    served: AbstractContextManager[Serving] = serve(
        deployment, root=SAMPLE, logs=tmp_path, model=f"{model.server.url}/v1#slow"
    )
    with served as running:
        yield running


def ask(serving: Serving, **body: Any) -> Any:
    variables = serving.environment
    client = boto3.client(
        "bedrock-agentcore",
        endpoint_url=serving.url,
        region_name="us-east-1",
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=variables["AWS_SESSION_TOKEN"],
        config=Config(retries={"total_max_attempts": 1}),
    )
    answer = client.invoke_agent_runtime(
        agentRuntimeArn=serving.agents["assistant"], runtimeSessionId=SESSION, payload=json.dumps(body).encode()
    )
    return json.loads(answer["response"].read())


def ends(serving: Serving) -> list[str]:
    lines = serving.logs["assistant"].read_text().splitlines()
    return [line.partition("has ended: ")[2] for line in lines if "has ended" in line]


def test_a_task_is_not_killed_while_it_runs_and_its_session_ends_after_it(serving: Serving, model: SlowModel) -> None:
    task = ask(serving, prompt="Read it all", background=True)["task"]
    time.sleep(3 * IDLE)  # without a request: only its `/ping` keeps the session
    assert ends(serving) == []
    assert ask(serving, task=task)["status"] == "running"
    with pytest.raises(ClientError, match=r"Received error \(503\) from runtime"):
        ask(serving, prompt="And more")
    model.may.set()
    wait_until(lambda: ask(serving, task=task)["status"] != "running", 120)
    whole = {"status": "success", "response": "All of it.", "stop_reason": "end_turn"}
    assert ask(serving, task=task) == whole
    wait_until(lambda: bool(ends(serving)), 120)
    assert ends(serving) == [f"it was idle for more than {IDLE} s (idleRuntimeSessionTimeout)."]
    with pytest.raises(ClientError, match=r"Received error \(404\) from runtime"):
        ask(serving, task=task)  # of another process, which has never heard of it


def test_a_task_is_cancelled(serving: Serving, model: SlowModel) -> None:
    task = ask(serving, prompt="Read it all", background=True)["task"]
    cancelled = {"status": "cancelled", "task": task}
    assert ask(serving, task=task, cancel=True) == cancelled
    model.may.set()
    assert ask(serving, prompt="And more")["response"] == "All of it."
    assert ask(serving, task=task) == cancelled
