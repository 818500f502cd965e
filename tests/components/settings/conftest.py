"""A stack's settings, loaded within a run."""

from typing import Any

import pytest

from toolgate.components import stack_settings
from toolgate.components.checks.arguments import UsageError

AVAILABLE = {"math": ["add", "multiply"], "people": ["greet"]}


@pytest.fixture
def load(run: Any) -> Any:
    def loading(config: Any, available: Any = AVAILABLE) -> Any:
        found: list[Any] = []

        def program() -> None:
            try:
                found.append(stack_settings.load(available))
            except UsageError as error:
                found.append(error)

        run(program, config)
        if isinstance(found[0], UsageError):
            raise found[0]
        return found[0]

    return loading
