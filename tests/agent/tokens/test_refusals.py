"""A gateway refuses a token: what the log has of it, and how long another one is waited for."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

import contract
from contract import ContractError
from gateway.authorization import denied
from gateway.bearer import Bearer, token_of, without_token
from gateway.tokens import AccessToken, TokenSource
from gateway.transport import GatewayTransport
from settings import Settings
from tests.agent.tokens.fake_identity import CLIENT, ISSUER, jwt

KNOWN_AS = {"identity": "demo_agent", "provider": "demo_agent_tokens", "scopes": ("tools/invoke",)}
SAID = {"client_id": CLIENT, "iss": ISSUER, "exp": 1_900_000_000}


def shown(token: str, scheme: str = "Bearer") -> httpx.Request:
    return httpx.Request("POST", "https://gateway.example/mcp", headers={"authorization": f"{scheme} {token}"})


def source(*tokens: str) -> TokenSource:
    """Gives these one after another, and then none."""
    left = iter(tokens)

    def ask(_: bool) -> AccessToken:
        if (text := next(left, None)) is None:
            raise ContractError(contract.GATEWAY_TOKEN_UNAVAILABLE)
        return AccessToken(text, 3600)

    return TokenSource(ask)


def bearer(*tokens: str) -> Bearer:
    return Bearer(source(*tokens), KNOWN_AS)


def diagnosis(request: httpx.Request, status: int = 403, text: str = "", challenge: str = "") -> dict[str, Any]:
    response = httpx.Response(status, headers={"www-authenticate": challenge})
    return bearer().diagnosis(request, response, text)


@pytest.mark.parametrize("claim", ["client_id", "azp", "appid", "cid"])
def test_the_client_is_named_by_whichever_claim_the_issuer_has(claim: str) -> None:
    """Those of Cognito, Auth0 and Keycloak, Entra, and Okta."""
    line = diagnosis(shown(jwt({claim: CLIENT, "iss": ISSUER, "exp": 1_900_000_000})))
    assert (line["client"], line["issuer"], line["expires"]) == (CLIENT, ISSUER, "1900000000")
    assert line.items() >= KNOWN_AS.items()


def test_the_first_of_the_claims_that_name_a_client_counts() -> None:
    both = {"cid": "c", "appid": "b", "azp": "a", "client_id": CLIENT}
    assert diagnosis(shown(jwt(both)))["client"] == CLIENT


@pytest.mark.parametrize("token", ["opaque", jwt({}), jwt({"iss": None})])
def test_what_a_token_does_not_say_is_left_out(token: str) -> None:
    line = diagnosis(shown(token))
    assert (line["client"], line["issuer"], line["expires"]) == (None, None, None)


def test_a_line_is_bounded_whatever_token_and_gateway_say() -> None:
    line = diagnosis(
        shown(jwt({"client_id": "c" * 9_000})), text="t" * 9_000, challenge=f'Bearer scope="{"s" * 9_000}"'
    )
    assert (len(line["client"]), len(line["reason"]), len(line["needs_scope"])) == (200, 500, 300)


@pytest.mark.parametrize(
    ("challenge", "needed"),
    [
        ('Bearer error="insufficient_scope", scope="other/invoke"', "other/invoke"),
        ('Bearer scope="a b"', "a b"),
        ('Bearer myscope="x"', None),
        ("Bearer", None),
        ('Bearer scope="opaque-token"', "[token]"),
    ],
)
def test_the_scope_that_is_missing(challenge: str, needed: str | None) -> None:
    assert diagnosis(shown("opaque-token"), challenge=challenge)["needs_scope"] == needed


def test_what_to_look_at_depends_on_the_status() -> None:
    checks = [diagnosis(shown("opaque"), status)["check"] for status in (401, 403)]
    assert "discovery document" in checks[0]
    assert "allowed scopes" in checks[1]


@pytest.mark.parametrize(
    "end", ["", ".", '"}', '\\"}', ", because no policy allows it", " because no policy allows it"]
)
def test_what_iam_denies_is_named_without_what_stands_behind_it(end: str) -> None:
    role, arn = "arn:aws:sts::123456789012:assumed-role/demo/x", "arn:aws:bedrock-agentcore:us-east-1:123456789012:a/b"
    said = f'{{"message": "User: {role} is not authorized to perform: a:B on resource: {arn}{end}'
    assert denied(said) == {"role": role, "action": "a:B", "resource": arn}
    assert denied(f"Access is denied{end}") == {}


def test_a_token_that_was_replaced_is_told_with_what_it_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "agent")
    first, second = jwt(SAID), jwt({**SAID, "jti": "2"})
    request = shown("")

    async def refused() -> bool:
        way_in = bearer(first, second)
        until = asyncio.get_running_loop().time() + 60
        await way_in.authorize(request, until)
        assert token_of(request) == first
        return await way_in.renew(request, until)

    assert asyncio.run(refused())
    assert token_of(request) == second
    [line] = [vars(record)["fields"] for record in caplog.records if record.getMessage() == "token_refused"]
    assert line == {
        "gateway": "gateway.example",
        **KNOWN_AS,
        "client": CLIENT,
        "issuer": ISSUER,
        "expires": "1900000000",
    }


def test_the_same_token_again_replaces_none(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "agent")

    async def refused() -> bool:
        way_in, until = bearer("same", "same"), asyncio.get_running_loop().time() + 60
        request = shown("")
        await way_in.authorize(request, until)
        return await way_in.renew(request, until)

    assert not asyncio.run(refused())
    assert [it for it in caplog.records if it.name == "agent"] == []


def test_another_token_is_waited_for_until_the_exchange_has_to_be_over(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "agent")

    async def refused() -> None:
        begun: list[Any] = []

        def at_first(work: Any) -> None:
            begun.append(work)
            if len(begun) == 1:
                asyncio.get_running_loop().run_in_executor(None, work)

        slow = Bearer(TokenSource(lambda _: AccessToken("first", 3600), run=at_first), KNOWN_AS)
        request, until = shown(""), asyncio.get_running_loop().time()
        await slow.authorize(request, until + 60)
        with pytest.raises(ContractError, match="gateway_token_unavailable"):
            await asyncio.wait_for(slow.renew(request, until + 0.05), 20)
        assert len(begun) == 2

    asyncio.run(refused())
    [line] = [vars(record)["fields"] for record in caplog.records if record.name == "agent"]
    assert line == {**KNOWN_AS, "reason": "Identity is slow"}


def test_only_a_bearer_token_is_taken_out_of_an_answer() -> None:
    assert without_token(shown("secret-token"), b"no secret-token, secret-token") == b"no [token], [token]"
    signature = "Credential=AKID/x, Signature=c2ln"
    request = shown(signature, "AWS4-HMAC-SHA256")
    assert token_of(request) == ""
    assert without_token(request, b"as it is: " + signature.encode()) == b"as it is: " + signature.encode()
    assert without_token(httpx.Request("POST", "https://gateway.example/mcp"), b"as it is") == b"as it is"


class Answers(httpx.AsyncBaseTransport, httpx.AsyncByteStream):
    """Gives these, and is the stream of each; notes how many of them were still open when it was asked."""

    def __init__(self, *statuses: int) -> None:
        self._left = list(statuses)
        self.is_open: list[int] = []
        self._open = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.is_open.append(self._open)
        self._open += 1
        return httpx.Response(self._left.pop(0), stream=self)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"{}"

    async def aclose(self) -> None:
        self._open -= 1


@pytest.mark.parametrize("statuses", [(202,), (401, 202), (401, 401)])
def test_no_answer_stays_open(statuses: tuple[int, ...]) -> None:
    inner = Answers(*statuses)
    faults: list[str] = []

    async def exchange() -> None:
        settings = Settings("us-east-1", "model")
        transport = GatewayTransport(inner, bearer("a", "b"), settings, lambda fault, _: faults.append(fault.code))
        message = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        await transport.handle_async_request(httpx.Request("POST", "https://gateway.example/mcp", json=message))

    asyncio.run(exchange())
    assert inner.is_open == [0] * len(statuses)
    assert inner._open == 0
    assert faults == (["gateway_refused"] if statuses[-1] == 401 else [])
