"""Bedrock's ConverseStream on loopback: a scripted model that misbehaves on demand, and refuses what Bedrock refuses.

The script: `call NAME JSON` asks for that tool, `loop NAME JSON` asks for it again after each result, anything else is
said back. After a tool's result the answer is `The tool said: ` and the result's text.
"""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from smithy_aws_event_stream.events import EventMessage
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.agent.loopback import Loopback
from toolgate.local.serve.model import converse_messages
from toolset import rules as tool_rules

Event = tuple[str, dict[str, Any]]
Fault = Callable[[list[Event]], Awaitable[Response]]


class FakeBedrock:
    """The endpoint.

    `requests` holds the bodies of the requests that came, `models` which model each was for, and `refused` why Bedrock
    would refuse some.
    """

    def __init__(self) -> None:
        route = Route("/model/{model:path}/converse-stream", self._serve, methods=["POST"])
        self.app = Starlette(routes=[route])
        self.server = Loopback(self.app)
        self.reset()

    def reset(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.models: list[str] = []
        self.refused: list[str] = []
        self.reached = threading.Event()
        self._faults: list[Fault] = []

    @property
    def url(self) -> str:
        return self.server.url

    def inject(self, fault: Fault, times: int = 1) -> None:
        self._faults += [fault] * times

    def heal(self) -> None:
        self._faults.clear()

    def tool_results(self) -> list[str]:
        """What the model was told of tool results, in all requests."""
        messages = [message for body in self.requests for message in body["messages"]]
        results = [block["toolResult"] for message in messages for block in message["content"] if "toolResult" in block]
        return [json.dumps(result) for result in results]

    async def _serve(self, request: Request) -> Response:
        body = await request.json()
        self.requests.append(body)
        self.models.append(request.path_params["model"])
        self.reached.set()
        specs = [tool["toolSpec"] for tool in body.get("toolConfig", {}).get("tools", []) if "toolSpec" in tool]
        if refused := tool_rules.answer(specs, request.path_params["model"]) or converse_messages.problem(
            body["messages"]
        ):
            self.refused.append(refused)
            return JSONResponse({"message": refused}, 400, headers={"x-amzn-errortype": "ValidationException"})
        events = _script(body["messages"])
        return await (self._faults.pop(0) if self._faults else whole)(events)


def _script(messages: list[dict[str, Any]]) -> list[Event]:
    prompt = [message for message in messages if "text" in message["content"][0] and message["role"] == "user"][-1]
    prompt = prompt["content"][0]["text"]
    results = [block["toolResult"] for block in messages[-1]["content"] if "toolResult" in block]
    word, _, rest = prompt.partition(" ")
    if word == "loop" or (word == "call" and not results):
        name, _, arguments = rest.partition(" ")
        return _tool_use(name, arguments or '{"a": 100, "b": 12}', len(messages))
    if results:
        return _text("The tool said: " + "".join(block.get("text", "") for block in results[0]["content"]))
    return _text("You said: " + prompt)


def _text(text: str) -> list[Event]:
    return turn_of(block({"text": text[:5]}, {"text": text[5:]}), stop="end_turn")


def _tool_use(name: str, arguments: str, turn: int) -> list[Event]:
    return turn_of(called(f"tooluse_{turn}", name, arguments), stop="tool_use")


def called(tool_use_id: str, name: str, arguments: str, index: int = 0) -> list[Event]:
    """One tool call."""
    start = {"toolUse": {"toolUseId": tool_use_id, "name": name}}
    return [
        ("contentBlockStart", {"start": start, "contentBlockIndex": index}),
        ("contentBlockDelta", {"delta": {"toolUse": {"input": arguments}}, "contentBlockIndex": index}),
        ("contentBlockStop", {"contentBlockIndex": index}),
    ]


def block(*deltas: dict[str, Any]) -> list[Event]:
    """One block of other content, in these pieces."""
    pieces: list[Event] = [("contentBlockDelta", {"delta": delta, "contentBlockIndex": 0}) for delta in deltas]
    return [*pieces, ("contentBlockStop", {"contentBlockIndex": 0})]


def turn_of(*blocks: list[Event], stop: str) -> list[Event]:
    """A whole turn of these blocks, which ends for this reason."""
    return [("messageStart", {"role": "assistant"}), *(event for block in blocks for event in block), *_end(stop)]


def _end(reason: str) -> list[Event]:
    usage = {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15}
    return [("messageStop", {"stopReason": reason}), ("metadata", {"usage": usage, "metrics": {"latencyMs": 1}})]


def _encode(event: Event, kind: str = "event") -> bytes:
    headers: dict[str, Any] = {":message-type": kind, f":{kind}-type": event[0], ":content-type": "application/json"}
    return EventMessage(headers=headers, payload=json.dumps(event[1]).encode()).encode()


def _streaming(body: AsyncIterator[bytes]) -> Response:
    return StreamingResponse(body, media_type="application/vnd.amazon.eventstream")


async def whole(events: list[Event]) -> Response:
    async def body() -> AsyncIterator[bytes]:
        for event in events:
            yield _encode(event)

    return _streaming(body())


# Faults


def refusal(code: str, status: int) -> Fault:
    async def fault(_: list[Event]) -> Response:
        message = {"message": "arn:aws:iam::123456789012:role/secret is not allowed"}
        return JSONResponse(message, status, headers={"x-amzn-errortype": code})

    return fault


def invalid(message: str) -> Fault:
    """A ValidationException with these words."""

    async def fault(_: list[Event]) -> Response:
        return JSONResponse({"message": message}, 400, headers={"x-amzn-errortype": "ValidationException"})

    return fault


def html(status: int) -> Fault:
    """What a proxy or load balancer answers before Bedrock."""

    async def fault(_: list[Event]) -> Response:
        return Response(b"<html>busy</html>", status, media_type="text/html")

    return fault


async def silence(_: list[Event]) -> Response:
    await asyncio.sleep(60)
    return Response()


async def silent_stream(events: list[Event]) -> Response:
    async def body() -> AsyncIterator[bytes]:
        yield _encode(events[0])
        await asyncio.sleep(60)

    return _streaming(body())


async def cut_off(events: list[Event]) -> Response:
    async def body() -> AsyncIterator[bytes]:
        for event in events[:2]:
            yield _encode(event)
        raise ConnectionError

    return _streaming(body())


async def ended_early(events: list[Event]) -> Response:
    async def body() -> AsyncIterator[bytes]:
        for event in events[:2]:
            yield _encode(event)

    return _streaming(body())


def in_the_stream(code: str, message: str = "arn:aws:iam::123456789012:role/secret") -> Fault:
    """The answer begins, then comes this exception."""

    async def fault(events: list[Event]) -> Response:
        async def body() -> AsyncIterator[bytes]:
            yield _encode(events[0])
            yield _encode((code, {"message": message}), "exception")

        return _streaming(body())

    return fault


throttled_in_stream = in_the_stream("throttlingException")


async def error_in_the_stream(events: list[Event]) -> Response:
    """An error that is none of the operation's (Smithy, event streams: `:message-type` is `error`)."""
    headers: Any = {":message-type": "error", ":error-code": "InternalFailure", ":error-message": "oops"}

    async def body() -> AsyncIterator[bytes]:
        yield _encode(events[0])
        yield EventMessage(headers=headers, payload=b"").encode()

    return _streaming(body())


async def throttled_after_text(events: list[Event]) -> Response:
    async def body() -> AsyncIterator[bytes]:
        for event in events[:2]:
            yield _encode(event)
        yield _encode(("throttlingException", {"message": "slow down"}), "exception")

    return _streaming(body())


async def garbage(_: list[Event]) -> Response:
    return Response(b"<html>not an event stream</html>", media_type="text/html")


def stopped(reason: str) -> Fault:
    """The answer ends for this reason."""

    async def fault(events: list[Event]) -> Response:
        return await whole([("messageStop", {"stopReason": reason}) if e[0] == "messageStop" else e for e in events])

    return fault


def changed(change: Callable[[list[Event]], None]) -> Fault:
    """The answer's events, after a change of them in place."""

    async def fault(events: list[Event]) -> Response:
        change(events)
        return await whole(events)

    return fault


def answering(turn: list[Event]) -> Fault:
    """The model says this, whatever it is asked."""

    async def fault(_: list[Event]) -> Response:
        return await whole(turn)

    return fault


async def empty(events: list[Event]) -> Response:
    return await whole([event for event in events if not event[0].startswith("contentBlock")])
