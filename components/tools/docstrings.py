"""Google-style docstrings: what a tool and its parameters tell the model."""

import inspect
import re

_SECTION = re.compile(r"^(Args|Arguments|Returns|Yields|Raises|Example|Examples|Note|Notes|Attributes):\s*$")
_ENTRY = re.compile(r"^(\w+)(?:\s*\([^)]*\))?:\s*(.*)$")


def summary(docstring: str) -> str:
    """The first paragraph, on one line."""
    return " ".join(inspect.cleandoc(docstring).split("\n\n", 1)[0].split())


def parameters(docstring: str) -> dict[str, str]:
    """Descriptions under `Args:` by parameter, each on one line."""
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    indent = 0
    for line in _arguments(docstring):
        depth = len(line) - len(line.lstrip())
        entry = _ENTRY.match(line.strip())
        indent = indent or depth
        if entry and depth == indent:
            current = found.setdefault(entry[1], [])
            current.append(entry[2])
        elif current is not None:
            current.append(line.strip())
    return {name: " ".join(" ".join(lines).split()) for name, lines in found.items()}


def _arguments(docstring: str) -> list[str]:
    lines: list[str] = []
    inside = False
    for line in inspect.cleandoc(docstring).splitlines():
        section = _SECTION.match(line)
        if section:
            inside = section[1] in ("Args", "Arguments")
        elif inside and line.strip():
            lines.append(line)
    return lines
