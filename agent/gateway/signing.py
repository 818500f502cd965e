"""Requests to a gateway signed with SigV4 by mcp-proxy-for-aws, with credentials that may rotate at any time."""

import asyncio

import httpx
from botocore.credentials import Credentials, RefreshableCredentials
from mcp_proxy_for_aws.sigv4_helper import SigV4HTTPXAuth  # type: ignore[import-untyped]

# The service name a signature for a gateway is made for
# (https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/gateway-inbound-auth.html).
SERVICE = "bedrock-agentcore"


async def sign(request: httpx.Request, credentials: Credentials, region: str) -> None:
    """Sign `request` in place.

    The signer reads key, secret and token one after another, so it gets one frozen set: a rotation in between would
    give a signature that no one accepts.

    Args:
        request: The request, with its body.
        credentials: The process's credentials.
        region: AWS Region of the gateway.
    """
    if isinstance(credentials, RefreshableCredentials) and credentials.refresh_needed():
        frozen = await asyncio.to_thread(credentials.get_frozen_credentials)
    else:
        frozen = credentials.get_frozen_credentials()
    next(SigV4HTTPXAuth(frozen, SERVICE, region).auth_flow(request))
