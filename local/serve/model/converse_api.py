"""Bedrock's Converse and ConverseStream: what a request needs, and the operations over any model.

Source: botocore bedrock-runtime, operations Converse and ConverseStream.
"""

import logging
import re
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.failures import NotReproducedError, RefusalError
from toolgate.local.cloud.lookups import answer
from toolgate.local.serve.guards.iam_guard import NeededPermission, refuse
from toolgate.local.serve.guards.sigv4 import Received
from toolgate.local.serve.model.converse_stream import STATUS, Event, ModelError, Turn, broken_off, encoded, whole
from toolgate.policy.language.agentcore_facts import INVOKE_MODEL

log = logging.getLogger(__name__)

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


def model_app(turn: Turn) -> ASGIApp:
    """The two operations, behind whatever checks the caller.

    Args:
        turn: The model.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        stream = scope["path_params"]["operation"] == "converse-stream"
        try:
            events = turn(_checked(await request.json()))
            # What fails before the first event is answered with its own status.
            response = await _streamed(events) if stream else JSONResponse(await whole(events))
        except ModelError as error:
            log.warning("The model: %s", error)
            await refuse(send, STATUS[error.code], error.code, str(error))
        except (ValueError, KeyError, TypeError, AttributeError):
            await refuse(send, 400, "ValidationException", "The request is not one that Converse describes.")
        else:
            await response(scope, receive, send)

    return app


def _checked(body: Mapping[str, Any]) -> Mapping[str, Any]:
    messages = body["messages"]
    if not messages or messages[-1]["role"] != "user" or not messages[-1]["content"]:
        raise ValueError
    return body


async def _streamed(events: AsyncIterator[Event]) -> Response:
    first = await anext(events)

    async def body() -> AsyncIterator[bytes]:
        yield encoded(first)
        try:
            async for event in events:
                yield encoded(event)
        except ModelError as error:
            log.warning("The model: %s", error)
            yield broken_off(error)

    return StreamingResponse(body(), media_type="application/vnd.amazon.eventstream")
