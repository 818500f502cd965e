"""A server's process, as AgentCore Runtime starts it, and MCP's own client."""

import os
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.waiting import wait_until

SERVE = Path(__file__).parents[2] / "servers" / "serve.py"


class Served:
    """A server that runs: its address, and its log."""

    def __init__(self, url: str, log: Path) -> None:
        self.url = url
        self._log = log

    @property
    def log(self) -> str:
        """What it has written to standard output and error."""
        return self._log.read_text()


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """Serve the `server.py` of a folder until the block ends."""
    shutil.copy(SERVE, folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "log.txt"
    environment = {"HOST": "127.0.0.1", "PORT": str(port), "PATH": os.environ["PATH"]}
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "serve.py"], cwd=folder, env=environment, stdout=file, stderr=subprocess.STDOUT
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: process.poll() is not None or _is_up(url))
        assert process.poll() is None, log.read_text()
        yield Served(f"{url}/mcp", log)
    finally:
        process.terminate()
        process.wait()


def _is_up(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/ping") as answer:
            return bool(answer.status == 200)
    except urllib.error.URLError:
        return False


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[str], Served]]:
    """Serve a `server.py` of this source."""
    with ExitStack() as stack:

        def started(source: str) -> Served:
            (tmp_path / "server.py").write_text(source)
            return stack.enter_context(served(tmp_path))

        yield started
