"""What a model says, as events of ConverseStream, and one answer of Converse made of them.

Events are encoded by AWS's own smithy-aws-event-stream; written by hand is which events there are.
Source: botocore bedrock-runtime, operations Converse and ConverseStream.
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from smithy_aws_event_stream.events import EventMessage

type Event = tuple[str, Mapping[str, Any]]
"""An event's name, such as `messageStart`, and its content."""
type Turn = Callable[[Mapping[str, Any]], AsyncIterator[Event]]
"""A model: the events of one turn, from the body of a request. It raises ModelError."""

STATUS = {
    "AccessDeniedException": 403,
    "InternalServerException": 500,
    "ModelErrorException": 424,
    "ModelStreamErrorException": 424,
    "ModelTimeoutException": 408,
    "ResourceNotFoundException": 404,
    "ServiceUnavailableException": 503,
    "ThrottlingException": 429,
    "ValidationException": 400,
}
"""Bedrock's errors and their HTTP status (botocore bedrock-runtime, ConverseStream)."""
_IN_A_STREAM = ("InternalServerException", "ServiceUnavailableException", "ThrottlingException", "ValidationException")


class ModelError(Exception):
    """A model gives no answer, or not all of it; `code` is Bedrock's, the text is for who runs the agent."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def encoded(event: Event) -> bytes:
    """The event on the wire."""
    return _message({":message-type": "event", ":event-type": event[0]}, event[1])


def broken_off(error: ModelError) -> bytes:
    """The event that ends a stream which has begun: of the errors only these are members of the stream."""
    code = error.code if error.code in _IN_A_STREAM else "ModelStreamErrorException"
    member = code[0].lower() + code[1:]
    return _message({":message-type": "exception", ":exception-type": member}, {"message": str(error)})


def _message(headers: Mapping[str, str], payload: Mapping[str, Any]) -> bytes:
    content = {**headers, ":content-type": "application/json"}
    return bytes(EventMessage(headers=content, payload=json.dumps(payload).encode()).encode())


async def whole(events: AsyncIterator[Event]) -> dict[str, Any]:
    """Converse's answer from the events of ConverseStream.

    Raises:
        ModelError: The model breaks off.
    """
    blocks: dict[int, dict[str, Any]] = {}
    inputs: dict[int, str] = {}
    answer: dict[str, Any] = {}
    async for name, event in events:
        at = event.get("contentBlockIndex", 0)
        if name == "contentBlockStart":
            blocks[at] = {"toolUse": dict(event["start"]["toolUse"])}
            inputs[at] = ""
        elif name == "contentBlockDelta" and "text" in event["delta"]:
            block = blocks.setdefault(at, {"text": ""})
            block["text"] += event["delta"]["text"]
        elif name == "contentBlockDelta":
            inputs[at] += event["delta"]["toolUse"]["input"]
        elif name == "messageStop":
            answer["stopReason"] = event["stopReason"]
        elif name == "metadata":
            answer |= event
    for at, text in inputs.items():
        blocks[at]["toolUse"]["input"] = json.loads(text)
    content = [blocks[at] for at in sorted(blocks)]
    return {"output": {"message": {"role": "assistant", "content": content}}, **answer}
