"""One pack process for all tests here and one for updates, with no configuration unless a test sends one."""

from collections.abc import Iterator

import pytest

from tests.policy import driver


@pytest.fixture(scope="session")
def pack_process() -> Iterator[driver.Pack]:
    with driver.running() as pack:
        yield pack


@pytest.fixture(scope="session")
def updating_process() -> Iterator[driver.Pack]:
    with driver.running(dry_run=False) as pack:
        yield pack


@pytest.fixture
def pack(pack_process: driver.Pack) -> driver.Pack:
    return _at_rest(pack_process)


@pytest.fixture
def updating(updating_process: driver.Pack) -> driver.Pack:
    """The pack as it judges an update, which it stops before the last piece of a violation is created."""
    return _at_rest(updating_process)


def _at_rest(pack: driver.Pack) -> driver.Pack:
    pack.configure({})
    pack.analyze_stack([])  # ends the run of the test before
    return pack
