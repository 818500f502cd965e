"""The agent's HTTP contract: what a request must be, what an answer looks like, every error a caller can get.

Error texts are our own words. Nothing of an exception, a parser, a URL or an ARN ever stands in one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import answer_schema
import strict_json


@dataclass(frozen=True)
class Fault:
    """One way an invocation fails, as its caller sees it.

    Attributes:
        code: Stable word for programs.
        status: HTTP status.
        message: One sentence for people.
    """

    code: str
    status: int
    message: str


GATEWAY_REFUSED = Fault("gateway_refused", 502, "The tool gateway refused the agent.")
GATEWAY_TOKEN_UNAVAILABLE = Fault(
    "gateway_token_unavailable", 503, "The agent has no token for the tool gateway just now. Try again shortly."
)
GATEWAY_THROTTLED = Fault("gateway_throttled", 503, "The tool gateway is busy. Try again shortly.")
GATEWAY_UNAVAILABLE = Fault("gateway_unavailable", 503, "The tool gateway is not available. Try again later.")
GATEWAY_FAILED = Fault("gateway_failed", 502, "The tool gateway gave a reply that cannot be used.")
GATEWAY_TIMEOUT = Fault("gateway_timeout", 504, "The tool gateway did not answer in time.")
GATEWAY_SESSION_LOST = Fault("gateway_session_lost", 503, "The tool gateway ended the session. Try again.")

# Faults of one tool, not of its gateway: the model is told and may still answer.
TOOL_TIMEOUT = Fault("tool_timeout", 504, "The tool did not answer in time.")
RESULT_TOO_LARGE = Fault("result_too_large", 502, "The tool's result is too large.")
TOOL_DENIED = Fault("tool_denied", 502, "The gateway's policy does not permit this agent to call the tool.")
TOOL_FAILED = Fault("tool_failed", 502, "The tool reported an error.")
TOOL_CANCELLED = Fault("tool_cancelled", 504, "The tool's result was not waited for: the invocation ended.")
UNKNOWN_TOOL = Fault("unknown_tool", 502, "The model named a tool that the agent does not have.")
INVALID_ARGUMENTS = Fault("invalid_arguments", 502, "The tool was not called: its arguments are not one JSON object.")

# Of agents that this one asks. The first two end the invocation, as a gateway's do.
AGENT_REFUSED = Fault("agent_refused", 502, "Another agent, which this one asks, refused it.")
AGENT_UNAVAILABLE = Fault(
    "agent_unavailable", 503, "Another agent, which this one asks, is not available. Try again later."
)
AGENT_FAILED = Fault("agent_failed", 502, "The other agent gave no answer.")
AGENT_TIMEOUT = Fault("agent_timeout", 504, "The other agent did not answer in time.")
NO_PROMPT = Fault("no_prompt", 502, "The other agent was not asked: the prompt must be a text that is not empty.")

MODEL_REFUSED = Fault("model_refused", 502, "The model refused the agent's request.")
MODEL_THROTTLED = Fault("model_throttled", 503, "The model is busy. Try again shortly.")
MODEL_UNAVAILABLE = Fault("model_unavailable", 503, "The model is not available. Try again later.")
MODEL_FAILED = Fault("model_failed", 502, "The model's answer broke off.")
MODEL_TIMEOUT = Fault("model_timeout", 504, "The model did not answer in time.")
MODEL_OVERFLOW = Fault("model_overflow", 502, "The conversation grew too large for the model.")
ANSWER_TOO_LONG = Fault("answer_too_long", 502, "The model's answer was cut off at its length limit.")
ANSWER_FILTERED = Fault("answer_filtered", 502, "The model's answer was stopped by a filter or a guardrail.")
ANSWER_INVALID = Fault("answer_invalid", 502, "The model gave no data that fits the schema.")
ANSWER_EMPTY = Fault("answer_empty", 502, "The model gave no answer.")

MEMORY_REFUSED = Fault("memory_refused", 502, "The agent's memory of conversations refused the agent.")
MEMORY_UNAVAILABLE = Fault(
    "memory_unavailable", 503, "The agent's memory of conversations is not available. Try again later."
)

# Of turns that outlive their request (agent/tasks.py).
NO_SESSION = Fault("invalid_request", 400, "A task belongs to a session: send the request in one.")
UNKNOWN_TASK = Fault("unknown_task", 404, "There is no such task in this session: it never was, or was too long ago.")
SESSION_BUSY = Fault("session_busy", 503, "A task runs in this session. Wait for its end, or cancel it.")
TOO_MANY_TASKS = Fault("too_many_tasks", 503, "The agent runs as many tasks as it may. Try again later.")
TASK_CANCELLED = Fault("task_cancelled", 499, "The task was cancelled.")  # for the log: its caller is told otherwise

TURN_LIMIT = Fault("turn_limit", 502, "The agent came to no answer within its number of turns.")
DEADLINE = Fault("deadline_exceeded", 504, "The agent came to no answer in time.")
SHUTTING_DOWN = Fault("shutting_down", 503, "The agent is shutting down. Try again.")
CALLER_LEFT = Fault("caller_left", 499, "The caller left before the answer.")  # for the log: nobody reads it
INTERNAL = Fault("internal_error", 500, "The agent failed. The log says why, under this request's id.")

BODY_TIMEOUT = Fault("invalid_request", 408, "The body did not come in time.")


class ContractError(Exception):
    """An invocation that ends in an error of the contract."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.code)
        self.fault = fault


@dataclass(frozen=True)
class Request:
    """An accepted request.

    Attributes:
        prompt: What is asked.
        stream: Whether the answer is to be streamed.
        schema: What its data must be, if any.
        background: Whether the turn is to outlive the request.
    """

    prompt: str
    stream: bool
    schema: Any = None
    background: bool = False


@dataclass(frozen=True)
class TaskRequest:
    """An accepted request about a turn that outlives its request: its id, and whether it is to be cancelled."""

    task: str
    cancel: bool


def read(body: bytes, longest_prompt: int, model_ids: Sequence[str]) -> Request | TaskRequest:
    """Read a request's body.

    Args:
        body: The bytes as they came.
        longest_prompt: Most characters a prompt may have.
        model_ids: The models that may be asked: what one of them refuses of a schema is refused here.

    Raises:
        ContractError: If it is not a request of the contract (status 400).
    """
    document = _parse(body)
    if not isinstance(document, dict):
        _refuse('The body must be a JSON object, like {"prompt": "What is 100 + 12?"}.')
    if "task" in document:
        return _about_task(document)
    given = [name for name in ("prompt", "message") if name in document]
    if not given:
        _refuse('The body has no "prompt". Write {"prompt": "What is 100 + 12?"}.')
    if len(given) > 1:
        _refuse('The body has both "prompt" and "message". Write one of them.')
    stream, background = _switch(document, "stream"), _switch(document, "background")
    if stream and background:
        _refuse('The body has both "stream" and "background". Write one of them.')
    prompt = _prompt(given[0], document[given[0]], longest_prompt)
    return Request(prompt, stream, _schema(document, model_ids), background)


def success(text: str, stop_reason: str | None, data: Any = None) -> dict[str, Any]:
    """The body of an answer; with data, where the request has a schema."""
    answer = {"status": "success", "response": text, "stop_reason": stop_reason}
    return answer if data is None else {**answer, "data": data}


def failure(fault: Fault) -> dict[str, Any]:
    """The body of an error, also the final event of a stream that failed."""
    return {"status": "error", "error": {"code": fault.code, "message": fault.message}}


def too_large(limit: int) -> Fault:
    """The fault of a body with more than `limit` bytes."""
    return Fault("invalid_request", 400, f"The body is larger than {limit} bytes.")


def unreadable_arguments(problem: str) -> Fault:
    """INVALID_ARGUMENTS with what is wrong; goes on from "the text ..."."""
    message = f"The tool was not called: the text of its arguments {problem}. Write one JSON object."
    return replace(INVALID_ARGUMENTS, message=message)


def _refuse(message: str) -> NoReturn:
    raise ContractError(Fault("invalid_request", 400, message))


def _parse(body: bytes) -> Any:
    try:
        return strict_json.loads(body.decode())
    except UnicodeDecodeError:
        _refuse("The body is not UTF-8 text.")
    except ValueError as error:
        _refuse(f'The body {error}. Write {{"prompt": "What is 100 + 12?"}}.')


def _about_task(document: dict[str, Any]) -> TaskRequest:
    # What is beside it would be dropped without a word.
    if more := sorted(document.keys() & {"prompt", "message", "stream", "schema", "background"}):
        _refuse(f'The body has both "task" and "{more[0]}". Write one of them.')
    if not isinstance(document["task"], str):
        _refuse('"task" must be the id of a task, a string.')
    return TaskRequest(document["task"], _switch(document, "cancel"))


def _switch(document: dict[str, Any], name: str) -> bool:
    value = document.get(name, False)
    if not isinstance(value, bool):
        _refuse(f'"{name}" must be true or false.')
    return value


def _schema(document: dict[str, Any], model_ids: Sequence[str]) -> Any:
    if "schema" in document and (fault := answer_schema.fault(document["schema"], model_ids)):
        _refuse(fault)
    return document.get("schema")


def _prompt(name: str, value: Any, longest: int) -> str:
    # A list or an object would be taken as messages, and a toolUse block in one runs a tool without the model.
    if not isinstance(value, str):
        _refuse(f'"{name}" must be a string.')
    if not value.strip():
        _refuse(f'"{name}" is empty.')
    if len(value) > longest:
        _refuse(f'"{name}" has {len(value)} characters; the most is {longest}.')
    try:
        value.encode()
    except UnicodeEncodeError:
        _refuse(f'"{name}" is not valid Unicode text.')
    return value
