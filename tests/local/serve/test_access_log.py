"""The gateways' access log: one line for each exchange, through real requests to the hand-made deployment."""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from toolgate.access.iam.evaluation import DecidingStatement, Decision, Outcome
from toolgate.local.serve.access_log import AGENT_REQUEST_ID, AccessLog, Entry, asked, find, why
from toolgate.local.serve.bounded_file import BoundedFile
from toolgate.local.serve.server import Serving, serve

Rpc = Callable[..., httpx.Response]
Line = dict[str, Any]

TOOLS, OTHER = "handmade-tools-abcdefghij", "handmade-other-abcdefghij"
GATEWAYS = "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/"
ROLES = "arn:aws:iam::123456789012:role/"
ADD = {"name": "math___add_numbers", "arguments": {"a": 1, "b": 2}}
SEARCH = "x_amz_bedrock_agentcore_search"
ASSISTANT = "agents/assistant-role"


@pytest.fixture
def ask(serving: Serving, rpc: Rpc) -> Callable[..., Line]:
    """Send a request as a role; the line of the log that tells of it."""

    def send(
        method: str, params: Any = None, *, role: str = ASSISTANT, gateway: str = TOOLS, **headers: str
    ) -> dict[str, Any]:
        url = serving.gateway_url(gateway)
        answer = rpc(url, serving.session(f"{ROLES}{role}"), method, params, **headers)
        line = find(serving.access_log, answer.headers["x-amzn-requestid"])
        assert line is not None
        return dict(line)

    return send


Ask = Callable[..., Line]


def test_a_call(ask: Ask) -> None:
    line = ask("tools/call", ADD)
    assert line.pop("event_timestamp") > 1_700_000_000_000
    assert uuid.UUID(line.pop("request_id"))
    assert 0 < line.pop("milliseconds") < 60_000
    assert line == {
        "resource_arn": GATEWAYS + TOOLS,
        "principal": "arn:aws:sts::123456789012:assumed-role/assistant-role/local",
        "agent": "assistant",
        "method": "tools/call",
        "id": 1,
        "target": "math",
        "tool": "math___add_numbers",
        "arguments": ["a", "b"],
        "decision": "allowed",
        "decided_by": [
            {
                "by": "iam",
                "effect": "allow",
                "action": "bedrock-agentcore:InvokeGateway",
                "statements": [{"policy": "assistant-tools", "statement": "InvokeGateway", "kind": "identity policy"}],
            }
        ],
        "status": "ok",
        "log": "math.log",
        "http_status": 200,
    }


@pytest.mark.parametrize("method", ["tools/list", "initialize", "ping"])
def test_whatever_asks_for_something_has_its_line(ask: Ask, method: str) -> None:
    client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
    line = ask(method, client if method == "initialize" else {})
    assert (line["method"], line["decision"], line["http_status"]) == (method, "allowed", 200)
    assert not {"tool", "arguments", "target"} & line.keys()


def test_a_search_and_a_refused_version(ask: Ask) -> None:
    line = ask("tools/call", {"name": SEARCH, "arguments": {"query": "add"}})
    assert (line["tool"], line["status"], line["arguments"]) == (SEARCH, "ok", ["query"])
    assert ask("tools/call", {"name": SEARCH, "arguments": {"find": "add"}})["status"] == "invalid_arguments"
    refused = ask("tools/list", mcp_protocol_version="2024-11-05")
    assert (refused["status"], refused["http_status"]) == ("unsupported_version", 400)


@pytest.mark.parametrize(
    ("params", "role", "gateway", "expected"),
    [
        ({"name": "math___nothing", "arguments": {}}, ASSISTANT, TOOLS, ("allowed", "unknown_tool", None)),
        (
            ADD | {"arguments": {"a": 1}},
            ASSISTANT,
            TOOLS,
            ("allowed", "function_failed", "KeyError"),
        ),
        (ADD, "other-gateway-role", OTHER, ("allowed", "invalid_message", None)),  # it has sessions, and this is none
        (ADD, "nobody", TOOLS, ("denied", None, None)),
    ],
)
def test_how_a_call_ended(ask: Ask, params: Any, role: str, gateway: str, expected: tuple[Any, ...]) -> None:
    line = ask("tools/call", params, role=role, gateway=gateway)
    assert (line["decision"], line.get("status"), line.get("error_type")) == expected
    assert line["tool"] == params["name"]


def test_what_denied(ask: Ask) -> None:
    nobody = ask("tools/call", ADD, role="nobody")
    assert nobody["decided_by"] == [
        {
            "by": "iam",
            "effect": "deny",
            "action": "bedrock-agentcore:InvokeGateway",
            "reason": "because no identity-based policy allows the bedrock-agentcore:InvokeGateway action",
        }
    ]
    assert (nobody["http_status"], "agent" in nobody) == (403, False)
    (by,) = ask("tools/list", role="denied-role")["decided_by"]
    assert [(it["policy"], it["kind"]) for it in by["statements"]] == [("denied-tools", "identity policy")]


def test_a_gateway_whose_role_may_not_invoke_the_function(serving: Serving, ask: Ask, rpc: Rpc) -> None:
    url, credentials = serving.gateway_url(OTHER), serving.session(f"{ROLES}other-gateway-role")
    client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
    session = rpc(url, credentials, "initialize", client).headers["mcp-session-id"]
    rpc(url, credentials, "notifications/initialized", message_id=None, mcp_session_id=session)
    line = ask("tools/call", ADD, role="other-gateway-role", gateway=OTHER, mcp_session_id=session)
    assert (line["decision"], "status" in line, line["target"]) == ("denied", False, "math")
    (by,) = line["decided_by"]
    assert (by["action"], by["principal"]) == ("lambda:InvokeFunction", f"{ROLES}other-role")


def test_a_request_that_is_not_signed_as_it_must_be(serving: Serving, rpc: Rpc) -> None:
    url = serving.gateway_url(TOOLS)
    body = json.dumps({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": ADD})
    unsigned = httpx.post(url, content=body, timeout=None)
    changed = rpc(url, serving.session(ROLES + ASSISTANT), "tools/list", x_amz_extra="1")
    for answer, code in ((unsigned, "MissingAuthenticationTokenException"), (changed, "InvalidSignatureException")):
        line = find(serving.access_log, answer.headers["x-amzn-requestid"])
        assert line is not None
        assert (line["decision"], line["http_status"], "principal" in line) == ("denied", 403, False)
        (by,) = line["decided_by"]
        assert (by["by"], by["code"]) == ("signature", code)
    empty = httpx.get(url, timeout=None)
    line = find(serving.access_log, empty.headers["x-amzn-requestid"])
    assert line is not None
    assert (line["decision"], "method" in line) == ("denied", False)


def test_what_is_refused_before_anybody_decides_and_after(serving: Serving, rpc: Rpc) -> None:
    url, credentials = serving.gateway_url(TOOLS), serving.session(ROLES + ASSISTANT)
    large = rpc(url, credentials, "tools/call", {"name": "x" * (6 * 2**20)})
    line = find(serving.access_log, large.headers["x-amzn-requestid"])
    assert line is not None
    assert (line["decision"], line["http_status"]) == ("denied", 413)
    assert why(line["decided_by"]) == "the gateway denies: The request is larger than 6291456 bytes"
    unread = rpc(url, credentials, "tools/list", mcp_protocol_version="1999-01-01")
    line = find(serving.access_log, unread.headers["x-amzn-requestid"])
    assert line is not None
    assert (line["decision"], line["http_status"]) == ("allowed", 400)


def test_the_id_of_the_request_reaches_the_function(ask: Ask, serving: Serving, rpc: Rpc) -> None:
    meta = {AGENT_REQUEST_ID: "of-the-agent"}
    trace = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    params = {"name": "math___context", "arguments": {}, "_meta": meta}
    answer = rpc(serving.gateway_url(TOOLS), serving.session(ROLES + ASSISTANT), "tools/call", params, **trace)
    request_id = answer.headers["x-amzn-requestid"]
    told = json.loads(answer.json()["result"]["content"][0]["text"])
    assert told["request_id"] == told["custom"]["bedrockAgentCoreAwsRequestId"] == request_id
    assert AGENT_REQUEST_ID not in told["custom"]
    line = find(serving.access_log, request_id)
    assert line is not None
    assert (line["agent_request_id"], line["trace_id"]) == ("of-the-agent", "a" * 32)
    assert f"START RequestId: {request_id}" in serving.function_logs["math"].read_text()
    xray = {"x_amzn_trace_id": "Root=1-00000001-0123456789abcdef01234567;Sampled=1"}
    assert "trace_id" not in ask("tools/list")
    assert ask("tools/list", **xray)["trace_id"] == "000000010123456789abcdef01234567"


def test_no_value_of_an_argument_and_no_answer_is_in_the_log(serving: Serving, ask: Ask) -> None:
    ask("tools/call", {"name": "math___greeting", "arguments": {"name": "Al1ce Private"}})
    ask("tools/call", {"name": "math___add_numbers", "arguments": {"a": "Al1ce Private"}})
    assert "Al1ce" not in serving.access_log.read_text()
    assert serving.access_log.stat().st_mode & 0o077 == 0


def test_a_notification_has_none(serving: Serving, rpc: Rpc) -> None:
    before = serving.access_log.read_text()
    url, credentials = serving.gateway_url(TOOLS), serving.session(ROLES + ASSISTANT)
    answer = rpc(url, credentials, "notifications/initialized", message_id=None)
    assert answer.status_code == 202
    assert serving.access_log.read_text() == before


@contextmanager
def _listening(handmade: dict[str, Any], project: Path, logs: Path) -> Iterator[tuple[Serving, list[Any]]]:
    resources = handmade["deployment"]["resources"]
    handmade["deployment"]["resources"] = [it for it in resources if "AgentRuntime" not in it["type"]]
    heard: list[Any] = []
    with serve(
        handmade, root=project, logs=logs, told=lambda line, entry: heard.append((line, entry.last_words, entry.log))
    ) as serving:
        yield serving, heard


def test_who_listens_hears_each_line_and_the_last_words(
    handmade: dict[str, Any], project: Path, tmp_path: Path, rpc: Rpc
) -> None:
    with _listening(handmade, project, tmp_path) as (serving, heard):
        url, credentials = serving.gateway_url(TOOLS), serving.session(ROLES + ASSISTANT)
        for number in range(105):
            rpc(url, credentials, "tools/call", {"name": SEARCH, "arguments": {"query": str(number)}})
        assert len(heard) == 105
        assert [call.arguments["query"] for call in serving.calls] == [str(number) for number in range(5, 105)]
        rpc(url, credentials, "tools/call", {"name": "math___add_numbers", "arguments": {"a": 1}})
    line, last_words, log = heard[-1]
    assert (line["status"], last_words, log) == ("function_failed", "KeyError: 'b'", tmp_path / "math.log")
    assert "handler.py" in log.read_text()


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"1", b'{"params": 1}', b"[" * 100_000, b'{"method": 5, "params": {"arguments": []}}']
)
def test_a_body_that_is_no_message_says_nothing(body: bytes) -> None:
    assert asked(Entry("r", body=body)) == asked(Entry("r", body=b"{}"))


def test_what_a_client_chooses_is_cut() -> None:
    parameters = {"name": "n" * 999, "arguments": {"a" * 999: 1, **{str(it): 1 for it in range(99)}}, "_meta": {"x": 1}}
    body = json.dumps({"id": "i" * 999, "method": "m" * 999, "params": parameters}).encode()
    said = asked(Entry("r", body=body))
    assert (len(said.method), len(str(said.id)), len(said.tool), len(said.arguments)) == (256, 256, 256, 50)
    assert max(map(len, said.arguments)) <= 256


def test_a_caller_who_left_before_the_answer(tmp_path: Path) -> None:
    log = AccessLog(BoundedFile(tmp_path / "log"), {})
    entry = Entry("r", body=b'{"id": 1, "method": "tools/call", "params": {"name": "t"}}')
    entry.decided("a:B", Decision(Outcome.ALLOW, (DecidingStatement("p", "s", "Allow"),)))
    entry.close(None)
    log.write(entry, "arn", frozenset({"t"}))
    line = find(tmp_path / "log", "r")
    assert line is not None
    assert (line["status"], "http_status" in line) == ("no_answer", False)


def test_a_line_is_found_in_either_piece_of_the_log(tmp_path: Path) -> None:
    log = AccessLog(BoundedFile(tmp_path / "log", most=400), {})
    for number in range(4):
        entry = Entry(f"r{number}", body=b'{"id": 1, "method": "ping"}', decision="allowed")
        entry.close(200)
        log.write(entry, "arn", frozenset())
    assert (tmp_path / "log.1").exists()
    assert [bool(find(tmp_path / "log", f"r{number}")) for number in (2, 3)] == [True, True]
    assert find(tmp_path / "log", "r") is None
    assert find(tmp_path / "nothing", "r1") is None


@pytest.mark.parametrize(
    ("decided", "says"),
    [
        (
            {"by": "iam", "effect": "allow", "statements": [{"policy": "p", "statement": "Sid"}]},
            "IAM allows: p (Sid)",
        ),
        ({"by": "iam", "effect": "deny", "principal": "arn", "reason": "because"}, "IAM of arn denies: because"),
        ({"by": "cedar", "effect": "allow", "policies": ["p1", "p2"]}, "Cedar allows: p1, p2"),
        (
            {"by": "cedar", "effect": "deny", "policies": [], "reason": "No policy applies", "mode": "LOG_ONLY"},
            "Cedar denies, which only logs: No policy applies",
        ),
        ({"by": "signature", "effect": "deny", "reason": "Missing"}, "signature denies: Missing"),
    ],
)
def test_what_decided_in_words(decided: Mapping[str, Any], says: str) -> None:
    assert why([decided]) == says
