"""Verify a SigV4 signature in the Authorization header.

Canonical request, string to sign and signature are botocore's own (`SigV4Auth`). Written here is what a server does
besides: read the header, check scope and clock, insist on the headers that must be signed, compare in constant time.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials as BotocoreCredentials

ALGORITHM = "AWS4-HMAC-SHA256"
CLOCK_SKEW = timedelta(minutes=5)
UNSIGNED_BODIES = frozenset({"UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"})
"""What S3 takes instead of a body's digest (S3 API reference, "Authenticating Requests: Using the Authorization
Header")."""

_MISSING_TOKEN = "Missing Authentication Token"  # noqa: S105  # AWS's message
_BAD_TOKEN = "The security token included in the request is invalid."  # noqa: S105  # AWS's message


class SignatureError(Exception):
    """The request is not signed as it must be; `code` is AWS's error code, the text AWS's message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Received:
    """A request as it came over the wire: method, path and query undecoded, headers in order, the whole body."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """The header's value, several joined by a comma, or an empty text."""
        return ",".join(self._values.get(name, ()))

    @cached_property
    def _values(self) -> Mapping[str, Sequence[str]]:
        values: dict[str, list[str]] = {}
        for name, value in self.headers:
            values.setdefault(name.lower(), []).append(value)
        return values


@dataclass(frozen=True)
class Key:
    """The secret half of a credential."""

    secret: str
    token: str
    expires: datetime | None


@dataclass(frozen=True)
class _Authorization:
    access_key_id: str
    day: str
    region: str
    service: str
    signed: frozenset[str]
    signature: str


@dataclass(frozen=True)
class Claim:
    """Who a request's headers say has signed it, and the key with which that has to be true."""

    authorization: "_Authorization"
    key: Key = field(repr=False)


def claim(
    request: Received, find_key: Callable[[str], Key | None], *, service: str, region: str, now: datetime | None = None
) -> Claim:
    """Check what a request's headers say of its signature: all that can be known before the body is read.

    Args:
        request: The request as received; its body is not looked at.
        find_key: The key of an access key id, or None.
        service: The SigV4 service name that the credential must be scoped to.
        region: The Region that the credential must be scoped to.
        now: The server's time; the clock's when left out.

    Raises:
        SignatureError: The request is unsigned, signed otherwise or by nobody that is known, or too old.
    """
    claimed = _authorization(request)
    at = _signed_at(request)
    now = now or datetime.now(UTC)
    _check_scope(claimed, at, service=service, region=region, now=now)
    _check_signed_headers(request, claimed)
    key = _check_key(request, find_key(claimed.access_key_id), now)
    digest = request.header("x-amz-content-sha256")
    if service == "s3" and digest.startswith("STREAMING-AWS4-"):
        text = "a body signed in chunks is not read here; sign it whole, or send it unsigned with a checksum behind it"
        raise SignatureError("NotImplemented", f"{digest}: {text}")
    return Claim(claimed, key)


def verify(request: Received, claimed: Claim) -> str:
    """Check the signature itself.

    Args:
        request: The request as received, with its whole body.
        claimed: What `claim` says of its headers.

    Returns:
        The access key id that signed.

    Raises:
        SignatureError: The request was changed on the way, or not signed with the key.
    """
    digest = request.header("x-amz-content-sha256")
    unsigned = claimed.authorization.service == "s3" and digest in UNSIGNED_BODIES
    if digest and not unsigned and not _same(digest, hashlib.sha256(request.body).hexdigest()):
        raise SignatureError("InvalidSignatureException", "X-Amz-Content-Sha256 does not match the request body")
    if not _same(_signature(request, claimed.authorization, claimed.key), claimed.authorization.signature):
        raise SignatureError(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided."
            " Check your AWS Secret Access Key and signing method.",
        )
    return claimed.authorization.access_key_id


def _same(one: str, other: str) -> bool:
    """Compare in constant time; of texts that are not ASCII `compare_digest` takes the bytes alone."""
    return hmac.compare_digest(one.encode(), other.encode())


def _authorization(request: Received) -> _Authorization:
    header = request.header("authorization")
    if not header and "X-Amz-Signature=" in request.query:
        raise SignatureError("NotImplemented", "The local deployment does not take presigned URLs (docs/local.md)")
    if not header:
        raise SignatureError("MissingAuthenticationTokenException", _MISSING_TOKEN)
    algorithm, _, rest = header.partition(" ")
    fields = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    scope = fields.get("Credential", "").split("/")
    if algorithm != ALGORITHM or not fields.get("SignedHeaders") or not fields.get("Signature"):
        raise SignatureError(
            "IncompleteSignatureException",
            f"Authorization must be {ALGORITHM} with Credential, SignedHeaders, Signature",
        )
    if len(scope) != 5 or scope[4] != "aws4_request":
        raise SignatureError("IncompleteSignatureException", "Credential must be KEY/DATE/REGION/SERVICE/aws4_request")
    access_key_id, day, region, service, _ = scope
    signed = frozenset(fields["SignedHeaders"].split(";"))
    return _Authorization(access_key_id, day, region, service, signed, fields["Signature"])


def _signed_at(request: Received) -> datetime:
    try:
        return datetime.strptime(request.header("x-amz-date"), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise SignatureError("IncompleteSignatureException", "X-Amz-Date must be YYYYMMDD'T'HHMMSS'Z'") from None


def _check_scope(claimed: _Authorization, at: datetime, *, service: str, region: str, now: datetime) -> None:
    wrong = "InvalidSignatureException"
    if abs(now - at) > CLOCK_SKEW:
        raise SignatureError(wrong, f"Signature expired or not yet current: {at:%Y%m%dT%H%M%SZ}")
    if claimed.day != f"{at:%Y%m%d}":
        raise SignatureError(wrong, "Date in Credential scope does not match X-Amz-Date")
    if claimed.service != service:
        raise SignatureError(wrong, f"Credential should be scoped to correct service: '{service}'.")
    if claimed.region != region:
        raise SignatureError(wrong, f"Credential should be scoped to a valid region, not '{claimed.region}'.")


def _check_signed_headers(request: Received, claimed: _Authorization) -> None:
    names = {name.lower() for name, _ in request.headers}
    unsigned = {"host", *(name for name in names if name.startswith("x-amz-"))} - claimed.signed
    if unsigned:
        listed = ", ".join(f"'{name}'" for name in sorted(unsigned))
        raise SignatureError(
            "InvalidSignatureException", f"{listed} must be a 'SignedHeader' in the AWS Authorization."
        )


def _check_key(request: Received, key: Key | None, now: datetime) -> Key:
    token = request.header("x-amz-security-token")
    if key is None or not _same(token, key.token):
        raise SignatureError("UnrecognizedClientException", _BAD_TOKEN)
    if key.expires and now >= key.expires:
        raise SignatureError("ExpiredTokenException", "The security token included in the request is expired")
    return key


class _Signer(SigV4Auth):  # type: ignore[misc]  # botocore has no types
    """Signs the headers that the request has here: those that the client listed. botocore would choose its own."""

    def headers_to_sign(self, request: AWSRequest) -> HTTPHeaders:
        return request.headers


class _S3Signer(_Signer):
    """S3's paths are signed as they are sent: neither encoded once more nor put in order."""

    def _normalize_url_path(self, path: str) -> str:
        return path


def _signature(request: Received, claimed: _Authorization, key: Key) -> str:
    kind = _S3Signer if claimed.service == "s3" else _Signer
    credentials = BotocoreCredentials(claimed.access_key_id, key.secret, key.token)
    signer = kind(credentials, claimed.service, claimed.region)
    query = f"?{request.query}" if request.query else ""
    rebuilt = AWSRequest(
        method=request.method, url=f"https://{request.header('host')}{request.path}{query}", data=request.body
    )
    for name, value in request.headers:
        if name.lower() in claimed.signed:
            rebuilt.headers[name.lower()] = value  # botocore's headers add here, they do not replace
    rebuilt.context["timestamp"] = request.header("x-amz-date")
    try:
        to_sign = signer.string_to_sign(rebuilt, signer.canonical_request(rebuilt))
    except ValueError:  # what the client calls its host makes no URL
        raise SignatureError("InvalidSignatureException", "The Host header is not a host") from None
    return str(signer.signature(to_sign, rebuilt))
