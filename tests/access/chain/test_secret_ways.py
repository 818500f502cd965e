"""The secret that a gateway signs in with at a target: whoever reads it calls the API without the gateway."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.access.servers import ACCOUNT, GATE, Part, allow, document, role
from toolgate.access.deployment.deployment import parse
from toolgate.access.matrix.access_matrix import Matrix, matrix
from toolgate.access.output.table import as_table

AGENT = f"arn:aws:iam::{ACCOUNT}:role/agents/caller"
OPS = f"arn:aws:iam::{ACCOUNT}:role/ops"
SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:shop-key-AbCdEf"
VAULT = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:token-vault/default"
READ = "secretsmanager:GetSecretValue"
API = {"paths": {"/orders": {"get": {"operationId": "list_orders"}}}}
KINDS = {
    "apiKey": (
        "aws:bedrock/agentcoreApiKeyCredentialProvider:AgentcoreApiKeyCredentialProvider",
        {
            "credentialProviderArn": f"{VAULT}/apikeycredentialprovider/shop",
            "apiKeySecretArns": [{"secretArn": SECRET}],
        },
    ),
    "oauth": (
        "aws:bedrock/agentcoreOauth2CredentialProvider:AgentcoreOauth2CredentialProvider",
        {
            "credentialProviderArn": f"{VAULT}/oauth2credentialprovider/shop",
            "credentialProviderVendor": "CustomOauth2",
            "clientSecretArns": [{"secretArn": SECRET}],
        },
    ),
}


def api(how: str, known: bool = True) -> list[Part]:
    type_, provider = KINDS[how]
    target = {
        "name": "shop",
        "targetId": "T7",
        "gatewayIdentifier": "tools-abcdefghij",
        "targetConfiguration": {"mcp": {"openApiSchema": {"inlinePayload": {"payload": json.dumps(API)}}}},
        "credentialProviderConfiguration": {how: {"providerArn": provider["credentialProviderArn"]}},
    }
    parts: list[Part] = [("aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget", "shop", target)]
    return [*parts, (type_, "shop", {"name": "shop", **provider})] if known else parts


@pytest.fixture
def judge(case: Callable[..., Any]) -> Callable[..., Matrix]:
    def judged(*more: Part, **documents: Any) -> Matrix:
        return matrix(parse(case(more=more, gateway={"roleArn": GATE}, **documents).export()))

    return judged


def ways(found: Matrix) -> list[tuple[str, str, str]]:
    return [(it.principal, it.way, str(it.access.decision)) for it in found.bypasses if it.target == SECRET]


@pytest.mark.parametrize("how", KINDS)
@pytest.mark.parametrize(
    ("statement", "decisions"),
    [
        (allow(READ, SECRET), ["allow"]),
        (allow("secretsmanager:*", "*"), ["allow"]),
        (allow(READ, SECRET, Condition={"StringEquals": {"aws:SourceVpc": "vpc-1"}}), ["conditional"]),
        (allow(READ, f"{SECRET}x"), []),
        (allow("secretsmanager:DescribeSecret", SECRET), []),
    ],
)
def test_whoever_reads_the_secret(judge: Callable[..., Matrix], how: str, statement: Any, decisions: list[str]) -> None:
    found = judge(*api(how), *role(OPS, statement))
    assert ways(found) == [(OPS, READ, decision) for decision in decisions]
    assert {it.tools for it in found.bypasses} <= {("shop___list_orders",)}
    assert ("secret shop-key-AbCdEf (shop___list_orders)" in as_table(found)) is bool(decisions)


def test_the_gateways_own_role_has_to_and_whoever_takes_it_has_not(judge: Callable[..., Matrix]) -> None:
    assert ways(judge(*api("apiKey"), *role(GATE, allow(READ, SECRET)))) == []
    found = judge(*api("apiKey"), *role(GATE, allow(READ, SECRET), trust={"AWS": AGENT}))
    assert ways(found) == [(AGENT, f"assumes role gate, {READ}", "allow")]


def test_the_policy_on_the_secret_lets_in(judge: Callable[..., Matrix]) -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": OPS}, "Action": READ, "Resource": "*"}
    secret: list[Part] = [
        ("aws:secretsmanager/secret:Secret", "key", {"arn": SECRET, "name": "shop-key", "id": SECRET}),
        ("aws:secretsmanager/secretPolicy:SecretPolicy", "key", {"secretArn": SECRET, "policy": document(statement)}),
    ]
    assert ways(judge(*api("apiKey"), *secret, *role(OPS))) == [(OPS, READ, "allow")]
    assert ways(judge(*api("apiKey"), *secret)) == [(OPS, READ, "undecided")]  # a stranger: who knows what denies it


def test_a_provider_that_the_deployment_does_not_hold_is_said(judge: Callable[..., Matrix]) -> None:
    found = judge(*api("apiKey", known=False))
    assert any("which secret" in it and "is not judged" in it for it in found.unsupported)
    assert not any("which secret" in it for it in judge(*api("apiKey")).unsupported)
