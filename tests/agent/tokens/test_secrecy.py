"""A token stands in no line, answer or request of anybody who is not to have it, however a run fails."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response

import logs
from tests.agent.fake_bedrock import FakeBedrock
from tests.agent.fake_gateway import FakeGateway
from tests.agent.test_process import AgentProcess, variables
from tests.agent.tokens import fake_identity as faults
from tests.agent.tokens.conftest import by_token
from tests.agent.tokens.fake_identity import ACCESS, FakeIdentity

CALL = {"prompt": "call math___add_numbers"}


@pytest.fixture
def process(gateway: FakeGateway, bedrock: FakeBedrock, identity: FakeIdentity) -> Iterator[AgentProcess]:
    environment = {
        **variables(gateway, bedrock),
        "GATEWAY_URL": "",
        "TOKEN_GATEWAYS": by_token(gateway.url).model_dump_json(),
        "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE": identity.url,
        "AGENT_LOG_LEVEL": "debug",
        "AGENT_LOG_CONTENT": "true",
    }
    agent = AgentProcess(environment)
    yield agent
    if agent.process.poll() is None:
        agent.process.kill()
        agent.process.communicate()


@pytest.mark.parametrize("life", [3600, None], ids=["JWT", "opaque"])
def test_whatever_says_the_token_back(
    process: AgentProcess, gateway: FakeGateway, bedrock: FakeBedrock, identity: FakeIdentity, life: float | None
) -> None:
    identity.life = life

    def said() -> str:
        return f"{gateway.shown[-1]} was refused: {gateway.shown[-1].split()[-1]}"

    async def unauthorized(_: dict[str, Any]) -> Response:
        return JSONResponse({"message": said()}, 401)

    async def forbidden(_: dict[str, Any]) -> Response:
        challenge = f'Bearer error="insufficient_scope", scope="{said().split()[-1]}"'
        return PlainTextResponse(said(), 403, headers={"www-authenticate": challenge})

    async def result(message: dict[str, Any]) -> Response:
        content = [{"type": "text", "text": said()}]
        return JSONResponse({"jsonrpc": "2.0", "id": message["id"], "result": {"content": content, "isError": False}})

    async def failed(message: dict[str, Any]) -> Response:
        content = [{"type": "text", "text": said()}]
        return JSONResponse({"jsonrpc": "2.0", "id": message["id"], "result": {"content": content, "isError": True}})

    async def denied(message: dict[str, Any]) -> Response:
        error = {"code": -32002, "message": said()}
        return JSONResponse({"jsonrpc": "2.0", "id": message["id"], "error": error})

    async def events(message: dict[str, Any]) -> Response:
        content = {"content": [{"type": "text", "text": said()}], "isError": False}
        data = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": content})
        return Response(f"data: {data}\n\n", media_type="text/event-stream")

    async def echoed(fake: FakeIdentity) -> Response:
        said = f"{fake.requests[-1][1]['workloadIdentityToken']} is not good"
        return faults.refusal("ValidationException", 400, said)

    identity.inject(ACCESS, echoed)
    answers = [process.ask(CALL).text]
    for fault in (result, failed, denied, events, forbidden, unauthorized, unauthorized):
        gateway.inject("tools/call", fault)
        answers.append(process.ask(CALL).text)
    log = process.end()
    events_of_log = {line["event"] for line in log}
    assert events_of_log >= {"token_unavailable", "token_refused", "gateway_call_failed", "tool_denied", "tool_error"}
    everything = json.dumps([answers, log, bedrock.requests])
    assert "[token]" in everything
    for secret in (*identity.given, *(token.split(".")[-1] for token in identity.given), "workload-token-"):
        assert secret not in everything


JWT = faults.jwt({"exp": 1})


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {JWT}",
        f'{{"authorization": "Bearer {JWT}"}}',
        f"b'Authorization', b'Bearer {JWT}'",
        f"token={JWT}&x=1",
        f"xx{JWT}",
        JWT.partition(".")[0],
        "authorization=AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/x, Signature=c2lnbmF0dXJl",
        "bearer opaque-0123456789-c2lnbmF0dXJl",
    ],
)
def test_the_log_hides_what_lets_somebody_in(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    record = logging.LogRecord("agent", logging.INFO, "", 0, "x", None, None)
    record.fields = {"reason": text, "after": "stays"}
    line = logs._JsonLines().format(record)
    assert json.loads(line)["after"] == "stays"
    assert "[hidden]" in line
    for part in ("eyJ", "c2lnbmF0dXJl", "AKID"):
        assert part not in line


@pytest.mark.parametrize("text", ["Missing Bearer token", "the gateway's authorizer is CUSTOM_JWT", "authorization"])
def test_words_about_tokens_stay(text: str) -> None:
    record = logging.LogRecord("agent", logging.INFO, "", 0, "x", None, None)
    record.fields = {"reason": text}
    assert json.loads(logs._JsonLines().format(record))["reason"] == text
