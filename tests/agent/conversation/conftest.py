"""Memories on loopback, and an agent with each of them."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from bedrock_agentcore.runtime import BedrockAgentCoreApp
from starlette.testclient import TestClient

from memory_settings import BucketMemory, EventMemory, MemorySettings
from server import build_app, build_service
from settings import Settings
from tests.agent.conftest import PATIENT
from tests.agent.conversation.fake_stores import MEMORY_ID, FakeBucket, FakeEvents, Store
from tests.agent.fake_bedrock import FakeBedrock
from tests.agent.fake_gateway import FakeGateway

SESSION = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"
USER = "X-Amzn-Bedrock-AgentCore-Runtime-User-Id"
KINDS = ["session", "s3", "agentcore"]
DURABLE = ["s3", "agentcore"]
NAME = "demo_dev_assistant"
MEMORIES: dict[str, MemorySettings | None] = {
    "session": None,
    "s3": BucketMemory(kind="s3", bucket="conversations", prefix=NAME),
    "agentcore": EventMemory(kind="agentcore", memory_id=MEMORY_ID, actor=NAME),
}


@pytest.fixture(scope="session")
def running_stores() -> Iterator[dict[str, Store]]:
    stores: dict[str, Store] = {"s3": FakeBucket(), "agentcore": FakeEvents()}
    for store in stores.values():
        store.server.start()
    yield stores
    for store in stores.values():
        store.server.stop()


@pytest.fixture
def stores(running_stores: dict[str, Store], monkeypatch: pytest.MonkeyPatch) -> dict[str, Store]:
    for store in running_stores.values():
        store.reset()
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", running_stores["s3"].url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", running_stores["agentcore"].url)
    return running_stores


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def store(stores: dict[str, Store], kind: str) -> Store:
    """The memory's service; of `session`, which has none, one that nobody may call."""
    return stores.get(kind) or stores["s3"]


@pytest.fixture
def serve(gateway: FakeGateway, bedrock: FakeBedrock, store: Store, kind: str) -> Iterator[Callable[..., TestClient]]:
    """As that of all tests of the agent, with a memory, and each request in one session unless it says otherwise."""
    services = []

    def serve_(**changes: Any) -> TestClient:
        wanted = Settings(**{**PATIENT, "gateway_urls": (gateway.url,), "memory": MEMORIES[kind], **changes})
        services.append(build_service(wanted))
        return TestClient(build_app(services[-1], wanted), headers={SESSION: str(uuid.uuid4())})

    yield serve_
    for service in services:
        service.close()


@pytest.fixture
def agent(serve: Callable[..., TestClient]) -> TestClient:
    return serve()


@pytest.fixture(scope="session")
def running_agents(running_gateway: FakeGateway) -> Iterator[dict[str, BedrockAgentCoreApp]]:
    apps, services = {}, []
    for kind, memory in MEMORIES.items():
        wanted = Settings(**PATIENT, gateway_urls=(running_gateway.url,), memory=memory)
        services.append(build_service(wanted))
        apps[kind] = build_app(services[-1], wanted)
    yield apps
    for service in services:
        service.close()


@pytest.fixture
def lasting(
    running_agents: dict[str, BedrockAgentCoreApp],
    gateway: FakeGateway,
    bedrock: FakeBedrock,
    store: Store,
    kind: str,
) -> TestClient:
    """One agent for all tests with a memory, as that of all tests of the agent; each test has a session of its own."""
    return TestClient(running_agents[kind], headers={SESSION: str(uuid.uuid4())})
