"""A model's tool calls: made as the model wrote them, or not at all."""

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

from strands.types.streaming import StreamEvent

import contract
import strict_json
from invocation import Invocation

# The stop reasons with which an answer is whole; any other one, also one that is new, is a fault.
WHOLE = ("end_turn", "stop_sequence")
# botocore's bedrock-runtime model, shape ToolUseId.
_ID = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")


class ToolCalls:
    """A turn's tool calls, each held back until it is whole.

    Where strands cannot read the arguments it puts `{}` in their place, and a tool would run on defaults that nobody
    asked for. It gets none of those, and the invocation's record says that the call must not be made. Missing or empty
    arguments are `{}`: models write that for a tool without parameters.

    A call's id ties its result to it, here and in the next request, which Bedrock refuses over one that comes twice or
    is none of its own form. Models write such ids; the call then gets another, and nobody else has seen the first.
    """

    def __init__(self, invocation: Invocation) -> None:
        self._invocation = invocation
        self._open: dict[int | None, tuple[StreamEvent, list[str]]] = {}
        self._whole = 0

    def whole(self, event: StreamEvent) -> Iterator[StreamEvent]:
        """The events to go on with instead of this one."""
        start: Any = event.get("contentBlockStart", {})
        delta: Any = event.get("contentBlockDelta", {})
        stop: Any = event.get("contentBlockStop", {})
        piece = delta.get("delta", {}).get("toolUse")
        if tool_use := start.get("start", {}).get("toolUse"):
            own: Any = {**start, "start": {"toolUse": {**tool_use, "toolUseId": self._own_id(tool_use)}}}
            self._open[start.get("contentBlockIndex")] = {"contentBlockStart": own}, []
        elif piece is not None and delta.get("contentBlockIndex") in self._open:
            self._open[delta.get("contentBlockIndex")][1].append(piece.get("input", ""))
        elif "contentBlockStop" in event and stop.get("contentBlockIndex") in self._open:
            yield from self._call(*self._open.pop(stop.get("contentBlockIndex")))
            yield event
        elif "messageStop" in event:
            yield self._ended(event)
        else:
            yield event

    def are_missing(self, event: StreamEvent) -> bool:
        """Whether this event ends the turn in a call that it has not: models were seen to write it as text."""
        return event.get("messageStop", {}).get("stopReason") == "tool_use" and not self._whole

    def _own_id(self, tool_use: Any) -> str:
        given = tool_use.get("toolUseId", "")
        known = self._invocation.tool_use_ids
        own: str = given if _ID.fullmatch(given) and given not in known else f"tooluse_{uuid.uuid4().hex}"
        known.add(own)
        return own

    def _call(self, start: Any, pieces: list[str]) -> Iterator[StreamEvent]:
        tool_use, text = start["contentBlockStart"]["start"]["toolUse"], "".join(pieces)
        self._whole += 1 if tool_use.get("name") else 0  # strands leaves one without a name out
        yield start
        if problem := _problem(text) if text.strip() else None:
            self._invocation.unreadable[tool_use["toolUseId"]] = contract.unreadable_arguments(problem)
        else:
            yield {"contentBlockDelta": {"delta": {"toolUse": {"input": text}}}}

    def _ended(self, event: Any) -> StreamEvent:
        """The turn's end: models were seen to give another reason than `tool_use` beside a call."""
        reason = event["messageStop"].get("stopReason")
        stop = {**event["messageStop"], "stopReason": "tool_use" if reason in WHOLE and self._whole else reason}
        ended: Any = {"messageStop": stop}
        return ended  # type: ignore[no-any-return]  # strands types what it reads of a stop, and no more


def _problem(text: str) -> str | None:
    """What is wrong with a tool's arguments."""
    try:
        arguments = strict_json.loads(text)
        json.dumps(arguments, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half of a pair: what was meant cannot be known, and cannot be sent
        return "is not valid Unicode"
    except RecursionError:
        return "is nested too deeply"
    except ValueError as error:
        return str(error)
    return None if isinstance(arguments, dict) else "is not a JSON object"
