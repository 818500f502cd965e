import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from toolgate.local.serve.guards.sigv4 import Key, Received, SignatureError, claim, verify

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
KEY = Key("a-secret", "a-token", None)
PATH = "/runtimes/arn%3Aaws%3Abedrock-agentcore%3Aus-east-1%3A123456789012%3Aruntime%2Fx-abcdefghij/invocations"


def _sign(
    body: bytes = b'{"prompt": "hello"}', *, path: str = PATH, query: str = "qualifier=DEFAULT&a=b%2Fc", key: Key = KEY
) -> Received:
    """A request as botocore's clients sign it."""
    url = f"https://localhost:1234{path}" + (f"?{query}" if query else "")
    request = AWSRequest("POST", url, data=body, headers={"Content-Type": "application/json"})
    request.headers["Host"] = "localhost:1234"
    request.headers["X-Amz-Content-Sha256"] = hashlib.sha256(body).hexdigest()
    SigV4Auth(Credentials("ASIAKEY", key.secret, key.token or None), "bedrock-agentcore", "us-east-1").add_auth(request)
    return Received("POST", path, query, tuple(request.headers.items()), body)


def _verify(request: Received, *, key: Key | None = KEY, now: datetime | None = None) -> str:
    return verify(
        request, claim(request, {"ASIAKEY": key}.get, service="bedrock-agentcore", region="us-east-1", now=now)
    )


def _with(request: Received, name: str, value: str | None) -> Received:
    headers = [(n, v) for n, v in request.headers if n.lower() != name.lower()]
    return replace(request, headers=(*headers, *([(name, value)] if value is not None else [])))


def _in_authorization(old: str, new: str) -> Callable[[Received], Received]:
    def change(request: Received) -> Received:
        header = request.header("authorization")
        assert old in header
        return _with(request, "Authorization", header.replace(old, new))

    return change


def test_what_botocore_signs_is_accepted() -> None:
    assert _verify(_sign()) == "ASIAKEY"
    assert _verify(_sign(b"", query="")) == "ASIAKEY"


# AWS's own cases get-vanilla and get-vanilla-query-order-key-case: answers that are not botocore's.
@pytest.mark.parametrize(
    ("query", "signature"),
    [
        ("", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("Param2=value2&Param1=value1", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
    ],
)
def test_cases_of_aws(query: str, signature: str) -> None:
    scope = "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"
    headers = (
        ("Host", "example.amazonaws.com"),
        ("X-Amz-Date", "20150830T123600Z"),
        ("Authorization", f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host;x-amz-date, Signature={signature}"),
    )
    key = Key("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "", None)
    now = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
    request = Received("GET", "/", query, headers, b"")
    claimed = claim(request, lambda _: key, service="service", region="us-east-1", now=now)
    assert verify(request, claimed) == "AKIDEXAMPLE"


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        (
            lambda r: _with(r, "Authorization", None),
            "MissingAuthenticationTokenException",
            "Missing Authentication Token",
        ),
        (lambda r: _with(r, "Authorization", "Bearer x"), "IncompleteSignatureException", "AWS4-HMAC-SHA256"),
        (
            _in_authorization("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
            "IncompleteSignatureException",
            "must be AWS4",
        ),
        (_in_authorization("Signature=", "Sig="), "IncompleteSignatureException", "must be AWS4"),
        (_in_authorization("/aws4_request", ""), "IncompleteSignatureException", "KEY/DATE/REGION"),
        (lambda r: _with(r, "X-Amz-Date", None), "IncompleteSignatureException", "X-Amz-Date"),
        (lambda r: _with(r, "X-Amz-Date", "yesterday"), "IncompleteSignatureException", "X-Amz-Date"),
        (_in_authorization("/us-east-1/", "/eu-north-1/"), "InvalidSignatureException", "valid region"),
        (_in_authorization("/bedrock-agentcore/", "/bedrock/"), "InvalidSignatureException", "correct service"),
        (_in_authorization("host;", ""), "InvalidSignatureException", "'host' must be a 'SignedHeader'"),
        (_in_authorization("x-amz-date;", ""), "InvalidSignatureException", "'x-amz-date' must be"),
        (_in_authorization(";x-amz-security-token", ""), "InvalidSignatureException", "'x-amz-security-token' must be"),
        (lambda r: _with(r, "X-Amz-Target", "More"), "InvalidSignatureException", "'x-amz-target' must be"),
        (_in_authorization("ASIAKEY", "ASIAOTHER"), "UnrecognizedClientException", "security token"),
        (lambda r: _with(r, "X-Amz-Security-Token", "other"), "UnrecognizedClientException", "security token"),
        (lambda r: _with(r, "X-Amz-Security-Token", None), "UnrecognizedClientException", "security token"),
        (lambda r: _with(r, "X-Amz-Content-Sha256", "0" * 64), "InvalidSignatureException", "Sha256 does not match"),
        (lambda r: _with(r, "X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"), "InvalidSignatureException", "does not match"),
        (lambda r: _with(r, "X-Amz-Content-Sha256", "\u00e9"), "InvalidSignatureException", "does not match"),
        (lambda r: _with(r, "Content-Type", "text/plain"), "InvalidSignatureException", "we calculated"),
        (lambda r: _with(r, "Host", "elsewhere"), "InvalidSignatureException", "we calculated"),
        (lambda r: _with(r, "Host", "[elsewhere"), "InvalidSignatureException", "not a host"),
        (_in_authorization("Signature=", "Signature=\u00e9"), "InvalidSignatureException", "we calculated"),
        (lambda r: _with(r, "X-Amz-Security-Token", "\u00e9"), "UnrecognizedClientException", "security token"),
        (lambda r: replace(r, body=b'{"prompt": "hacked"}'), "InvalidSignatureException", "does not match"),
        (lambda r: replace(r, path="/runtimes/other/invocations"), "InvalidSignatureException", "we calculated"),
        (lambda r: replace(r, query="qualifier=OTHER"), "InvalidSignatureException", "we calculated"),
        (lambda r: replace(r, method="PUT"), "InvalidSignatureException", "we calculated"),
    ],
)
def test_anything_else_is_refused(change: Callable[[Received], Received], code: str, says: str) -> None:
    with pytest.raises(SignatureError, match=says) as caught:
        _verify(change(_sign()))
    assert caught.value.code == code


def test_a_changed_body_is_refused_without_a_claimed_digest_too() -> None:
    request = AWSRequest("POST", "https://localhost/mcp", data=b"sent", headers={"Host": "localhost"})
    SigV4Auth(Credentials("ASIAKEY", KEY.secret, KEY.token), "bedrock-agentcore", "us-east-1").add_auth(request)
    received = Received("POST", "/mcp", "", tuple(request.headers.items()), b"sent")
    assert _verify(received) == "ASIAKEY"
    with pytest.raises(SignatureError, match="we calculated"):
        _verify(replace(received, body=b"changed"))


def test_a_wrong_secret_is_refused() -> None:
    with pytest.raises(SignatureError, match="we calculated"):
        _verify(_sign(key=replace(KEY, secret="another")))


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_signature_is_good_for_five_minutes(minutes: int) -> None:
    request = _sign()
    signed_at = datetime.now(UTC)
    with pytest.raises(SignatureError, match="expired or not yet current"):
        _verify(request, now=signed_at + timedelta(minutes=minutes))
    assert _verify(
        request, now=signed_at + timedelta(minutes=minutes - (1 if minutes > 0 else -1), seconds=-5 * minutes)
    )


def test_the_scopes_date_must_be_the_signatures() -> None:
    today = f"{datetime.now(UTC):%Y%m%d}"
    with pytest.raises(SignatureError, match="Date in Credential scope"):
        _verify(_in_authorization(f"/{today}/", "/20200101/")(_sign()))


def test_expired_credentials_are_refused() -> None:
    now = datetime.now(UTC)
    assert _verify(_sign(), key=replace(KEY, expires=now + timedelta(seconds=60)))
    with pytest.raises(SignatureError, match="expired") as caught:
        _verify(_sign(), key=replace(KEY, expires=now))
    assert caught.value.code == "ExpiredTokenException"
