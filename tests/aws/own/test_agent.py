"""The throw-away program's agent looks at the metadata service only when it is told to, and says what it sees."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from tests.aws.program.agent import main


class Refusing(BaseHTTPRequestHandler):
    """A metadata service that wants a token."""

    def do_GET(self) -> None:
        self.send_response(401 if self.path == "/latest/meta-data/" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def serve() -> Iterator[Any]:
    """Serve a handler on a port of this machine; gives the address."""
    servers: list[ThreadingHTTPServer] = []

    def start(handler: type[BaseHTTPRequestHandler]) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever).start()
        servers.append(server)
        return f"127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_the_status_of_a_metadata_service(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "METADATA_HOST", serve(Refusing))
    agent = f"http://{serve(main.Handler)}/invocations"
    assert httpx.post(agent, json={"metadata": True}).json() == {"metadata_without_token": 401}


def test_nobody_is_looked_for_who_was_not_asked_for(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise AssertionError

    monkeypatch.setattr(main, "metadata_status", refuse)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    agent = f"http://{serve(main.Handler)}/invocations"
    assert httpx.post(agent, json={}).json() == {"region": "eu-west-1"}
    refused = httpx.post(agent, content=json.dumps({"status": 422}))
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "on_purpose")


def test_where_there_is_no_metadata_service(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    monkeypatch.setattr(main, "METADATA_HOST", f"127.0.0.1:{closed.server_address[1]}")
    closed.server_close()
    assert main.metadata_status() is None


def test_the_user_of_a_request(serve: Any) -> None:
    agent = f"http://{serve(main.Handler)}/invocations"
    assert httpx.post(agent, json={"user": True}).json() == {"user": None}
    assert httpx.post(agent, json={"user": True}, headers={main.USER: "ada"}).json() == {"user": "ada"}
