"""Every fault of the gateway: an answer of the contract, nothing internal in it, and a process that goes on."""

import json
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from tests.agent import fake_gateway as faults
from tests.agent.conftest import HASTY
from tests.agent.fake_bedrock import FakeBedrock
from tests.agent.fake_gateway import SECRET, FakeGateway, Fault

ADD = {"prompt": "call math___add_numbers"}
SUM = {"status": "success", "response": 'The tool said: {"result": 112}', "stop_reason": "end_turn"}
INTERNAL = (SECRET, "hunter2", "http", "127.0.0.1", "arn:", "Error", "internal detail", "Traceback", "doctype")


def ask(agent: TestClient, prompt: str) -> tuple[int, str]:
    """Status, and the error's code or the answer."""
    answer = agent.post("/invocations", json={"prompt": prompt})
    assert not [word for word in INTERNAL if word in answer.text]
    document = answer.json()
    return answer.status_code, document["response"] if answer.status_code == 200 else document["error"]["code"]


def goes_on(agent: TestClient, gateway: FakeGateway) -> None:
    gateway.heal()
    answer = agent.post("/invocations", json=ADD)
    assert (answer.status_code, answer.json()) == (200, SUM)


HTML = "<!doctype html><title>502</title>"
OF_THE_GATEWAY: dict[str, tuple[Fault, int, str]] = {
    "401": (faults.status(401), 502, "gateway_refused"),
    "403": (faults.status(403), 502, "gateway_refused"),
    "404": (faults.status(404), 503, "gateway_unavailable"),
    "400": (faults.status(400), 502, "gateway_failed"),
    "redirect": (faults.status(307), 502, "gateway_failed"),
    "429": (faults.status(429), 503, "gateway_throttled"),
    "500": (faults.status(500), 503, "gateway_unavailable"),
    "503": (faults.status(503), 503, "gateway_unavailable"),
    "html": (faults.text(HTML, "text/html"), 502, "gateway_failed"),
    "broken json": (faults.text('{"jsonrpc": "2.0", "id"', "application/json"), 502, "gateway_failed"),
    "empty": (faults.text("", "application/json"), 502, "gateway_failed"),
    "a list": (faults.text("[]", "application/json"), 502, "gateway_failed"),
    "reply to something else": (faults.other_id, 502, "gateway_failed"),
    "no result": (faults.no_result, 502, "gateway_failed"),
    "events without a reply": (faults.no_reply_in_events, 502, "gateway_failed"),
    "cut off": (faults.cut, 503, "gateway_unavailable"),
}
OF_THE_TOOL: dict[str, tuple[Fault, str]] = {
    "much in events": (faults.much_in_events, "The tool's result is too large."),
    "policy": (faults.denied_by_policy, "The gateway's policy does not permit this agent to call the tool."),
    "error of JSON-RPC": (faults.rpc_error, "The tool reported an error."),
    "wrong shape": (faults.wrong_shape, "The tool reported an error."),
}


@pytest.mark.parametrize("case", OF_THE_GATEWAY)
def test_a_tool_call_that_the_gateway_fails(lasting: TestClient, gateway: FakeGateway, case: str) -> None:
    fault, status, code = OF_THE_GATEWAY[case]
    gateway.inject("tools/call", fault)
    assert ask(lasting, ADD["prompt"]) == (status, code)
    goes_on(lasting, gateway)


@pytest.mark.parametrize("case", OF_THE_TOOL)
def test_a_tool_call_that_the_tool_fails_is_told_to_the_model(
    lasting: TestClient, gateway: FakeGateway, bedrock: FakeBedrock, case: str
) -> None:
    fault, says = OF_THE_TOOL[case]
    gateway.inject("tools/call", fault)
    assert ask(lasting, ADD["prompt"]) == (200, f"The tool said: {says}")
    assert [json.loads(result)["status"] for result in bedrock.tool_results()] == ["error"]
    goes_on(lasting, gateway)


SILENT: dict[str, Fault] = {
    "silence": faults.silence,
    "silent body": faults.silent_body,
    "dripping body": faults.dripping_body,
    "silent events": faults.silent_events,
}


@pytest.mark.parametrize("case", SILENT)
def test_a_tool_call_without_a_reply(serve: Callable[..., TestClient], gateway: FakeGateway, case: str) -> None:
    hasty = serve(tool_seconds=HASTY)
    gateway.inject("tools/call", SILENT[case])
    assert ask(hasty, ADD["prompt"]) == (200, "The tool said: The tool did not answer in time.")
    goes_on(hasty, gateway)


@pytest.mark.parametrize(
    ("method", "case"), [("initialize", "silence"), ("initialize", "silent events"), ("tools/list", "dripping body")]
)
def test_a_session_without_a_reply(
    serve: Callable[..., TestClient], gateway: FakeGateway, method: str, case: str
) -> None:
    hasty = serve(handshake_seconds=HASTY)
    gateway.inject(method, SILENT[case])
    assert ask(hasty, ADD["prompt"]) == (504, "gateway_timeout")
    goes_on(hasty, gateway)


OF_THE_SESSION = {
    **OF_THE_GATEWAY,
    "wrong shape": (faults.wrong_shape, 502, "gateway_failed"),
}


@pytest.mark.parametrize(
    ("method", "case"),
    [("initialize", case) for case in OF_THE_SESSION]
    + [("tools/list", case) for case in ("403", "500", "broken json", "no result", "wrong shape")],
)
def test_a_session_that_cannot_be_opened(agent: TestClient, gateway: FakeGateway, method: str, case: str) -> None:
    fault, status, code = OF_THE_SESSION[case]
    gateway.inject(method, fault)
    assert ask(agent, ADD["prompt"]) == (status, code)
    goes_on(agent, gateway)


@pytest.mark.parametrize("fault", [faults.status(500), faults.silence])
def test_a_failed_notification_ends_nothing(
    serve: Callable[..., TestClient], gateway: FakeGateway, fault: Fault
) -> None:
    hasty = serve(handshake_seconds=HASTY)
    gateway.inject("notifications/initialized", fault)
    assert ask(hasty, ADD["prompt"]) == (200, SUM["response"])
    assert gateway.requests == ["initialize", "notifications/initialized", "tools/list", "tools/call"]


def test_the_next_request_is_tried_at_once(agent: TestClient, gateway: FakeGateway) -> None:
    gateway.inject("tools/list", faults.status(500))
    assert ask(agent, ADD["prompt"]) == (503, "gateway_unavailable")
    assert ask(agent, ADD["prompt"]) == (200, SUM["response"])


@pytest.mark.parametrize("warm", [True, False], ids=["warm", "from the start"])
def test_a_gateway_that_is_away_for_a_while(agent: TestClient, gateway: FakeGateway, warm: bool) -> None:
    if warm:
        goes_on(agent, gateway)
    gateway.server.stop()
    try:
        assert ask(agent, ADD["prompt"]) == (503, "gateway_unavailable")
        assert ask(agent, ADD["prompt"]) == (503, "gateway_unavailable")
    finally:
        gateway.server.start()
    goes_on(agent, gateway)


def test_a_lost_session_is_opened_again_within_the_same_invocation(agent: TestClient, gateway: FakeGateway) -> None:
    gateway.stateful = True
    goes_on(agent, gateway)
    gateway.sessions.clear()
    goes_on(agent, gateway)
    assert gateway.requests.count("initialize") == 2
    assert len(gateway.sessions) == 1


def test_a_session_that_is_lost_again_and_again_is_an_error(agent: TestClient, gateway: FakeGateway) -> None:
    gateway.stateful = True
    goes_on(agent, gateway)
    gateway.inject("tools/call", faults.status(404), times=2)
    assert ask(agent, ADD["prompt"]) == (503, "gateway_session_lost")
    goes_on(agent, gateway)


LOST = {
    "400": (faults.status(400, '{"jsonrpc": "2.0", "error": {"code": -32600, "message": "No valid session ID"}}'), 200),
    "410": (faults.status(410), 200),
    # The call may have been taken: it is not made again, but the next one is on a new session.
    "200 without a reply": (faults.text('{"error": "Session not found"}', "application/json"), 502),
    "200 in events": (
        faults.text('event: message\ndata: {"error": "Session not found"}\n\n', "text/event-stream"),
        502,
    ),
}


@pytest.mark.parametrize("case", LOST)
def test_a_session_that_the_server_has_lost_in_its_own_way_is_opened_again(
    agent: TestClient, gateway: FakeGateway, case: str
) -> None:
    """diegosouzapw/OmniRoute#5191, actionhero/keryx#503: MCP wants 404, and many servers answer otherwise."""
    fault, status = LOST[case]
    gateway.stateful = True
    goes_on(agent, gateway)
    gateway.inject("tools/call", fault)
    assert ask(agent, ADD["prompt"])[0] == status
    goes_on(agent, gateway)
    assert gateway.requests.count("initialize") == 2


def test_a_gateway_without_sessions_keeps_what_it_has(agent: TestClient, gateway: FakeGateway) -> None:
    goes_on(agent, gateway)
    gateway.inject("tools/call", faults.status(400))
    assert ask(agent, ADD["prompt"]) == (502, "gateway_failed")
    goes_on(agent, gateway)
    assert gateway.requests.count("initialize") == 1


def test_a_reply_in_events_is_a_reply(lasting: TestClient, gateway: FakeGateway) -> None:
    gateway.inject("tools/call", faults.reply_in_events)
    assert ask(lasting, ADD["prompt"]) == (200, SUM["response"])


def test_a_tool_that_works_after_the_gateway_failed_it_gives_an_answer(
    lasting: TestClient, gateway: FakeGateway, bedrock: FakeBedrock
) -> None:
    gateway.inject("tools/call", faults.status(503), times=1)
    assert ask(lasting, "loop math___add_numbers") == (502, "turn_limit")  # and not what the first call failed of


def test_a_tool_error_is_told_to_the_model_without_its_text(lasting: TestClient, bedrock: FakeBedrock) -> None:
    assert ask(lasting, "call math___fail_secretly") == (200, "The tool said: The tool reported an error.")
    assert SECRET not in json.dumps(bedrock.requests)


def test_an_error_that_a_tool_returns_as_data_is_a_result(lasting: TestClient) -> None:
    status, answer = ask(lasting, "call math___answer_an_error")
    assert (status, json.loads(answer.removeprefix("The tool said: "))) == (
        200,
        {"error": {"code": "invalid_arguments", "message": "b must not be 0"}},
    )


def test_a_result_of_20_megabytes_is_left_out(lasting: TestClient, gateway: FakeGateway, bedrock: FakeBedrock) -> None:
    assert ask(lasting, "call math___return_much") == (200, "The tool said: The tool's result is too large.")
    assert len(json.dumps(bedrock.requests)) < 10_000
    goes_on(lasting, gateway)


def test_without_credentials_nothing_is_sent(
    agent: TestClient, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    empty = str(tmp_path_factory.mktemp("aws") / "none")
    with monkeypatch.context() as without:
        without.delenv("AWS_ACCESS_KEY_ID")
        without.delenv("AWS_SECRET_ACCESS_KEY")
        without.setenv("AWS_SHARED_CREDENTIALS_FILE", empty)
        without.setenv("AWS_CONFIG_FILE", empty)
        assert ask(agent, ADD["prompt"]) == (500, "internal_error")
    assert gateway.requests == []
