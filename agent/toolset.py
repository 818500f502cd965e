"""Which of the listed tools a model can be offered."""

import logging
import re
from collections.abc import Iterable

from strands.types.tools import AgentTool

import logs

# Bedrock's ToolSpecification.name: pattern and length (botocore's bedrock-runtime model, shape ToolName).
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def usable[Tool: AgentTool](tools: Iterable[Tool]) -> list[Tool]:
    """The tools that can stand together in one request to the model; each one left out is logged.

    A name that Bedrock refuses would fail every request, whichever tool it needs. Of two names that are the same, or
    the same but for `-` and `_` (which strands refuses together), the first stays.
    """
    kept: dict[str, Tool] = {}
    for tool in tools:
        name = tool.tool_name
        key = name.replace("-", "_")
        if not NAME.fullmatch(name):
            _left_out(name, "Bedrock takes 1 to 64 letters, digits, _ and - in a tool's name")
        elif key in kept:
            _left_out(name, f"the tool {kept[key].tool_name} has this name, but for - and _")
        else:
            kept[key] = tool
    return list(kept.values())


def _left_out(name: str, reason: str) -> None:
    logs.event("tool_left_out", level=logging.WARNING, tool=name[:200], reason=reason)
