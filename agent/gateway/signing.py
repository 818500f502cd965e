"""Requests to a gateway signed with SigV4 by mcp-proxy-for-aws, with credentials that may rotate at any time."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import httpx
from botocore.credentials import Credentials, RefreshableCredentials
from mcp_proxy_for_aws.sigv4_helper import SigV4HTTPXAuth  # type: ignore[import-untyped]

import contract
import logs
from contract import ContractError

from .authorization import denied

# The service name a signature for a gateway is made for
# (https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/gateway-inbound-auth.html).
SERVICE = "bedrock-agentcore"


class Signature:
    """Lets requests in by SigV4.

    Args:
        find: Finds the process's credentials.
        region: AWS Region of the gateway.

    Raises:
        ContractError: If there are no credentials.
    """

    def __init__(self, find: Callable[[], Credentials | None], region: str) -> None:
        found = find()
        if found is None:
            logs.event("no_credentials", level=logging.ERROR, check="the process has no AWS credentials")
            raise ContractError(contract.INTERNAL)
        self._credentials = found
        self._region = region

    async def authorize(self, request: httpx.Request, until: float) -> None:
        """Sign `request`.

        The signer reads key, secret and token one after another, so it gets one frozen set: a rotation in between would
        give a signature that no one accepts.

        Raises:
            TimeoutError: If new credentials do not come in time.
        """
        if isinstance(self._credentials, RefreshableCredentials) and self._credentials.refresh_needed():
            async with asyncio.timeout_at(until):
                frozen = await asyncio.to_thread(self._credentials.get_frozen_credentials)
        else:
            frozen = self._credentials.get_frozen_credentials()
        next(SigV4HTTPXAuth(frozen, SERVICE, self._region).auth_flow(request))

    async def renew(self, request: httpx.Request, until: float) -> bool:
        """Never: another signature of the same request says the same."""
        return False

    def diagnosis(self, request: httpx.Request, response: httpx.Response, text: str) -> dict[str, Any]:
        """Role, action and resource, as far as the gateway names them."""
        return {
            **(denied(text) or {"action": "bedrock-agentcore:InvokeGateway"}),
            "reason": text[:500],
            "check": "the role's policy allows the action on exactly this gateway's ARN; the gateway's authorizer is "
            "AWS_IAM; AWS_REGION is the gateway's Region; the clock is right; a Cedar policy permits the tool",
        }
