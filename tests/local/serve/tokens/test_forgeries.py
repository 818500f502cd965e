"""Tokens that nobody gave: none is let in, and none brings an answer but a refusal."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from tests.token_export import DISCOVERY, ISSUER
from toolgate.access.deployment.tokens import JwtAuthorizer
from toolgate.local.serve.access_log import Entry
from toolgate.local.serve.guards.bearer import LONGEST, SKEW_SECONDS, BearerGuard, TokenError, verified
from toolgate.local.serve.guards.iam_guard import RequestRefused
from toolgate.local.serve.guards.sigv4 import Received
from toolgate.local.serve.tokens.issuer import Client, Issuer, SigningKey

CLIENT = "calculator0123456789abcdef"
_FLOWS, _SCOPES = ("client_credentials",), ("tools/invoke",)
ISSUED = Issuer(
    url=ISSUER,
    discovery_url=DISCOVERY,
    path="pool",
    key=SigningKey(),
    clients={CLIENT: Client(CLIENT, _FLOWS, _SCOPES, 3600, "secret")},
    scopes=frozenset(_SCOPES),
)
TOKEN = ISSUED.issue(CLIENT)
KEY = ISSUED.key.pair()
ANY_ALGORITHM = RSAKey.import_key(KEY.as_pem(private=True))
OTHER = RSAKey.generate_key(2048)
EC = ECKey.generate_key("P-256")
HEADER, PAYLOAD, SIGNATURE = TOKEN.split(".")


def _part(document: Any) -> str:
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _signed(header: dict[str, Any], payload: Any = None, key: Any = KEY) -> str:
    """What a real signer makes, whatever the header says."""
    content = json.dumps(ISSUED.claims(CLIENT) if payload is None else payload).encode()
    algorithm = header.get("alg", "RS256")
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    return jws.serialize_compact(header, content, key, registry=registry)


def _hmac_with_public_key(key: bytes) -> str:
    start = f"{_part({'alg': 'HS256', 'kid': KEY.kid})}.{PAYLOAD}"
    return f"{start}.{_part(hmac.digest(key, start.encode(), hashlib.sha256))}"


_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
GOOD = {"alg": "RS256", "kid": KEY.kid}
FORGERIES: dict[str, Callable[[], str]] = {
    "alg none": lambda: f"{_part({'alg': 'none', 'kid': KEY.kid})}.{PAYLOAD}.",
    "alg none with the signature": lambda: f"{_part({'alg': 'none', 'kid': KEY.kid})}.{PAYLOAD}.{SIGNATURE}",
    "HS256 with the public key": lambda: _hmac_with_public_key(KEY.as_pem(private=False)),
    "HS256 with the public key's JSON": lambda: _hmac_with_public_key(json.dumps(KEY.as_dict(private=False)).encode()),
    "HS256 with the modulus": lambda: _hmac_with_public_key(str(KEY.as_dict(private=False)["n"]).encode()),
    "another key under the same kid": lambda: _signed(GOOD, key=OTHER),
    "PS256 of the issuer's key": lambda: _signed({**GOOD, "alg": "PS256"}, key=ANY_ALGORITHM),
    "RS512 of the issuer's key": lambda: _signed({**GOOD, "alg": "RS512"}, key=ANY_ALGORITHM),
    "ES256": lambda: _signed({**GOOD, "alg": "ES256"}, key=EC),
    "no kid": lambda: _signed({"alg": "RS256"}),
    "an unknown kid": lambda: _signed({**GOOD, "kid": "unknown"}),
    "a kid that is no text": lambda: f"{_part({'alg': 'RS256', 'kid': 1})}.{PAYLOAD}.{SIGNATURE}",
    "a list of algorithms": lambda: f"{_part({'alg': ['RS256'], 'kid': KEY.kid})}.{PAYLOAD}.{SIGNATURE}",
    "no algorithm": lambda: f"{_part({'kid': KEY.kid})}.{PAYLOAD}.{SIGNATURE}",
    "an embedded key": lambda: _signed({**GOOD, "kid": "mine", "jwk": OTHER.as_dict(private=False)}, key=OTHER),
    "an embedded key under the same kid": lambda: _signed({**GOOD, "jwk": OTHER.as_dict(private=False)}, key=OTHER),
    "a key's address": lambda: _signed({**GOOD, "jku": "https://elsewhere.example/jwks.json"}, key=OTHER),
    "a critical extension": lambda: f"{_part({**GOOD, 'crit': ['b64'], 'b64': False})}.{PAYLOAD}.{SIGNATURE}",
    "a changed payload": lambda: f"{HEADER}.{_part({**ISSUED.claims(CLIENT), 'scope': 'more/invoke'})}.{SIGNATURE}",
    "no signature": lambda: f"{HEADER}.{PAYLOAD}.",
    "two parts": lambda: f"{HEADER}.{PAYLOAD}",
    "four parts": lambda: f"{TOKEN}.{SIGNATURE}",
    "five parts, as an encrypted one": lambda: f"{TOKEN}.{SIGNATURE}.{SIGNATURE}",
    "padding": lambda: f"{TOKEN}==",
    "a blank before it": lambda: f" {TOKEN}",
    "no JWT": lambda: "opaque",
    "nothing": lambda: "",
    "no ASCII": lambda: f"{TOKEN[:-1]}é",
    "digits of another script": lambda: f"{TOKEN[:-1]}٣",
    "a header that is no JSON": lambda: f"{_part(b'{')}.{PAYLOAD}.{SIGNATURE}",
    "a header that is a list": lambda: f"{_part([GOOD])}.{PAYLOAD}.{SIGNATURE}",
    "a header of many levels": lambda: f"{_part(b'[' * 1500)}.{PAYLOAD}.{SIGNATURE}",
    "a header that is no UTF-8": lambda: f"{_part(bytes([255, 254]))}.{PAYLOAD}.{SIGNATURE}",
    "a payload that is a list": lambda: _signed(GOOD, [ISSUED.claims(CLIENT)]),
    "too long": lambda: _signed({**GOOD, "x": "x" * LONGEST}),
    "too long by far": lambda: "a" * 50 * LONGEST,
    "expired": lambda: ISSUED.sign({**ISSUED.claims(CLIENT), "exp": time.time() - 1}),
    "expires now": lambda: ISSUED.sign({**ISSUED.claims(CLIENT), "exp": time.time()}),
    "no exp": lambda: ISSUED.sign({k: v for k, v in ISSUED.claims(CLIENT).items() if k != "exp"}),
    "exp is true": lambda: ISSUED.sign({**ISSUED.claims(CLIENT), "exp": True}),
    "exp is a text": lambda: ISSUED.sign({**ISSUED.claims(CLIENT), "exp": "9999999999"}),
    "exp beyond a double": lambda: jws.serialize_compact(GOOD, b'{"exp": 1e999}', KEY),
    "the signature written otherwise": lambda: f"{TOKEN[:-1]}{_BASE64[_BASE64.index(TOKEN[-1]) ^ 1]}",
    "nbf in the future": lambda: ISSUED.sign({**ISSUED.claims(CLIENT), "nbf": time.time() + 2 * SKEW_SECONDS}),
    "iat in the future": lambda: ISSUED.sign({**ISSUED.claims(CLIENT), "iat": time.time() + 2 * SKEW_SECONDS}),
    "a foreign issuer": lambda: ISSUED.sign({**ISSUED.claims(CLIENT), "iss": "https://elsewhere.example"}),
    "the issuer with a slash": lambda: ISSUED.sign({**ISSUED.claims(CLIENT), "iss": f"{ISSUER}/"}),
    "no issuer": lambda: ISSUED.sign({k: v for k, v in ISSUED.claims(CLIENT).items() if k != "iss"}),
    "no subject": lambda: ISSUED.sign({k: v for k, v in ISSUED.claims(CLIENT).items() if k != "sub"}),
}


def test_what_the_issuer_gave_is_taken() -> None:
    assert verified(TOKEN, ISSUED)["client_id"] == CLIENT
    early = ISSUED.sign({**ISSUED.claims(CLIENT), "iat": time.time() + SKEW_SECONDS / 2})
    assert verified(early, ISSUED)["sub"] == CLIENT


# Which check refuses it; the log names that. All others are refused for their form.
_ALGORITHM = "algorithm"
REFUSED_BY = {
    "alg none with the signature": _ALGORITHM,
    "HS256 with the public key": _ALGORITHM,
    "HS256 with the public key's JSON": _ALGORITHM,
    "HS256 with the modulus": _ALGORITHM,
    "PS256 of the issuer's key": _ALGORITHM,
    "RS512 of the issuer's key": _ALGORITHM,
    "ES256": _ALGORITHM,
    "a list of algorithms": _ALGORITHM,
    "no algorithm": _ALGORITHM,
    "another key under the same kid": "signature",
    "an embedded key under the same kid": "signature",
    "a key's address": "signature",
    "a changed payload": "signature",
    "no kid": "key",
    "an unknown kid": "key",
    "a kid that is no text": "key",
    "an embedded key": "key",
    "expired": "expiry",
    "expires now": "expiry",
    "no exp": "expiry",
    "exp is true": "expiry",
    "exp is a text": "expiry",
    "nbf in the future": "expiry",
    "iat in the future": "expiry",
    "a foreign issuer": "issuer",
    "the issuer with a slash": "issuer",
    "no issuer": "issuer",
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_refused(name: str) -> None:
    with pytest.raises(TokenError) as caught:
        verified(FORGERIES[name](), ISSUED)
    assert caught.value.check == REFUSED_BY.get(name, "form")
    assert TOKEN.split(".")[2] not in str(caught.value)


def test_what_must_be_understood_or_is_too_long_is_said_so() -> None:
    """joserfc would refuse both for another reason, and only after it has looked at all of it."""
    for name, says in (("a critical extension", "must be understood"), ("too long", "longer than 8192")):
        with pytest.raises(TokenError, match=says):
            verified(FORGERIES[name](), ISSUED)
    for name in ("four parts", "padding", "digits of another script"):
        with pytest.raises(TokenError, match="is not three parts"):
            verified(FORGERIES[name](), ISSUED)


def test_a_token_ends_when_it_says() -> None:
    ends = ISSUED.claims(CLIENT)["exp"]
    token = ISSUED.sign({**ISSUED.claims(CLIENT), "exp": ends})
    assert verified(token, ISSUED, ends - 0.01)["exp"] == ends
    with pytest.raises(TokenError, match="has expired"):
        verified(token, ISSUED, ends)


def test_nobody_has_signed_before_there_is_a_key() -> None:
    new = Issuer(ISSUER, DISCOVERY, "pool", SigningKey(), ISSUED.clients, ISSUED.scopes)
    with pytest.raises(TokenError, match="no such key"):
        verified(TOKEN, new)


_HEADERS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["RS256", "none", KEY.kid]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["alg", "kid", "jwk", "jku", "x5c", "crit", "b64", "typ", "cty"]), inner)
    ),
    max_leaves=8,
)
_TEXT = st.text(max_size=60) | st.text("ABCabc012-_.=+/ \n", max_size=200)


@st.composite
def _mutated(draw: st.DrawFn) -> str:
    """The good token with a character changed, put in, or taken away; or its parts put together anew."""
    token = list(TOKEN)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(token) - 1))
        match draw(st.sampled_from(["change", "insert", "remove", "swap"])):
            case "change":
                token[at] = draw(st.characters(max_codepoint=0x2FF))
            case "insert":
                token.insert(at, draw(st.sampled_from("A=.-_ \t\n%+/é")))
            case "remove":
                del token[at]
            case _:
                other = draw(st.integers(0, len(token) - 1))
                token[at], token[other] = token[other], token[at]
    return "".join(token)


def _reassembled() -> Iterator[st.SearchStrategy[str]]:
    yield _HEADERS.map(lambda it: f"{_part(it)}.{PAYLOAD}.{SIGNATURE}")
    yield _HEADERS.map(lambda it: f"{HEADER}.{_part(it)}.{SIGNATURE}")
    yield st.binary(max_size=300).map(lambda it: f"{HEADER}.{PAYLOAD}.{_part(it)}")
    yield st.binary(max_size=300).map(lambda it: f"{_part(it)}.{PAYLOAD}.{SIGNATURE}")
    yield st.permutations([HEADER, PAYLOAD, SIGNATURE]).map(".".join)
    yield st.tuples(_TEXT, _TEXT, _TEXT).map(".".join)
    yield _TEXT


@given(_mutated() | st.one_of(*_reassembled()))
def test_whatever_else_is_sent_is_refused(token: str) -> None:
    if token != TOKEN:
        with pytest.raises(TokenError):
            verified(token, ISSUED)


_CLAIM = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["exp", "nbf", "iat", "iss", "sub", "scope", "aud", "x"]), _CLAIM))
def test_odd_claims_are_taken_or_refused(changed: dict[str, Any]) -> None:
    """Whatever an issuer signs: the two ways out are the claims and a TokenError."""
    token = ISSUED.sign({**ISSUED.claims(CLIENT), **changed})
    try:
        claims = verified(token, ISSUED)
    except TokenError:
        return
    assert claims["iss"] == ISSUER
    assert isinstance(claims["sub"], str)
    assert claims["exp"] > time.time() - 60


GUARD = BearerGuard(JwtAuthorizer(DISCOVERY, scopes=_SCOPES), ISSUED, "http://127.0.0.1/metadata")
_SCHEMES = st.sampled_from(["Bearer ", "bearer ", "BEARER ", "Bearer  ", "Bearer\t", "Basic ", "AWS4-HMAC-SHA256 ", ""])
_LATIN = st.text(st.characters(max_codepoint=0xFF), max_size=80)


@given(st.lists(st.tuples(_SCHEMES, _mutated() | _LATIN).map("".join), max_size=3))
def test_whatever_a_header_says_it_is_refused_in_words_of_ours(headers: list[str]) -> None:
    """At the guard itself, as the server hands the header on: bytes as latin-1."""
    entry = Entry("r")
    head = Received("POST", "/", "", tuple(("Authorization", it) for it in headers), b"")
    if any(it.partition(" ")[2] == TOKEN for it in headers):
        return
    with pytest.raises(RequestRefused) as caught:
        GUARD.admit(head, entry)
    assert caught.value.status == 401
    challenge = caught.value.headers["www-authenticate"]
    assert challenge.isascii()
    assert challenge.startswith("Bearer ")
    assert entry.decision == "denied"
    assert entry.client is None  # nobody has signed for it


def test_the_guard_lets_in_what_the_issuer_gave() -> None:
    for scheme in ("Bearer", "bearer"):
        entry = Entry("r")
        head = Received("POST", "/", "", (("Authorization", f"{scheme} {TOKEN}"),), b"")
        assert GUARD.admit(head, entry).cedar.id == CLIENT
        assert entry.client == CLIENT
