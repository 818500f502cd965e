"""The deployment served, which costs seconds: one for all tests that leave it as it is. And the project to break.

Both ways into a gateway pass the same suite: `way` is what a test is run with.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.ways_in import WAYS, planned_dev
from tests.planning import ROOT, SAMPLE, copy_project
from toolgate.local.serve.server import Serving, serve


@pytest.fixture(scope="module", params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    """The way into the gateway."""
    return str(request.param)


@pytest.fixture
def deployment(way: str) -> dict[str, Any]:
    """The stack dev, to change."""
    return planned_dev(way).deployment


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., AbstractContextManager[Serving]]:
    """Serve a deployment of the project in `root`, with logs of its own."""

    @contextmanager
    def run(deployment: dict[str, Any], *, root: Path = SAMPLE) -> Iterator[Serving]:
        with serve(deployment, root=root, logs=tmp_path_factory.mktemp("logs")) as serving:
            yield serving

    return run


@pytest.fixture(scope="module")
def serving(way: str, served: Callable[[dict[str, Any]], AbstractContextManager[Serving]]) -> Iterator[Serving]:
    with served(planned_dev(way).deployment) as running:
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
