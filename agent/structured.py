"""An answer as data: what the agent has said, given once more by the model in the form of the caller's schema."""

import asyncio
import copy
import itertools
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any

from strands import Agent
from strands.hooks import AfterToolsEvent
from strands.types._events import ToolResultEvent
from strands.types.tools import AgentTool, ToolGenerator, ToolSpec, ToolUse

import answer_schema
import contract
import model
from contract import ContractError
from invocation import Invocation
from settings import Settings

ATTEMPTS = 2
"""The model's: the second one is told what was wrong with the first."""
MOST_SECONDS = 1.0
"""Of the processor, for one check: a few references make a schema that takes for ever, also of little data."""
_MOST_PROBLEMS = 5
_LONGEST_PROBLEM = 500
_ASK = f"Give this answer as data: call the tool {answer_schema.TOOL}."


async def data(spoken: Agent, schema: Mapping[str, Any], invocation: Invocation, settings: Settings) -> dict[str, Any]:
    """Have the model give the answer as data. It can call nothing else, and the conversation stays as it is.

    Args:
        spoken: The agent that has answered.
        schema: What the data must fit, as `answer_schema` took it.
        invocation: The invocation.
        settings: Bounds.

    Raises:
        ContractError: ANSWER_INVALID: after ATTEMPTS nothing fits the schema.
        ModelError: A model call failed.
    """
    answer = _Answer(schema)
    agent = Agent(
        model=spoken.model,
        # strands shortens what it is given where the conversation is too long.
        messages=copy.deepcopy(spoken.messages),
        tools=[answer],
        system_prompt=spoken.system_prompt,
        callback_handler=None,
        trace_attributes=spoken.trace_attributes,
        retry_strategy=model.Retry(settings),
    )
    agent.add_hook(answer.end, AfterToolsEvent)
    cancel = threading.Event()
    state = {"invocation": invocation, "cancel": cancel, model.FORCED_TOOL: answer_schema.spec(schema)}
    try:
        result = await agent.invoke_async(
            _ASK, invocation_state=state, limits={"turns": ATTEMPTS}, cancel_signal=cancel
        )
    finally:
        cancel.set()
        invocation.turns += agent.event_loop_metrics.cycle_count
        invocation.input_tokens += agent.event_loop_metrics.accumulated_usage["inputTokens"]
        invocation.output_tokens += agent.event_loop_metrics.accumulated_usage["outputTokens"]
    if answer.data is not None:
        return answer.data
    # The end of a turn in which the model did not do as it was told is one of these, too.
    fault = None if result.stop_reason == "limit_turns" else model.fault_of_stop(result.stop_reason)
    raise ContractError(fault or contract.ANSWER_INVALID)


class _Answer(AgentTool):
    """The tool that the model gives the data with; `data` is what it took."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        super().__init__()
        self._schema = schema
        self.data: dict[str, Any] | None = None

    @property
    def tool_name(self) -> str:
        return answer_schema.TOOL

    @property
    def tool_spec(self) -> ToolSpec:
        # What is sent is FORCED_TOOL. strands writes into what it is given here.
        return {"name": answer_schema.TOOL, "description": answer_schema.DESCRIPTION, "inputSchema": {"json": {}}}

    @property
    def tool_type(self) -> str:
        return "python"

    async def stream(self, tool_use: ToolUse, invocation_state: dict[str, Any], **_: Any) -> ToolGenerator:
        unreadable = invocation_state["invocation"].unreadable.pop(tool_use["toolUseId"], None)
        wrong = (
            [unreadable.message] if unreadable else await asyncio.to_thread(problems, self._schema, tool_use["input"])
        )
        if not wrong and self.data is None:
            self.data = tool_use["input"]
        text = "\n".join(["This does not fit. Mend it, and call the tool again:", *wrong]) if wrong else "Taken."
        yield ToolResultEvent(
            {
                "toolUseId": tool_use["toolUseId"],
                "status": "error" if wrong else "success",
                "content": [{"text": text}],
            }
        )

    def end(self, event: AfterToolsEvent) -> None:
        """Have the model say no more once the data is there."""
        event.end_turn = self.data is not None


class _TooLongError(Exception):
    """A check takes more than MOST_SECONDS."""


def problems(schema: Mapping[str, Any], instance: Any) -> list[str]:
    """What does not fit a schema: nothing where all of it does, else some of it, for the model to mend."""
    # Only here: most processes never see a schema, and the import takes a while.
    from jsonschema import ValidationError  # noqa: PLC0415
    from jsonschema.validators import Draft202012Validator, extend  # noqa: PLC0415
    from referencing import Registry  # noqa: PLC0415

    # jsonschema's own compares each item with each other one, in one step that nothing ends.
    def once(_validator: Any, wanted: bool, items: Any, _schema: Any) -> Iterator[ValidationError]:
        if wanted and isinstance(items, list) and len(set(map(_comparable, items))) < len(items):
            yield ValidationError("has items that are there twice")

    until = time.thread_time() + MOST_SECONDS
    own_checks = {**Draft202012Validator.VALIDATORS, "uniqueItems": once}
    checks = {keyword: _timed(check, until) for keyword, check in own_checks.items()}
    # jsonschema goes over to another class of its own where a schema names its draft, and then nothing is timed.
    own = {keyword: value for keyword, value in schema.items() if keyword != "$schema"}
    # A registry of one's own: the default one fetches what a reference names.
    validator = extend(Draft202012Validator, checks)(own, registry=Registry())
    try:
        found = [*itertools.islice(validator.iter_errors(instance), _MOST_PROBLEMS)]
    except (_TooLongError, RecursionError, OverflowError):
        return ["The check takes too long: the data is too large, or the schema too intricate."]
    return [f"{error.json_path}: {error.message}"[:_LONGEST_PROBLEM] for error in found]


def _timed(check: Callable[..., Any], until: float) -> Callable[..., Iterator[Any]]:
    def timed(*args: Any) -> Iterator[Any]:
        if time.thread_time() > until:
            raise _TooLongError
        for error in check(*args) or ():
            # It quotes data and schema, and `anyOf` keeps those of all its branches.
            error.message = error.message[:_LONGEST_PROBLEM]
            yield error

    return timed


def _comparable(value: Any) -> Hashable:
    """What is equal for two values exactly where JSON Schema says that they are: 1 and 1.0, but not 1 and true."""
    if isinstance(value, Mapping):
        return frozenset((name, _comparable(it)) for name, it in value.items())
    if isinstance(value, list):
        return tuple(map(_comparable, value))
    return isinstance(value, bool), value
