"""Bedrock's Converse and ConverseStream over a scripted model.

Events are encoded by AWS's own smithy-aws-event-stream; written by hand is which events there are.
Source: botocore bedrock-runtime, operations Converse and ConverseStream.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from smithy_aws_event_stream.events import EventMessage
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.failures import NotReproducedError, RefusalError
from toolgate.local.cloud.lookups import answer
from toolgate.local.serve.guards.iam_guard import NeededPermission, refuse
from toolgate.local.serve.guards.sigv4 import Received
from toolgate.local.serve.model.scripted_model import ToolUse, reply
from toolgate.policy.language.agentcore_facts import INVOKE_MODEL

PATH = re.compile(r"/model/(?P<model>[^/]+)/(?P<operation>converse|converse-stream)")
MAX_BODY = 25 * 2**20

_ACTIONS = dict(zip(("converse", "converse-stream"), INVOKE_MODEL, strict=True))
"""Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html"""

# Bedrock user guide, "Supported Regions and models for inference profiles": how a profile's id begins.
_GEOGRAPHY = re.compile(r"(us|us-gov|eu|apac|au|ca|jp|global)\.")
_PROFILE_ARN = re.compile(r"arn:[^:]+:bedrock:[^:]*:\d{12}:inference-profile/(?P<id>.+)")


class UnknownProfileError(Exception):
    """The local deployment does not know where an inference profile leads; the text says which one it knows."""


def permissions(env: CloudEnvironment) -> Callable[[re.Match[str], Received], list[NeededPermission]]:
    """What a request to a model needs: the profile, and its model in every Region that it may lead to."""

    def needed(match: re.Match[str], _request: Received) -> list[NeededPermission]:
        action = _ACTIONS[match["operation"]]
        try:
            profile, models = model_arns(unquote(match["model"]), env)
        except UnknownProfileError:  # what nobody knows, nobody may call
            return [NeededPermission(action, unquote(match["model"]))]
        through = {"bedrock:InferenceProfileArn": profile}
        return [NeededPermission(action, arn, through) for arn in ([profile] if profile else []) + models]

    return needed


def model_arns(model_id: str, env: CloudEnvironment) -> tuple[str | None, list[str]]:
    """The ARN of an inference profile, if the id is one of a profile, and of the foundation models behind the id.

    Source: https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-prereq.html

    Raises:
        UnknownProfileError: The profile's destinations are not known.
    """
    by_arn = _PROFILE_ARN.fullmatch(model_id)
    name = by_arn["id"] if by_arn else model_id
    if ":foundation-model/" in name:
        return None, [name]
    if name.startswith("arn:"):
        raise UnknownProfileError(f"where {name} leads is not known here; use a foundation model or a system profile")
    if not _GEOGRAPHY.match(name):
        return None, [f"arn:{env.partition}:bedrock:{env.region}::foundation-model/{name}"]
    try:
        profile = answer("aws:bedrock/getInferenceProfile:getInferenceProfile", {"inferenceProfileId": name}, env)
    except (NotReproducedError, RefusalError) as error:
        raise UnknownProfileError(str(error)) from error
    return profile["inferenceProfileArn"], [model["modelArn"] for model in profile["models"]]


def model_app() -> ASGIApp:
    """The two operations, behind whatever checks the caller."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            body = await request.json()
            said = reply(_messages(body), body.get("toolConfig"))
        except (ValueError, KeyError, TypeError, AttributeError):
            await refuse(send, 400, "ValidationException", "The request is not one that Converse describes.")
            return
        stream = scope["path_params"]["operation"] == "converse-stream"
        response: Response = _stream(said, body) if stream else JSONResponse(_message(said, body))
        await response(scope, receive, send)

    return app


def _messages(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    messages: list[Mapping[str, Any]] = body["messages"]
    if not messages or messages[-1]["role"] != "user" or not messages[-1]["content"]:
        raise ValueError
    return messages


def _message(said: str | ToolUse, body: Mapping[str, Any]) -> dict[str, Any]:
    block: dict[str, Any] = {"text": said}
    if isinstance(said, ToolUse):
        block = {"toolUse": {"toolUseId": _tool_use_id(body), "name": said.name, "input": dict(said.input)}}
    return {
        "output": {"message": {"role": "assistant", "content": [block]}},
        "stopReason": _stop_reason(said),
        "usage": _usage(said, body),
        "metrics": {"latencyMs": 0},
    }


def _stream(said: str | ToolUse, body: Mapping[str, Any]) -> StreamingResponse:
    encoded = (
        EventMessage(
            headers={":message-type": "event", ":event-type": name, ":content-type": "application/json"},
            payload=json.dumps(event).encode(),
        ).encode()
        for name, event in _events(said, body)
    )
    return StreamingResponse(encoded, media_type="application/vnd.amazon.eventstream")


def _events(said: str | ToolUse, body: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "messageStart", {"role": "assistant"}
    if isinstance(said, ToolUse):
        start = {"toolUse": {"toolUseId": _tool_use_id(body), "name": said.name}}
        yield "contentBlockStart", {"contentBlockIndex": 0, "start": start}
        yield "contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolUse": {"input": json.dumps(said.input)}}}
    else:  # Bedrock sends no contentBlockStart for text
        for piece in re.findall(r"\S+\s*", said):
            yield "contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": piece}}
    yield "contentBlockStop", {"contentBlockIndex": 0}
    yield "messageStop", {"stopReason": _stop_reason(said)}
    yield "metadata", {"usage": _usage(said, body), "metrics": {"latencyMs": 0}}


def _tool_use_id(body: Mapping[str, Any]) -> str:
    return f"tooluse_{len(body['messages'])}"  # unique in its conversation


def _stop_reason(said: str | ToolUse) -> str:
    return "tool_use" if isinstance(said, ToolUse) else "end_turn"


def _usage(said: str | ToolUse, body: Mapping[str, Any]) -> dict[str, int]:
    counts = [len(json.dumps(body["messages"])) // 4, len(str(said)) // 4]  # about four characters a token
    return {"inputTokens": counts[0], "outputTokens": counts[1], "totalTokens": sum(counts)}
