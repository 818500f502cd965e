"""The model of these tests."""

from collections.abc import Iterator

import pytest

from tests.e2e.conversations.hearing import Hearing


@pytest.fixture(scope="module")
def hearing() -> Iterator[Hearing]:
    model = Hearing()
    model.server.start()
    yield model
    model.free.set()
    model.server.stop()
