"""Converse on loopback, in front of any model, and a server that answers as OpenAI and Ollama document."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from tests.agent.loopback import Loopback
from toolgate.access.deployment.roles import Role
from toolgate.access.iam.policies import Policy
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.serve.guards.credentials import Credentials, Sessions
from toolgate.local.serve.guards.iam_guard import Authority, Service, authorized
from toolgate.local.serve.model import converse_api

ENV = CloudEnvironment()


class Bedrock:
    """Converse and ConverseStream behind signature and IAM, with a role that may use every model."""

    def __init__(self, app: ASGIApp) -> None:
        sessions = Sessions()
        statement = {"Effect": "Allow", "Action": "bedrock:*", "Resource": "*"}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        role = Role(arn=ENV.global_arn("iam", "role/r"), name="r", trust={}, policies=(Policy("p", document),))
        self.credentials: Credentials = sessions.assume(role, "s")
        post = frozenset({"POST"})
        needed = converse_api.permissions(ENV)
        service = Service("bedrock", converse_api.PATH, post, needed, app, converse_api.MAX_BODY)
        self.server = Loopback(authorized([service], Authority(sessions, ENV.region)))
        self.server.start()

    def client(self) -> Any:
        keys = {name.lower(): value for name, value in self.credentials.environment().items()}
        config = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
        url = self.server.url
        return boto3.client("bedrock-runtime", endpoint_url=url, region_name=ENV.region, config=config, **keys)


@pytest.fixture(scope="session")
def bedrock_of() -> Iterator[Callable[[ASGIApp], Bedrock]]:
    """Puts Converse in front of an app of the model's."""
    made: list[Bedrock] = []

    def make(app: ASGIApp) -> Bedrock:
        made.append(Bedrock(app))
        return made[-1]

    yield make
    for one in made:
        one.server.stop()


class ChatServer:
    """`/v1/chat/completions`, answering with the lines or the response it is given."""

    def __init__(self) -> None:
        self.server = Loopback(Starlette(routes=[Route("/v1/chat/completions", self._serve, methods=["POST"])]))
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.lines: list[str | Exception] = []
        self.response: Response | None = None
        self.waits: Callable[[], Any] | None = None
        self.turns: list[list[Any]] = []

    def says(self, *chunks: Any) -> None:
        """Stream these chunks."""
        self.response = None
        self.lines = [*(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks), "data: [DONE]\n\n"]

    def refuses(self, status: int, error: Any) -> None:
        self.response = JSONResponse({"error": error}, status)

    async def _serve(self, request: Request) -> Response:
        self.requests.append(await request.json())
        self.headers.append(dict(request.headers))
        if self.waits:
            await self.waits()
        if self.turns:
            self.says(*self.turns.pop(0))
        return self.response or StreamingResponse(self._stream(), media_type="text/event-stream")

    async def _stream(self) -> AsyncIterator[str]:
        for line in self.lines:
            if isinstance(line, Exception):
                raise line
            yield line


@pytest.fixture(scope="module")
def chat_server() -> Iterator[ChatServer]:
    server = ChatServer()
    server.server.start()
    yield server
    server.server.stop()
