"""Bedrock's Converse and ConverseStream: what a request needs, and the operations over any model.

Source: botocore bedrock-runtime, operations Converse and ConverseStream.
"""

import logging
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from toolgate.access.iam.policies import Policy
from toolgate.agent.toolset import rules as tool_rules
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.failures import RefusalError
from toolgate.local.cloud.inference_profiles import PROFILE_ID, is_made_up
from toolgate.local.cloud.lookups import answer
from toolgate.local.serve.guards.iam_guard import NeededPermission, refuse
from toolgate.local.serve.guards.sigv4 import Received
from toolgate.local.serve.json_body import read_json
from toolgate.local.serve.model import cache_points, converse_messages, guardrails
from toolgate.local.serve.model.converse_stream import STATUS, Event, ModelError, Turn, broken_off, encoded, whole
from toolgate.policy.language.agentcore_facts import INVOKE_MODEL

log = logging.getLogger(__name__)

PATH = re.compile(r"/model/(?P<model>[^/]+)/(?P<operation>converse|converse-stream)")
MAX_BODY = 25 * 2**20

_ACTIONS = dict(zip(("converse", "converse-stream"), INVOKE_MODEL, strict=True))
"""Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html"""

_PROFILE_ARN = re.compile(r"arn:[^:]+:bedrock:[^:]*:\d{12}:(application-)?inference-profile/.+")
_THROUGH = "bedrock:inferenceprofilearn"


class UnknownProfileError(Exception):
    """The local deployment does not know where a model's id leads, or Bedrock would not either; the text says why."""


def permissions(
    env: CloudEnvironment, named: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> Callable[[re.Match[str], Received], list[NeededPermission]]:
    """What a request to a model needs: the profile, its model in every Region that it may lead to, and the guardrail.

    Args:
        env: The account and Region.
        named: What the deployment itself says of where profiles lead (`named_destinations`): it stands in where nobody
            here knows.
    """

    def needed(match: re.Match[str], request: Received) -> list[NeededPermission]:
        action = _ACTIONS[match["operation"]]
        guardrail = guardrails.permissions(request.body, env)
        try:
            profile, models = model_arns(unquote(match["model"]), env, named)
        except UnknownProfileError:  # what nobody knows, nobody may call
            return [NeededPermission(action, unquote(match["model"])), *guardrail]
        through = {"bedrock:InferenceProfileArn": profile}
        arns = ([profile] if profile else []) + models
        return [*(NeededPermission(action, arn, through) for arn in arns), *guardrail]

    return needed


def model_arns(
    model_id: str, env: CloudEnvironment, named: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> tuple[str | None, list[str]]:
    """The ARN of an inference profile, if the id is one of a profile, and of the foundation models behind the id.

    Args:
        model_id: As the agent names it.
        env: The account and Region.
        named: See `permissions`.

    Source: https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-prereq.html

    Raises:
        UnknownProfileError: It is no id of a model or profile that can be asked here.
    """
    if ":foundation-model/" in model_id:
        return None, [model_id]
    by_arn = _PROFILE_ARN.fullmatch(model_id)
    if model_id.startswith("arn:") and not by_arn:
        raise UnknownProfileError(f"where {model_id} leads is not known here; use a foundation model or a profile")
    if not by_arn and not PROFILE_ID.fullmatch(model_id):
        return None, [f"arn:{env.partition}:bedrock:{env.region}::foundation-model/{model_id}"]
    try:
        profile = answer("aws:bedrock/getInferenceProfile:getInferenceProfile", {"inferenceProfileId": model_id}, env)
    except RefusalError as error:
        raise UnknownProfileError(str(error)) from error
    arn, models = profile["inferenceProfileArn"], [model["modelArn"] for model in profile["models"]]
    return arn, list(named.get(arn, models)) if any(map(is_made_up, models)) else models


def named_destinations(policies: Iterable[Policy]) -> dict[str, tuple[str, ...]]:
    """Where inference profiles lead, as the deployment's own policies say it: by profile, the models through it.

    In a stack's export these are what Bedrock answered when it was deployed, in a plan what stands in for that.
    """
    found: dict[str, tuple[str, ...]] = {}
    for statement in (it for policy in policies for it in policy.statements):
        conditions = statement.conditions if isinstance(statement.conditions, tuple) else ()
        profiles = [value for it in conditions if it.key == _THROUGH for value in it.values if isinstance(value, str)]
        for profile in profiles:
            found[profile] = tuple(sorted({*found.get(profile, ()), *statement.resources.exact}))
    return found


def model_app(turn: Turn) -> ASGIApp:
    """The two operations, behind whatever checks the caller.

    Args:
        turn: The model.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        stream = scope["path_params"]["operation"] == "converse-stream"
        try:
            body = _checked(read_json(await request.body()))
            model_id = unquote(scope["path_params"]["model"])
            _check_tools(body.get("toolConfig", {}).get("tools", ()), model_id)
            cache_points.check_model(body, model_id)
            events = guardrails.intervention() if guardrails.intervenes(body) else turn(body)
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
    if refused := converse_messages.problem(messages) or cache_points.problem(body):
        raise ModelError("ValidationException", refused)
    return body


def _check_tools(tools: Sequence[Mapping[str, Any]], model_id: str) -> None:
    """Refuse a request for its tools: by the same table, the agent leaves such a tool out.

    Raises:
        ModelError: Bedrock would refuse one of them, or all of them together.
    """
    specs = [tool["toolSpec"] for tool in tools if "toolSpec" in tool]
    if refusal := tool_rules.answer(specs, model_id):
        raise ModelError("ValidationException", refusal)


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
