"""What is made of an answer, whichever way it comes."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from botocore.credentials import Credentials

from tests.aws import signed
from tests.aws.signed import Answer, Signature, listed, send
from tests.aws.world import World

RESULT = {"jsonrpc": "2.0", "id": 1, "result": {"content": []}}
type Transport = Callable[[Callable[[httpx.Request], httpx.Response]], None]


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Transport:
    """Answer every request by a function."""

    def use(handler: Callable[[httpx.Request], httpx.Response]) -> None:
        client = httpx.Client(transport=httpx.MockTransport(handler))
        monkeypatch.setattr(signed, "client", lambda: client)

    return use


def ask() -> Answer:
    return send("https://gateway.example.com/mcp", "tools/list", {}, Signature(None, "us-east-1"))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (json.dumps(RESULT), RESULT),
        (f"event: message\ndata: {json.dumps(RESULT)}\n\n", RESULT),
        (f'data: {{"jsonrpc": "2.0", "method": "notifications/message"}}\n\ndata: {json.dumps(RESULT)}\n\n', RESULT),
        ('{"message": "no"}', {}),
        ("<html>", {}),
        ("[1]", {}),
        ("", {}),
    ],
)
def test_the_message_in_a_body(answering: Transport, body: str, message: dict[str, Any]) -> None:
    answering(lambda _request: httpx.Response(200, text=body))
    assert ask().message == message


def test_an_error_type_comes_without_its_address(answering: Transport) -> None:
    headers = {"x-amzn-errortype": "AccessDeniedException:http://internal.amazon.com/coral/"}
    answering(lambda _request: httpx.Response(403, headers=headers, json={"Message": "no"}))
    answer = ask()
    assert (answer.status, answer.code, answer.result, answer.error) == (403, "AccessDeniedException", None, {})


@pytest.mark.parametrize(
    ("status", "message", "made"),
    [
        (200, RESULT, True),
        (200, {"jsonrpc": "2.0", "result": {"isError": True}}, False),
        (200, {"jsonrpc": "2.0", "error": {"code": -32002}}, False),
        (200, {}, False),
        (403, RESULT, False),
    ],
)
def test_a_call_that_was_made(status: int, message: dict[str, Any], made: bool) -> None:
    assert Answer(status, "", "", message).made is made


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(403, "AccessDeniedException", '{"Message": "no"}', {}), "HTTP 403, AccessDeniedException, no"),
        (Answer(403, "", "<html>no</html>", {}), "HTTP 403, <html>no</html>"),
        (Answer(200, "", "", {"error": {"code": -32002, "message": "denied"}}), "HTTP 200, JSON-RPC -32002, denied"),
        (Answer(200, "", "", {"result": {"isError": True}}), "HTTP 200, isError true"),
        (Answer(502, "", "", {}), "HTTP 502"),
    ],
)
def test_a_refusal_in_words(local: World, answer: Answer, words: str) -> None:
    assert answer.words(local) == words


def test_an_unsigned_request_says_nothing_of_anybody(answering: Transport) -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(403)

    answering(handler)
    ask()
    assert not {"authorization", "x-amz-security-token", "x-amz-date"} & set(seen[0].headers)
    signature = Signature(Credentials("ASIAX", "s", "t"), "eu-west-1", service="execute-api")
    send("https://gateway.example.com/mcp", "tools/list", {}, signature)
    assert "/eu-west-1/execute-api/aws4_request" in seen[1].headers["authorization"]


def test_every_page_of_a_list_is_read(local: World, answering: Transport) -> None:
    pages = {None: (["a", "b"], "next"), "next": (["c"], None)}

    def handler(request: httpx.Request) -> httpx.Response:
        names, cursor = pages[json.loads(request.content)["params"].get("cursor")]
        result = {"tools": [{"name": name} for name in names]} | ({"nextCursor": cursor} if cursor else {})
        return httpx.Response(200, json={"jsonrpc": "2.0", "id": 1, "result": result})

    answering(handler)
    assert listed(local, local.scratch_gateway("plain"), "knocker") == {"a", "b", "c"}


def test_who_is_shown_no_list_is_said(local: World, answering: Transport) -> None:
    answering(lambda _request: httpx.Response(403, json={"message": "no"}))
    with pytest.raises(AssertionError, match="knocker is shown no list: HTTP 403, no"):
        listed(local, local.scratch_gateway("plain"), "knocker")
