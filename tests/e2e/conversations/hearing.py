"""A model that tells what it was shown, the sample's stack with memories, and callers of its agents by plain boto3."""

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.agent.loopback import Loopback
from tests.local.serve.memory.conftest import role
from tests.planning import planned
from toolgate.local.serve.server import Serving

FACTS = {"facts": {"type": "SEMANTIC", "namespace": "/facts/{actorId}/"}}
CALLER = "arn:aws:iam::123456789012:role/caller"
CALLS = {
    "Effect": "Allow",
    "Action": [
        f"bedrock-agentcore:{it}" for it in ("InvokeAgentRuntime", "InvokeAgentRuntimeForUser", "StopRuntimeSession")
    ],
    "Resource": "*",
}


class Hearing:
    """An OpenAI-compatible model. It answers each prompt with `heard <prompt>` and notes what it was shown with it.

    A prompt with `fail` in it is refused, one with `wait` is answered when `free` is set, and one with `add` is
    answered by way of a tool.

    Attributes:
        shown: By a prompt, what the model was shown before it: the conversation's roles and texts, in order.
        notes: By a prompt, the texts beside it.
        free: Lets prompts that wait be answered.
        waiting: Set when one waits.
    """

    def __init__(self) -> None:
        self.server = Loopback(Starlette(routes=[Route("/v1/chat/completions", self._answer, methods=["POST"])]))
        self.shown: dict[str, list[tuple[str, str]]] = {}
        self.notes: dict[str, list[str]] = {}
        self.free, self.waiting = threading.Event(), threading.Event()

    @property
    def choice(self) -> str:
        """What `serve` takes as `model`."""
        return f"{self.server.url}/v1#hearing"

    async def _answer(self, request: Request) -> Response:
        body = await request.json()
        messages = [it for it in body["messages"] if it["role"] != "system"]
        last = max(place for place, it in enumerate(messages) if it["role"] == "user")
        prompt, *beside = _texts(messages[last])
        said = [(it["role"], text) for it in messages[:last] for text in _texts(it)[:1]]
        self.shown[prompt], self.notes[prompt] = said, beside
        if "fail" in prompt:
            return JSONResponse({"error": {"message": "on purpose"}}, 400)
        if "wait" in prompt:
            self.waiting.set()
            while not self.free.is_set():
                await asyncio.sleep(0.01)
        if "add" in prompt and last + 1 == len(messages):
            [name] = [it["function"]["name"] for it in body["tools"] if it["function"]["name"].endswith("add_numbers")]
            call = {"index": 0, "id": f"call{len(messages)}", "type": "function"}
            call["function"] = {"name": name, "arguments": '{"a": 100, "b": 12}'}
            return _streamed({"role": "assistant", "tool_calls": [call]}, "tool_calls")
        return _streamed({"role": "assistant", "content": f"heard {prompt}"}, "stop")


def _texts(message: Mapping[str, Any]) -> list[str]:
    content = message.get("content") or ""
    return [content] if isinstance(content, str) else [it["text"] for it in content if it.get("type") == "text"]


def _streamed(delta: Mapping[str, Any], finish: str) -> Response:
    chunks = [
        {"choices": [{"index": 0, "delta": it, "finish_reason": end}]} for it, end in ((delta, None), ({}, finish))
    ]
    lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks] + ["data: [DONE]\n\n"]
    return StreamingResponse(iter(lines), media_type="text/event-stream")


def said(*prompts: str) -> list[tuple[str, str]]:
    """A conversation of these prompts."""
    return [it for prompt in prompts for it in (("user", prompt), ("assistant", f"heard {prompt}"))]


def stack(agents: Mapping[str, Any], variables: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The sample's stack with these agents, and with a role that may ask them, for users, too.

    Args:
        agents: The setting `agents`.
        variables: Further variables of each agent.
    """
    kinds = [it.get("memory") for it in agents.values()]
    memory = {"toolgate:memory": json.dumps({"expiryDays": 30, "strategies": FACTS})} if "agentcore" in kinds else {}
    made = planned("agents", {"toolgate:agents": json.dumps(agents), **memory}).deployment
    for entry in made["deployment"]["resources"]:
        if entry["type"].endswith(":AgentcoreAgentRuntime"):
            for properties in (entry["inputs"], entry["outputs"]):
                properties["environmentVariables"] |= variables or {}
    made["deployment"]["resources"] += role("caller", CALLS)
    return made


def runtime(deployment: Mapping[str, Any], agent: str) -> dict[str, Any]:
    """What an agent's runtime is made of."""
    name = f"::{agent}-runtime"
    [found] = [it["outputs"] for it in deployment["deployment"]["resources"] if it["urn"].endswith(name)]
    return dict(found)


def client(serving: Serving, role_arn: str, service: str = "bedrock-agentcore") -> Any:
    """A plain boto3 client in a role's name that sends each request once."""
    variables = serving.session(role_arn).environment()
    return boto3.client(
        service,
        endpoint_url=serving.url,
        region_name="us-east-1",
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=variables["AWS_SESSION_TOKEN"],
        config=Config(retries={"total_max_attempts": 1}, max_pool_connections=400, read_timeout=600),
    )


@dataclass(frozen=True)
class Caller:
    """Asks agents in sessions, for users."""

    serving: Serving
    aws: Any

    def ask(self, agent: str, prompt: str, session: str = "one", user: str | None = None) -> str:
        """The agent's answer; of an error the status that AgentCore tells of."""
        named: dict[str, str] = {"runtimeUserId": user} if user is not None else {}
        try:
            answer = self.aws.invoke_agent_runtime(
                agentRuntimeArn=self.serving.agents[agent],
                runtimeSessionId=session_id(session),
                payload=json.dumps({"prompt": prompt}),
                **named,
            )
        except ClientError as error:
            return str(error.response["Error"]["Message"])
        return str(json.loads(answer["response"].read())["response"])

    def stop(self, agent: str, session: str = "one") -> None:
        """End the session: its process remembers nothing for it."""
        arn = self.serving.agents[agent]
        self.aws.stop_runtime_session(agentRuntimeArn=arn, runtimeSessionId=session_id(session))


def session_id(name: str) -> str:
    """AgentCore takes 33 characters and more."""
    return f"{name}-{'x' * 40}"


def log_lines(serving: Serving, agent: str, event: str) -> Iterator[dict[str, Any]]:
    """The lines of an agent's log about an event."""
    for line in serving.logs[agent].read_text().splitlines():
        if line.startswith("{") and (found := json.loads(line))["event"] == event:
            yield found
