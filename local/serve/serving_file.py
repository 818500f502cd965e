"""The file by which other commands find the local deployment that is running."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol


def serving_file(program: Path) -> Path:
    """Where it is, for the program in this folder."""
    return program / ".local" / "serving.json"


class Announceable(Protocol):
    """What there is to say about a running local deployment."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Endpoint and credential variables."""

    @property
    def agents(self) -> Mapping[str, str]:
        """Agents' names and their runtimes' ARNs."""


@contextmanager
def announced(serving: Announceable, path: Path) -> Iterator[None]:
    """Write `{"environment": {...}, "agents": {name: runtime ARN}}` for as long as the block runs.

    The file holds credentials of the local deployment: only its owner can read it.

    Args:
        serving: What `toolgate.local.serve.server.serve` yields.
        path: The file; its folder is made when it is not there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    content = json.dumps({"environment": dict(serving.environment), "agents": dict(serving.agents)}, indent=2)
    new = path.with_name(f"{path.name}.{os.getpid()}")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        file.write(content)
    new.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
