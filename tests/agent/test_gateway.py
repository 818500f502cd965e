"""Sessions with gateways: opened once, by whom, with which credentials, and which tools they give."""

import asyncio
import json
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from botocore.credentials import Credentials, RefreshableCredentials
from opentelemetry import trace
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.testclient import TestClient

import contract
from contract import ContractError
from gateway import Gateway, Gateways
from gateway.signing import Signature
from gateway.transport import GatewayTransport
from settings import Settings
from tests.agent import fake_gateway
from tests.agent.conftest import PATIENT
from tests.agent.fake_bedrock import FakeBedrock
from tests.agent.fake_gateway import FakeGateway
from toolgate.local.serve.access_log import AGENT_REQUEST_ID


class Rotating(Credentials):  # type: ignore[misc]
    """Credentials that are others each time one of their parts is read; a frozen set belongs together."""

    def __init__(self, fake: FakeGateway) -> None:
        super().__init__("unused", "unused")
        self._fake = fake
        self._number = 0

    def get_frozen_credentials(self) -> Any:
        self._number += 1
        key, secret = f"AKID{self._number}", f"secret{self._number}"
        self._fake.secrets = {key: secret}
        return Credentials(key, secret, f"token{self._number}").get_frozen_credentials()


def opened(url: str, credentials: Credentials | None = None, **changes: Any) -> Gateway:
    found = credentials or Credentials("AKIDEXAMPLE", "secret")
    return Gateway(url, partial(Signature, lambda: found, "us-east-1"), Settings(**{**PATIENT, **changes}))


def lines(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, Any]]:
    return [vars(record)["fields"] for record in caplog.records if record.getMessage() == event]


def test_a_gateway_that_shows_no_tool_refuses_the_agent_until_it_shows_one(gateway: FakeGateway) -> None:
    gateway.tools = []
    handed = opened(gateway.url)
    with pytest.raises(ContractError) as refused:
        handed.connect()
    assert refused.value.fault is contract.GATEWAY_REFUSED
    assert handed.tools() is None
    gateway.tools = ["math___add_numbers"]
    assert [tool.tool_name for tool in handed.connect()] == gateway.tools
    handed.close()


def test_every_page_of_the_tool_list_is_read(gateway: FakeGateway) -> None:
    gateway.tools = [f"math___tool_{n}" for n in range(60)]
    gateway.page = 25
    with_tools = opened(gateway.url)
    assert [tool.tool_name for tool in with_tools.connect()] == gateway.tools
    with_tools.close()


def test_a_tool_list_without_an_end_is_given_up(gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    async def endless(message: dict[str, Any]) -> Any:
        gateway.inject("tools/list", endless)
        return JSONResponse({"jsonrpc": "2.0", "id": message["id"], "result": {"tools": [], "nextCursor": "again"}})

    gateway.inject("tools/list", endless)
    with pytest.raises(ContractError, match="gateway_failed"):
        opened(gateway.url).connect()
    assert gateway.requests.count("tools/list") == 100


def test_callers_share_one_session(gateway: FakeGateway) -> None:
    shared = opened(gateway.url)
    with ThreadPoolExecutor(8) as threads:
        lists = list(threads.map(lambda _: shared.connect(), range(8)))
    assert all(tools is lists[0] for tools in lists)
    assert gateway.requests.count("initialize") == 1
    shared.close()


def test_waiting_callers_share_a_failure_that_began_after_they_asked(gateway: FakeGateway) -> None:
    gateway.inject("initialize", fake_gateway.silence, times=100)
    shared = opened(gateway.url, handshake_seconds=0.3)
    with ThreadPoolExecutor(10) as threads:
        errors = list(threads.map(lambda _: failure_of(shared), range(10)))
    assert errors == ["gateway_timeout"] * 10
    assert gateway.requests.count("initialize") <= 3


def failure_of(shared: Gateway) -> str:
    with pytest.raises(ContractError) as failed:
        shared.connect()
    return failed.value.fault.code


def test_a_failure_that_began_before_a_caller_asked_is_not_its_own(gateway: FakeGateway) -> None:
    reached = threading.Event()
    release = threading.Event()

    async def held(_: dict[str, Any]) -> Any:
        reached.set()
        await asyncio.to_thread(release.wait, 10)
        return PlainTextResponse("", 500)

    gateway.inject("initialize", held)
    shared = opened(gateway.url)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(failure_of, shared)
        assert reached.wait()
        second = threads.submit(shared.connect)  # the fault has gone by now, but the first attempt is still held
        release.set()
        assert first.result() == "gateway_unavailable"
        assert len(second.result()) == len(gateway.tools)
    shared.close()


def test_credentials_may_rotate_before_each_request(gateway: FakeGateway) -> None:
    rotating = opened(gateway.url, Rotating(gateway))
    rotating.connect()

    async def twice() -> list[Any]:
        use: Any = {"toolUseId": "t1", "name": "math___add_numbers", "input": {"a": 1, "b": 2}}
        return [(await rotating.call(use, None))[1] for _ in range(2)]

    assert asyncio.run(twice()) == [None, None]
    assert gateway.refused == []
    rotating.close()


def test_credentials_that_are_about_to_end_are_renewed_first(gateway: FakeGateway) -> None:
    def renewed() -> dict[str, str]:
        gateway.secrets = {"AKIDNEW": "new secret"}
        ends = datetime.now(UTC) + timedelta(hours=1)
        return {"access_key": "AKIDNEW", "secret_key": "new secret", "token": "new", "expiry_time": ends.isoformat()}

    ends = datetime.now(UTC) + timedelta(seconds=10)
    ending = RefreshableCredentials("AKIDOLD", "old secret", "old", ends, renewed, "test")
    with_tools = opened(gateway.url, ending)
    assert len(with_tools.connect()) == len(gateway.tools)
    assert gateway.refused == []
    with_tools.close()


def test_a_wrong_secret_is_refused_by_the_fake_gateway(gateway: FakeGateway) -> None:
    """The fake's lock holds, so that the tests above prove signatures."""
    with pytest.raises(ContractError, match="gateway_refused"):
        opened(gateway.url, Credentials("AKIDEXAMPLE", "wrong")).connect()
    assert len(gateway.refused) == 1


def test_a_session_that_ended_on_its_own_is_opened_again(gateway: FakeGateway) -> None:
    reopened = opened(gateway.url)
    reopened.connect()
    session: Any = reopened._session
    session.stop(None, None, None)
    assert reopened.tools() is None
    assert len(reopened.connect()) == len(gateway.tools)
    assert gateway.requests.count("initialize") == 2
    reopened.close()


def test_tools_that_bedrock_would_refuse_are_left_out(
    agent: TestClient, gateway: FakeGateway, bedrock: FakeBedrock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "agent")
    long, longest = "a" * 65, "a" * 64
    gateway.tools = ["math___add_numbers", long, longest, "math.add", "math___add-numbers", "math___add_numbers", "é"]
    for _ in range(2):
        answer = agent.post("/invocations", json={"prompt": "call math___add_numbers"})
        assert answer.status_code == 200
    offered = [tool["toolSpec"]["name"] for tool in bedrock.requests[0]["toolConfig"]["tools"]]
    assert sorted(offered) == sorted(["math___add_numbers", longest])


def test_what_is_left_out_is_logged_once(gateway: FakeGateway, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "agent")
    gateway.tools = ["math___add_numbers", "math.add", "math___add-numbers"]
    all_of_them = Gateways([opened(gateway.url)])

    async def twice() -> None:
        assert await all_of_them.tools() is await all_of_them.tools()

    asyncio.run(twice())
    left_out = lines(caplog, "tool_left_out")
    assert [line["tool"] for line in left_out] == ["math.add", "math___add-numbers"]
    assert "math___add_numbers" in left_out[1]["reason"]
    all_of_them.close()


@pytest.mark.parametrize("said", [{}, {"description": None}, {"description": ""}], ids=str)
def test_a_tool_without_a_description_has_one_for_the_model(
    agent: TestClient, gateway: FakeGateway, bedrock: FakeBedrock, said: dict[str, Any]
) -> None:
    """danny-avila/LibreChat#13217: Bedrock wants one of at least one character."""

    async def listed(message: dict[str, Any]) -> JSONResponse:
        tool = {"name": "math___add_numbers", "inputSchema": fake_gateway.NUMBERS, **said}
        return JSONResponse({"jsonrpc": "2.0", "id": message["id"], "result": {"tools": [tool]}})

    gateway.inject("tools/list", listed)
    answer = agent.post("/invocations", json={"prompt": "call math___add_numbers"}).json()
    assert answer["response"] == 'The tool said: {"result": 112}'
    [spec] = [tool["toolSpec"] for tool in bedrock.requests[0]["toolConfig"]["tools"]]
    assert spec["description"] == "Tool which performs math___add_numbers"


def test_tools_of_several_gateways(
    serve: Callable[..., TestClient], gateway: FakeGateway, bedrock: FakeBedrock
) -> None:
    other = FakeGateway()
    other.server.start()
    other.tools = ["text___add_numbers", "math___add_numbers"]
    agent = serve(gateway_urls=(gateway.url, other.url))
    for name, asked in (("text___add_numbers", other), ("math___add_numbers", gateway)):
        answer = agent.post("/invocations", json={"prompt": f"call {name}"})
        assert answer.json()["response"] == 'The tool said: {"result": 112}'
        assert asked.bodies[-1]["params"]["name"] == name
    other.inject("initialize", fake_gateway.status(500))
    other.server.stop()
    with agent:
        answer = agent.post("/invocations", json={"prompt": "call text___add_numbers"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "gateway_unavailable")


def test_a_refusal_is_diagnosed_in_the_log(
    agent: TestClient, gateway: FakeGateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "agent")
    role = "arn:aws:sts::123456789012:assumed-role/toolgate-dev-assistant/session"
    arn = "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/toolgate-dev-tools-abcdefghij"
    said = (
        f"User: {role} is not authorized to perform: bedrock-agentcore:InvokeGateway on resource: {arn} because no "
        "identity-based policy allows the bedrock-agentcore:InvokeGateway action"
    )
    gateway.inject("initialize", fake_gateway.status(403, json.dumps({"message": said})))
    answer = agent.post("/invocations", json={"prompt": "call math___add_numbers"})
    assert role not in answer.text
    [line] = lines(caplog, "gateway_call_failed")
    assert (line["role"], line["action"], line["resource"]) == (role, "bedrock-agentcore:InvokeGateway", arn)
    assert said in line["reason"]
    assert "policy" in line["check"]
    assert (line["http_status"], line["method"], line["code"]) == (403, "initialize", "gateway_refused")


def test_a_denial_by_policy_is_logged(
    agent: TestClient, gateway: FakeGateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "agent")
    gateway.inject("tools/call", fake_gateway.denied_by_policy)
    agent.post("/invocations", json={"prompt": "call math___add_numbers"})
    [line] = lines(caplog, "tool_denied")
    assert line["tool"] == "math___add_numbers"
    assert line["reason"].startswith("Tool Execution Denied")


def test_a_call_on_a_session_that_ended_just_now_is_an_error_of_the_gateway(gateway: FakeGateway) -> None:
    ended = opened(gateway.url)
    ended.connect()
    session: Any = ended._session
    session.stop(None, None, None)
    session._lost = False  # as it is seen before the end is known
    use: Any = {"toolUseId": "t1", "name": "math___add_numbers", "input": {"a": 1, "b": 2}}
    _, fault = asyncio.run(ended.call(use, None))
    assert fault
    assert fault.code == "gateway_unavailable"


def test_a_call_says_for_which_invocation_it_is_made(agent: TestClient, gateway: FakeGateway) -> None:
    for number in (1, 2):
        agent.post(
            "/invocations",
            json={"prompt": 'call math___add_numbers {"a": 1, "b": 2}'},
            headers={"X-Amzn-Bedrock-AgentCore-Runtime-Request-Id": f"r{number}"},
        )
    called = [body["params"]["_meta"] for body in gateway.bodies if body["method"] == "tools/call"]
    assert [meta[AGENT_REQUEST_ID] for meta in called] == ["r1", "r2"]  # where the local gateway looks for it


def test_a_call_belongs_to_its_own_trace(agent: TestClient, gateway: FakeGateway) -> None:
    """The session is opened in one request and serves another: what it sends then is part of the other's trace."""
    seen: list[int] = []

    class Watching:
        async def handle_async_request(self, request: Any) -> Any:
            seen.append(trace.get_current_span().get_span_context().trace_id)
            raise OSError

        async def aclose(self) -> None: ...

    inner: Any = Watching()
    carrier = GatewayTransport(
        inner, Signature(lambda: Credentials("AKID", "secret"), "us-east-1"), Settings(**PATIENT), lambda *_: None
    )

    async def send(trace_id: int | None) -> None:
        parent = {} if trace_id is None else {"traceparent": f"00-{trace_id:032x}-{1:016x}-01"}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"_meta": parent}}
        await carrier.handle_async_request(httpx.Request("POST", "http://127.0.0.1/mcp", json=message))
        assert not trace.get_current_span().get_span_context().is_valid

    for trace_id in (7, 8, None):
        asyncio.run(send(trace_id))
    assert seen == [7, 8, 0]
