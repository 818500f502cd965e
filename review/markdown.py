"""Markdown that shows a text as it is, whoever wrote the text: nothing in it becomes markup, a link or a mention."""

import re
import unicodedata
from collections.abc import Iterable


def code(text: str) -> str:
    """A text as inline code."""
    shown = _plain(" ".join(text.split())) or " "
    ticks = "`" * (_longest(shown) + 1)
    padding = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{ticks}{padding}{shown}{padding}{ticks}"


def block(lines: Iterable[str], language: str = "text") -> str:
    """Lines as a block of code."""
    shown = [_plain(part) for line in lines for part in line.split("\n")]
    ticks = "`" * max(3, _longest("\n".join(shown)) + 1)
    return "\n".join([f"{ticks}{language}", *shown, ticks])


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of cells that are Markdown already."""
    columns = list(header)
    lines = [columns, ["---"] * len(columns), *map(list, rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def folded(summary: str, content: str, *, unfolded: bool) -> str:
    """Content that can be opened and closed; the summary is plain words of ours."""
    return f"<details{' open' if unfolded else ''}><summary>{summary}</summary>\n\n{content}\n\n</details>"


def _longest(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def _plain(text: str) -> str:
    """Without characters that cannot be seen or that turn the direction of writing."""
    return "".join("\ufffd" if unicodedata.category(char) in {"Cc", "Cf"} else char for char in text)
