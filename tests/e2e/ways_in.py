"""The two ways into a gateway, by signature and by token: one suite for both.

`planned_dev` and `planned_agents` are the same stacks with either; `authorized` is what comes with what an agent's role
has, as any other program with that role's credentials could.
"""

import json
from collections.abc import Generator
from typing import Any

import boto3
import httpx
from botocore.credentials import Credentials
from mcp_proxy_for_aws.sigv4_helper import SigV4HTTPXAuth  # type: ignore[import-untyped]  # it ships no types

from tests.planning import planned
from toolgate.access.deployment.agentcore_resources import Runtime
from toolgate.access.deployment.deployment import Deployment
from toolgate.local.plan import Plan
from toolgate.local.serve.server import Serving

IAM, JWT = "iam", "jwt"
WAYS = (IAM, JWT)
_NO_INTERCEPTORS = {"toolgate:interceptors": "{}"}  # these suites are about what stands without any
_DEV_WITH_TOKENS = {**_NO_INTERCEPTORS, "toolgate:authorization": "gateway", "toolgate:agents": '{"assistant": {}}'}
_AGENTS_WITH_TOKENS = {**_NO_INTERCEPTORS, "toolgate:search": "false"}


def planned_dev(way: str) -> Plan:
    """One agent that may call every tool, searching for them."""
    return planned() if way == IAM else planned("jwt", _DEV_WITH_TOKENS)


def planned_agents(way: str) -> Plan:
    """Two agents behind one gateway, each with its own tools."""
    return planned("agents") if way == IAM else planned("jwt", _AGENTS_WITH_TOKENS)


def authorized(serving: Serving, deployment: Deployment, agent: str) -> httpx.Auth:
    """What lets requests to the agent's gateway in, with what its role has."""
    [runtime] = [it for it in deployment.runtimes if it.agent == agent]
    if "TOKEN_GATEWAYS" in runtime.environment:
        return Bearer(access_token(serving, runtime))
    return signed(serving, runtime.role_arn)


def signed(serving: Serving, role_arn: str) -> httpx.Auth:
    """What signs requests as a role."""
    issued = serving.session(role_arn)
    credentials = Credentials(issued.access_key_id, issued.secret_access_key, issued.session_token)
    signer: httpx.Auth = SigV4HTTPXAuth(credentials, "bedrock-agentcore", "us-east-1")
    return signer


def access_token(serving: Serving, runtime: Runtime, role_arn: str | None = None) -> str:
    """An access token of the agent's client, taken from AgentCore Identity as a role; its own when left out.

    Raises:
        ClientError: The role is given none.
    """
    told = json.loads(runtime.environment["TOKEN_GATEWAYS"])
    [wanted] = told["tokens"]
    identity = identity_client(serving, role_arn or runtime.role_arn)
    workload = identity.get_workload_access_token(workloadName=told["identity"])["workloadAccessToken"]
    given = identity.get_resource_oauth2_token(
        workloadIdentityToken=workload,
        resourceCredentialProviderName=wanted["provider"],
        scopes=wanted["scopes"],
        oauth2Flow="M2M",
    )
    token: str = given["accessToken"]
    return token


def identity_client(serving: Serving, role_arn: str) -> Any:
    """AgentCore Identity, asked by a role with boto3."""
    issued = serving.session(role_arn)
    return boto3.client(
        "bedrock-agentcore",
        region_name="us-east-1",
        endpoint_url=serving.url,
        aws_access_key_id=issued.access_key_id,
        aws_secret_access_key=issued.secret_access_key,
        aws_session_token=issued.session_token,
    )


class Bearer(httpx.Auth):
    """Comes with a token."""

    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        request.headers["authorization"] = f"Bearer {self._token}"
        yield request
