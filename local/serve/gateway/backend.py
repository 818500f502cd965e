"""What stands behind a gateway's target, as the gateway sees it: somebody who is asked to carry out a tool."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from toolgate.local.serve.access_log import Entry


@dataclass(frozen=True)
class Call:
    """A tool call as a gateway makes it.

    Attributes:
        name: The tool's full name.
        tool: The name that its target knows it by.
        arguments: What it is called with.
        session: The MCP session with the gateway, where it keeps sessions; None where each call stands alone.
    """

    name: str
    tool: str
    arguments: Mapping[str, Any]
    session: str | None = None


@dataclass(frozen=True)
class Called:
    """What came of a call.

    Attributes:
        result: MCP's result of tools/call, as the gateway's caller gets it.
        failed: Whether what stands behind the target failed (not: whether it answered with an error of its own).
        made: Whether it was asked at all: the gateway may not be allowed to.
    """

    result: Mapping[str, Any]
    failed: bool = False
    made: bool = True


class Backend(Protocol):
    """Carries out the tools of a target. It notes in the exchange how that ended, and where the log is."""

    async def call(self, call: Call, entry: Entry) -> Called:
        """Carry out a tool; whatever goes wrong is a result."""

    async def aclose(self) -> None:
        """End what it has started."""


def text_result(text: str, *, failed: bool = False, structured: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
    """A result of one text.

    Args:
        text: The text.
        failed: Whether it is a tool's error.
        structured: The structured content beside it, if there is any.
    """
    content = {} if structured is None else {"structuredContent": structured}
    return {"content": [{"type": "text", "text": text}], **content, "isError": failed}
