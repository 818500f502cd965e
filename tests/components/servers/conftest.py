"""Servers' folders, written by a test."""

from collections.abc import Callable
from pathlib import Path

import pytest

from toolgate.components.servers import server_folder
from toolgate.components.servers.server_folder import ServerFolder

HEAD = """
from mcp.server.fastmcp import FastMCP
server = FastMCP("orders")
"""
ADD = (
    HEAD
    + '''
@server.tool()
def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b
'''
)

Folder = Callable[..., ServerFolder]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """A folder with a `server.py` and more files; the test works beside it."""
    monkeypatch.chdir(tmp_path)

    def written(source: str, name: str = "orders", **files: str) -> ServerFolder:
        path = Path("servers", name)
        path.mkdir(parents=True, exist_ok=True)
        (path / "server.py").write_text(source)
        for stem, text in files.items():
            (path / f"{stem}.py").write_text(text)
        return server_folder.read(path)

    return written
