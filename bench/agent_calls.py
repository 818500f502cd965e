"""Figures of warm invocations, in this process: against one raw signed request, and against a client per invocation."""

import asyncio
import gc
import json
import os
import statistics
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

import boto3
import httpx
from mcp_proxy_for_aws.sigv4_helper import SigV4HTTPXAuth  # type: ignore[import-untyped]
from strands.models import BedrockModel, Model
from strands.types.streaming import StreamEvent

from bench import agent_plain
from bench.agent_figures import Figure

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "agent"))

import conversation
import model
import settings
from contract import Request
from gateway import handed
from invocation import Invocation
from server import build_app
from service import Service

PROMPT = 'call math___add_numbers {"a": 100, "b": 12}'
WARM_UP = 10

Call = Callable[[], Awaitable[Any]]


class StubModel(Model):
    """A model of no time: asks for one tool, then says what it returned."""

    def update_config(self, **_: Any) -> None:
        """Nothing to configure."""

    def get_config(self) -> dict[str, Any]:
        """Nothing is configured."""
        return {}

    async def structured_output(self, *_: Any, **__: Any) -> AsyncGenerator[dict[str, Any]]:
        """Not used."""
        raise NotImplementedError
        yield {}

    async def stream(self, messages: Any, *_: Any, **__: Any) -> AsyncGenerator[StreamEvent]:
        """One turn."""
        results = [block["toolResult"] for block in messages[-1]["content"] if "toolResult" in block]
        start: Any = {} if results else {"toolUse": {"toolUseId": "t1", "name": "math___add_numbers"}}
        said = {"text": results[0]["content"][0]["text"]} if results else {"toolUse": {"input": '{"a": 100, "b": 12}'}}
        events: list[Any] = [
            {"messageStart": {"role": "assistant"}},
            {"contentBlockStart": {"start": start}},
            {"contentBlockDelta": {"delta": said}},
            {"contentBlockStop": {}},
            {"messageStop": {"stopReason": "end_turn" if results else "tool_use"}},
        ]
        for event in events:
            yield event


async def figures(url: str) -> list[Figure]:
    """Measure.

    Args:
        url: Address of the bench's services.
    """
    quick, slow, by_token = f"{url}/mcp", f"{url}/slow/mcp", f"{url}/token/mcp"
    stub, bedrock = StubModel(), BedrockModel(model_id=os.environ["BEDROCK_MODEL_ID"])
    kept = ask(service(quick, StubModel))
    gc.freeze()  # as the agent's main.py does once everything is imported
    loopback = await medians(ask_over_http(service(quick, StubModel), quick), kept, raw_request(quick), times=150)
    before = requests(url)
    for _ in range(10):
        await kept()
    per_invocation = (requests(url) - before) / 10
    ways_in = await medians(ask(service("", StubModel, by_token)), kept, times=300)
    slowed = await medians(ask(service(slow, StubModel)), raw_request(slow), times=60)
    styles = (agent_plain.handed_over, agent_plain.listed)
    stubbed = await medians(kept, *(plainly(style, stub) for style in styles), times=40)
    whole = await medians(ask(service(quick)), *(plainly(style, bedrock) for style in styles), times=40)
    return [
        Figure("warm invocation, one tool call / one raw signed request", loopback[1], loopback[2], "ms", 2),
        Figure("the same, asked over HTTP", loopback[0], loopback[2], "ms", 4),
        Figure("the same, gateway takes 30 ms", slowed[0], slowed[1], "ms", 1.15),
        Figure("warm invocation over tokens / over IAM", ways_in[0], ways_in[1], "ms", 1.1),
        Figure("gateway requests per warm invocation", per_invocation, 1, "", 1),
        Figure("warm invocation / client handed over per invocation", stubbed[0], stubbed[1], "ms", 1 / 4),
        Figure("warm invocation / `with` and list_tools_sync()", stubbed[0], stubbed[2], "ms", 1 / 4),
        Figure("with ConverseStream / client handed over", whole[0], whole[1], "ms", 1 / 3.3),
        Figure("with ConverseStream / `with` and list_tools_sync()", whole[0], whole[2], "ms", 1 / 3.3),
    ]


async def medians(*calls: Call, times: int) -> list[float]:
    """Milliseconds each call takes once warm; they are made in turns, so that all see the same machine."""
    taken: list[list[float]] = [[] for _ in calls]
    for turn in range(WARM_UP + times):
        for index, call in enumerate(calls):
            started = time.perf_counter()
            await call()
            if turn >= WARM_UP:
                taken[index].append((time.perf_counter() - started) * 1000)
    return [statistics.median(values) for values in taken]


def service(signed: str, build_model: Callable[[], Model] | None = None, by_token: str = "") -> Service:
    """The agent's service for one gateway of either kind, with its own model unless another is given."""
    tokens = {"identity": "bench", "tokens": [{"provider": "bench", "scopes": [], "gateways": [by_token]}]}
    urls = {"GATEWAY_URL": signed, "TOKEN_GATEWAYS": json.dumps(tokens) if by_token else ""}
    wanted = settings.read({**os.environ, **urls})
    session = boto3.Session(region_name=wanted.region)
    conversations = conversation.kept(session, wanted)
    return Service(
        wanted, handed(session, wanted), build_model or (lambda: model.build(session, wanted)), conversations
    )


def ask(asked: Service) -> Call:
    """A call of the service."""

    async def call() -> None:
        status, body = await asked.answer(Request(PROMPT, stream=False), Invocation("bench"))
        expect(status, str(body))

    return call


def ask_over_http(asked: Service, gateway_url: str) -> Call:
    """A call of the agent's whole HTTP application, short of the socket."""
    app = build_app(asked, settings.read({**os.environ, "GATEWAY_URL": gateway_url}))
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://agent")

    async def call() -> None:
        answer = await client.post("/invocations", json={"prompt": PROMPT})
        expect(answer.status_code, answer.text)

    return call


def plainly(style: Callable[[Model, str], str], used: Model) -> Call:
    """A call of a reference, in a thread as AgentCore's SDK runs it."""

    async def call() -> None:
        expect(200, await asyncio.to_thread(style, used, PROMPT))

    return call


def raw_request(gateway_url: str) -> Call:
    """One signed `tools/call` on a kept connection, by the quicker of httpx's clients."""
    auth = SigV4HTTPXAuth(boto3.Session().get_credentials(), "bedrock-agentcore", os.environ["AWS_REGION"])
    client = httpx.Client(auth=auth, headers={"accept": "application/json, text/event-stream"})
    params = {"name": "math___add_numbers", "arguments": {"a": 100, "b": 12}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}

    async def call() -> None:
        answer = client.post(gateway_url, json=message)
        expect(answer.status_code, answer.text)

    return call


def requests(url: str) -> int:
    """MCP messages that came to the gateway."""
    return int(httpx.get(f"{url}/requests").json())


def expect(status: int, text: str) -> None:
    """A figure of something that does not work would be none."""
    if status != 200 or "112" not in text:
        raise RuntimeError(f"{status}: {text}")
