"""The connections of the local server are the agent's (tests/agent/test_connections.py): it has their bounds, too."""

import contextlib
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Signer

from tests.agent.loopback import heard
from toolgate.local.serve.server import Serving

Connect = Callable[[], socket.socket]
MODEL = "/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse-stream"
ASK = {"prompt": "What is 100 + 12?"}
SAY = {"messages": [{"role": "user", "content": [{"text": "hello"}]}]}


@pytest.fixture
def connect(serving: Serving) -> Iterator[Connect]:
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(socket.create_connection(("127.0.0.1", urlsplit(serving.url).port)))


def signed(serving: Serving, path: str, document: dict[str, Any], version: str, role: str = "") -> bytes:
    body = json.dumps(document).encode()
    keys = serving.session(role).environment() if role else serving.environment
    request = AWSRequest("POST", serving.url + path, data=body, headers={"content-type": "application/json"})
    signer = Signer(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], keys["AWS_SESSION_TOKEN"])
    SigV4Auth(signer, "bedrock" if "model" in path else "bedrock-agentcore", "us-east-1").add_auth(request)
    headers = {**request.headers, "Host": urlsplit(serving.url).netloc, "Content-Length": str(len(body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {path} HTTP/{version}\r\n{lines}\r\n".encode() + body


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_caller_that_only_reads_gets_the_agents_answer(serving: Serving, connect: Connect, version: str) -> None:
    path = f"/runtimes/{quote(serving.agents['assistant'], safe='')}/invocations"
    peer = connect()
    peer.sendall(signed(serving, path, ASK, version))
    peer.shutdown(socket.SHUT_WR)
    assert b"The result is 112." in heard(peer)


def test_a_stream_over_http_1_0_comes_until_the_end(serving: Serving, connect: Connect) -> None:
    role = "arn:aws:iam::123456789012:role/agents/assistant-role"
    peer = connect()
    peer.sendall(signed(serving, MODEL, SAY, "1.0", role))
    head, _, body = heard(peer).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"chunked" not in head.lower()
    assert int.from_bytes(body[:4]) < len(body)  # the first event's length, and no chunk's


def test_a_header_without_end_is_refused(connect: Connect) -> None:
    peer = connect()
    with contextlib.suppress(ConnectionError):
        peer.sendall(b"GET / HTTP/1.1\r\nX: ")
        for _ in range(40):
            peer.sendall(b"a" * 65536)
    assert heard(peer).startswith(b"HTTP/1.1 431 ")
