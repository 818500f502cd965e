"""An agent whose gateway takes tokens: every fault of tokens is an answer of the contract, and the process goes on."""

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import boto3
import pytest
from starlette.responses import Response
from starlette.testclient import TestClient

from contract import Fault
from gateway import handed
from gateway.tokens import TokenSource
from settings import Settings
from tests.agent import fake_gateway
from tests.agent.conftest import PATIENT
from tests.agent.fake_gateway import FakeGateway
from tests.agent.tokens import fake_identity as faults
from tests.agent.tokens.conftest import by_token
from tests.agent.tokens.fake_identity import ACCESS, CLIENT, EXPIRED, ISSUER, WORKLOAD, FakeIdentity

SUM = 'The tool said: {"result": 112}'


def ask(agent: TestClient) -> tuple[int, str]:
    """Status, and the error's code or the answer."""
    answer = agent.post("/invocations", json={"prompt": "call math___add_numbers"})
    document = answer.json()
    return answer.status_code, document["response"] if answer.status_code == 200 else document["error"]["code"]


def lines(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, Any]]:
    return [vars(record)["fields"] for record in caplog.records if record.getMessage() == event]


def test_one_token_opens_the_session_and_makes_all_calls(
    agent: TestClient, gateway: FakeGateway, identity: FakeIdentity
) -> None:
    for _ in range(3):
        assert ask(agent) == (200, SUM)
    [(_, workload), (_, access)] = identity.requests
    assert workload == {"workloadName": "demo_agent"}
    assert access == {
        "workloadIdentityToken": "workload-token-0",
        "resourceCredentialProviderName": "demo_agent_tokens",
        "scopes": ["tools/invoke"],
        "oauth2Flow": "M2M",
    }
    assert set(gateway.shown) == {f"Bearer {identity.given[0]}"}
    assert identity.strange == []


def test_gateways_of_both_kinds_at_once(
    serve: Callable[..., TestClient], gateway: FakeGateway, identity: FakeIdentity
) -> None:
    signing = FakeGateway()
    signing.server.start()
    signing.tools = ["text___add_numbers"]
    agent = serve(gateway_urls=(signing.url,), tokens=by_token(gateway.url))
    for name, asked, scheme in (("text", signing, "AWS4-HMAC-SHA256"), ("math", gateway, "Bearer")):
        answer = agent.post("/invocations", json={"prompt": f"call {name}___add_numbers"})
        assert answer.json()["response"] == SUM
        assert {shown.split()[0] for shown in asked.shown} == {scheme}
    signing.server.stop()


def test_two_gateways_of_one_provider_share_a_token(
    serve: Callable[..., TestClient], gateway: FakeGateway, identity: FakeIdentity
) -> None:
    other = FakeGateway()
    other.server.start()
    other.tools, other.tokens = ["text___add_numbers"], identity.given
    agent = serve(gateway_urls=(), tokens=by_token(gateway.url, other.url))
    assert ask(agent) == (200, SUM)
    assert identity.asked() == 1
    assert set(other.shown) == set(gateway.shown)
    other.server.stop()


def test_parameters_of_a_foreign_issuer_are_sent(
    serve: Callable[..., TestClient], gateway: FakeGateway, identity: FakeIdentity
) -> None:
    wanted = by_token(gateway.url)
    entry = wanted.tokens[0].model_copy(update={"scopes": (), "parameters": {"audience": "tools"}})
    agent = serve(gateway_urls=(), tokens=wanted.model_copy(update={"tokens": (entry,)}))
    assert ask(agent) == (200, SUM)
    _, access = identity.requests[-1]
    assert (access["scopes"], access["customParameters"]) == ([], {"audience": "tools"})


NO_TOKEN: dict[str, tuple[str, faults.Fault, int]] = {
    "identity refuses": (WORKLOAD, faults.refused("AccessDeniedException", 403), 1),
    "identity is not known": (WORKLOAD, faults.refused("ResourceNotFoundException", 404), 1),
    "the runtime's own": (WORKLOAD, faults.refused("ValidationException", 400, "WorkloadIdentity is linked"), 1),
    "no such provider": (ACCESS, faults.refused("ResourceNotFoundException", 404), 1),
    "the issuer refuses": (ACCESS, faults.refused("UnauthorizedException", 401), 1),
    "denied": (ACCESS, faults.refused("AccessDeniedException", 403), 1),
    "busy": (ACCESS, faults.refused("ThrottlingException", 429), 2),
    "down": (ACCESS, faults.refused("InternalServerException", 500), 2),
    "html": (ACCESS, faults.html, 2),
    "always expired": (ACCESS, faults.refused("AccessDeniedException", 403, EXPIRED), 2),
    "no token": (ACCESS, faults.answered({"sessionStatus": "FAILED"}), 1),
    "an empty token": (ACCESS, faults.answered({"accessToken": ""}), 1),
    "two lines": (ACCESS, faults.answered({"accessToken": "a\r\nx-evil: 1"}), 1),
    "not of a header": (ACCESS, faults.answered({"accessToken": "Ünicode"}), 1),
    "a number": (ACCESS, faults.answered({"accessToken": 7}), 1),
    "a list": (ACCESS, faults.answered([]), 1),
    "ended before it came": (ACCESS, faults.answered({"accessToken": faults.jwt({"exp": 1_000_000_000})}), 1),
    "10 MB": (ACCESS, faults.ten_megabytes, 1),
    "without end": (ACCESS, faults.endless, 1),
    "10 MB of workload token": (WORKLOAD, faults.endless, 1),
}


@pytest.mark.parametrize("case", NO_TOKEN)
def test_without_a_token_nothing_is_sent(
    agent: TestClient, gateway: FakeGateway, identity: FakeIdentity, caplog: pytest.LogCaptureFixture, case: str
) -> None:
    caplog.set_level(logging.INFO, "agent")
    operation, fault, times = NO_TOKEN[case]
    identity.inject(operation, fault, times=times)
    assert ask(agent) == (503, "gateway_token_unavailable")
    assert gateway.shown == []
    [line] = lines(caplog, "token_unavailable")
    assert line["provider"] == "demo_agent_tokens"
    assert line.get("reason") or line["check"]
    assert ask(agent) == (200, SUM)


def test_identity_that_is_away_for_a_while(agent: TestClient, gateway: FakeGateway, identity: FakeIdentity) -> None:
    identity.server.stop()
    try:
        for _ in range(2):
            assert ask(agent) == (503, "gateway_token_unavailable")
    finally:
        identity.server.start()
    assert ask(agent) == (200, SUM)


@pytest.fixture
def slow_identity(own_identity: FakeIdentity, monkeypatch: pytest.MonkeyPatch) -> FakeIdentity:
    """One that is waited for without end by who fetches: who waits for the token has a bound of its own."""
    monkeypatch.setattr("gateway.identity._READ_SECONDS", 600.0)
    return own_identity


@pytest.mark.parametrize("fault", [faults.silence, faults.dripping], ids=["silence", "dripping"])
@pytest.mark.parametrize("operation", [WORKLOAD, ACCESS])
def test_identity_that_does_not_come_to_an_end(
    serve: Callable[..., TestClient], gateway: FakeGateway, slow_identity: FakeIdentity, fault: Any, operation: str
) -> None:
    hasty = serve(gateway_urls=(), tokens=by_token(gateway.url), handshake_seconds=1)
    slow_identity.inject(operation, fault, times=9)
    assert ask(hasty) == (503, "gateway_token_unavailable")
    assert gateway.shown == []


def test_a_workload_token_that_expired_between_the_calls_is_asked_for_again(
    agent: TestClient, identity: FakeIdentity
) -> None:
    identity.inject(ACCESS, faults.workload_token_expired)
    assert ask(agent) == (200, SUM)
    assert (identity.asked(WORKLOAD), identity.asked(ACCESS)) == (2, 2)


def test_a_token_that_is_refused_once_is_replaced(
    agent: TestClient, gateway: FakeGateway, identity: FakeIdentity
) -> None:
    assert ask(agent) == (200, SUM)
    gateway.inject("tools/call", fake_gateway.status(401))
    assert ask(agent) == (200, SUM)
    assert identity.asked() == 2
    assert identity.requests[-1][1]["forceAuthentication"] is True
    assert gateway.requests.count("initialize") == 1  # on the same session
    assert gateway.shown[-1] == f"Bearer {identity.given[1]}"


def test_a_key_that_is_replaced(agent: TestClient, gateway: FakeGateway, identity: FakeIdentity) -> None:
    """The gateway takes none of the tokens of before."""
    assert ask(agent) == (200, SUM)
    gateway.tokens = Since(identity, 1)
    assert ask(agent) == (200, SUM)
    assert identity.asked() == 2


class Since:
    """The tokens that were given later."""

    def __init__(self, identity: FakeIdentity, number: int) -> None:
        self._identity, self._number = identity, number

    def __contains__(self, token: object) -> bool:
        return token in self._identity.given[self._number :]


def test_tokens_that_are_always_refused_are_the_gateways_fault(
    agent: TestClient, gateway: FakeGateway, identity: FakeIdentity
) -> None:
    gateway.tokens = ()
    for _ in range(5):
        assert ask(agent) == (502, "gateway_refused")
    assert identity.asked() == 2  # and not one for each invocation: tokens cost money
    gateway.tokens = identity.given
    assert ask(agent) == (200, SUM)


def test_a_token_that_comes_again_though_it_was_refused_is_not_sent_again(
    agent: TestClient, gateway: FakeGateway, identity: FakeIdentity
) -> None:
    identity.keeps = True
    gateway.tokens = ()
    assert ask(agent) == (502, "gateway_refused")
    assert len(gateway.shown) == 1


def test_a_missing_scope_is_named_and_no_other_token_asked_for(
    agent: TestClient, gateway: FakeGateway, identity: FakeIdentity, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "agent")
    gateway.inject("initialize", fake_gateway.insufficient_scope)
    assert ask(agent) == (502, "gateway_refused")
    assert identity.asked() == 1
    [line] = lines(caplog, "gateway_call_failed")
    assert (line["needs_scope"], line["scopes"]) == ("other/invoke", ("tools/invoke",))
    assert (line["identity"], line["provider"]) == ("demo_agent", "demo_agent_tokens")
    assert (line["client"], line["issuer"]) == (CLIENT, ISSUER)
    assert line["expires"]
    assert "scope" in line["check"]


def test_a_tool_that_the_policy_denies_is_told_as_with_signatures(
    agent: TestClient, gateway: FakeGateway, identity: FakeIdentity
) -> None:
    gateway.inject("tools/call", fake_gateway.denied_by_policy)
    assert ask(agent)[0] == 200
    assert identity.asked() == 1


def test_a_refusal_by_identity_is_diagnosed_in_the_log(
    agent: TestClient, identity: FakeIdentity, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "agent")
    role = "arn:aws:sts::123456789012:assumed-role/demo-agent/session"
    vault = "arn:aws:bedrock-agentcore:us-east-1:123456789012:token-vault/default"
    said = f"User: {role} is not authorized to perform: bedrock-agentcore:GetResourceOauth2Token on resource: {vault}"
    identity.inject(ACCESS, faults.refused("AccessDeniedException", 403, said))
    assert ask(agent) == (503, "gateway_token_unavailable")
    [line] = lines(caplog, "token_unavailable")
    assert (line["role"], line["resource"]) == (role, vault)
    assert (line["aws_error"], line["reason"]) == ("AccessDeniedException", said)
    assert (line["identity"], line["provider"], line["scopes"]) == (
        "demo_agent",
        "demo_agent_tokens",
        ("tools/invoke",),
    )
    assert "token vault" in line["check"]


async def redirect(_: dict[str, Any]) -> Response:
    return Response(status_code=307, headers={"location": OTHER.url})


OTHER = FakeGateway()


@pytest.mark.parametrize("method", ["initialize", "tools/call"])
def test_a_redirect_carries_no_token(agent: TestClient, gateway: FakeGateway, method: str) -> None:
    OTHER.server.start()
    gateway.inject(method, redirect)
    assert ask(agent) == (502, "gateway_failed")
    assert OTHER.shown == []
    OTHER.server.stop()


def test_a_machine_whose_clock_is_wrong_goes_by_identitys(agent: TestClient, identity: FakeIdentity) -> None:
    identity.ahead = -7200  # by this machine's clock the token has ended
    for _ in range(2):
        assert ask(agent) == (200, SUM)
    assert identity.asked() == 1


def test_a_token_that_changes_within_a_session(agent: TestClient, gateway: FakeGateway, identity: FakeIdentity) -> None:
    """Nobody has seen whether a gateway binds a session to its token: this one has sessions, and does not."""
    gateway.stateful = True
    assert ask(agent) == (200, SUM)
    gateway.tokens = Since(identity, 1)
    assert ask(agent) == (200, SUM)
    assert gateway.requests.count("initialize") == 1


def test_a_gateway_that_binds_a_session_to_its_token_gets_a_new_session(
    agent: TestClient, gateway: FakeGateway, identity: FakeIdentity
) -> None:
    gateway.stateful = True
    assert ask(agent) == (200, SUM)
    gateway.tokens = Since(identity, 1)
    gateway.sessions.clear()
    assert ask(agent) == (200, SUM)
    assert gateway.requests.count("initialize") == 2


@pytest.mark.parametrize("was_open", [True, False], ids=["refused", "ended"])
def test_fifty_calls_at_once_cost_one_token(gateway: FakeGateway, identity: FakeIdentity, was_open: bool) -> None:
    """With a token that is refused by 401, and with one that ends while nobody calls."""
    settings = Settings(**PATIENT, tokens=by_token(gateway.url))
    gateways = handed(boto3.Session(region_name="us-east-1"), settings)
    [handed_over] = gateways._gateways
    handed_over.connect()
    if was_open:
        gateway.tokens = Since(identity, 1)
    else:
        source: Any = handed_over._session._authorization._source  # type: ignore[union-attr]
        source._clock = lambda: time.monotonic() + 3601
    use: Any = {"toolUseId": "t1", "name": "math___add_numbers", "input": {"a": 1, "b": 2}}

    async def fifty() -> list[Fault | None]:
        return [fault for _, fault in await asyncio.gather(*(handed_over.call(use, None) for _ in range(50)))]

    assert asyncio.run(fifty()) == [None] * 50
    assert (identity.asked(), identity.most_at_once) == (2, 1)
    gateways.close()


@pytest.mark.parametrize("is_valid", [True, False], ids=["valid", "ended"])
def test_identity_that_is_down_once_the_session_is_open(
    serve: Callable[..., TestClient], gateway: FakeGateway, identity: FakeIdentity, clock: list[float], is_valid: bool
) -> None:
    """With a token in hand nobody notices; without one the call fails of that, whatever the model then says."""
    agent = serve(gateway_urls=(), tokens=by_token(gateway.url))
    assert ask(agent) == (200, SUM)
    clock[0] = 3590 if is_valid else 3601
    identity.inject(ACCESS, faults.refused("InternalServerException", 500), times=2)
    before = gateway.requests.count("tools/call")
    assert ask(agent) == ((200, SUM) if is_valid else (503, "gateway_token_unavailable"))
    assert gateway.requests.count("tools/call") == before + is_valid
    assert ask(agent) == (200, SUM)
    assert gateway.requests.count("initialize") == 1


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """By how many seconds the clock of sources that are made from now on is ahead."""
    ahead = [0.0]
    later = partial(TokenSource, clock=lambda: time.monotonic() + ahead[0])
    monkeypatch.setattr("gateway.identity.TokenSource", later)
    return ahead
