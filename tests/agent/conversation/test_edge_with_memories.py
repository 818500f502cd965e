"""The edge's bounds are the same whatever memory is behind it."""

import pytest

from tests.agent.conftest import PATIENT
from tests.agent.conversation.conftest import MEMORIES
from tests.agent.test_edge import *  # noqa: F403 - all of its tests


@pytest.fixture(autouse=True)
def _with_memory(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PATIENT, "memory", MEMORIES[kind])
