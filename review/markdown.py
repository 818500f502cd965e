"""Markdown that shows a text as it is, whoever wrote the text: nothing in it becomes markup, a link or a mention."""

import re
import sys
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
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {row(line)} |" for line in lines)


def row(cells: Iterable[str]) -> str:
    """Cells that are Markdown already, as a row of a table without its ends."""
    return " | ".join(cell.replace("|", "\\|") for cell in cells)


def folded(summary: str, content: str, *, unfolded: bool) -> str:
    """Content that can be opened and closed; the summary is plain words of ours."""
    return f"<details{' open' if unfolded else ''}><summary>{summary}</summary>\n\n{content}\n\n</details>"


def _longest(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
# Letters and marks that show nothing, and can carry a text past its reader (Unicode, Default_Ignorable_Code_Point,
# and the empty Braille cell). The two selectors that choose how an emoji looks are left.
_EMPTY = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0d\uffa0\U000e0100-\U000e01ef]"
)


def _plain(text: str) -> str:
    """Without characters that cannot be seen or that turn the direction of writing; a tab is four blanks at most."""
    seen = _EMPTY.sub("\ufffd", text.expandtabs(4))
    return "".join("\ufffd" if unicodedata.category(char) in _UNSEEN else char for char in seen)


if __name__ == "__main__":  # the preview's job summary: standard input as one block of code
    print(block(sys.stdin.buffer.read().decode(errors="replace").split("\n")))
