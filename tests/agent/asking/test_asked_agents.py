"""One agent asks another: over the real client to a loopback runtime, signed, bounded, and left when nobody waits."""

import asyncio
import json
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import httpx
import pytest
from opentelemetry import baggage, context
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

import asked_settings
from asked_settings import Asked
from asking.asked_agents import Asking, session_of
from invocation import Invocation
from settings import Settings
from tests.agent.conftest import PATIENT
from tests.agent.fake_bedrock import FakeBedrock
from tests.agent.fake_gateway import FakeGateway
from tests.agent.loopback import Loopback
from tests.agent.signature import signed
from tests.agent.test_service import invocation_lines

SESSION = "a-session-of-more-than-thirty-three-letters"
SESSION_HEADER = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"
ORDERS = Asked("orders", "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/shop_orders-abcdefghij", "Orders.")
ASK = {"prompt": 'call ask_orders {"prompt": "Where is order 7?"}'}


class FakeRuntime:
    """InvokeAgentRuntime; says what it is told to, and keeps what came."""

    def __init__(self) -> None:
        self.server = Loopback(Starlette(routes=[Route("/{path:path}", self._serve, methods=["POST"])]))
        self.asked: list[tuple[Request, Any]] = []
        self.answer: Response = JSONResponse({"status": "success", "response": "On its way."})
        self.waits = False
        self.left = threading.Event()

    async def _serve(self, request: Request) -> Response:
        body = await request.body()
        if not signed(request, body, {"AKIDEXAMPLE": "secret"}):
            return JSONResponse({"message": "not signed"}, 403)
        self.asked.append((request, json.loads(body)))
        if self.waits:
            while (await request.receive())["type"] != "http.disconnect":
                pass
            self.left.set()
        return self.answer


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRuntime]:
    fake = FakeRuntime()
    fake.server.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", fake.server.url)
    yield fake
    fake.server.stop()


@pytest.fixture
def desk(runtime: FakeRuntime, serve: Callable[..., TestClient]) -> TestClient:
    """An agent that may ask another one, and has no gateway."""
    return serve(gateway_urls=(), asked=(ORDERS,))


def test_the_answer_is_the_tools_result(
    desk: TestClient, runtime: FakeRuntime, bedrock: FakeBedrock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "agent")
    answer = desk.post("/invocations", json=ASK, headers={SESSION_HEADER: SESSION})
    assert answer.json()["response"] == "The tool said: On its way."
    [(request, body)] = runtime.asked
    assert body == {"prompt": "Where is order 7?"}
    assert (
        request.scope["raw_path"].decode().split("?")[0]
        == f"/runtimes/{ORDERS.arn.replace(':', '%3A').replace('/', '%2F')}/invocations"
    )
    assert request.query_params["qualifier"] == "DEFAULT"
    [line] = invocation_lines(caplog)
    assert request.headers["baggage"] == f"toolgate.request-id={line['request_id']}"
    assert [(tool["name"], tool["status"]) for tool in line["tools"]] == [("ask_orders", "success")]
    [spec] = bedrock.requests[0]["toolConfig"]["tools"]
    assert spec["toolSpec"]["description"] == "Ask another agent. Orders."


def test_what_a_caller_sends_as_baggage_goes_no_further(
    runtime: FakeRuntime, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Instrumentations put a caller's baggage into the context, and into whatever leaves by httpx."""
    seen: list[Any] = []
    send = httpx.AsyncClient.send

    async def instrumented(self: httpx.AsyncClient, *args: Any, **more: Any) -> httpx.Response:
        seen.append(dict(baggage.get_all()))
        return await send(self, *args, **more)

    monkeypatch.setattr(httpx.AsyncClient, "send", instrumented)

    async def ask() -> str:
        context.attach(baggage.set_baggage("userId", "ann"))
        said = await Asking(boto3.Session(region_name="us-east-1"), Settings(**PATIENT)).ask(ORDERS, "?", invocation)
        assert dict(baggage.get_all()) == {"userId": "ann"}
        return said

    invocation = Invocation("r-1", SESSION, "ann")
    assert asyncio.run(ask()) == "On its way."
    [(request, _)] = runtime.asked
    assert request.headers["baggage"] == "toolgate.request-id=r-1"
    assert seen == [{"toolgate.request-id": "r-1"}]


def test_each_conversation_has_one_there(desk: TestClient, runtime: FakeRuntime) -> None:
    for session in (SESSION, SESSION, f"{SESSION}-2"):
        desk.post("/invocations", json=ASK, headers={SESSION_HEADER: session})
    first, second, third = (request.headers[SESSION_HEADER] for request, _ in runtime.asked)
    assert first == second != third
    assert SESSION not in first
    assert 33 <= len(first) <= 256
    of_users = {session_of(Invocation("r", SESSION, user), ORDERS) for user in (None, "ann", "bob")}
    assert len(of_users) == 3
    alone = Invocation("r")
    assert session_of(alone, ORDERS) != session_of(alone, ORDERS)


def test_who_is_asked_logs_the_id_of_who_asks(
    serve: Callable[..., TestClient], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "agent")
    asked = serve(gateway_urls=())
    for value in ("toolgate.request-id=abc-1", "x=y,toolgate.request-id=abc-1;p", "toolgate.request-id=a b", "x=1"):
        asked.post("/invocations", json={"prompt": "hello"}, headers={"baggage": value})
    assert [line.get("origin_request_id") for line in invocation_lines(caplog)] == ["abc-1", "abc-1", None, None]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (JSONResponse("plain words"), '"plain words"'),
        (Response("not JSON at all", media_type="text/plain"), "not JSON at all"),
        (JSONResponse({"result": 7}), '{"result":7}'),
    ],
)
def test_an_agent_of_any_make_is_heard(desk: TestClient, runtime: FakeRuntime, answer: Response, said: str) -> None:
    runtime.answer = answer
    assert desk.post("/invocations", json=ASK).json()["response"] == f"The tool said: {said}"


@pytest.mark.parametrize(
    ("answer", "code", "status"),
    [
        (
            JSONResponse({"message": "User: arn:r is not authorized to perform: a on resource: b"}, 403),
            "agent_refused",
            502,
        ),
        (JSONResponse({"message": "No such runtime"}, 404), "agent_refused", 502),
        (JSONResponse({"message": "Too many"}, 429), "agent_unavailable", 503),
    ],
)
def test_an_agent_that_may_not_be_asked_ends_the_invocation(
    desk: TestClient, runtime: FakeRuntime, answer: Response, code: str, status: int
) -> None:
    runtime.answer = answer
    said = desk.post("/invocations", json=ASK)
    assert (said.status_code, said.json()["error"]["code"]) == (status, code)
    assert "arn" not in said.text
    runtime.answer = JSONResponse({"response": "well"})
    assert desk.post("/invocations", json=ASK).json()["response"] == "The tool said: well"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (JSONResponse({"message": "Received error (500) from runtime."}, 424), "agent_failed"),
        (JSONResponse({"response": "  "}), "agent_failed"),
        (JSONResponse({"response": "x" * 2_000_000}), "result_too_large"),
        (Response(b"not zipped", headers={"content-encoding": "gzip"}), "agent_failed"),
    ],
)
def test_an_agent_that_fails_is_told_to_the_model(
    desk: TestClient,
    runtime: FakeRuntime,
    answer: Response,
    code: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "agent")
    runtime.answer = answer
    assert desk.post("/invocations", json=ASK).status_code == 200
    [line] = invocation_lines(caplog)
    assert [tool["status"] for tool in line["tools"]] == [code]


def test_an_agent_that_cannot_be_reached(desk: TestClient, runtime: FakeRuntime) -> None:
    runtime.server.stop()
    answer = desk.post("/invocations", json=ASK)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "agent_unavailable")
    runtime.server.start()
    assert desk.post("/invocations", json=ASK).status_code == 200


@pytest.mark.parametrize("arguments", ["{}", '{"prompt": 7}', '{"prompt": " "}', '{"prompt": "a", "prompt": "b"}'])
def test_nothing_is_asked_without_a_prompt(desk: TestClient, runtime: FakeRuntime, arguments: str) -> None:
    assert desk.post("/invocations", json={"prompt": f"call ask_orders {arguments}"}).status_code == 200
    assert runtime.asked == []


def test_the_other_agent_is_left_when_the_invocation_ends(
    runtime: FakeRuntime, serve: Callable[..., TestClient], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "agent")
    runtime.waits = True
    answer = serve(gateway_urls=(), asked=(ORDERS,), invocation_seconds=2.0).post("/invocations", json=ASK)
    assert answer.status_code == 504
    assert runtime.left.wait(30)
    [line] = invocation_lines(caplog)
    assert [tool["status"] for tool in line["tools"]] == ["tool_cancelled"]


def test_agents_and_a_gateways_tools_stand_together(
    serve: Callable[..., TestClient], runtime: FakeRuntime, gateway: FakeGateway, bedrock: FakeBedrock
) -> None:
    agent = serve(asked=(ORDERS,))
    assert "112" in agent.post("/invocations", json={"prompt": "call math___add_numbers"}).text
    offered = [tool["toolSpec"]["name"] for tool in bedrock.requests[0]["toolConfig"]["tools"]]
    assert offered[0] == "ask_orders"
    assert "math___add_numbers" in offered


GOOD = {"name": "orders", "arn": ORDERS.arn, "description": "Orders."}


def test_what_the_environment_says_is_read() -> None:
    faults: list[str] = []
    assert asked_settings.read(json.dumps([GOOD]), faults) == (ORDERS,)
    assert asked_settings.read(" ", faults) == ()
    assert faults == []


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("nothing", "ASKED_AGENTS is not valid JSON"),
        ("{}", "ASKED_AGENTS is not a list"),
        ("[7]", "ASKED_AGENTS[0] must have name, arn and description"),
        (json.dumps([{**GOOD, "more": "x"}]), "must have name, arn and description"),
        (json.dumps([{**GOOD, "name": "a b"}]), "ASKED_AGENTS[0].name is 'a b'"),
        (json.dumps([{**GOOD, "arn": "arn:aws:lambda:x"}]), "which is no runtime's ARN"),
        (json.dumps([{**GOOD, "description": " "}]), "description is empty"),
        (json.dumps([GOOD, GOOD]), "names 'orders' twice"),
    ],
)
def test_what_the_environment_says_wrongly_is_told(written: str, fault: str) -> None:
    faults: list[str] = []
    assert asked_settings.read(written, faults) == ()
    assert len(faults) == 1
    assert fault in faults[0]
