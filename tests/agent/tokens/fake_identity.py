"""AgentCore Identity on loopback: two signed calls, tokens that a gateway can look up, and faults on demand.

Its errors are those of botocore's bedrock-agentcore model.
"""

import asyncio
import base64
import json
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.agent.loopback import Loopback
from tests.agent.signature import signed

WORKLOAD, ACCESS = "GetWorkloadAccessToken", "GetResourceOauth2Token"
_PATHS = {f"/identities/{WORKLOAD}": WORKLOAD, "/identities/oauth2/token": ACCESS}
CLIENT = "3n4b5urk1ft4fl3mg5e62d9ado"
ISSUER = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_AbCdEf123"
EXPIRED = "Token has expired. Please generate a new token."

Fault = Callable[["FakeIdentity"], Awaitable[Response]]


class FakeIdentity:
    """The service.

    Attributes:
        life: Seconds for which the access tokens that it gives are valid; None for tokens that are no JWT.
        keeps: Whether it gives the token again that it gave before, as long as that is valid.
        ahead: Seconds by which its clock, which is right, is ahead of this machine's.
        requests: The operations that were asked, signed as they must be, with their bodies.
        given: All access tokens that it gave; a gateway that trusts it takes these.
        strange: Paths that are no operation the agent may call.
        reached: Set by each request.
        over: Set when its test has ended: what is silent for ever says something then.
    """

    def __init__(self) -> None:
        routes = [Route("/{path:path}", self._serve, methods=["GET", "POST", "PUT"])]
        self.app = Starlette(routes=routes)
        self.server = Loopback(self.app, date_header=False)
        self.reset()

    def reset(self) -> None:
        self.life: float | None = 3600
        self.keeps = False
        self.ahead = 0.0
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.given: list[str] = []
        self.strange: list[str] = []
        self.workload_tokens: set[str] = set()
        self.reached = threading.Event()
        self.over = threading.Event()
        self.most_at_once = self._at_once = 0
        self._faults: list[tuple[str, Fault]] = []

    @property
    def url(self) -> str:
        return self.server.url

    def inject(self, operation: str, fault: Fault, times: int = 1) -> None:
        self._faults += [(operation, fault)] * times

    def heal(self) -> None:
        self._faults.clear()

    def end(self) -> None:
        """The test is over: a fetch that it left alone comes to an end, and logs nothing into another one."""
        self.heal()
        self.over.set()

    def asked(self, operation: str = ACCESS) -> int:
        return [name for name, _ in self.requests].count(operation)

    async def _serve(self, request: Request) -> Response:
        body = await request.body()
        operation = _PATHS.get(request.url.path)
        if operation is None:
            self.strange.append(request.url.path)
            return JSONResponse({"message": "not found"}, 404)
        if not signed(request, body, {"AKIDEXAMPLE": "secret"}):
            return refusal("AccessDeniedException", 403, "The request signature does not match")
        self.requests.append((operation, json.loads(body)))
        self.reached.set()
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            response = await self._fault_of(operation)(self)
        finally:
            self._at_once -= 1
        response.headers["date"] = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(self.now()))
        return response

    def now(self) -> float:
        return time.time() + self.ahead

    def _fault_of(self, operation: str) -> Fault:
        for index, (method, fault) in enumerate(self._faults):
            if method == operation:
                del self._faults[index]
                return fault
        return {WORKLOAD: _workload, ACCESS: _access}[operation]

    def access_token(self) -> str:
        if not (self.keeps and self.given):
            number = len(self.given)
            said = {"client_id": CLIENT, "iss": ISSUER, "scope": "tools/invoke", "jti": str(number)}
            whole = jwt(said if self.life is None else {**said, "exp": self.now() + self.life})
            self.given.append(whole if self.life is not None else f"opaque-{number:032}")
        return self.given[-1]


def jwt(said: Any) -> str:
    """A token that says this, signed by nobody."""
    parts = (json.dumps(part).encode() for part in ({"alg": "RS256", "kid": "k1"}, said))
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + ".c2lnbmF0dXJl"


async def _workload(fake: FakeIdentity) -> Response:
    token = f"workload-token-{len(fake.workload_tokens)}"
    fake.workload_tokens.add(token)
    return JSONResponse({"workloadAccessToken": token})


async def _access(fake: FakeIdentity) -> Response:
    if fake.requests[-1][1]["workloadIdentityToken"] not in fake.workload_tokens:
        return refusal("AccessDeniedException", 403, EXPIRED)
    return JSONResponse({"accessToken": fake.access_token()})


def refusal(code: str, status: int, message: str) -> Response:
    return JSONResponse({"message": message}, status, headers={"x-amzn-errortype": code})


# Faults


def refused(code: str, status: int, message: str = "internal detail") -> Fault:
    async def fault(_: FakeIdentity) -> Response:
        return refusal(code, status, message)

    return fault


def answered(answer: Any) -> Fault:
    async def fault(_: FakeIdentity) -> Response:
        return JSONResponse(answer)

    return fault


async def workload_token_expired(fake: FakeIdentity) -> Response:
    """It was good when it was given."""
    fake.workload_tokens.clear()
    return await _access(fake)


async def _until_over(fake: FakeIdentity) -> None:
    over = fake.over
    while not over.is_set():
        await asyncio.sleep(0.02)


async def silence(fake: FakeIdentity) -> Response:
    await _until_over(fake)
    return Response(status_code=400)


async def dripping(fake: FakeIdentity) -> Response:
    over = fake.over

    async def body() -> AsyncIterator[str]:
        while not over.is_set():
            yield " "
            await asyncio.sleep(0.02)

    return StreamingResponse(body(), media_type="application/json")


async def stalled(fake: FakeIdentity) -> Response:
    async def body() -> AsyncIterator[str]:
        yield '{"accessToken": "'
        await _until_over(fake)

    return StreamingResponse(body(), media_type="application/json")


async def ten_megabytes(_: FakeIdentity) -> Response:
    return JSONResponse({"accessToken": "a" * 10_000_000})


async def endless(_: FakeIdentity) -> Response:
    async def body() -> AsyncIterator[str]:
        while True:
            yield "a" * 65536
            await asyncio.sleep(0)  # or nothing would hear that the caller has left

    return StreamingResponse(body(), media_type="application/json")


async def html(_: FakeIdentity) -> Response:
    return Response("<html>busy</html>", 503, media_type="text/html")
