"""Targets of every kind as a scan finds them: read alike, and the ways past their gateway are found."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.access.scan.fake_account import ACCOUNT, CORE, DENIED, GONE, REGION, Answer, Given, allow, role
from tests.access.scan.test_reads import account, scanned
from tests.access.servers import TOOL, endpoint
from toolgate.access.deployment.agentcore_resources import Target
from toolgate.access.deployment.deployment import parse
from toolgate.access.matrix.access_matrix import matrix

SERVER = f"{CORE}:runtime/stock-abcdefghij"
KEY = f"{CORE}:token-vault/default/apikeycredentialprovider/shop"
CLIENT = f"{CORE}:token-vault/default/oauth2credentialprovider/shop"
SECRET_ARN = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:shop-AbCdEf"
LISTED = {"inlinePayload": json.dumps({"tools": [TOOL]})}
API = {"inlinePayload": json.dumps({"paths": {"/orders": {"get": {"operationId": "list_orders"}}}})}
FILTERED = {"toolFilters": [{"filterPath": "/orders", "methods": ["GET"]}]}
SIGNED = {
    "credentialProviderType": "GATEWAY_IAM_ROLE",
    "credentialProvider": {"iamCredentialProvider": {"service": "bedrock-agentcore"}},
}


def signing(arn: str = KEY) -> dict[str, Any]:
    kind = "API_KEY" if arn == KEY else "OAUTH"
    member = "apiKeyCredentialProvider" if arn == KEY else "oauthCredentialProvider"
    return {"credentialProviderType": kind, "credentialProvider": {member: {"providerArn": arn}}}


def found(mcp: Mapping[str, Any], credentials: Mapping[str, Any], *roles: Any, **answers: Any) -> dict[str, Any]:
    """A scan of an account whose one target is this."""
    fake = account(**answers)
    fake.roles += [role("gateway", allow("bedrock-agentcore:InvokeAgentRuntime", f"{SERVER}*")), *roles]
    fake.runtimes["stock"] = "stock"
    fake.answers.setdefault("GetApiKeyCredentialProvider", lambda _: GONE)

    def get(given: Given) -> Answer:
        named = {"targetId": given["targetId"], "name": "it", "status": "READY"}
        return {**named, "targetConfiguration": {"mcp": mcp}, "credentialProviderConfigurations": [credentials]}

    fake.answers["GetGatewayTarget"] = get
    return dict(scanned(fake))


def target(of: Mapping[str, Any]) -> Target:
    return parse(of).targets[0]


def test_an_mcp_server_with_its_tools() -> None:
    read = target(found({"mcpServer": {"endpoint": endpoint(SERVER), "mcpToolSchema": LISTED}}, SIGNED))
    assert read.kind == "mcp.mcpServer"
    assert read.place.runtime_arn == SERVER
    assert [tool.name for tool in read.tools or ()] == ["count"]
    assert (read.sign_in.how, read.sign_in.service) == ("gatewayIamRole", "bedrock-agentcore")


@pytest.mark.parametrize(
    ("mcp", "tools"),
    [
        ({"openApiSchema": API}, ["list_orders"]),
        ({"openApiSchema": {"s3": {"uri": "s3://apis/a.json"}}}, None),
        ({"apiGateway": {"restApiId": "abc", "stage": "prod", "apiGatewayToolConfiguration": FILTERED}}, None),
        ({"connector": {"source": {"connectorId": "web-search"}, "enabled": ["WebSearch"]}}, ["WebSearch"]),
    ],
)
def test_apis_and_connectors(mcp: Mapping[str, Any], tools: list[str] | None) -> None:
    read = target(found(mcp, signing()))
    assert (None if read.tools is None else [tool.name for tool in read.tools]) == tools
    assert (read.sign_in.how, read.sign_in.provider_arn) == ("apiKey", KEY)


def test_what_a_connector_is_set_to() -> None:
    configured = {"name": "WebSearch", "parameterValues": {"maxResults": 5}}
    made = found({"connector": {"source": {"connectorId": "web-search"}, "configurations": [configured]}}, SIGNED)
    settings = next(
        it["inputs"]["targetConfiguration"]["mcp"]["connector"]
        for it in made["deployment"]["resources"]
        if "AgentcoreGatewayTarget" in it["type"]
    )
    assert json.loads(settings["configurations"][0]["parameterValues"]) == {"maxResults": 5}


@pytest.mark.parametrize(
    ("arn", "answers"),
    [
        (
            KEY,
            {
                "GetApiKeyCredentialProvider": lambda given: {
                    "name": given["name"],
                    "credentialProviderArn": KEY,
                    "apiKeySecretArn": {"secretArn": SECRET_ARN},
                }
            },
        ),
        (
            CLIENT,
            {
                "GetOauth2CredentialProvider": lambda given: {
                    "name": given["name"],
                    "credentialProviderArn": CLIENT,
                    "credentialProviderVendor": "CustomOauth2",
                    "clientSecretArn": {"secretArn": SECRET_ARN},
                }
            },
        ),
    ],
)
def test_who_may_read_the_secret_of_a_target(arn: str, answers: Any) -> None:
    ops = role("ops", allow("secretsmanager:GetSecretValue", SECRET_ARN))
    ways = matrix(parse(found({"openApiSchema": API}, signing(arn), ops, answers=answers))).bypasses
    assert [(it.principal.rpartition("/")[2], it.way) for it in ways if it.target == SECRET_ARN] == [
        ("ops", "secretsmanager:GetSecretValue")
    ]


def test_a_provider_that_may_not_be_read_is_told() -> None:
    made = matrix(
        parse(found({"openApiSchema": API}, signing(), answers={"GetApiKeyCredentialProvider": lambda _: DENIED}))
    )
    assert any("credential provider 'us-east-1/shop'" in it for it in made.unsupported)
    assert any("which secret" in it for it in made.unsupported)


def test_who_may_call_the_server_and_the_policy_on_it() -> None:
    ops = role("ops", allow("bedrock-agentcore:InvokeAgentRuntime", f"{SERVER}*"))
    mcp = {"mcpServer": {"endpoint": endpoint(SERVER), "mcpToolSchema": LISTED}}
    ways = matrix(parse(found(mcp, SIGNED, ops))).bypasses
    assert [it.principal.rpartition("/")[2] for it in ways if it.target == SERVER] == ["ops"]
    condition = {"ArnNotEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/gateway"}}
    deny = {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": SERVER, "Condition": condition}
    policy = {"policy": json.dumps({"Version": "2012-10-17", "Statement": [deny]})}
    kept = matrix(parse(found(mcp, SIGNED, ops, answers={"GetResourcePolicy": lambda _: policy}))).bypasses
    assert [it for it in kept if it.target == SERVER] == []
