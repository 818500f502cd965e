"""What the gateway answers to messages that are none, or not as MCP has them: never a 500, and never silence.

What a hostile or careless client can send has many forms, so the last test makes them up.
"""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.local.serve.gateway.in_process import CALLERS, LIST, OWN, SESSION, Gateways, error, hello, opened

CALL = {"name": "math___add_numbers", "arguments": {"a": 1, "b": 2}}


def of(**changed: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 7, "method": "ping"} | changed).encode()


def without(name: str) -> bytes:
    return json.dumps({key: it for key, it in json.loads(of()).items() if key != name}).encode()


def called(arguments: bytes) -> bytes:
    start = b'{"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "math___context", "arguments": '
    return start + arguments + b"}}"


NOT_JSON = {
    "nothing": b"",
    "blanks": b" \n",
    "a word": b"hello",
    "half": LIST[:-1],
    "two": LIST + LIST,
    "UTF-16": LIST.decode().encode("utf-16"),
    "UTF-16 without its mark": LIST.decode().encode("utf-16-le"),
    "UTF-32": LIST.decode().encode("utf-32"),
    "no UTF-8": LIST.replace(b"l", b"\xff", 1),
    "NaN": called(b'{"a": NaN}'),
    "Infinity": called(b'{"a": Infinity}'),
    "minus Infinity": called(b'{"a": [-Infinity]}'),
    "a number beyond a double": called(b'{"a": 1e400}'),
    "one below": called(b'{"a": -1e400}'),
    "an integer of 5,000 digits": called(b'{"a": ' + b"9" * 5_000 + b"}"),
    "nested 100,000 deep": called(b"[" * 100_000 + b"]" * 100_000),
    "objects, too": called(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "nested and never closed": b"[" * 1_000_000,
    "half a surrogate pair": called(b'{"a": "\\ud800"}'),
    "in a name": called(b'{"\\udfff": 1}'),
    "in the id": of(id="x").replace(b'"x"', b'"\\ud800"'),
    "a single quote": b"{'jsonrpc': '2.0'}",
    "a comment": LIST + b"// that is it",
    "a leading zero": of().replace(b"7", b"07"),
    "a control character": called(b'{"a": "\x00"}'),
}


@pytest.mark.parametrize("to", CALLERS)
@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
def test_what_is_no_json_is_a_parse_error(gateways: Gateways, body: bytes, to: str) -> None:
    assert error(gateways.ask(body, to=to)) == (400, -32700, None)


NO_MESSAGE: dict[str, tuple[bytes, Any]] = {
    "id null": (of(id=None), None),
    "id 1.5": (of(id=1.5), None),
    "id 1.0": (of(id=1.0), None),
    "id true": (of(id=True), None),
    "id false": (of(id=False), None),
    "id an object": (of(id={"a": 1}), None),
    "id a list": (of(id=[1]), None),
    "no version": (without("jsonrpc"), 7),
    "another version": (of(jsonrpc="1.0"), 7),
    "a number as version": (of(jsonrpc=2.0), 7),
    "no method": (without("method"), 7),
    "method null": (of(method=None), 7),
    "method a number": (of(method=1), 7),
    "method a list": (of(method=["ping"]), 7),
    "method empty": (of(method=""), 7),
    "a batch": (b"[" + LIST + b"]", None),
    "an empty batch": (b"[]", None),
    "a text": (b'"ping"', None),
    "a number": (b"1", None),
    "null": (b"null", None),
    "an empty object": (b"{}", None),
    "an answer without id": (b'{"jsonrpc": "2.0", "result": {}}', None),
    "an answer in two ways": (b'{"jsonrpc": "2.0", "id": 7, "result": {}, "error": {}}', 7),
}


@pytest.mark.parametrize("to", CALLERS)
@pytest.mark.parametrize(("body", "message_id"), NO_MESSAGE.values(), ids=NO_MESSAGE.keys())
def test_what_is_no_message_is_an_invalid_request(gateways: Gateways, body: bytes, message_id: Any, to: str) -> None:
    assert error(gateways.ask(body, to=to)) == (400, -32600, message_id)


@pytest.mark.parametrize("params", [[], [1], "x", 1, True])
def test_params_are_an_object(gateways: Gateways, params: Any) -> None:
    assert error(gateways.ask(of(params=params))) == (400, -32602, 7)


@pytest.mark.parametrize(
    ("method", "params", "says"),
    [
        ("tools/call", {}, "name is missing"),
        ("tools/call", {"name": 1}, "name must be a string"),
        ("tools/call", {"name": "math___context", "arguments": [1]}, "arguments must be an object"),
        ("tools/call", {"name": "math___context", "arguments": "{}"}, "arguments must be an object"),
        ("tools/list", {"cursor": 1}, "cursor must be a string"),
        ("initialize", {}, "protocolVersion is missing"),
        ("initialize", hello(1), "protocolVersion must be a string"),
        ("initialize", {**hello("2025-06-18"), "clientInfo": None}, "clientInfo is missing"),
        ("initialize", {**hello("2025-06-18"), "capabilities": []}, "capabilities must be an object"),
        ("prompts/get", {}, "name is missing"),
        ("resources/read", {"uri": 1}, "uri must be a string"),
    ],
)
def test_parameters_of_another_kind_are_told(gateways: Gateways, method: str, params: Any, says: str) -> None:
    assert gateways.rpc(method, params)["error"] == {"code": -32602, "message": f"Invalid params: {says}"}


@pytest.mark.parametrize(
    "method",
    [
        *("foo/bar", "tools", "TOOLS/LIST", "logging/setLevel", "completion/complete", "resources/subscribe"),
        *("tasks/list", "server/discover", "notifications/initialized", "x" * 1_000, "\n", "\u2028"),
    ],
)
@pytest.mark.parametrize("to", CALLERS)
def test_a_method_that_the_gateway_has_not(gateways: Gateways, method: str, to: str) -> None:
    assert gateways.rpc(method, to=to)["error"] == {"code": -32601, "message": f"Method not found: {method}"}


@pytest.mark.parametrize(
    "message_id", [0, -1, 2**63, 10**400, "", "x" * 10_000, "\u0000", "caf\xe9 \U0001f600", "7"], ids=repr
)
def test_the_id_comes_back_as_it_was(gateways: Gateways, message_id: Any) -> None:
    for method in ("tools/list", "tools/call", "ping", "no/such"):
        body = {"jsonrpc": "2.0", "id": message_id, "method": method, "params": CALL}
        found = gateways.ask(json.dumps(body).encode()).json()["id"]
        assert (type(found), found) == (type(message_id), message_id)


def test_the_last_of_two_values_counts_for_all_who_read_them(gateways: Gateways) -> None:
    """What is decided and what is run is one reading of the body, whichever of the two it takes."""
    twice = called(b'{"a": 1, "a": 2}').replace(b'"name": ', b'"name": "math___greeting", "name": ')
    result = gateways.ask(twice).json()["result"]
    assert json.loads(result["content"][0]["text"]) == {"given": {"a": 2}}


def test_a_mark_before_the_text_is_no_mistake(gateways: Gateways) -> None:
    assert gateways.ask(b"\xef\xbb\xbf" + LIST).status_code == 200


@pytest.mark.parametrize("megabytes", [5, 6])
def test_a_call_of_up_to_6_mb_is_made(gateways: Gateways, megabytes: int) -> None:
    filling = megabytes * 2**20 - len(called(b'{"a": ""}'))
    answer = gateways.ask(called(b'{"a": "' + b"x" * filling + b'"}'))
    assert (answer.status_code, "error" in answer.json()) == (200, False)
    assert gateways.ask(called(b'{"a": "' + b"x" * (filling + 2**20 + 1) + b'"}')).status_code == 413


@pytest.mark.parametrize(
    "body",
    [
        b'{"jsonrpc": "2.0", "method": "notifications/initialized"}',
        b'{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": {"a": 1}}}',
        b'{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}',
        b'{"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": []}}',
        b'{"jsonrpc": "2.0", "method": "nobody/knows", "params": {}}',
        b'{"jsonrpc": "2.0", "method": "tools/call"}',
        b'{"jsonrpc": "2.0", "id": 7, "result": {}}',
        b'{"jsonrpc": "2.0", "id": "x", "error": {"code": 1, "message": "no"}}',
    ],
)
@pytest.mark.parametrize("to", CALLERS)
def test_what_wants_no_answer_gets_202(
    gateways: Gateways, body: bytes, to: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = gateways.ask(body, {SESSION: opened(gateways) if to == "other" else None}, to=to)
    assert (answer.status_code, answer.content) == (202, b"")
    assert [it for it in caplog.records if it.levelname == "WARNING"] == []


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
_TREES = st.recursive(_LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)
_METHODS = st.sampled_from(
    [
        *("initialize", "ping", "tools/list", "tools/call", "prompts/list", "prompts/get", "resources/list", "x"),
        *("resources/read", "resources/templates/list", "notifications/initialized", "notifications/cancelled"),
    ]
)
_PARAMS = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["math___context", "x_amz_bedrock_agentcore_search", "no"]) | _TREES,
        "arguments": st.dictionaries(st.sampled_from(["query", "a"]), _TREES) | _TREES,
        "protocolVersion": st.sampled_from(OWN) | _TREES,
        "capabilities": st.just({}) | _TREES,
        "clientInfo": st.just({"name": "c", "version": "1"}) | _TREES,
        "cursor": _TREES,
        "uri": _TREES,
        "requestId": _TREES,
        "_meta": _TREES,
    },
)
_MESSAGES = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0") | _TREES},
    optional={
        "id": st.integers() | st.text() | _TREES,
        "method": _METHODS | _TREES,
        "params": _PARAMS | _TREES,
        "result": _TREES,
        "error": _TREES,
    },
)
_JSON = (_MESSAGES | _TREES | st.lists(_MESSAGES, max_size=2)).map(lambda it: json.dumps(it).encode())
_CUT = st.builds(lambda body, at: body[: at % (len(body) + 1)], _JSON, st.integers(0, 10_000))
_BODIES = _JSON | _CUT | st.binary()


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=_BODIES, to=st.sampled_from(sorted(CALLERS)), version=st.sampled_from([None, *OWN, "x"]))
def test_whatever_is_sent_is_answered_as_json_rpc_says(
    body: bytes, to: str, version: str | None, gateways: Gateways, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.clear()
    session = opened(gateways) if to == "other" else None
    answer = gateways.ask(body, {SESSION: session, "mcp-protocol-version": version}, to=to)
    assert answer.status_code in {200, 202, 400}, answer.text
    assert [it for it in caplog.records if it.levelname in {"WARNING", "ERROR", "CRITICAL"}] == []
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        sent = None
    if answer.status_code == 202:
        assert isinstance(sent, dict)
        assert "id" not in sent or "method" not in sent
        assert answer.content == b""
        return
    said = answer.json()
    assert said["jsonrpc"] == "2.0"
    assert ("result" in said) != ("error" in said)
    message_id = sent.get("id") if isinstance(sent, dict) else None
    if "result" in said:
        assert (type(said["id"]), said["id"]) == (type(message_id), message_id)
    else:
        assert said["id"] is None or (type(said["id"]), said["id"]) == (type(message_id), message_id)
        assert said["error"]["code"] in {-32700, -32600, -32601, -32602, -32002}
        assert "pydantic" not in answer.text
