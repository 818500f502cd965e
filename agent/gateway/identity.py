"""Access tokens from AgentCore Identity, by the agent's own workload identity: two calls, each bounded.

The SDK's `requires_access_token` makes the same calls, for the workload token that a request brings. A request that was
signed brings none, and the decorator keeps no token.
"""

import io
import logging
import re
import threading
import time
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError

import contract
import logs
from contract import ContractError
from token_gateways import TokenGateways

from .authorization import denied
from .tokens import AccessToken, TokenSource, claims

_CONNECT_SECONDS = 2.0
_READ_SECONDS = 5.0
_ATTEMPTS = 2
# botocore's model bounds each token by 131,072 characters.
_MOST_BYTES = 300_000
_BEARER = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750, 2.1

_ROLE = (
    "the role may take the workload identity's token (GetWorkloadAccessToken on it and on its directory), the access "
    "token (GetResourceOauth2Token on both, on the provider and on the token vault), and may read the client's secret "
    "(secretsmanager:GetSecretValue)"
)
_CHECKS = {
    "AccessDeniedException": _ROLE,
    "UnauthorizedException": "the provider's client and secret are those of the issuer; the issuer gives it the scopes",
    "ResourceNotFoundException": "workload identity and provider exist in this account and Region",
    "ThrottlingException": "Identity takes 200 calls a second",
    "ValidationException": "the workload identity is one of the agent's own (a runtime's own may not ask); the issuer "
    "gives the provider's client the scopes",
}
_OTHERWISE = "Identity can be reached from here; in a VPC by an endpoint for bedrock-agentcore"


class Identity:
    """AgentCore Identity, as the process asks it; the client is made by the first fetch.

    Args:
        session: Where credentials come from.
        workload: Name of the agent's workload identity.
    """

    def __init__(self, session: boto3.Session, workload: str) -> None:
        self._session = session
        self._workload = workload
        self._making = threading.Lock()  # boto3's sessions are not for several threads, its clients are
        self._client: Any = None

    def source(self, wanted: TokenGateways) -> TokenSource:
        """The tokens of one provider."""
        return TokenSource(partial(self._ask, wanted))

    def known_as(self, wanted: TokenGateways) -> dict[str, Any]:
        """How the log names a provider's tokens."""
        return {"identity": self._workload, "provider": wanted.provider, "scopes": wanted.scopes}

    def _ask(self, wanted: TokenGateways, anew: bool) -> AccessToken:
        hidden = ""
        try:
            for is_last in (False, True):
                client = self._made()
                hidden = client.get_workload_access_token(workloadName=self._workload)["workloadAccessToken"]
                try:
                    return _access_token(client.get_resource_oauth2_token(**_request(wanted, hidden, anew)))
                except ClientError as error:  # it lives for 15 minutes, and this machine may have stood still since
                    if is_last or "token has expired" not in str(error).lower():
                        raise
        except Exception as error:
            logs.event("token_unavailable", level=logging.WARNING, **self.known_as(wanted), **_diagnosis(error, hidden))
        raise ContractError(contract.GATEWAY_TOKEN_UNAVAILABLE)

    def _made(self) -> Any:
        with self._making:
            if self._client is None:
                config = Config(
                    connect_timeout=_CONNECT_SECONDS,
                    read_timeout=_READ_SECONDS,
                    retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
                )
                client = self._session.client("bedrock-agentcore", config=config)
                # botocore has no bound of an answer's size, and none of its time: only of each silence in it.
                client._endpoint.http_session = _Bounded(client._endpoint.http_session)
                self._client = client
            return self._client


def _request(wanted: TokenGateways, workload_token: str, anew: bool) -> dict[str, Any]:
    return {
        "workloadIdentityToken": workload_token,
        "resourceCredentialProviderName": wanted.provider,
        "scopes": list(wanted.scopes),
        "oauth2Flow": "M2M",
        **({"customParameters": wanted.parameters} if wanted.parameters else {}),
        # The SDK says that a token in the vault is not used then, the API's model speaks of user flows only. Nobody has
        # seen what it does here; without it a token that a gateway refuses may come again until it ends.
        **({"forceAuthentication": True} if anew else {}),
    }


class _UnusableError(Exception):
    """What came is no token; the text says why, and has nothing of it."""


def _access_token(answer: dict[str, Any]) -> AccessToken:
    """The token of an answer, with its time by Identity's clock: this machine's may be wrong."""
    text = answer.get("accessToken", "")
    if not _BEARER.fullmatch(text):
        raise _UnusableError("the answer has no access token that a header can hold")
    ends = claims(text).get("exp")
    if isinstance(ends, bool) or not isinstance(ends, int | float):
        return AccessToken(text, None)
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    try:
        seconds = float(ends) - (parsedate_to_datetime(date).timestamp() if date else time.time())
    except (ValueError, OverflowError):  # no date, or more than a float holds
        return AccessToken(text, None)
    if seconds <= 0:
        raise _UnusableError("the token had ended before it came")
    return AccessToken(text, seconds)


def _diagnosis(error: Exception, hidden: str) -> dict[str, Any]:
    if not isinstance(error, ClientError):
        reason = str(error) if isinstance(error, _UnusableError) else None
        return {"reason": reason, "check": None if reason else _OTHERWISE, **logs.origin(error)}
    found = error.response.get("Error", {})
    code, reason = found.get("Code", ""), found.get("Message", "")
    if hidden:
        reason = reason.replace(hidden, "[token]")
    check = _CHECKS.get(code, _OTHERWISE)
    return {"aws_error": code, **denied(reason), "reason": reason[:500], "check": check}


class _Bounded:
    """Sends as botocore's HTTP session does; an answer has a size and a time."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        """Send a request and read all of its answer."""
        request.stream_output = True  # or the session would read it
        response = self._inner.send(request)
        until = time.monotonic() + _READ_SECONDS
        body = bytearray()
        try:
            while part := response.raw.read1(65536):
                body += part
                if len(body) > _MOST_BYTES:
                    raise _UnusableError(f"the answer has more than {_MOST_BYTES} bytes")
                if time.monotonic() > until:
                    raise ReadTimeoutError(endpoint_url=request.url, error="the answer does not end")
        except HTTPError as error:
            raise ReadTimeoutError(endpoint_url=request.url, error=error) from error
        finally:
            response.raw.close()
        content = HTTPResponse(body=io.BytesIO(bytes(body)), preload_content=False)
        return AWSResponse(response.url, response.status_code, response.headers, content)

    def close(self) -> None:
        """Close its connections."""
        self._inner.close()
