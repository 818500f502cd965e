"""The deployment served, which costs seconds: one for all tests that leave it as it is. And the project to break."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.planning import ROOT, SAMPLE, copy_project, planned
from toolgate.local.serve.server import Serving, serve


@pytest.fixture
def deployment() -> dict[str, Any]:
    """The stack dev, to change."""
    return planned().deployment


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., AbstractContextManager[Serving]]:
    """Serve a deployment of the project in `root`, with logs of its own."""

    @contextmanager
    def run(deployment: dict[str, Any], *, root: Path = SAMPLE) -> Iterator[Serving]:
        with serve(deployment, root=root, logs=tmp_path_factory.mktemp("logs")) as serving:
            yield serving

    return run


@pytest.fixture(scope="module")
def serving(served: Callable[[dict[str, Any]], AbstractContextManager[Serving]]) -> Iterator[Serving]:
    with served(planned().deployment) as running:
        yield running


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project to break."""
    return copy_project(tmp_path)


@pytest.fixture(scope="session")
def run() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `python ...` in a folder."""

    def python(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *arguments]
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)

    return python
