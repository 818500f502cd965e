"""The real Amazon Bedrock as the model, with the developer's own credentials: only where they ask for it.

A request that IAM has let through here is signed anew and sent on as it came; what comes back is passed on as it comes,
event by event, errors too. The credentials stay in this process.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import boto3
import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from toolgate.local.cloud.cloud_environment import partition_of
from toolgate.local.serve.guards.iam_guard import refuse

log = logging.getLogger(__name__)

_TIMEOUT = httpx.Timeout(5.0, read=120.0)
_PASSED_ON = ("content-type", "x-amzn-errortype")
_FROM_VARIABLES = "env"
"""botocore's name for credentials that come from environment variables."""


class NoCredentialsError(Exception):
    """There are no credentials of one's own; the text says what to do."""


def model_app(region: str) -> tuple[ASGIApp, str]:
    """Bedrock in a Region, by boto3's default chain of credentials.

    Returns:
        The app, and in one line whose credentials it takes.

    Raises:
        NoCredentialsError: The chain finds none, or cannot load those that it finds.
    """
    session, credentials = _credentials(region)
    url = session.client("bedrock-runtime").meta.endpoint_url
    from_variables = credentials.method == _FROM_VARIABLES
    whose = "your environment's variables" if from_variables else f"profile {session.profile_name}"
    aws = partition_of(region)["outputs"]
    hosts = (f".{aws['dnsSuffix']}", f".{aws['dualStackDnsSuffix']}")
    elsewhere = "" if httpx.URL(url).host.endswith(hosts) else f", at {url}"
    says = f"Amazon Bedrock in {region} with your own credentials ({whose}): costs apply{elsewhere}"
    return _app(url, region, credentials), says


def _credentials(region: str) -> tuple[boto3.Session, Any]:
    try:
        session = boto3.Session(region_name=region)
        credentials = session.get_credentials()
        if credentials is not None:
            credentials.get_frozen_credentials()  # those of a profile are loaded now
    except BotoCoreError as error:
        raise NoCredentialsError(f"your AWS credentials cannot be loaded: {' '.join(str(error).split())}") from error
    if credentials is None:
        raise NoCredentialsError("there are no AWS credentials of yours: sign in, or set AWS_PROFILE")
    return session, credentials


def _app(url: str, region: str, credentials: Any) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body = await Request(scope, receive).body()
        try:
            signed = await asyncio.to_thread(_signed, f"{url}{scope['raw_path'].decode('latin-1')}", body)
        except BotoCoreError as error:
            log.warning("The model: your AWS credentials cannot be renewed: %s", error)
            await refuse(send, 403, "AccessDeniedException", "The credentials for Amazon Bedrock cannot be renewed")
            return
        async with AsyncExitStack() as stack:
            try:
                client = await stack.enter_async_context(httpx.AsyncClient(timeout=_TIMEOUT))
                answer = await stack.enter_async_context(client.stream("POST", signed.url, **_parts(signed)))
            except httpx.TimeoutException:
                await refuse(send, 408, "ModelTimeoutException", "Amazon Bedrock did not answer in time")
                return
            except httpx.HTTPError as error:
                text = f"Amazon Bedrock cannot be reached: {type(error).__name__}"
                await refuse(send, 503, "ServiceUnavailableException", text)
                return
            headers = {name: answer.headers[name] for name in _PASSED_ON if name in answer.headers}
            response = StreamingResponse(_pieces(answer), answer.status_code, headers)
            await response(scope, receive, send)

    def _signed(to: str, body: bytes) -> AWSRequest:
        request = AWSRequest("POST", to, data=body, headers={"content-type": "application/json"})
        SigV4Auth(credentials.get_frozen_credentials(), "bedrock", region).add_auth(request)
        return request

    return app


def _parts(signed: AWSRequest) -> dict[str, Any]:
    return {"content": signed.data, "headers": dict(signed.headers.items())}


async def _pieces(answer: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for piece in answer.aiter_bytes():
            yield piece
    except httpx.HTTPError as error:  # whoever reads sees that the end is missing
        log.warning("The model: Amazon Bedrock's answer broke off: %s", type(error).__name__)
