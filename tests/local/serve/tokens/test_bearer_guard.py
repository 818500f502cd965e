"""The guard of a gateway that takes tokens: what it checks besides the signature, and what it answers."""

import asyncio
from typing import Any

import pytest

from tests.token_export import DISCOVERY, ISSUER
from toolgate.access.deployment.tokens import CustomClaim, JwtAuthorizer
from toolgate.local.serve.access_log import Entry
from toolgate.local.serve.guards.bearer import BearerGuard, refuse_token
from toolgate.local.serve.guards.iam_guard import RequestRefused
from toolgate.local.serve.guards.sigv4 import Received
from toolgate.local.serve.tokens.issuer import Client, Issuer, SigningKey

CLIENT = "calculator0123456789abcdef"
METADATA = "http://127.0.0.1/metadata"
ISSUED = Issuer(
    url=ISSUER,
    discovery_url=DISCOVERY,
    path="pool",
    key=SigningKey(),
    clients={CLIENT: Client(CLIENT, ("client_credentials",), ("tools/invoke",), 3600, "secret")},
    scopes=frozenset({"tools/invoke"}),
)


def admit(authorizer: JwtAuthorizer, *headers: str, **claims: Any) -> tuple[Entry, RequestRefused | None]:
    """What the guard makes of a request with these headers, or with a token that says this besides."""
    entry = Entry("r")
    shown = headers or (f"Bearer {ISSUED.sign({**ISSUED.claims(CLIENT), **claims})}",)
    head = Received("POST", "/", "", tuple(("authorization", it) for it in shown), b"")
    try:
        BearerGuard(authorizer, ISSUED, METADATA).admit(head, entry)
    except RequestRefused as refusal:
        return entry, refusal
    return entry, None


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("Bearer", "no token"),
        ("Bearer ", "no token"),
        ("", "no token"),
        ("Basic eDp5", "no token"),
        ("AWS4-HMAC-SHA256 Credential=x", "the request is signed, and this gateway takes tokens"),
    ],
)
def test_who_brings_no_token_is_told_of_no_error_in_it(header: str, why: str) -> None:
    entry, refusal = admit(JwtAuthorizer(DISCOVERY, scopes=("tools/invoke",)), header)
    assert refusal
    assert (refusal.status, refusal.code) == (401, "missing_token")
    challenge = f'Bearer resource_metadata="{METADATA}", scope="tools/invoke"'
    assert refusal.headers["www-authenticate"] == challenge
    assert entry.decided_by[0]["reason"] == f"form: {why}"


def test_two_tokens_are_none_and_one_that_is_refused_names_its_client_where_its_issuer_has_signed() -> None:
    scope = JwtAuthorizer(DISCOVERY, scopes=("tools/invoke",))
    _, refusal = admit(scope, *[f"Bearer {ISSUED.issue(CLIENT)}"] * 2)
    assert refusal
    assert refusal.code == "missing_token"
    entry, refusal = admit(scope, exp=1)
    assert refusal
    assert entry.client == CLIENT


AUDIENCE = JwtAuthorizer(DISCOVERY, audiences=("tools", "other"))
CLAIM = JwtAuthorizer(DISCOVERY, claims=(CustomClaim("team", "STRING", "EQUALS", ("shop",)),))


@pytest.mark.parametrize(
    ("authorizer", "good", "check", "says"),
    [
        (AUDIENCE, {"aud": "tools"}, "aud", "signature, expiry, aud tools or other"),
        (JwtAuthorizer(DISCOVERY, clients=(CLIENT,)), {}, "client_id", f"signature, expiry, client_id {CLIENT}"),
        (CLAIM, {"team": "shop"}, "team", "signature, expiry, team shop"),
    ],
)
def test_another_claim_than_the_scope_gets_401(
    authorizer: JwtAuthorizer, good: dict[str, Any], check: str, says: str
) -> None:
    entry, refusal = admit(authorizer, **good)
    assert refusal is None
    assert entry.decided_by[0]["reason"] == says
    entry, refusal = admit(authorizer, **{check: "nobody"})
    assert refusal
    assert (refusal.status, refusal.code) == (401, "invalid_token")
    assert refusal.headers["www-authenticate"] == f'Bearer error="invalid_token", resource_metadata="{METADATA}"'
    assert entry.decided_by[0]["check"] == check
    assert entry.client == (CLIENT if check != "client_id" else "nobody")


def test_what_cannot_be_judged_lets_nobody_in() -> None:
    _, refusal = admit(JwtAuthorizer(DISCOVERY, scopes=("tools/invoke",), unread=("something new",)))
    assert refusal
    assert (refusal.status, refusal.code) == (401, "invalid_token")


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", [True, False, "1", [1], {}])
def test_a_time_is_a_number(name: str, value: Any) -> None:
    entry, refusal = admit(JwtAuthorizer(DISCOVERY, scopes=("tools/invoke",)), **{name: value})
    assert refusal
    assert entry.decided_by[0]["reason"] == f"expiry: its {name} is not a number"


@pytest.mark.parametrize("sub", [None, 7, [CLIENT], {"a": 1}])
def test_a_subject_is_a_text(sub: Any) -> None:
    entry, refusal = admit(JwtAuthorizer(DISCOVERY, scopes=("tools/invoke",)), sub=sub)
    assert refusal
    assert entry.decided_by[0]["reason"] == "form: sub is not a text"


@pytest.mark.parametrize(
    ("code", "begins"),
    [
        ("invalid_token", '{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"said"}}'),
        ("AccessDeniedException", '{"message":'),
    ],
)
def test_a_refusal_of_a_token_is_of_json_rpc_and_others_are_the_services(code: str, begins: str) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(refuse_token(send, 401, code, "said"))
    assert len(sent) == 2
    assert sent[0]["status"] == 401
    assert sent[1]["body"].decode().replace(": ", ":").replace(", ", ",").lower().startswith(begins.lower())
