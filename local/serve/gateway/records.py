"""The records of tool calls: which a gateway made, a policy engine decided against, an interceptor was asked about."""

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


@dataclass(frozen=True)
class Denial:
    """A tool call that a policy engine decided against.

    Attributes:
        gateway: The gateway's ARN.
        principal: The caller as Cedar policies know it: `arn:aws:sts::<account>:assumed-role/<role name>`, or the `sub`
            of a token.
        tool: The tool's full name.
        arguments: What the tool was to be called with.
        policies: Ids of the policies that forbade it; none where no policy permits it.
        message: What the caller was told, or with LOG_ONLY would have been.
        enforced: Whether the call was refused; with LOG_ONLY it was made.
    """

    gateway: str
    principal: str
    tool: str
    arguments: Mapping[str, Any]
    policies: tuple[str, ...]
    message: str
    enforced: bool


@dataclass(frozen=True)
class Interception:
    """What a gateway's interceptor was asked, and what became of it.

    Attributes:
        gateway: The gateway's ARN.
        point: `REQUEST` or `RESPONSE`.
        function: The function's name.
        method: The MCP method of the client's message; empty where it names none.
        tool: The full name of the tool that the client calls, if it calls one.
        outcome: `passed`, `changed`, `answered` (at REQUEST, instead of the gateway), `denied`, or a cause of
            `interception.FAILURES`.
        milliseconds: How long the function took.
        changed: What it changed (`interception_changes`): names, never values.
    """

    gateway: str
    point: str
    function: str
    method: str
    tool: str | None
    outcome: str
    milliseconds: float
    changed: Mapping[str, Any]
