"""A target's folder: its files by name, and which of them go into its function's zip. An interceptor's is alike."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TOOLS = "tools.py"
SETTINGS = "target.py"
"""What the program makes for the tools (`target_settings.py`)."""
REQUIREMENTS, LOCK = "requirements.in", "requirements.txt"
"""What the tools import, and its lock (`toolgate lock`). The lock is shipped as well: whoever runs the function
elsewhere installs the same packages for that machine."""
TESTS = "tests"
"""Folder with the tools' tests."""
DISPATCHER, SECRET_VALUES, SCHEMA = "dispatch.py", "secret_values.py", "tools.json"
"""What is put beside its files: no file of its own has these names."""


@dataclass(frozen=True)
class Kind:
    """What is in the folder of one kind of function.

    Attributes:
        code: The file that its author writes.
        settings: The file that says what the program makes for it.
        beside: The modules that are put beside its files.
        constant: What the file of settings may say outside of its function, and then without one.
    """

    code: str
    settings: str
    beside: tuple[str, ...]
    constant: str | None = None


TARGET = Kind(TOOLS, SETTINGS, (DISPATCHER, SECRET_VALUES))


def shipped(folder: Path, kind: Kind = TARGET) -> Iterator[Path]:
    """The folder's own files that go into the zip, in order: neither settings nor tests, and nothing that is hidden."""
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        hidden = any(part == "__pycache__" or part.startswith(".") for part in inside.parts)
        of_tests = len(inside.parts) > 1 and inside.parts[0] == TESTS
        if path.is_file() and not hidden and not of_tests and inside.as_posix() not in (kind.settings, REQUIREMENTS):
            yield path
