"""One pack process for all tests here, with no configuration unless a test sends one."""

from collections.abc import Iterator

import pytest

from tests.policy import driver


@pytest.fixture(scope="session")
def pack_process() -> Iterator[driver.Pack]:
    with driver.running() as pack:
        yield pack


@pytest.fixture
def pack(pack_process: driver.Pack) -> driver.Pack:
    pack_process.configure({})
    pack_process.analyze_stack([])  # ends the run of the test before
    return pack_process
