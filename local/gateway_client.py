"""A gateway that is served here, asked by a person: MCP over HTTP, signed by botocore or with a token.

mcp-proxy-for-aws does it for agents; to import it takes longer than all the rest that `toolgate call` does.
"""

import http.client
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from toolgate.local.serve.serving_file import Endpoint
from toolgate.local.taken_token import NotGivenError, credentials_of, taken_token

SECONDS = 15 * 60.0 + 10
"""Longest time for an answer: a function may take 15 minutes (Lambda quotas)."""

_SESSION = "mcp-session-id"


class UnreachableError(Exception):
    """Nothing answers there."""


@dataclass(frozen=True)
class Answer:
    """What the gateway said.

    Attributes:
        status: HTTP status.
        request_id: The id of the request, in the access log.
        message: The JSON-RPC message, or for a refused request AWS's error; empty where there is none.
        reached: Whether the gateway was asked at all: without a token it is not.
    """

    status: int
    request_id: str
    message: Mapping[str, Any]
    reached: bool = True

    @property
    def refusal(self) -> str | None:
        """Why the request was not carried out, in the gateway's words."""
        error = self.message.get("error")
        if isinstance(error, dict):
            return str(error.get("message"))
        return str(self.message.get("message") or f"HTTP status {self.status}") if self.status >= 300 else None


@dataclass
class GatewayClient:
    """Speaks to one gateway as one caller.

    Attributes:
        endpoint: The gateway.
        credentials: The variables with the caller's credentials.
        region: The Region to sign for.
    """

    endpoint: Endpoint
    credentials: Mapping[str, str] = field(repr=False)
    region: str
    _numbers: Any = field(default_factory=lambda: itertools.count(1), repr=False)
    _session: str | None = None
    _token: str | None = field(default=None, repr=False)

    def ask(self, method: str, parameters: Mapping[str, Any] | None = None) -> Answer:
        """Send a request and wait for its answer.

        Args:
            method: The MCP method.
            parameters: Its parameters.

        Raises:
            UnreachableError: Nothing answers there.
        """
        if self.endpoint.token and self._token is None:
            there = urlsplit(self.endpoint.url)
            try:
                url = f"{there.scheme}://{there.netloc}"
                self._token = taken_token(self.endpoint.token, url, self.credentials, self.region)
            except NotGivenError as refusal:
                return Answer(403, "", {"message": f"no token: {refusal}"}, reached=False)
            except OSError as error:
                raise UnreachableError(there.netloc) from error
        if self.endpoint.sessions and self._session is None:
            opened = self._open()
            if opened.refusal:
                return opened
        return self._send({"id": next(self._numbers), "method": method, "params": dict(parameters or {})})

    def _open(self) -> Answer:
        client = {"name": "toolgate-call", "version": "1"}
        parameters = {"protocolVersion": self.endpoint.version, "capabilities": {}, "clientInfo": client}
        self._session = ""
        opened = self._send({"id": next(self._numbers), "method": "initialize", "params": parameters})
        if not opened.refusal:
            self._send({"method": "notifications/initialized"})
        return opened

    def _send(self, message: Mapping[str, Any]) -> Answer:
        body = json.dumps({"jsonrpc": "2.0", **message})
        headers = {
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": self.endpoint.version,
            **({_SESSION: self._session} if self._session else {}),
        }
        if self._token:
            headers["authorization"] = f"Bearer {self._token}"
        elif self.credentials:  # a client has none
            request = AWSRequest("POST", self.endpoint.url, data=body, headers=headers)
            SigV4Auth(credentials_of(self.credentials), "bedrock-agentcore", self.region).add_auth(request)
            headers = dict(request.headers)
        there = urlsplit(self.endpoint.url)
        connection = http.client.HTTPConnection(there.netloc, timeout=SECONDS)
        try:
            connection.request("POST", there.path, body, headers)
            response = connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableError(there.netloc) from error
        finally:
            connection.close()
        self._session = response.headers.get(_SESSION) or self._session
        return Answer(response.status, response.headers.get("x-amzn-requestid", ""), _message(text))


def _message(text: bytes) -> Mapping[str, Any]:
    # The answer may come as the one event of a stream (MCP specification, "Streamable HTTP").
    events = [line.removeprefix(b"data:") for line in text.splitlines() if line.startswith(b"data:")]
    try:
        message = json.loads(events[-1] if events else text)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}
