"""Whatever bytes a header or a body has, an answer is one of the service's own: never a 500, never a traceback."""

import http.client
import json
import logging
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Signer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toolgate.local.serve.guards.credentials import Credentials
from toolgate.local.serve.server import Serving

GATEWAY = "/gateway/handmade-tools-abcdefghij/mcp"
MODEL = "/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse"
MCP = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
MCP |= {"mcp-protocol-version": "2025-06-18"}
SESSION = "x-amzn-bedrock-agentcore-runtime-session-id"


@dataclass(frozen=True)
class Place:
    """Where a request goes, what it is signed for, and headers that it has anyway."""

    service: str
    path: str
    method: str = "POST"
    headers: Mapping[str, str] | None = None


def targeted(service: str, target: str) -> Place:
    return Place(service, "/", headers={"x-amz-target": target, "content-type": "application/x-amz-json-1.0"})


PLACES = {
    "gateway": Place("bedrock-agentcore", GATEWAY, headers=MCP),
    "model": Place("bedrock", MODEL),
    "streamed model": Place("bedrock", f"{MODEL}-stream"),
    "runtime": Place("bedrock-agentcore", "/runtimes/{runtime}/invocations"),
    "session": Place("bedrock-agentcore", "/runtimes/{runtime}/stopruntimesession"),
    "control plane": Place("bedrock-agentcore", "/gateways/", "GET"),
    "sts": Place("sts", "/", headers={"content-type": "application/x-www-form-urlencoded"}),
    "table": targeted("dynamodb", "DynamoDB_20120810.GetItem"),
    "items": targeted("dynamodb", "DynamoDB_20120810.TransactWriteItems"),
    "queue": targeted("sqs", "AmazonSQS.SendMessage"),
    "secret": targeted("secretsmanager", "secretsmanager.GetSecretValue"),
    "parameter": targeted("ssm", "AmazonSSM.GetParametersByPath"),
    "topic": Place("sns", "/"),
    "object": Place("s3", "/bucket/key", "PUT"),
    "objects": Place("s3", "/bucket?delete"),
}
type Send = Callable[..., tuple[int, bytes]]


@pytest.fixture(scope="module")
def send(serving: Serving) -> Send:
    """Sends a signed request, whatever bytes it has; gives the answer's status and body."""
    agent = serving.session("arn:aws:iam::123456789012:role/agents/assistant-role")
    runtime = serving.agents["assistant"].replace(":", "%3A").replace("/", "%2F")
    operator = Credentials(*(serving.environment[f"AWS_{it}"] for it in _KEYS))

    def sent(place: Place, body: bytes, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        by = operator if "runtime" in place.path else agent
        path = place.path.format(runtime=runtime)
        request = AWSRequest(place.method, serving.url + path, data=body, headers={**(place.headers or {})})
        for name, value in (headers or {}).items():
            del request.headers[name]
            request.headers[name] = value
        auth = S3SigV4Auth if place.service == "s3" else SigV4Auth
        signer = Signer(by.access_key_id, by.secret_access_key, by.session_token)
        auth(signer, place.service, "us-east-1").add_auth(request)
        return _exchanged(serving.url, place.method, path, request.headers.items(), body)

    return sent


def _exchanged(url: str, method: str, path: str, headers: Iterable[tuple[str, str]], body: bytes) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        connection.putheader("host", urlsplit(url).netloc)
        connection.putheader("content-length", str(len(body)))
        for name, value in headers:
            if name.lower() not in {"host", "content-length"}:
                connection.putheader(name, value.encode("latin-1"))
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


_KEYS = ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}


def called(arguments: str) -> bytes:
    """A tool call with this text as its arguments."""
    params = f'{{"name": "math___add_numbers", "arguments": {arguments}}}'
    return (
        b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": '
        + params.encode("utf-8", "surrogatepass")
        + b"}"
    )


BODIES = {
    "nested": b"[" * 20_000 + b"]" * 20_000,
    "nested objects": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    "nested a little": b"[" * 900 + b"]" * 900,
    "never closed": b"[" * 200_000,
    "a long number": b'{"a": ' + b"7" * 6_000 + b"}",
    "a number beyond a double": b'{"a": 1e999}',
    "no number": b'{"a": NaN}',
    "half a pair": b'{"a": "\\ud800"}',
    "half a pair as a name": b'{"\\ud800": 1}',
    "no UTF-8": b'{"a": "\xe9"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "a mark before": b"\xef\xbb\xbf{}",
    "zeros": b"\0\0",
    "nothing": b"",
    "a text": b'"x"',
    "null": b"null",
    "a list": b"[{}, 1, null]",
    "call: nested": called("[" * 20_000 + "]" * 20_000),
    "call: nested a little": called('{"a": ' + "[" * 500 + "]" * 500 + ', "b": 1}'),
    "call: a long number": called(f'{{"a": {"7" * 6_000}, "b": 1}}'),
    "call: a large number": called('{"a": 1e999, "b": 1}'),
    "call: no number": called('{"a": NaN, "b": 1}'),
    "call: half a pair": called('{"a": "\\ud800", "b": 1}'),
    "messages: nested": b'{"messages": [{"role": "user", "content": [{"text": ' + b"[" * 500 + b"]" * 500 + b"}]}]}",
    "messages: half a pair": b'{"messages": [{"role": "user", "content": [{"text": "\\ud800"}]}]}',
    "messages: a text": b'{"messages": "x"}',
    "messages: null": b'{"messages": [null]}',
    "messages: odd": b'{"messages": [{"role": "user", "content": [1]}], "toolConfig": 7, "system": "x"}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
def test_a_body_that_cannot_be_read_is_the_callers_mistake(
    place: Place, body: bytes, send: Send, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        status, said = send(place, body)
    assert status not in {500, 502, 503}, said
    assert caplog.records == []


HEADERS = (
    *("authorization", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "x-amz-target"),
    *("content-type", "accept", "traceparent", "x-amzn-trace-id", "baggage", "mcp-session-id", "mcp-protocol-version"),
    *(SESSION, "x-amzn-bedrock-agentcore-runtime-user-id", "content-encoding", "x-amz-copy-source", "cookie"),
)
_VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f")).map(str.strip)
_LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text())
_TREES = st.recursive(
    _LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["messages", "role", "content"]), inner)
)
_MESSAGES = st.fixed_dictionaries(
    {
        "jsonrpc": st.just("2.0") | _LEAVES,
        "id": st.integers() | _LEAVES,
        "method": st.sampled_from(["tools/call", "x"]),
    },
    optional={"params": _TREES},
)
_BODIES = st.one_of(st.binary(), (_TREES | _MESSAGES).map(lambda it: json.dumps(it).encode()))
_CHANGES = st.tuples(st.sampled_from(sorted(PLACES)), st.sampled_from(HEADERS), _VALUES)
_AT_LENGTH = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@_AT_LENGTH
@given(change=_CHANGES, body=_BODIES)
def test_no_signed_header_and_no_body_is_ever_our_mistake(
    change: tuple[str, str, str], body: bytes, send: Send, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.clear()
    place, name, value = change
    status, said = send(PLACES[place], body, {name: value})
    assert status not in {500, 502, 503}, said
    assert [it for it in caplog.records if it.levelno >= logging.ERROR] == []


@_AT_LENGTH
@given(change=_CHANGES)
def test_no_header_that_somebody_changed_is_our_mistake(
    change: tuple[str, str, str], serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.clear()
    place, name, value = change
    to = PLACES[place]
    path = to.path.format(runtime="arn%3Aaws%3Abedrock-agentcore%3Aus-east-1%3A123456789012%3Aruntime%2Fx-abcdefghij")
    request = AWSRequest(to.method, serving.url + path, data=b"{}", headers={**(to.headers or {})})
    signer = Signer(*(serving.environment[f"AWS_{it}"] for it in _KEYS))
    (S3SigV4Auth if to.service == "s3" else SigV4Auth)(signer, to.service, "us-east-1").add_auth(request)
    headers = {**{key.lower(): it for key, it in request.headers.items()}, name: value}
    status, said = _exchanged(serving.url, to.method, path, headers.items(), b"{}")
    assert 400 <= status < 500 or status == 501 or place in {"sts", "control plane"}, said
    assert [it for it in caplog.records if it.levelno >= logging.ERROR] == []


def _opening(serving: Serving, headers: Mapping[str, str], length: int) -> socket.socket:
    """A connection that has sent its headers, and will send a body."""
    address = urlsplit(serving.url)
    connection = socket.create_connection((str(address.hostname), address.port or 0), timeout=30)
    lines = [f"POST {GATEWAY} HTTP/1.1", f"host: {address.netloc}", f"content-length: {length}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    return connection


def _signed(serving: Serving, **changed: str) -> dict[str, str]:
    """The headers of a request to the gateway by an agent, whose body is not signed for."""
    role = serving.session("arn:aws:iam::123456789012:role/agents/assistant-role")
    request = AWSRequest("POST", serving.url + GATEWAY, data=b"", headers=dict(MCP))
    signer = Signer(role.access_key_id, role.secret_access_key, role.session_token)
    SigV4Auth(signer, "bedrock-agentcore", "us-east-1").add_auth(request)
    return {**request.headers, **{name.replace("_", "-"): value for name, value in changed.items()}}


@pytest.mark.parametrize(
    "changed",
    [
        {"Authorization": ""},
        {"Authorization": "Bearer x"},
        {"Authorization": "AWS4-HMAC-SHA256 Credential=A/20261129/us-east-1/bedrock-agentcore/aws4_request"},
        {"X_Amz_Date": "20200101T000000Z"},
        {"X_Amz_Security_Token": "another"},
        {"X_Amz_Target": "unsigned"},
    ],
)
def test_whom_nobody_knows_is_refused_before_anything_of_the_body_is_there(
    serving: Serving, changed: Mapping[str, str]
) -> None:
    with _opening(serving, _signed(serving, **changed), 5 * 2**20) as connection:
        assert connection.recv(12) == b"HTTP/1.1 403"


def test_a_body_that_says_it_is_too_large_is_not_read(serving: Serving) -> None:
    with _opening(serving, _signed(serving), 7 * 2**20) as connection:
        assert connection.recv(12) == b"HTTP/1.1 413"


def test_a_body_that_somebody_known_has_signed_is_waited_for(serving: Serving) -> None:
    with _opening(serving, _signed(serving), 4) as connection:
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(12)
        connection.settimeout(30)
        connection.sendall(b"none")  # not what was signed
        assert connection.recv(12) == b"HTTP/1.1 403"
