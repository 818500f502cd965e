"""The parts of the recipe that need no build."""

from pathlib import Path

import pytest

from toolgate.components.checks.arguments import UsageError
from toolgate.components.runtime import wheels


@pytest.mark.parametrize(
    "written",
    [
        "#!/home/somebody/.venv/bin/python\nimport sys\n",
        "#!/bin/sh\n'''exec' '/a very long/path/python' \"$0\" \"$@\"\n' '''\nimport sys\n",
    ],
)
def test_both_ways_uv_names_the_interpreter_are_replaced(written: str) -> None:
    assert wheels.portable(written) == "#!/usr/bin/env python3\nimport sys\n"


def test_a_missing_interpreter_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"by Python 3\.3, which is not here.*`uv python install 3\.3`"):
        wheels.compile_bytecode(tmp_path, "3.3")


def test_without_uv_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(UsageError, match="packages are installed by uv, which is not in the environment"):
        wheels.install(tmp_path / "requirements.txt", tmp_path, "3.13", wheels.LAMBDA, wheels.TOOLS)
    with pytest.raises(UsageError, match="packages are installed by uv"):
        wheels.resolve(tmp_path / "requirements.in", tmp_path / "requirements.txt")
