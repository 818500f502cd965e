"""What AWS's own proxy for MCP gives a client that is to sign."""

import os
import sys
from pathlib import Path
from typing import Any

from botocore.credentials import Credentials
from mcp_proxy_for_aws.client import aws_iam_streamablehttp_client
from mcp_proxy_for_aws.sigv4_helper import SigV4HTTPXAuth

REGION, SERVICE = "us-east-1", "bedrock-agentcore"


def transport(asked: dict[str, Any]) -> Any:
    """A transport that signs, for clients of MCP's Python SDK."""
    return aws_iam_streamablehttp_client(asked["url"], SERVICE, REGION, credentials=_credentials(asked))


def auth(asked: dict[str, Any]) -> SigV4HTTPXAuth:
    """What signs the requests of httpx."""
    return SigV4HTTPXAuth(_credentials(asked), SERVICE, REGION)


def process(asked: dict[str, Any]) -> dict[str, Any]:
    """The proxy as a process: its command, its arguments and its environment."""
    command = Path(sys.executable).with_name("mcp-proxy-for-aws")
    arguments = [asked["url"], "--service", SERVICE, "--region", REGION]
    return {"command": str(command), "args": arguments, "env": {**os.environ, **asked["environment"]}}


def _credentials(asked: dict[str, Any]) -> Credentials:
    found = asked["environment"]
    return Credentials(found["AWS_ACCESS_KEY_ID"], found["AWS_SECRET_ACCESS_KEY"], found["AWS_SESSION_TOKEN"])
