"""The model, through Bedrock's ConverseStream: bounded, tried again where that is safe, its faults named."""

import logging
import re
import threading
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from typing import Any

import boto3
from botocore.config import Config
from botocore.eventstream import EventStream, ParserError
from botocore.exceptions import BotoCoreError, ClientError, EventStreamError, HTTPClientError, ReadTimeoutError
from botocore.exceptions import ConnectionError as EndpointError
from botocore.model import Shape, StructureShape
from strands import ModelRetryStrategy
from strands.models import BedrockModel
from strands.types.exceptions import (
    ContextWindowOverflowException,
    MaxTokensReachedException,
    ModelThrottledException,
)
from strands.types.streaming import StreamEvent
from strands.types.tools import ToolSpec
from urllib3.exceptions import HTTPError
from urllib3.exceptions import ReadTimeoutError as StreamReadTimeoutError

import contract
import logs
from contract import Fault
from invocation import Invocation
from settings import Settings

from . import options
from .tool_calls import WHOLE, ToolCalls

# Errors of ConverseStream (botocore's bedrock-runtime model), by code.
_CODE_FAULTS = {
    "AccessDeniedException": contract.MODEL_REFUSED,
    "ResourceNotFoundException": contract.MODEL_REFUSED,
    "ValidationException": contract.MODEL_REFUSED,
    "ThrottlingException": contract.MODEL_THROTTLED,
    "ServiceQuotaExceededException": contract.MODEL_THROTTLED,  # of InvokeModel; reported of streams, too
    "InternalServerException": contract.MODEL_UNAVAILABLE,
    "ModelNotReadyException": contract.MODEL_UNAVAILABLE,
    "ServiceUnavailableException": contract.MODEL_UNAVAILABLE,
    "ModelTimeoutException": contract.MODEL_TIMEOUT,
    "ModelErrorException": contract.MODEL_FAILED,
    "ModelStreamErrorException": contract.MODEL_FAILED,
}
# Stop reasons of ConverseStream (botocore's bedrock-runtime model, shape StopReason), and strands' own of a limit.
_STOP_FAULTS = {
    "content_filtered": contract.ANSWER_FILTERED,
    "guardrail_intervened": contract.ANSWER_FILTERED,
    "max_tokens": contract.ANSWER_TOO_LONG,
    "model_context_window_exceeded": contract.MODEL_OVERFLOW,
    "limit_turns": contract.TURN_LIMIT,
}
# Errors whose code is not known, by HTTP status.
_STATUS_FAULTS = {408: contract.MODEL_TIMEOUT, 429: contract.MODEL_THROTTLED}
# How ValidationExceptions say that the conversation is too long, where strands does not know them: reported of Nova,
# and of models of which Bedrock passes the server's own words on (strands-agents/harness-sdk#3969, FLUJO#291).
_OVERFLOWS = re.compile(
    r"input tokens exceed|number of input tokens|maximum context length|context window"
    r"|exceeds? the (model's )?maximum( allowed)? (input |context )?length",
    re.IGNORECASE,
)
_TELLING = ("AccessDeniedException", "ResourceNotFoundException", "ThrottlingException", "ServiceUnavailableException")
_TRY_AGAIN = (contract.MODEL_THROTTLED, contract.MODEL_UNAVAILABLE)
# Of an error whose fault is MODEL_REFUSED: those that are about who asks which model, not about what is asked.
_LASTING = ("AccessDeniedException", "ResourceNotFoundException")
FORCED_TOOL = "forced_tool"
"""Key of the invocation state: the one tool that the model is offered and must call, as it is to be sent: strands
gives each property without a type the type string."""


class ModelError(Exception):
    """A model call that failed.

    Attributes:
        fault: How.
        heard: Whether part of an answer had come before: then trying again would say it twice.
        of_this_request: Whether it may be for what this request holds, so that another one may be answered.
    """

    def __init__(self, fault: Fault, heard: bool, of_this_request: bool = False) -> None:
        super().__init__(fault.code)
        self.fault = fault
        self.heard = heard
        self.of_this_request = of_this_request


class BoundedModel(BedrockModel):
    """BedrockModel that raises ModelError, also for a stream that ends without its end (strands takes it as whole)."""

    async def stream(
        self, messages: Any, tool_specs: list[ToolSpec] | None = None, *args: Any, **kwargs: Any
    ) -> AsyncGenerator[StreamEvent]:
        """Stream one model turn.

        Raises:
            ModelError: If the turn did not come to its end.
            ContextWindowOverflowException: If the conversation is too long; strands shortens it and tries again.
        """
        heard = ended = False
        invocation: Invocation = kwargs["invocation_state"]["invocation"]
        if forced := kwargs["invocation_state"].get(FORCED_TOOL):
            tool_specs, kwargs["tool_choice"] = [forced], {"tool": {"name": forced["name"]}}
        calls = ToolCalls(invocation)
        shape = self.client.meta.service_model.shape_for("ConverseStreamOutput")
        try:
            async with aclosing(super().stream(messages, tool_specs, *args, **kwargs)) as events:
                async for event in events:
                    invocation.hearing = True
                    if not _fits(event, shape) or calls.are_missing(event):
                        raise ModelError(contract.MODEL_FAILED, heard)
                    heard = heard or "contentBlockDelta" in event
                    ended = ended or "messageStop" in event
                    _note_cache(event, invocation)
                    for whole in calls.whole(event):
                        yield whole
        except (ModelThrottledException, BotoCoreError, ClientError, HTTPError, ParserError) as error:
            if _overflows(error):
                raise ContextWindowOverflowException(error) from error
            fault = _named(error)
            logs.event("model_call_failed", level=logging.WARNING, code=fault.code, **_diagnosis(error))
            raise ModelError(fault, heard, fault is contract.MODEL_REFUSED and _code(error) not in _LASTING) from error
        invocation.hearing = False
        cancelled: threading.Event | None = kwargs.get("cancel_signal")
        if not ended and not (cancelled and cancelled.is_set()):
            raise ModelError(contract.MODEL_FAILED, heard)


def _fits(value: Any, shape: Shape) -> bool:
    """Whether what came has the types of the service's model; botocore's parser does not look."""
    if isinstance(shape, StructureShape):
        members: Mapping[str, Shape] = shape.members
        return isinstance(value, dict) and all(_fits(value[name], members[name]) for name in members if name in value)
    wanted = {"string": str, "integer": int, "long": int}.get(shape.type_name)
    return wanted is None or isinstance(value, wanted)


class Retry(ModelRetryStrategy):
    """Tries a model call again, twice at most, where nothing of an answer was heard and waiting may help.

    With models to fall back to a call is already one of each, so that it is tried again once.
    """

    def __init__(self, settings: Settings) -> None:
        # strands types the delays as whole seconds, and only ever doubles, compares and sleeps them.
        delay: Any = settings.model_retry_seconds
        super().__init__(max_attempts=2 if settings.fallback_model_ids else 3, initial_delay=delay, max_delay=delay * 4)

    def is_retryable(self, exception: Exception) -> bool:
        """Whether another attempt makes sense."""
        return isinstance(exception, ModelError) and not exception.heard and exception.fault in _TRY_AGAIN


def build(session: boto3.Session, settings: Settings) -> BoundedModel:
    """Make the model; of several, the first one.

    Args:
        session: Where credentials come from.
        settings: Model, Region and bounds.
    """
    config = Config(
        connect_timeout=settings.connect_seconds,
        read_timeout=settings.model_seconds,
        # One place decides about trying again, and it is Retry: botocore's own attempts would multiply with it.
        retries={"mode": "standard", "total_max_attempts": 1},
        max_pool_connections=settings.concurrency,
        tcp_keepalive=True,
    )
    model = BoundedModel(
        boto_session=session, boto_client_config=config, **options.of_model(settings, settings.model_id)
    )
    # A handler of botocore sees every answer, also those that strands asks for again by itself.
    model.client.meta.events.register("after-call.bedrock-runtime.ConverseStream", _close_what_fails)
    return model


class _ClosedOnFailure:
    """A model's stream that gives its connection back when reading it fails; strands closes a cancelled one only."""

    def __init__(self, stream: EventStream) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[Any]:
        try:
            yield from self._stream
        except BaseException:
            self._stream.close()
            raise

    def close(self) -> None:
        self._stream.close()


def _close_what_fails(parsed: dict[str, Any], **_: Any) -> None:
    if "stream" in parsed:
        parsed["stream"] = _ClosedOnFailure(parsed["stream"])


def fault_of(error: BaseException | None) -> Fault | None:
    """The model's fault behind an error of strands; None if it is something else."""
    while error is not None:
        if isinstance(error, ModelError):
            return error.fault
        if isinstance(error, MaxTokensReachedException):
            return contract.ANSWER_TOO_LONG
        if isinstance(error, ContextWindowOverflowException):
            return contract.MODEL_OVERFLOW
        error = error.__cause__
    return None


def fault_of_stop(reason: str) -> Fault | None:
    """The fault of an answer that ended for this reason; None if it is whole."""
    return None if reason in WHOLE else _STOP_FAULTS.get(reason, contract.MODEL_FAILED)


def _diagnosis(error: Exception) -> dict[str, str]:
    """Bedrock's own words where they are about permissions and names; others may quote the conversation."""
    cause = error.__cause__ if isinstance(error, ModelThrottledException) else error
    if not isinstance(cause, ClientError):
        return {"aws_error": type(error).__name__}
    found = cause.response.get("Error", {})
    code, reason = found.get("Code", ""), found.get("Message", "")
    return {"aws_error": code, **({"reason": reason[:500]} if code in _TELLING else {})}


def _named(error: Exception) -> Fault:
    if isinstance(error, ModelThrottledException):
        return contract.MODEL_THROTTLED
    if isinstance(error, ReadTimeoutError | StreamReadTimeoutError):
        return contract.MODEL_TIMEOUT
    if isinstance(error, EndpointError | HTTPClientError):
        return contract.MODEL_UNAVAILABLE
    if isinstance(error, ClientError):
        code = _code(error)
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        unknown = contract.MODEL_UNAVAILABLE if status >= 500 else contract.MODEL_REFUSED
        if isinstance(error, EventStreamError):  # it has no status, and what had begun to answer has refused nothing
            unknown = contract.MODEL_FAILED
        return _CODE_FAULTS.get(code, _STATUS_FAULTS.get(status, unknown))
    return contract.MODEL_FAILED


def _code(error: Exception) -> str:
    code = error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else ""
    return str(code[:1].upper() + code[1:])  # in the middle of a stream codes begin in lower case


def _note_cache(event: StreamEvent, invocation: Invocation) -> None:
    """Add up what a turn read from the model's cache of prompts and wrote into it, where the model tells."""
    usage = event.get("metadata", {}).get("usage", {})
    if "cacheReadInputTokens" in usage:
        invocation.cache_read_tokens = (invocation.cache_read_tokens or 0) + usage["cacheReadInputTokens"]
    if "cacheWriteInputTokens" in usage:
        invocation.cache_write_tokens = (invocation.cache_write_tokens or 0) + usage["cacheWriteInputTokens"]


def _overflows(error: Exception) -> bool:
    if not isinstance(error, ClientError):
        return False
    found = error.response.get("Error", {})
    return found.get("Code", "").lower() == "validationexception" and bool(_OVERFLOWS.search(found.get("Message", "")))
