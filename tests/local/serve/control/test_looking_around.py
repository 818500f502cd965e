"""With the printed variables and nothing else, AWS's own clients reach what is served."""

import os
from collections.abc import Callable

import boto3
import pytest
from bedrock_agentcore.runtime import AgentCoreRuntimeClient
from botocore.exceptions import ClientError

from toolgate.local.serve.guards.credentials import Credentials
from toolgate.local.serve.server import OPERATOR, Serving


@pytest.fixture(autouse=True)
def variables(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in serving.environment.items():
        monkeypatch.setenv(name, value)


def test_the_operator_reads_what_is_served(serving: Serving) -> None:
    control = boto3.Session().client("bedrock-agentcore-control")
    gateways = control.list_gateways()["items"]
    assert [it["name"] for it in gateways] == ["handmade-tools", "handmade-other"]
    gateway = control.get_gateway(gatewayIdentifier=gateways[0]["gatewayId"])
    assert gateway["gatewayUrl"] == serving.gateway_url(gateways[0]["gatewayId"])
    [runtime] = control.list_agent_runtimes()["agentRuntimes"]
    assert runtime["agentRuntimeArn"] == serving.agents["assistant"]
    assert boto3.Session().client("sts").get_caller_identity()["Arn"].endswith(f":assumed-role/{OPERATOR}/local")
    with pytest.raises(ClientError, match="not authorized to perform: bedrock:InvokeModel"):
        boto3.Session().client("bedrock-runtime").converse(modelId="amazon.nova-pro-v1:0", messages=[])


def test_agentcores_own_sdk_comes_here_with_both_its_clients(serving: Serving) -> None:
    client = AgentCoreRuntimeClient(region="us-east-1")
    assert client.cp_client.meta.endpoint_url == client.dp_client.meta.endpoint_url == serving.url
    assert client.cp_client.get_agent_runtime(agentRuntimeId=serving.agents["assistant"].rpartition("/")[2])


def test_an_agents_role_reads_nothing_that_its_documents_do_not_allow(
    session_of: Callable[[str], Credentials], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in session_of("agents/assistant-role").environment().items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ClientError, match="not authorized to perform: bedrock-agentcore:ListGateways on resource: "):
        boto3.Session().client("bedrock-agentcore-control").list_gateways()
    assert boto3.Session().client("sts").get_caller_identity()["Arn"].endswith(":assumed-role/assistant-role/local")
