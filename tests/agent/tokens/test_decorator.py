"""The way of AWS's samples, `requires_access_token`, against the same Identity and gateway: what it does and keeps."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from bedrock_agentcore import BedrockAgentCoreApp
from bedrock_agentcore.identity.auth import requires_access_token
from mcp.client.streamable_http import streamable_http_client
from starlette.testclient import TestClient
from strands import Agent
from strands.models import BedrockModel
from strands.tools.mcp import MCPClient

from tests.agent.fake_bedrock import FakeBedrock
from tests.agent.fake_gateway import FakeGateway
from tests.agent.tokens.fake_identity import ACCESS, WORKLOAD, FakeIdentity

PROMPT = {"prompt": "call math___add_numbers"}


@asynccontextmanager
async def streams(url: str, headers: dict[str, str]) -> AsyncIterator[Any]:
    async with httpx.AsyncClient(headers=headers) as http, streamable_http_client(url, http_client=http) as opened:
        yield opened


@pytest.fixture
def sample(
    gateway: FakeGateway,
    bedrock: FakeBedrock,
    identity: FakeIdentity,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> TestClient:
    """An agent as the samples have it: a token and a client for each invocation."""
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL", identity.url)
    monkeypatch.chdir(tmp_path)  # it writes there
    app = BedrockAgentCoreApp()

    @requires_access_token(provider_name="demo_agent_tokens", scopes=["tools/invoke"], auth_flow="M2M")
    async def token(*, access_token: str) -> str:
        return access_token

    @app.entrypoint
    async def invoke(payload: dict[str, Any]) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {await token()}"}
        with MCPClient(lambda: streams(gateway.url, headers)) as client:
            model = BedrockModel(model_id="us.anthropic.claude-haiku-4-5-20251001-v1:0", region_name="us-east-1")
            agent = Agent(model=model, tools=[*client.list_tools_sync()], callback_handler=None)
            return {"response": str(await agent.invoke_async(payload["prompt"]))}

    return TestClient(app, raise_server_exceptions=False)


def test_it_takes_the_workload_token_of_the_request_and_keeps_no_token(
    sample: TestClient, gateway: FakeGateway, identity: FakeIdentity
) -> None:
    identity.workload_tokens.add("of the request")
    for _ in range(2):
        answer = sample.post("/invocations", json=PROMPT, headers={"WorkloadAccessToken": "of the request"})
        assert answer.json()["response"].strip() == 'The tool said: {"result": 112}'
    assert (identity.asked(WORKLOAD), identity.asked(ACCESS)) == (0, 2)
    assert {body["workloadIdentityToken"] for _, body in identity.requests} == {"of the request"}
    assert gateway.requests.count("initialize") == 2


def test_a_request_that_brings_none_makes_it_create_a_workload_identity(
    sample: TestClient, identity: FakeIdentity
) -> None:
    """A runtime that is invoked with SigV4 and no user id gets none. Where DOCKER_CONTAINER is 1 it raises instead."""
    assert sample.post("/invocations", json=PROMPT).status_code == 500
    assert identity.strange == ["/identities/CreateWorkloadIdentity"]
    assert identity.requests == []
