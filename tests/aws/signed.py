"""One signed JSON-RPC request to a gateway, and everything of its answer."""

import contextlib
import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.aws.masking import masked
from tests.aws.world import World
from toolgate.access.deployment.agentcore_resources import Gateway

SECONDS = 60.0
SEARCH = "x_amz_bedrock_agentcore_search"
_NO_MORE: Mapping[str, str] = {}
HEADERS = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}


@dataclass(frozen=True)
class Signature:
    """What a request is signed with and for.

    Attributes:
        credentials: The signer's; None leaves the request unsigned.
        region: The Region of the credential's scope.
        service: The service of the credential's scope.
        at: The time of signing; None is now.
    """

    credentials: Credentials | None
    region: str
    service: str = "bedrock-agentcore"
    at: datetime | None = None


@dataclass(frozen=True)
class Answer:
    """An HTTP answer.

    Attributes:
        status: The HTTP status.
        code: AWS's error code, or "".
        text: The body as it came.
        message: The JSON-RPC message in it, or {}.
        headers: Its headers, by their names in small letters.
    """

    status: int
    code: str
    text: str
    message: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def result(self) -> Mapping[str, Any] | None:
        """The JSON-RPC result; None where there is none."""
        found = self.message.get("result")
        return found if isinstance(found, Mapping) else None

    @property
    def error(self) -> Mapping[str, Any]:
        """The JSON-RPC error, or {}."""
        found = self.message.get("error")
        return found if isinstance(found, Mapping) else {}

    @property
    def made(self) -> bool:
        """Whether a call was carried out: the tool's result came, and it is no error."""
        return self.status == 200 and self.result is not None and not self.result.get("isError")

    def words(self, world: World) -> str:
        """The refusal in one line, masked: HTTP status, AWS's code, JSON-RPC code, message."""
        parts = [f"HTTP {self.status}", self.code]
        if self.error:
            parts += [f"JSON-RPC {self.error.get('code')}", str(self.error.get("message"))]
        elif self.result is not None:
            parts.append(f"isError {str(bool(self.result.get('isError'))).lower()}")
        else:
            parts.append(_aws_message(self.text))
        return masked(", ".join(part for part in parts if part), world)


def _aws_message(text: str) -> str:
    with contextlib.suppress(ValueError):
        body = json.loads(text)
        if isinstance(body, Mapping):
            return str(body.get("message") or body.get("Message") or text)
    return text[:500]


def send(
    url: str, method: str, params: Mapping[str, Any], signature: Signature, headers: Mapping[str, str] = _NO_MORE
) -> Answer:
    """Send one JSON-RPC request, with further headers if a question needs them."""
    return post(url, json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}), signature, headers)


def post(url: str, body: str, signature: Signature, headers: Mapping[str, str] = _NO_MORE) -> Answer:
    """Send any text as one that is of JSON-RPC is sent."""
    request = AWSRequest("POST", url, data=body, headers={**HEADERS, **headers})
    if signature.credentials:
        with _clock(signature.at):
            SigV4Auth(signature.credentials, signature.service, signature.region).add_auth(request)
    response = client().post(url, content=body, headers=dict(request.headers))
    code = response.headers.get("x-amzn-errortype", "").partition(":")[0]
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, code, response.text, _message(response.text), headers)


@functools.cache
def client() -> httpx.Client:
    """One for all requests: to read the certificates anew costs more than a request."""
    return httpx.Client(timeout=SECONDS)


@contextlib.contextmanager
def _clock(at: datetime | None) -> Iterator[None]:
    if at is None:
        yield
        return
    with mock.patch("botocore.auth.get_current_datetime", return_value=at.astimezone(UTC).replace(tzinfo=None)):
        yield


def _message(text: str) -> Mapping[str, Any]:
    """The JSON-RPC message of a body, which may come as the one event of a stream."""
    data = [line.removeprefix("data:") for line in text.splitlines() if line.startswith("data:")]
    try:
        message = json.loads(data[-1] if data else text)
    except ValueError:
        return {}
    return message if isinstance(message, Mapping) and "jsonrpc" in message else {}


def signed_by(world: World, caller: str, gateway: Gateway) -> Signature:
    """The signature of a caller of the throw-away stack."""
    return Signature(world.caller(caller, gateway), world.region)


def with_wrong_secret(signature: Signature) -> Signature:
    """The same signer, who knows the key's id and not its secret."""
    known = signature.credentials
    assert known
    return replace(signature, credentials=Credentials(known.access_key, "0" * 40, known.token))


def rpc(
    world: World, gateway: Gateway, signature: Signature, method: str, params: Mapping[str, Any] | None = None
) -> Answer:
    """Send one JSON-RPC request to a gateway."""
    return send(world.endpoint(gateway), method, params or {}, signature)


def listed(world: World, gateway: Gateway, caller: str) -> set[str]:
    """The names of the tools that a caller is shown, every page of them."""
    names: set[str] = set()
    cursor: str | None = None
    while True:
        answer = rpc(
            world, gateway, signed_by(world, caller, gateway), "tools/list", {"cursor": cursor} if cursor else {}
        )
        if answer.result is None:
            raise AssertionError(f"{caller} is shown no list: {answer.words(world)}")
        names |= {str(tool["name"]) for tool in answer.result.get("tools", [])}
        cursor = answer.result.get("nextCursor")
        if not cursor:
            return names


def call(world: World, gateway: Gateway, caller: str, tool: str, arguments: Mapping[str, Any]) -> Answer:
    """Call a tool as a caller."""
    params = {"name": tool, "arguments": dict(arguments)}
    return rpc(world, gateway, signed_by(world, caller, gateway), "tools/call", params)
