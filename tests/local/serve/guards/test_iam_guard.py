"""Which service a request goes to, and what every answer carries."""

import asyncio
import re
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Signer
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from tests.agent.loopback import Loopback
from toolgate.access.deployment.roles import Role
from toolgate.local.serve.guards.credentials import Sessions
from toolgate.local.serve.guards.iam_guard import Authority, RequestRefused, Service, authorized, refuse

ANY = re.compile("/.*", re.DOTALL)
SIGNED = "AWS4-HMAC-SHA256 Credential=AKIA/20261129/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=0"


async def _plain(send: Send, status: int, code: str, _message: str) -> None:
    await refuse(send, status, f"plain-{code}", "")


def _service(name: str, path: re.Pattern[str], **more: Any) -> Service:
    return Service(name, path, frozenset({"POST"}), lambda _match, _request: [], PlainTextResponse(name), 10, **more)


SESSIONS = Sessions()


def signed(path: str, body: bytes, url: str = "http://testserver") -> dict[str, str]:
    """The headers of a request to the tables."""
    role = SESSIONS.assume(Role(arn="arn:aws:iam::123456789012:role/r", name="r", trust={}), "s")
    request = AWSRequest("POST", url + path, data=body)
    signer = Signer(role.access_key_id, role.secret_access_key, role.session_token)
    SigV4Auth(signer, "tables", "us-east-1").add_auth(request)
    return dict(request.headers)


@pytest.fixture(scope="module")
def client() -> TestClient:
    services = [
        _service("gateways", re.compile("/gateway/x")),
        _service("tables", ANY, refuse=_plain, by_path=False),
        _service("buckets", ANY, by_path=False),
    ]
    return TestClient(authorized(services, Authority(SESSIONS, "us-east-1")))


def _code(client: TestClient, path: str, **headers: str) -> str:
    return str(client.post(path, headers=headers).headers["x-amzn-errortype"])


def test_what_it_is_signed_for_tells_the_service(client: TestClient) -> None:
    assert _code(client, "/gateway/x", authorization=SIGNED.format("tables")).startswith("plain-")
    assert not _code(client, "/gateway/x", authorization=SIGNED.format("gateways")).startswith("plain-")


def test_a_request_for_no_service_goes_by_its_path(client: TestClient) -> None:
    assert _code(client, "/gateway/x") == "MissingAuthenticationTokenException"
    assert _code(client, "/gateway/x", authorization=SIGNED.format("lambda")) != "UnknownOperationException"
    assert _code(client, "/", authorization=SIGNED.format("lambda")) == "UnknownOperationException"


def test_a_body_that_is_too_large_is_refused_in_the_form_of_its_service(client: TestClient) -> None:
    answer = client.post("/", headers=signed("/", b"x" * 11), content=b"x" * 11)
    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (413, "plain-ValidationException")


def test_what_all_bodies_take_together_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolgate.local.serve.guards.iam_guard.MOST_HELD", 15)
    waiting, goes_on = threading.Event(), threading.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        waiting.set()
        await asyncio.to_thread(goes_on.wait)
        await PlainTextResponse("tables")(scope, receive, send)

    tables = Service("tables", ANY, frozenset({"POST"}), lambda _match, _request: [], slow, 10)
    server = Loopback(authorized([tables], Authority(SESSIONS, "us-east-1")))
    server.start()

    def sent() -> int:
        headers = signed("/", b"x" * 10, server.url)
        return httpx.post(server.url, headers=headers, content=b"x" * 10, timeout=30).status_code

    with ThreadPoolExecutor(1) as another:
        first = another.submit(sent)
        assert waiting.wait(30)
        assert sent() == 503  # there is no room for two
        goes_on.set()
        assert first.result() == 200
        assert sent() == 200
    server.stop()


def test_each_answer_has_an_id_of_its_own(client: TestClient) -> None:
    ids = [client.post(path).headers["x-amzn-requestid"] for path in ("/gateway/x", "/gateway/x", "/nothing")]
    assert len({uuid.UUID(it) for it in ids}) == 3


def test_a_refused_request_says_what_it_is() -> None:
    refused = RequestRefused(400, "ValidationException", "No.")
    assert (refused.status, refused.code, str(refused)) == (400, "ValidationException", "No.")
