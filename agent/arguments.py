"""A tool's arguments: as the model wrote them, or the tool is not called."""

import json
from collections.abc import Iterator

from strands.types.streaming import StreamEvent

import contract
import strict_json
from invocation import Invocation


class ToolInputs:
    """The arguments of a turn's tool calls, held back until they are whole.

    Where strands cannot read them it puts `{}` in their place, and a tool would run on defaults that nobody asked for.
    It gets none of those, and the invocation's record says that the call must not be made. Missing or empty arguments
    are `{}`: models write that for a tool without parameters.
    """

    def __init__(self, invocation: Invocation) -> None:
        self._invocation = invocation
        self._id: str | None = None
        self._pieces: list[str] = []

    def whole(self, event: StreamEvent) -> Iterator[StreamEvent]:
        """The events to go on with instead of this one."""
        start = event.get("contentBlockStart", {}).get("start", {})
        piece = event.get("contentBlockDelta", {}).get("delta", {}).get("toolUse")
        if tool_use := start.get("toolUse"):
            self._id, self._pieces = tool_use.get("toolUseId"), []
        elif piece is not None and self._id is not None:
            self._pieces.append(piece.get("input", ""))
            return
        elif "contentBlockStop" in event and self._id is not None:
            text, tool_use_id, self._id = "".join(self._pieces), self._id, None
            if problem := _problem(text) if text.strip() else None:
                self._invocation.unreadable[tool_use_id] = contract.unreadable_arguments(problem)
            else:
                yield {"contentBlockDelta": {"delta": {"toolUse": {"input": text}}}}
        yield event


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
