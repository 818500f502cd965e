"""A hand-made deployment, served: its handler, its agent and its documents are the tests' own."""

import copy
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials as BotocoreCredentials

from toolgate.local.serve.guards.credentials import Credentials
from toolgate.local.serve.server import Serving, serve

_EXPORT = json.loads((Path(__file__).parents[2] / "access" / "deployment.json").read_text())
_PROJECT = Path(__file__).parent / "project"

ACCOUNT_ROLES = "arn:aws:iam::123456789012:role/"


def _where_one_gateway_may_invoke_nothing() -> dict[str, Any]:
    """The deployment without the right of the gateway `other` to its function."""
    made: dict[str, Any] = copy.deepcopy(_EXPORT)
    kept = [it for it in made["deployment"]["resources"] if not it["urn"].endswith("::other-invoke")]
    made["deployment"]["resources"] = kept
    return made


@pytest.fixture
def handmade() -> dict[str, Any]:
    """The export; each test may change its own copy."""
    return copy.deepcopy(_EXPORT)


@pytest.fixture
def project() -> Path:
    """Folder with the handler and the agent of the deployment."""
    return _PROJECT


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """The deployment, served once for a test module; the developer's environment holds things that must not get in."""
    mine = {"AWS_PROFILE": "mine", "AWS_ACCESS_KEY_ID": "AKIAMINE", "MY_SECRET": "mine"}
    before = {name: os.environ.get(name) for name in mine}
    os.environ.update(mine)
    try:
        logs = tmp_path_factory.mktemp("logs")
        with serve(_where_one_gateway_may_invoke_nothing(), root=_PROJECT, logs=logs) as running:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})
            yield running
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})


@pytest.fixture(scope="module")
def session_of(serving: Serving) -> Callable[[str], Credentials]:
    """Credentials of a role by its name (with its path)."""
    return lambda name: serving.session(f"{ACCOUNT_ROLES}{name}")


@pytest.fixture(scope="module")
def client_of(serving: Serving) -> Callable[..., Any]:
    """A boto3 client that talks to the local deployment with the given credentials, or as its operator."""

    def make(service: str, credentials: Credentials | None = None) -> Any:
        variables = credentials.environment() if credentials else serving.environment
        return boto3.client(
            service,
            endpoint_url=serving.url,
            region_name="us-east-1",
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=variables["AWS_SESSION_TOKEN"],
            config=Config(parameter_validation=False),  # the server is to judge
        )

    return make


@pytest.fixture(scope="session")
def rpc() -> Callable[..., httpx.Response]:
    """One signed JSON-RPC request to a gateway; further headers are not signed."""

    def send(
        url: str,
        credentials: Credentials,
        method: str,
        params: dict[str, Any] | None = None,
        message_id: int | None = 1,
        **headers: str,
    ) -> httpx.Response:
        message = {"jsonrpc": "2.0", "method": method, "params": params or {}}
        body = json.dumps(message if message_id is None else message | {"id": message_id})
        accept = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
        version = {} if "mcp_protocol_version" in headers else {"mcp-protocol-version": "2025-11-25"}
        request = AWSRequest("POST", url, data=body, headers=accept | version)
        signer = BotocoreCredentials(
            credentials.access_key_id, credentials.secret_access_key, credentials.session_token
        )
        SigV4Auth(signer, "bedrock-agentcore", "us-east-1").add_auth(request)
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.post(url, content=body, headers={**request.headers, **more}, timeout=None)

    return send
