"""The sample's stack agents with tokens, served once: two agents, one gateway, a policy engine."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config

from tests.local.serve.tokens.outsider import add_outsider
from tests.planning import SAMPLE, planned
from tests.token_export import with_tokens
from toolgate.access.deployment.deployment import Deployment, parse
from toolgate.local.serve.guards.credentials import Credentials
from toolgate.local.serve.server import Serving, serve

CALCULATOR, GREETER = "calculator", "greeter"
ADD, GREETING = "math___add_numbers", "math___greeting"


def export() -> dict[str, Any]:
    """The deployment as a parsed stack export, with a client outside of AgentCore that may greet."""
    return add_outsider(with_tokens(planned("agents").deployment), GREETING)


@dataclass(frozen=True)
class World:
    """What is served, and how to speak to it."""

    serving: Serving
    deployment: Deployment

    @property
    def gateway(self) -> str:
        """The one gateway's URL."""
        return self.serving.gateway_url(self.deployment.gateways[0].id)

    def credentials(self, agent: str) -> Credentials:
        """Those of an agent's role."""
        [runtime] = [it for it in self.deployment.runtimes if it.agent == agent]
        return self.serving.session(runtime.role_arn)

    def boto3(self, service: str, agent: str) -> Any:
        """A client that signs as an agent's role."""
        signer = self.credentials(agent)
        return boto3.client(
            service,
            endpoint_url=self.serving.url,
            region_name="us-east-1",
            aws_access_key_id=signer.access_key_id,
            aws_secret_access_key=signer.secret_access_key,
            aws_session_token=signer.session_token,
            config=Config(retries={"total_max_attempts": 1}),
        )

    def identity(self, agent: str) -> str:
        """The name of an agent's workload identity, which is its runtime's."""
        return next(it.name for it in self.deployment.runtimes if it.agent == agent)

    def provider(self, agent: str) -> str:
        """The name of an agent's credential provider."""
        return f"{self.identity(agent)}_tokens"

    def access_token(self, agent: str, **changed: Any) -> str:
        """What an agent does to get its token."""
        client = self.boto3("bedrock-agentcore", agent)
        workload = client.get_workload_access_token(workloadName=self.identity(agent))["workloadAccessToken"]
        request = {
            "workloadIdentityToken": workload,
            "resourceCredentialProviderName": self.provider(agent),
            "scopes": [],
            "oauth2Flow": "M2M",
        }
        answer: str = client.get_resource_oauth2_token(**(request | changed))["accessToken"]
        return answer

    def send(self, token: str | None, body: Any = None, **headers: str) -> httpx.Response:
        """A request to the gateway with a token, or with none."""
        every = {
            "mcp-protocol-version": "2025-11-25",
            "accept": "application/json, text/event-stream",
            **({} if token is None else {"authorization": f"Bearer {token}"}),
            **headers,
        }
        message = body or {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        return httpx.post(self.gateway, json=message, headers=every, trust_env=False, timeout=30)

    def call(self, token: str, tool: str, **arguments: Any) -> Any:
        """The answer to a tool call."""
        parameters = {"name": tool, "arguments": arguments}
        message = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": parameters}
        return self.send(token, message).json()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Served once for a test module; its agents' processes are not asked."""
    made = export()
    with serve(made, root=SAMPLE, logs=tmp_path_factory.mktemp("logs")) as serving:
        yield World(serving, parse(made))
