"""The agent in this process, with loopback servers for its gateway and its model."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import create_loader
from starlette.testclient import TestClient

from server import build_app, build_service
from settings import Settings
from tests.agent.fake_bedrock import FakeBedrock
from tests.agent.fake_gateway import FakeGateway
from tests.agent.tokens.fake_identity import FakeIdentity

AGENT = Path(__file__).parents[2] / "agent"
PATIENT: dict[str, Any] = {
    "region": "us-east-1",
    "model_id": "us.anthropic.claude-haiku-4-5-20251001-v1:0",
    "model_retry_seconds": 0.05,
    "turns": 5,
}
# The one bound that a test of silence runs into: short enough to be quick, long enough for a busy machine to answer in
# afterwards. All other bounds stay as they are shipped.
HASTY = 2.0


@pytest.fixture(scope="session", autouse=True)
def models_of_services() -> Iterator[None]:
    """One loader for all agents: each would read and hold the models of AWS's services, and none of them ends here.

    The SDK's application runs invocations in a thread of its own, which lasts as long as the process.
    """
    loader = create_loader()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("botocore.session.create_loader", lambda _: loader)
        yield


@pytest.fixture(autouse=True)
def fetches() -> Iterator[None]:
    """Fetches of tokens go on beside those who gave them up: none outlives its test, whose log it writes into."""
    yield
    for thread in threading.enumerate():
        if thread.name == "token":
            thread.join(60)
            assert not thread.is_alive()


@pytest.fixture(scope="session")
def running_gateway() -> Iterator[FakeGateway]:
    fake = FakeGateway()
    fake.server.start()
    yield fake
    fake.server.stop()


@pytest.fixture(scope="session")
def running_bedrock() -> Iterator[FakeBedrock]:
    fake = FakeBedrock()
    fake.server.start()
    yield fake
    fake.server.stop()


@pytest.fixture
def gateway(running_gateway: FakeGateway) -> FakeGateway:
    running_gateway.reset()
    return running_gateway


@pytest.fixture(scope="session")
def running_identity() -> Iterator[FakeIdentity]:
    fake = FakeIdentity()
    fake.server.start()
    yield fake
    fake.server.stop()


@pytest.fixture
def identity(
    running_identity: FakeIdentity, gateway: FakeGateway, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeIdentity]:
    """Identity, whose tokens are what the gateway takes from now on."""
    running_identity.reset()
    gateway.tokens = running_identity.given
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", running_identity.url)
    yield running_identity
    running_identity.end()


@pytest.fixture
def bedrock(running_bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch) -> FakeBedrock:
    running_bedrock.reset()
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", running_bedrock.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        monkeypatch.delenv(name, raising=False)
    return running_bedrock


@pytest.fixture
def serve(gateway: FakeGateway, bedrock: FakeBedrock) -> Iterator[Callable[..., TestClient]]:
    """Makes the agent, with the settings given; answers through a test client."""
    services = []

    def serve_(**changes: Any) -> TestClient:
        wanted = Settings(**{**PATIENT, "gateway_urls": (gateway.url,), **changes})
        services.append(build_service(wanted))
        return TestClient(build_app(services[-1], wanted))

    yield serve_
    for service in services:
        service.close()


@pytest.fixture
def agent(serve: Callable[..., TestClient]) -> TestClient:
    return serve()


@pytest.fixture(scope="session")
def running_agent(running_gateway: FakeGateway) -> Iterator[TestClient]:
    wanted = Settings(**PATIENT, gateway_urls=(running_gateway.url,))
    service = build_service(wanted)
    yield TestClient(build_app(service, wanted))
    service.close()


@pytest.fixture
def lasting(running_agent: TestClient, gateway: FakeGateway, bedrock: FakeBedrock) -> TestClient:
    """One agent for all tests that use it: what goes wrong in one of them must leave it fit for the next."""
    return running_agent
