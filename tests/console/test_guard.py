"""What another web page, or another program without the token, gets: nothing."""

import socket
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

import httpx
import pytest

from tests.console.conftest import World, client_of
from toolgate.console.guard import HEADERS, MOST_BODY

CALL = {"tool": "math___add_numbers", "arguments": {"a": 1, "b": 2}, "as": "calculator"}
OTHERS = ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1:{port}", "http://localhost:{port}"]
PATHS = ["/", "/icon.svg", "/api/overview", "/api/nothing", "/nothing"]


def port(world: World) -> int:
    found = urlsplit(world.console.url).port
    assert found
    return found


def calls(world: World) -> str:
    """All that the gateways were ever asked, refused or not."""
    return world.serving.access_log.read_text()


def code(answer: httpx.Response) -> str:
    found: str = answer.json()["error"]["code"]
    return found


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("origin", OTHERS)
def test_another_origin_is_refused(world: World, path: str, origin: str) -> None:
    answer = world.client.get(path, headers={"origin": origin.format(port=port(world))})
    assert (answer.status_code, code(answer)) == (403, "other_origin")
    assert "access-control-allow-origin" not in answer.headers


def test_its_own_origin_is_not(world: World) -> None:
    headers = {"origin": world.console.url, "sec-fetch-site": "same-origin"}
    assert world.client.get("/api/overview", headers=headers).status_code == 200


def test_it_is_served_by_its_other_names(world: World) -> None:
    for name in ("localhost", "[::1]"):
        host = f"{name}:{port(world)}"
        headers = {"host": host, "origin": f"http://{host}"}
        assert world.client.get("/api/overview", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "", "127.1:{port}"]
)
def test_a_name_that_was_rebound_to_it_is_told_nothing(world: World, host: str) -> None:
    for path in PATHS:
        answer = world.client.get(path, headers={"host": host.format(port=port(world))})
        assert (answer.status_code, answer.content) == (421, b"")


def test_two_hosts_are_none(world: World) -> None:
    with socket.create_connection(("127.0.0.1", port(world)), timeout=30) as raw:
        host = f"Host: 127.0.0.1:{port(world)}\r\n"
        raw.sendall(f"GET /api/overview HTTP/1.1\r\n{host}{host}Connection: close\r\n\r\n".encode())
        assert raw.recv(100).split()[1] in {b"400", b"421"}


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_a_browser_sends_for_another_site_is_refused(world: World, site: str) -> None:
    for path in PATHS:
        answer = world.client.get(path, headers={"sec-fetch-site": site})
        assert (answer.status_code, code(answer)) == (403, "other_origin")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", None]
)
def test_a_form_calls_nothing(world: World, kind: str | None) -> None:
    """Not even with the token: what a form can send is no request for data."""
    before = calls(world)
    body = httpx.Request("POST", "http://x", json={**CALL, "gateway": world.gateway}).content
    headers = {} if kind is None else {"content-type": kind}
    answer = world.client.post("/api/tools/call", content=body, headers=headers)
    assert (answer.status_code, code(answer)) == (415, "not_json")
    assert calls(world) == before


@pytest.mark.parametrize("authorization", [None, "", "Bearer wrong", "{token}", "Basic {token}", "Bearer {token}x"])
def test_without_the_token_there_is_no_data(world: World, authorization: str | None) -> None:
    before = calls(world)
    headers = {} if authorization is None else {"authorization": authorization.format(token=world.console.token)}
    with httpx.Client(base_url=world.console.url, trust_env=False) as client:
        for answer in (
            client.get("/api/overview", headers=headers),
            client.get("/api/events", headers=headers),
            client.post("/api/tools/call", headers=headers, json={**CALL, "gateway": world.gateway}),
        ):
            assert (answer.status_code, code(answer)) == (401, "no_token")
    assert calls(world) == before


def test_a_token_in_the_address_or_a_cookie_is_none(world: World) -> None:
    with httpx.Client(base_url=world.console.url, trust_env=False) as client:
        token = world.console.token
        assert client.get(f"/api/overview?token={token}").status_code == 401
        assert client.get("/api/overview", headers={"cookie": f"token={token}"}).status_code == 401


def test_the_page_needs_no_token_and_holds_none(world: World) -> None:
    with httpx.Client(base_url=world.console.url, trust_env=False) as client:
        answer = client.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert world.console.token not in answer.text
    assert "set-cookie" not in answer.headers


def test_each_start_has_a_token_of_its_own(world: World) -> None:
    with client_of(world.console, world.console.token[::-1]) as client:
        assert client.get("/api/overview").status_code == 401
    assert len(world.console.token) == 43  # 32 bytes
    assert world.console.address == f"{world.console.url}/#token={world.console.token}"
    assert world.console.token not in repr(world.console)


def test_a_large_body_is_not_read(world: World) -> None:
    answer = world.client.post("/api/ask", json={"agent": "calculator", "prompt": "x" * MOST_BODY})
    assert (answer.status_code, code(answer)) == (413, "too_large")


def test_a_large_body_of_no_declared_size_is_not_read(world: World) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(64):
            yield b" " * 2**16

    answer = world.client.post("/api/ask", content=endless(), headers={"content-type": "application/json"})
    assert (answer.status_code, code(answer)) == (413, "too_large")


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/../app.py",
            "/..%2fapp.py",
            "/%2e%2e/app.py",
            "/page/../guard.py",
            "/index.html/../../app.py",
            "//etc/passwd",
        ),
        *("/..\\app.py", "/index.html%00.svg", "/.", "/..", "/app.py", "/page/index.html", "/__pycache__"),
    ],
)
def test_no_path_leaves_the_page(world: World, path: str) -> None:
    with socket.create_connection(("127.0.0.1", port(world)), timeout=30) as raw:  # clients would tidy the path
        host = f"Host: 127.0.0.1:{port(world)}\r\nConnection: close\r\n\r\n"
        raw.sendall(f"GET {path} HTTP/1.1\r\n{host}".encode())
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    assert b" 404 " in answer.splitlines()[0]
    assert b"import " not in answer


def test_every_answer_carries_the_headers(world: World) -> None:
    def held(answer: httpx.Response) -> Mapping[str, str]:
        return {name: answer.headers[name] for name in HEADERS}

    client, body = world.client, {"agent": "nobody", "prompt": "x"}
    answers = [
        *(client.get(path) for path in PATHS),
        client.get("/", headers={"host": "evil.example"}),
        client.get("/", headers={"origin": "http://evil.example"}),
        client.get("/api/overview", headers={"authorization": ""}),
        client.post("/api/ask", content=b"{}"),
        client.post("/api/ask", json=body),
        client.delete("/api/overview"),
        client.options("/api/overview"),
        client.head("/"),
    ]
    assert {answer.status_code for answer in answers} == {200, 400, 401, 403, 404, 405, 415, 421}
    for answer in answers:
        assert held(answer) == HEADERS
        if answer.status_code not in {200, 421}:
            assert set(answer.json()) == {"error"}
            assert set(answer.json()["error"]) == {"code", "message"}


def test_the_policy_lets_no_script_in() -> None:
    policy = dict(part.strip().partition(" ")[::2] for part in HEADERS["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["form-action"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in HEADERS["content-security-policy"]
