"""Folders of interceptors, each with a stand-in for what is shipped beside them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from toolgate.components.interceptors.code import LIBRARY

Folder = Callable[..., str]

HEAD = "from intercept import *\n"
LIMITED = "@on_call('math___*')\ndef limited(call: Call): ...\n"
MASKED = "@on_result('*')\ndef masked(result: Result): ...\n"
VISIBLE = "@filter_tools\ndef visible(tool: Tool, caller: Caller): ...\n"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Write a folder with these functions; returns its path, as a `directory`."""
    folders = tmp_path / "interceptors"
    folders.mkdir()
    for name in (*LIBRARY, "callers.py", "secret_values.py"):
        (folders / name).write_text(f'"""Stands in for {name}."""\n')

    def written(source: str, name: str = "limits", settings: str | None = None) -> str:
        directory = folders / name
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "interceptor.py").write_text(HEAD + source)
        if settings is not None:
            (directory / "settings.py").write_text(settings)
        return str(directory)

    return written
