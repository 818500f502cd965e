"""A proxy that signs, for MCP clients that cannot: each path is a role at a gateway."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.agent.loopback import Loopback

REGION = "us-east-1"
METHODS = ["GET", "POST", "DELETE"]  # what Streamable HTTP has
_OWN = {"host", "content-length", "connection", "accept-encoding", "transfer-encoding", "content-encoding"}
"""What a connection has of its own, and a proxy does not pass on."""


@dataclass(frozen=True)
class Signer:
    """Who signs, and for which gateway.

    Attributes:
        url: The gateway's MCP endpoint.
        environment: The variables of a shell that has evaluated the role's `toolgate credentials`.
    """

    url: str
    environment: Mapping[str, str]


@contextmanager
def signing(signers: Mapping[str, Signer]) -> Iterator[dict[str, str]]:
    """Run a proxy; its URLs by the signers' names."""

    async def forward(request: Request) -> Response:
        signer = signers[request.path_params["name"]]
        body = await request.body()
        headers = {name: value for name, value in request.headers.items() if name not in _OWN}
        headers |= _signature(signer, request.method, body)
        if (host := request.headers["host"]) != f"127.0.0.1:{server.port}":
            headers["host"] = host  # somebody else's host is not ours to put right: the gateway is to see it
        async with httpx.AsyncClient(timeout=None, trust_env=False, verify=False) as client:  # no TLS here
            answer = await client.request(request.method, signer.url, content=body, headers=headers)
        kept = {name: value for name, value in answer.headers.items() if name not in _OWN}
        return Response(answer.content, answer.status_code, kept)

    server = Loopback(Starlette(routes=[Route("/{name}/mcp", forward, methods=METHODS)]))
    server.start()
    try:
        yield {name: f"{server.url}/{name}/mcp" for name in signers}
    finally:
        server.stop()


def _signature(signer: Signer, method: str, body: bytes) -> dict[str, str]:
    request = AWSRequest(method, signer.url, data=body)
    found = signer.environment
    key = Credentials(found["AWS_ACCESS_KEY_ID"], found["AWS_SECRET_ACCESS_KEY"], found["AWS_SESSION_TOKEN"])
    SigV4Auth(key, "bedrock-agentcore", REGION).add_auth(request)
    return dict(request.headers)
