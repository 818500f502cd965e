"""A deployment of a test's own, served."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from toolgate.local.serve.server import Serving, serve

PROJECT = Path(__file__).parents[1] / "project"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    @contextmanager
    def run(deployment: Mapping[str, Any], **how: Any) -> Iterator[Serving]:
        with serve(deployment, root=PROJECT, logs=tmp_path_factory.mktemp("logs"), **how) as serving:
            yield serving

    return run
