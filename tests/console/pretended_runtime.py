"""An AgentCore Runtime that answers an invocation as it is told, and then says no more."""

import asyncio
import threading
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from tests.agent.loopback import Loopback

ARN = "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/assistant-abcdefghij"
SESSION = "a-session-id-of-thirty-three-char"


class Runtime:
    """Answers as it is told to, and knows who has left."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self.status = 200
        self.left = threading.Event()
        self.server = Loopback(Starlette(routes=[Route("/{path:path}", self._answer, methods=["POST"])]))

    async def _answer(self, _request: Request) -> Response:
        if self.status != 200:
            headers = {"x-amzn-errortype": "RuntimeClientError"}
            return Response('{"message": "Received error (502)"}', self.status, headers)
        return StreamingResponse(self._body(), media_type="text/event-stream")

    async def _body(self) -> AsyncIterator[bytes]:
        for answer in self.answers:
            yield answer
        try:
            await asyncio.Event().wait()  # it has more to say, and never does
        finally:
            self.left.set()
