"""The sample's stack `agents` served with its console: one for all tests that leave it as it is."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from tests.console.pretended_runtime import Runtime
from tests.planning import SAMPLE, planned
from toolgate.console.served import Program, Served, Told
from toolgate.console.server import Console, console
from toolgate.local.serve.server import Serving, serve


@dataclass(frozen=True)
class World:
    """What is served, its console, and a client that has the token."""

    serving: Serving
    told: Told
    source: Served
    console: Console
    client: httpx.Client

    @property
    def gateway(self) -> str:
        """The id of the one gateway."""
        [gateway] = self.serving.deployment.gateways
        return gateway.id


def client_of(console: Console, token: str | None = None) -> httpx.Client:
    """A client of a console."""
    headers = {"authorization": f"Bearer {token or console.token}"}
    return httpx.Client(base_url=console.url, headers=headers, trust_env=False, timeout=60)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    told = Told(Program(SAMPLE, "agents"))
    logs = tmp_path_factory.mktemp("logs")
    with serve(planned("agents").deployment, SAMPLE, logs=logs, told=told.tell, watched=told.watch) as serving:
        source = Served(serving, told)
        with console(source) as page, client_of(page) as client:
            yield World(serving, told, source, page, client)


@pytest.fixture
def runtime() -> Iterator[Runtime]:
    found = Runtime()
    found.server.start()
    yield found
    found.server.stop()
