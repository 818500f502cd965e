"""What the gateway's path takes besides tools: headers as people send them, versions, HTTP methods, sessions."""

import json
from typing import Any

import pytest

from tests.local.serve.gateway.in_process import CALLERS, LIST, OWN, SESSION, Gateways, error, hello, opened


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"accept": "*/*"},
        {"accept": "application/*"},
        {"accept": "application/json"},
        {"accept": "Application/JSON;q=0.1"},
        {"accept": "application/json, text/event-stream"},
        {"accept": "text/html, */*;q=0.1"},
        {"accept": ""},
        {"content-type": "application/json; charset=utf-8"},
        {"content-type": "Application/JSON"},
    ],
    ids=str,
)
def test_requests_as_awss_examples_send_them_are_answered_in_json(gateways: Gateways, headers: dict[str, str]) -> None:
    answer = gateways.ask(LIST, headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert len(answer.json()["result"]["tools"]) == 5


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"accept": "text/event-stream"}, 406),
        ({"accept": "text/*, application/json;q=0"}, 406),
        ({"accept": "application/xml"}, 406),
        ({"content-type": None}, 415),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/jsonx"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
    ],
    ids=str,
)
def test_what_is_sent_or_wanted_in_another_form_is_refused(
    gateways: Gateways, headers: dict[str, str | None], status: int
) -> None:
    assert error(gateways.ask(LIST, headers)) == (status, -32600, "l")


CALL = {"name": "math___add_numbers", "arguments": {"a": 1, "b": 2}}


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2026-07-28", "1999-01-01", "x", None])
@pytest.mark.parametrize("method", ["tools/list", "tools/call", "ping", "prompts/list", "no/such"])
def test_a_version_that_the_gateway_does_not_list_is_refused_on_every_request(
    gateways: Gateways, version: str | None, method: str
) -> None:
    """One that names none counts as 2025-03-26: so it was seen of AWS, and MCP says it."""
    answer = gateways.ask(
        json.dumps({"jsonrpc": "2.0", "id": 7, "method": method, "params": CALL}).encode(),
        {"mcp-protocol-version": version},
    )
    requested = version or "2025-03-26"
    assert error(answer) == (400, -32600, 7)
    assert answer.json()["error"] == {
        "code": -32600,
        "message": f"Unsupported protocol version: {requested}",
        "data": {"requested": requested, "supported": OWN},
    }


def test_a_version_that_is_named_twice_is_none(gateways: Gateways) -> None:
    answer = gateways.ask(LIST, {"mcp-protocol-version": "2025-06-18, 2025-11-25"})
    assert error(answer) == (400, -32600, "l")


@pytest.mark.parametrize(
    ("asked", "offered"),
    [("2025-06-18", "2025-06-18"), ("2025-11-25", "2025-11-25"), ("2025-03-26", "2025-11-25"), ("x", "2025-11-25")],
)
@pytest.mark.parametrize("to", CALLERS)
def test_initialize_offers_a_version_of_the_gateways_own(gateways: Gateways, to: str, asked: str, offered: str) -> None:
    """As the Gateway was seen to do, and MCP says: whoever cannot speak it leaves."""
    result = gateways.rpc("initialize", hello(asked), {"mcp-protocol-version": None}, to)["result"]
    assert result == {
        "protocolVersion": offered,
        "capabilities": {"tools": {"listChanged": False}},
        "serverInfo": {"name": f"handmade-{to}", "version": "1.0.0"},
    }


def test_a_notification_needs_no_version_but_no_wrong_one(gateways: Gateways) -> None:
    note = b'{"jsonrpc": "2.0", "method": "notifications/initialized"}'
    assert gateways.ask(note, {"mcp-protocol-version": None}).status_code == 202
    assert error(gateways.ask(note, {"mcp-protocol-version": "2024-11-05"})) == (400, -32600, None)


@pytest.mark.parametrize(
    ("method", "params", "expected"),
    [
        ("ping", None, {"result": {}}),
        ("prompts/list", None, {"result": {"prompts": []}}),
        ("resources/list", {}, {"result": {"resources": []}}),
        ("resources/templates/list", {"cursor": "x"}, {"result": {"resourceTemplates": []}}),
        ("prompts/get", {"name": "p"}, {"error": {"code": -32602, "message": "Unknown prompt: p"}}),
        (
            "resources/read",
            {"uri": "x://y"},
            {"error": {"code": -32002, "message": "Resource not found", "data": {"uri": "x://y"}}},
        ),
    ],
)
def test_what_a_gateway_of_functions_says_of_the_rest(
    gateways: Gateways, method: str, params: Any, expected: dict[str, Any]
) -> None:
    assert gateways.rpc(method, params) == {"jsonrpc": "2.0", "id": 1, **expected}
    session = opened(gateways)
    assert gateways.rpc(method, params, {SESSION: session}, "other") == {"jsonrpc": "2.0", "id": 1, **expected}


@pytest.mark.parametrize("to", CALLERS)
def test_nothing_of_a_library_is_in_what_is_listed_and_answered(gateways: Gateways, to: str) -> None:
    session = opened(gateways) if to == "other" else None
    listed = gateways.rpc("tools/list", None, {SESSION: session}, to)["result"]
    assert all(tool.keys() <= {"name", "description", "inputSchema", "outputSchema"} for tool in listed["tools"])
    assert listed.keys() == {"tools"}
    for tool in listed["tools"]:
        params = {"name": tool["name"], "arguments": {"query": "x"}}
        result = gateways.rpc("tools/call", params, {SESSION: session}, to)["result"]
        assert "_meta" not in result
        assert result.keys() <= {"content", "structuredContent", "isError"}


@pytest.mark.parametrize("arguments", [{}, {"query": 1}, {"query": None}, {"query": ["x"]}, {"find": "x"}, None])
def test_a_search_with_other_arguments_is_told_in_our_words(gateways: Gateways, arguments: Any) -> None:
    params = {"name": "x_amz_bedrock_agentcore_search", "arguments": arguments}
    result = gateways.rpc("tools/call", params)["result"]
    assert result["isError"]
    (content,) = result["content"]
    assert content["text"] == "query must be a string: what the tool that is looked for should do"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
@pytest.mark.parametrize("to", CALLERS)
def test_another_http_method_is_told_which_there_are(gateways: Gateways, method: str, to: str) -> None:
    assert gateways.ask(b"", method=method, to=to, signed=False).status_code == 403
    answer = gateways.ask(b"", method=method, to=to)
    if to == "other" and method in {"GET", "DELETE"}:
        assert error(answer) == (400, -32600, None)  # without a session
        return
    assert answer.status_code == 405
    assert answer.headers["allow"] == ("POST" if to == "tools" else "GET, POST, DELETE")


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {"accept": "application/json"}, 406),
        ("GET", {"accept": "text/event-stream", "mcp-protocol-version": "2024-11-05"}, 400),
        ("GET", {"accept": "text/event-stream", SESSION: "unknown"}, 404),
        ("GET", {"accept": "*/*", SESSION: "unknown", "last-event-id": "1"}, 404),
        ("DELETE", {SESSION: "unknown"}, 404),
        ("DELETE", {"mcp-protocol-version": "x", SESSION: "unknown"}, 400),
        ("POST", {SESSION: "unknown"}, 404),
        ("POST", {SESSION: "x" * 5_000}, 404),
        ("POST", {}, 400),
    ],
)
def test_a_session_that_there_is_not(gateways: Gateways, method: str, headers: dict[str, str], status: int) -> None:
    answer = gateways.ask(LIST if method == "POST" else b"", headers, method=method, to="other")
    assert error(answer) == (status, -32600, "l" if method == "POST" else None)


def test_a_session_begins_and_ends_and_counts_its_version_itself(gateways: Gateways) -> None:
    session = opened(gateways)
    listed = gateways.rpc("tools/list", None, {SESSION: session, "mcp-protocol-version": None}, "other")
    assert [tool["name"] for tool in listed["result"]["tools"]] == ["math___add_numbers"]
    assert gateways.ask(b"", {SESSION: session}, method="DELETE", to="other").status_code == 200
    assert error(gateways.ask(LIST, {SESSION: session}, to="other")) == (404, -32600, "l")
