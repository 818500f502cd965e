"""Gateways without a server, for what is sent thousands of times."""

from collections.abc import Iterator

import pytest

from tests.local.serve.gateway.in_process import Gateways, gateways_in_process


@pytest.fixture(scope="module")
def gateways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateways]:
    """The hand-made deployment's gateways."""
    with gateways_in_process(tmp_path_factory.mktemp("logs")) as gateways:
        yield gateways
