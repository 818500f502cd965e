"""The record of a tool call."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ToolCall:
    """A tool call that a gateway really made.

    Attributes:
        gateway: The gateway's ARN.
        tool: The tool's full name.
        arguments: What the tool was called with.
        milliseconds: From the gateway's call to the answer of the function (or of the search).
        failed: Whether the function failed (not: whether it answered with an error of its own).
    """

    gateway: str
    tool: str
    arguments: Mapping[str, Any]
    milliseconds: float
    failed: bool
