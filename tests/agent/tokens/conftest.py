"""An agent whose gateway takes tokens."""

from collections.abc import Callable, Iterator

import pytest
from starlette.testclient import TestClient

from tests.agent.fake_gateway import FakeGateway
from tests.agent.tokens.fake_identity import FakeIdentity
from token_gateways import TokenGateways, Tokens


def by_token(*urls: str, provider: str = "demo_agent_tokens", scopes: tuple[str, ...] = ("tools/invoke",)) -> Tokens:
    entry = TokenGateways(provider=provider, scopes=scopes, gateways=urls)
    return Tokens(identity="demo_agent", tokens=(entry,))


@pytest.fixture
def agent(serve: Callable[..., TestClient], gateway: FakeGateway, identity: FakeIdentity) -> TestClient:
    return serve(gateway_urls=(), tokens=by_token(gateway.url))


@pytest.fixture
def own_identity(identity: FakeIdentity, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeIdentity]:
    """One for a test whose fetch may outlive it and would ask that of another test; so it is not stopped, either."""
    own = FakeIdentity()
    own.server.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", own.url)
    yield own
    own.end()
