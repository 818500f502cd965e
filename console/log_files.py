"""The newest lines of logs that stay small (`toolgate.local.serve.bounded_file`)."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from toolgate.local.serve.bounded_file import pieces


def newest_lines(log: Path, lines: int) -> str:
    """The last lines of a log, the newest last.

    Args:
        log: The log.
        lines: How many at most.
    """
    newest, before = (_text(it).splitlines() for it in pieces(log))
    if len(newest) < lines:
        newest = [*before, *newest]
    return "\n".join(newest[-lines:]) if lines else ""


def newest_of_tool(log: Path, tool: str, limit: int) -> Sequence[Mapping[str, Any]]:
    """The lines of the access log about calls of a tool, the newest first.

    Args:
        log: The access log.
        tool: The tool's full name; empty for any.
        limit: How many at most.
    """
    found: list[Mapping[str, Any]] = []
    for piece in pieces(log):
        for text in reversed(_text(piece).splitlines()):
            if len(found) >= limit:
                return found
            # Most lines are of other tools, and to look for the name costs less than to read the line.
            if tool in text and (line := _line(text)) and "tool" in line and line["tool"] == (tool or line["tool"]):
                found.append(line)
    return found


def _line(text: str) -> Mapping[str, Any] | None:
    try:
        line = json.loads(text)
    except ValueError:  # it is just being written
        return None
    return line if isinstance(line, dict) else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
