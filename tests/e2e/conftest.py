"""The planned deployment and the served one; each costs seconds, so one serves all tests that leave it as it is."""

import copy
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from toolgate.local.plan import plan
from toolgate.local.serve.server import Serving, serve

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ("components", "lambdas", "agent", "policy", "access", "local", "__main__.py", "ask.py")


@pytest.fixture(scope="session")
def planned() -> dict[str, Any]:
    return plan("dev").deployment


@pytest.fixture
def deployment(planned: dict[str, Any]) -> dict[str, Any]:
    """A copy to change."""
    return copy.deepcopy(planned)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., AbstractContextManager[Serving]]:
    """Serve a deployment of the project in `root`, with logs of its own."""

    @contextmanager
    def run(deployment: dict[str, Any], *, root: Path = ROOT) -> Iterator[Serving]:
        with serve(deployment, root=root, logs=tmp_path_factory.mktemp("logs")) as serving:
            yield serving

    return run


@pytest.fixture(scope="module")
def serving(
    planned: dict[str, Any], served: Callable[[dict[str, Any]], AbstractContextManager[Serving]]
) -> Iterator[Serving]:
    with served(planned) as running:
        yield running


@pytest.fixture(scope="session")
def copied_project() -> Callable[[Path], Path]:
    """Copy the project into a folder."""

    def copy_into(folder: Path) -> Path:
        copied = folder / "project"
        copied.mkdir()
        for name in PROJECT:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, copied / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, copied / name)
        for file in ROOT.glob("Pulumi*.yaml"):
            shutil.copy(file, copied)
        return copied

    return copy_into


@pytest.fixture
def project(tmp_path: Path, copied_project: Callable[[Path], Path]) -> Path:
    """A copy of the project to break."""
    return copied_project(tmp_path)


@pytest.fixture(scope="session")
def run() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `python ...` in a folder."""

    def python(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *arguments]
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=100, check=False)

    return python
