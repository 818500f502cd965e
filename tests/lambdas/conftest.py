"""Functions as Lambda loads them: the dispatcher, the tools and their schema in one folder of their own."""

import importlib
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from toolgate.components.tools.provider_tool_schema import tools_json
from toolgate.components.tools.tool_schema import read_target

LAMBDAS = Path(__file__).parents[2] / "lambdas"
Call = Callable[[str | None, Any], Any]


@pytest.fixture
def function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Call]]:
    """Make a function of a `tools.py` and files beside it; returns a call of it by full tool name, as a gateway's."""

    def make(source: str, **beside: str) -> Call:
        for name, text in beside.items():
            (tmp_path / f"{name}.py").write_text(text)
        (tmp_path / "tools.py").write_text(source)
        (tmp_path / "tools.json").write_text(tools_json(read_target(tmp_path / "tools.py", ["pydantic"]).checked))
        shutil.copy(LAMBDAS / "dispatch.py", tmp_path)
        monkeypatch.syspath_prepend(str(tmp_path))
        dispatch = importlib.import_module("dispatch")

        def call(full_name: str | None, event: Any) -> Any:
            custom = {} if full_name is None else {"bedrockAgentCoreToolName": full_name}
            return dispatch.handler(event, SimpleNamespace(client_context=SimpleNamespace(custom=custom)))

        return call

    yield make
    for name in [it.stem for it in tmp_path.glob("*.py")]:
        sys.modules.pop(name, None)
    importlib.invalidate_caches()
