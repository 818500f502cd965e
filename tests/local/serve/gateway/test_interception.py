"""What becomes of interceptors' answers: the shapes that are taken, what was changed, each failure. No process runs."""

import asyncio
import json
import logging
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.interceptor_export import FUNCTIONS
from toolgate.access.deployment.agentcore_resources import Gateway, Interceptor
from toolgate.access.deployment.roles import Role
from toolgate.access.iam.policies import Policy
from toolgate.local.serve.access_log import ALLOWED, DENIED, Entry, why
from toolgate.local.serve.gateway import interception, interception_changes
from toolgate.local.serve.gateway.function_process import Outcome
from toolgate.local.serve.gateway.interception import FAILURES, Interceptors
from toolgate.local.serve.gateway.json_rpc import Answer
from toolgate.local.serve.gateway.local_function import InvokeRight, LocalFunction
from toolgate.local.serve.gateway.records import Interception

ARN = f"{FUNCTIONS}watcher"
CALL = {
    "jsonrpc": "2.0",
    "id": 7,
    "method": "tools/call",
    "params": {"name": "math___add", "arguments": {"a": 1, "b": "sesame"}},
}
RESULT = {"jsonrpc": "2.0", "id": 7, "result": {"content": [{"type": "text", "text": "sesame"}]}}
ERROR = {"jsonrpc": "2.0", "id": 7, "error": {"code": -32002, "message": "sesame"}}
POINTS = ("REQUEST", "RESPONSE")


class Told:
    """A function that answers what a test says, and remembers its events."""

    def __init__(self, *says: Any, throttled: bool = False) -> None:
        self.function = SimpleNamespace(name="watcher", timeout_seconds=3)
        self.throttled = throttled
        self.log = None
        self.events: list[Any] = []
        self._says = list(says)

    async def invoke(self, event: Any, told: Mapping[str, str], request_id: str) -> Outcome:
        assert (told, request_id) == ({}, "r")
        self.events.append(json.loads(json.dumps(event)))
        says = self._says.pop(0)
        return says if isinstance(says, Outcome) else Outcome(says, failed=False)


class World:
    """A gateway with one function as its interceptors, and what was seen of one exchange."""

    def __init__(self, function: Told, *points: str, headers: bool = False, permitted: bool = True) -> None:
        self.records: list[Interception] = []
        self.carried_out: list[Any] = []
        self.entry = Entry("r", decision=ALLOWED, headers={"accept": "application/json"})
        statement = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": ARN}
        policies = (Policy("invoke", {"Version": "2012-10-17", "Statement": [statement] if permitted else []}),)
        gateway = cast(Gateway, SimpleNamespace(arn="g", interceptors=(Interceptor(ARN, points, headers=headers),)))
        role = "arn:aws:iam::123456789012:role/gateway"
        right = InvokeRight(Role(arn=role, name="gateway", trust={}, policies=policies), lambda _: None)
        functions = {ARN: cast(LocalFunction, function)}
        self._interceptors = Interceptors(gateway, right, functions, self.records.append)

    def exchange(self, message: Any = CALL, answer: Answer | None = None) -> Answer:
        """The answer to a message."""
        self.entry.body = json.dumps(message).encode()

        async def carry_out(carried: Any) -> Answer:
            self.carried_out.append(carried)
            return answer or Answer(200, RESULT, {"content-type": "application/json"})

        return asyncio.run(self._interceptors.around(self.entry, self.entry.headers, carry_out))


def request(body: Any = CALL, **more: Any) -> dict[str, Any]:
    return {"interceptorOutputVersion": "1.0", "mcp": {"transformedGatewayRequest": {"body": body, **more}}}


def response(body: Any = RESULT, status: Any = 200, **more: Any) -> dict[str, Any]:
    said = {"statusCode": status, "body": body, **more}
    return {"interceptorOutputVersion": "1.0", "mcp": {"transformedGatewayResponse": said}}


def failed(kind: str, *, timed_out: bool = False) -> Outcome:
    return Outcome({"errorMessage": "sesame", "errorType": kind}, failed=True, timed_out=timed_out)


# --- events


def test_the_events_are_as_documented() -> None:
    function = Told(request(CALL), response())
    World(function, *POINTS).exchange()
    raw = {"body": json.dumps(CALL)}
    asked = {"path": "/mcp", "httpMethod": "POST", "body": CALL}
    answered = {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": RESULT}
    assert function.events == [
        {"interceptorInputVersion": "1.0", "mcp": {"rawGatewayRequest": raw, "gatewayRequest": asked}},
        {
            "interceptorInputVersion": "1.0",
            "mcp": {"rawGatewayRequest": raw, "gatewayRequest": asked, "gatewayResponse": answered},
        },
    ]


def test_headers_are_told_only_where_they_are_wanted() -> None:
    function = Told(request(CALL))
    World(function, "REQUEST", headers=True).exchange()
    assert function.events[0]["mcp"]["gatewayRequest"]["headers"] == {"accept": "application/json"}


def test_the_gateway_and_the_response_interceptor_get_the_rewritten_message() -> None:
    rewritten = CALL | {"params": {"name": "math___add", "arguments": {"a": 2}}}
    function = Told(request(rewritten), response())
    world = World(function, *POINTS)
    world.exchange()
    assert world.carried_out == [rewritten]
    told = function.events[1]["mcp"]
    assert told["gatewayRequest"]["body"] == rewritten
    assert json.loads(told["rawGatewayRequest"]["body"]) == CALL


def test_an_answer_at_request_is_the_answer_and_the_response_interceptor_sees_it() -> None:
    function = Told(response(ERROR, headers={"X-Why": "so"}), response({"changed": True}))
    world = World(function, *POINTS)
    answer = world.exchange()
    assert world.carried_out == []
    assert function.events[1]["mcp"]["gatewayResponse"] == {
        "statusCode": 200,
        "headers": {"content-type": "application/json", "x-why": "so"},
        "body": ERROR,
    }
    assert answer.body == {"changed": True}


# --- the table of failures, at both points


FAILING: dict[str, tuple[str, Told]] = {
    "an exception": ("failed", Told(failed("ValueError"))),
    "a module that cannot be imported": ("failed", Told(failed("Runtime.ImportModuleError"))),
    "a handler that is not there": ("failed", Told(failed("Runtime.HandlerNotFound"))),
    "a process that ended": ("failed", Told(failed("Runtime.ExitError"))),
    "an answer too large": ("answer_too_large", Told(failed("Function.ResponseSizeTooLarge"))),
    "no reserved concurrency": ("throttled", Told(throttled=True)),
}


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("case", FAILING)
def test_a_failure_is_closed(case: str, point: str) -> None:
    cause, function = FAILING[case]
    world = World(Told(*function._says, throttled=function.throttled), point)
    answer = world.exchange()
    assert (answer.status, answer.body["id"], answer.body["error"]["code"]) == (FAILURES[cause].status, 7, -32603)
    assert answer.status == 400
    assert "sesame" not in json.dumps(answer.body)
    assert world.entry.decision == DENIED
    assert [(it.point, it.outcome) for it in world.records] == [(point, cause)]
    assert len(world.carried_out) == (point == "RESPONSE")


@pytest.mark.parametrize("point", POINTS)
def test_without_the_right_it_is_not_asked(point: str) -> None:
    function = Told()
    world = World(function, point, permitted=False)
    assert world.exchange().status == 500
    assert function.events == []
    assert world.records[0].outcome == "not_permitted"


@pytest.mark.parametrize("point", POINTS)
def test_a_timeout_lets_pass_and_says_so(point: str, caplog: pytest.LogCaptureFixture) -> None:
    world = World(Told(failed("Sandbox.Timedout", timed_out=True)), point)
    with caplog.at_level(logging.WARNING):
        answer = world.exchange()
    assert (answer.status, answer.body) == (200, RESULT)
    assert world.carried_out == [CALL]
    assert world.entry.decision == ALLOWED
    assert [(it.outcome, it.tool) for it in world.records] == [("timed_out", "math___add")]
    [warned] = caplog.records
    assert warned.levelname == "WARNING"
    for part in ("watcher", point, "3 s", "AWS was measured to let the call through"):
        assert part in warned.getMessage()
    assert why(world.entry.decided_by) == f"interceptor watcher ({point}) allows: its time was over"


MISSHAPEN: list[Any] = [
    None,
    "text",
    [],
    {},
    {"mcp": {}},
    {"interceptorOutputVersion": "2.0", "mcp": {}},
    {"interceptorOutputVersion": 1.0, "mcp": {}},
    {"interceptorOutputVersion": "1.0"},
    {"interceptorOutputVersion": "1.0", "mcp": []},
    {"interceptorOutputVersion": "1.0", "mcp": {"gatewayRequest": {"body": CALL}}},
    {"interceptorOutputVersion": "1.0", "http": {}},
    {"interceptorOutputVersion": "1.0", "mcp": {"transformedGatewayResponse": []}},
    response(status=None),
    response(status=True),
    response(status="200"),
    response(status=199),
    response(status=600),
    response(status=204),
    response("text"),
    response(1.5),
    response(headers=["a"]),
    response(headers={"a": 1}),
    response(headers={"a": "b\r\nset-cookie: c"}),
    response(headers={"a b": "c"}),
    response({"a": "\ud800"}),
    response({"a": float("nan")}),
    response({"a": float("inf")}),
]


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("output", MISSHAPEN, ids=lambda it: str(it)[:60])
def test_another_shape_is_refused(output: Any, point: str) -> None:
    world = World(Told(output), point)
    assert world.exchange().status == 500
    assert world.records[0].outcome == "misshapen"
    assert len(world.carried_out) == (point == "RESPONSE")


@pytest.mark.parametrize(
    "output",
    [request("text"), request(1), request(CALL, headers={"a": "b\n"}), request({"a": float("nan")})],
    ids=lambda it: str(it)[:60],
)
def test_a_request_of_another_shape_is_refused(output: Any) -> None:
    world = World(Told(output), "REQUEST")
    assert (world.exchange().status, world.carried_out) == (500, [])


def test_at_response_a_request_is_no_answer() -> None:
    assert World(Told(request(CALL)), "RESPONSE").exchange().status == 500


def test_a_body_nested_too_deeply_is_refused() -> None:
    body: Any = {}
    for _ in range(300):
        body = {"a": body}
    assert World(Told(response(body)), "RESPONSE").exchange().status == 500


@pytest.mark.parametrize(
    "output", [{"interceptorOutputVersion": "1.0", "mcp": {}}, request(None)], ids=["mcp: {}", "no body"]
)
def test_nothing_said_empties_the_request_behind_a_200(output: Any) -> None:
    function = Told(output, response(None))
    world = World(function, *POINTS)
    answer = world.exchange()
    assert (answer.status, answer.body, world.carried_out) == (200, None, [])
    assert [it.outcome for it in world.records] == ["emptied", "passed"]
    assert function.events[1]["mcp"]["gatewayResponse"]["body"] is None


def test_nothing_said_empties_the_answer_behind_a_200() -> None:
    world = World(Told({"interceptorOutputVersion": "1.0", "mcp": {}}), "RESPONSE")
    answer = world.exchange(answer=Answer(400, ERROR))
    assert (answer.status, answer.body) == (200, None)


def test_an_event_that_lambda_would_not_take_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # The client's text is in it twice: as it came, and as an object.
    function = Told(request(CALL))
    world = World(function, "REQUEST")
    monkeypatch.setattr(interception, "LARGEST_EVENT", 2 * len(json.dumps(CALL)))
    assert world.exchange().status == 400
    assert (function.events, world.records[0].outcome) == ([], "event_too_large")


@pytest.mark.parametrize("cause", FAILURES)
def test_each_row_says_how_it_is_known(cause: str) -> None:
    assert any(mark in FAILURES[cause].source for mark in ("[A]", "[B]", "[U]"))
    assert (FAILURES[cause].status is None) == (cause == "timed_out")


# --- denied, answered, changed


def test_a_json_rpc_error_at_request_is_a_denial() -> None:
    world = World(Told(response(ERROR)), "REQUEST")
    world.exchange()
    assert world.entry.decision == DENIED
    assert why(world.entry.decided_by) == "interceptor watcher (REQUEST) denies: error -32002"
    assert world.entry.last_words == "sesame"
    assert world.records[0].outcome == "denied"


@pytest.mark.parametrize("body", [[ERROR, ERROR], {"message": "no"}])
def test_so_are_a_batch_of_errors_and_a_status(body: Any) -> None:
    status = 403 if isinstance(body, dict) else 200
    world = World(Told(response(body, status)), "REQUEST")
    world.exchange()
    assert (world.entry.decision, world.records[0].outcome) == (DENIED, "denied")


@pytest.mark.parametrize("body", [RESULT, [RESULT, ERROR], [], None])
def test_any_other_body_is_an_answer(body: Any) -> None:
    world = World(Told(response(body)), "REQUEST")
    world.exchange()
    assert (world.entry.decision, world.entry.status) == (ALLOWED, "answered")
    assert world.records[0].outcome == "answered"


def test_an_error_in_the_place_of_a_result_is_a_denial_at_response() -> None:
    world = World(Told(response(ERROR)), "RESPONSE")
    world.exchange()
    assert why(world.entry.decided_by) == ("interceptor watcher (RESPONSE) denies, and changes the error: error -32002")


def test_an_error_that_stays_one_is_none() -> None:
    world = World(Told(response(ERROR)), "RESPONSE")
    world.exchange(answer=Answer(200, ERROR))
    assert (world.entry.decision, world.records[0].outcome) == (ALLOWED, "passed")


def test_what_an_interceptor_changed_stays_beside_a_later_denial() -> None:
    world = World(Told(request(CALL | {"params": {"name": "math___add", "arguments": {"a": 2}}})), "REQUEST")
    world.exchange()
    world.entry.deny(by="cedar", effect="deny", reason="no")
    assert why(world.entry.decided_by) == (
        "interceptor watcher (REQUEST) allows, and changes arguments a, b; Cedar denies: no"
    )


def test_one_that_only_let_it_pass_does_not() -> None:
    world = World(Told(request(CALL)), "REQUEST")
    world.exchange()
    assert why(world.entry.decided_by) == "interceptor watcher (REQUEST) allows"
    world.entry.deny(by="cedar", effect="deny", reason="no")
    assert why(world.entry.decided_by) == "Cedar denies: no"


def test_the_answers_own_headers_stay_and_its_form_is_ours() -> None:
    said = response(headers={"X-A": "1", "Content-Length": "5", "Connection": "x", "mcp-session-id": "mine"})
    world = World(Told(said), "RESPONSE")
    answer = world.exchange(answer=Answer(200, RESULT, {"content-type": "application/json", "mcp-session-id": "s"}))
    assert answer.headers == {"content-type": "application/json", "mcp-session-id": "mine", "x-a": "1"}
    assert world.records[0].changed == {"headers": ["mcp-session-id", "x-a"]}


LIST = {"jsonrpc": "2.0", "id": 1, "result": {"tools": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}}


def found(*names: str, more: str = "") -> dict[str, Any]:
    tools = {"tools": [{"name": name} for name in names]}
    result = {"content": [{"type": "text", "text": json.dumps(tools) + more}], "structuredContent": tools}
    return {"jsonrpc": "2.0", "id": 1, "result": result}


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        (LIST, LIST, {}),
        (LIST, {**LIST, "result": {"tools": [{"name": "a"}]}}, {"tools": 2}),
        (LIST, {**LIST, "result": {"tools": []}}, {"tools": 3}),
        (LIST, {**LIST, "result": {"tools": [{"name": "z"}]}}, {"tools": 2, "result": True}),
        (LIST, {**LIST, "result": {"tools": [{"name": "a"}], "nextCursor": "x"}}, {"tools": 2, "result": True}),
        (found("a", "b"), found("b"), {"tools": 1}),
        (found("a", "b"), found("a", "b", more=" "), {"result": True}),
        (RESULT, {**RESULT, "result": {"content": []}}, {"result": True}),
        (RESULT, ERROR, {"error": True}),
        (RESULT, None, {"result": True}),
        ({"result": 1}, {"result": True}, {"result": True}),
    ],
)
def test_what_was_changed_of_an_answer(before: Any, after: Any, changed: Any) -> None:
    assert interception_changes.of_answer(before, after) == changed


def call(**params: Any) -> dict[str, Any]:
    return CALL | {"params": params}


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        (CALL, CALL, {}),
        (call(name="t", arguments={"a": 1}), call(name="t", arguments={"a": True}), {"arguments": ["a"]}),
        (call(name="t", arguments={"a": 1}), call(name="t", arguments={"b": 1}), {"arguments": ["a", "b"]}),
        (call(name="t", arguments={"a": 1}), call(name="t"), {"arguments": ["a"]}),
        (call(name="t"), call(name="u"), {"tool": "u"}),
        (call(name="t"), CALL | {"method": "ping", "params": {"name": "t"}}, {"method": "ping"}),
        (CALL, CALL | {"id": 8}, {"message": True}),
        (call(name="t", arguments={"a": 1}), {**call(name="t"), "id": 8}, {"arguments": ["a"], "message": True}),
        (call(name="t"), call(name="t", _meta={"a": 1}), {"message": True}),
        (CALL, [CALL], {"arguments": ["a", "b"], "method": "?", "tool": "?", "message": True}),
    ],
)
def test_what_was_changed_of_a_request(before: Any, after: Any, changed: Any) -> None:
    assert interception_changes.of_request(before, after) == changed


@given(st.dictionaries(st.text(), st.just("sesame")), st.dictionaries(st.text(), st.just("sesames")))
def test_names_are_told_and_no_values(before: dict[str, Any], after: dict[str, Any]) -> None:
    told = interception_changes.of_request(call(name="t", arguments=before), call(name="t", arguments=after))
    names = set(told.get("arguments", ()))
    assert names <= {name[:256] for name in before.keys() | after.keys()}
    values = json.dumps({key: it for key, it in told.items() if key != "arguments"})
    assert "sesame" not in values


def test_words() -> None:
    changed = {"arguments": ["a"], "tool": "t", "tools": 1, "prompts": 2, "headers": ["x", "y"], "result": True}
    assert interception_changes.words(changed | {"status": 403}) == (
        "argument a, the tool, now t, 1 tool less, 2 prompts less, headers x, y, the result, the status, now 403"
    )
