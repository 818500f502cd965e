"""The agent's log: one JSON object a line on standard output, and no content of a conversation unless asked for."""

import json
import logging
import re
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bedrock_agentcore.runtime import BedrockAgentCoreContext

_LOG = logging.getLogger("agent")
# What lets somebody in elsewhere, wherever it stands in a line: a header, a bearer token, a JWT.
_HIDDEN = re.compile(
    r"(?P<before>(?i:authorization)[\\\"']*\s*[:=]\s*[\\\"']*)[^\\\"']+"
    r"|(?P<scheme>(?i:bearer)\s+)[\w.~+/=-]{16,}"
    r"|eyJ[\w-]{10,}(?:\.[\w-]*)*"
)


def configure(level: str, log_content: bool) -> None:
    """Send the log to standard output as JSON lines.

    The libraries' own lines quote replies, prompts and tool results, so they are let through only where content may
    be logged. What matters of them the agent says in lines of its own.

    Args:
        level: The lowest level of the agent's own lines.
        log_content: Whether content may stand in the log.
    """
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_JsonLines())
    logging.captureWarnings(True)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING if log_content else logging.CRITICAL + 1)
    _LOG.setLevel(level.upper())
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    # The SDK's application brings a handler of its own and a line per request; the agent's line says more.
    sdk = logging.getLogger("bedrock_agentcore.app")
    sdk.handlers[:] = [logging.NullHandler()]
    sdk.setLevel(logging.WARNING if log_content else logging.CRITICAL + 1)


def event(name: str, *, level: int = logging.INFO, **fields: Any) -> None:
    """Log one event.

    Args:
        name: What happened, one word for programs.
        level: Level of the line.
        **fields: What belongs to it; a field that is None is left out.
    """
    _LOG.log(level, name, extra={"fields": {key: value for key, value in fields.items() if value is not None}})


def origin(error: BaseException) -> dict[str, Any]:
    """Say what an error is and where it comes from, without its text, which may hold anything.

    Returns:
        `error_types`, outermost first, and `error_at`, the innermost frames.
    """
    types: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(types) < 10:
        types.append(type(cause).__name__)
        innermost = cause
        cause = cause.__cause__ or cause.__context__
    frames = traceback.extract_tb(innermost.__traceback__)[-5:]
    return {
        "error_types": types,
        "error_at": [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames],
    }


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] | None = getattr(record, "fields", None)
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
        }
        if fields is None:
            line |= {"event": "library", "logger": record.name, "message": record.getMessage()}
            if record.exc_info and record.exc_info[1]:
                line |= origin(record.exc_info[1])
        else:
            request_id = BedrockAgentCoreContext.get_request_id()
            line |= {"event": record.getMessage(), **({"request_id": request_id} if request_id else {}), **fields}
        return _HIDDEN.sub(r"\g<before>\g<scheme>[hidden]", json.dumps(line, ensure_ascii=False, default=str))
