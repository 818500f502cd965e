"""What one invocation does, kept for its answer and for its line in the log."""

import logging
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import logs
from contract import Fault


@dataclass(frozen=True)
class ToolUse:
    """One tool call the model asked for: the tool, how it ended, and how long it took.

    `status` is `success`, a fault's code, or the code of an error that the tool itself returned.
    """

    name: str
    status: str
    milliseconds: int


@dataclass
class Invocation:
    """The record of one invocation.

    Attributes:
        request_id: Id of the request, AgentCore's where there is one.
        session_id: AgentCore's session, if any.
        origin_request_id: Id of the invocation in which another agent asks this one, if one does.
        user: AgentCore's runtime user, if the caller names one.
        left: Done once the caller has left, or has cancelled the task; None where nobody would notice.
        task: Id of the task, where the turn outlives its request.
        tools: The tool calls made, in order of their end.
        gateway_faults: Tools whose last call failed because of their gateway, with the fault.
        unreadable: Tool calls, by the model's id, that must not be made, with what is wrong with their arguments.
        tool_use_ids: The ids of all its tool calls, and of those before it in its conversation.
        hearing: Whether a turn of the model has begun to come and has not come to its end.
        stop_reason: Why the model stopped, once it did.
        data: What was asked for with a schema, once it is there.
        turns: Model turns taken.
        input_tokens: Tokens the model read.
        output_tokens: Tokens the model wrote.
        cache_read_tokens: Tokens of prompts that were read from the model's cache; None where no model tells.
        cache_write_tokens: Tokens of prompts that were written into it; None likewise.
        model_id: Of an agent with several models, the one that gave the last turn.
    """

    request_id: str
    session_id: str | None = None
    user: str | None = None
    left: Future[None] | None = None
    tools: list[ToolUse] = field(default_factory=list)
    gateway_faults: dict[str, Fault] = field(default_factory=dict)
    unreadable: dict[str, Fault] = field(default_factory=dict)
    tool_use_ids: set[str] = field(default_factory=set)
    hearing: bool = False
    stop_reason: str | None = None
    data: dict[str, Any] | None = None
    turns: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    origin_request_id: str | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    model_id: str | None = None
    task: str | None = None
    _started: float = field(default_factory=time.monotonic)

    def called(self, name: str, error: str | None, seconds: float) -> None:
        """Record a tool call that has ended, with the code of what it failed of."""
        self.tools.append(ToolUse(name, error or "success", round(seconds * 1000)))

    def note(self, name: str, fault: Fault | None) -> None:
        """Note whether a tool's last call failed because of its gateway."""
        if fault:
            self.gateway_faults[name] = fault
        else:
            self.gateway_faults.pop(name, None)

    def usage(self) -> dict[str, int | str]:
        """Turns and tokens, as a stream's final event tells them; what is not known is left out."""
        every = {
            "turns": self.turns,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cache_read_tokens": self.cache_read_tokens,
            "cache_write_tokens": self.cache_write_tokens,
            "model_id": self.model_id,
        }
        return {name: value for name, value in every.items() if value is not None}

    def log(self, status: int, code: str, **content: Any) -> None:
        """Write the invocation's line, as a warning where the answer is an error.

        Args:
            status: HTTP status of the answer.
            code: `success` or the fault's code.
            **content: What may stand in the line only where content is logged.
        """
        logs.event(
            "invocation",
            level=logging.INFO if status == HTTPStatus.OK else logging.WARNING,
            request_id=self.request_id,
            session_id=self.session_id,
            origin_request_id=self.origin_request_id,
            task=self.task,
            status=status,
            code=code,
            stop_reason=self.stop_reason,
            **self.usage(),
            tools=[vars(tool) for tool in self.tools],
            milliseconds=round((time.monotonic() - self._started) * 1000),
            **content,
        )
