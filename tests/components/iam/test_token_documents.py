"""The document for tokens as an IAM evaluator decides on it."""

import json
from typing import Any

import pulumi
import pytest

from toolgate.components.iam import token_documents
from toolgate.components.iam.iam_documents import AwsEnvironment

A, R = "123456789012", "us-east-1"
SERVICE = f"arn:aws:bedrock-agentcore:{R}:{A}"
DIRECTORY, VAULT = f"{SERVICE}:workload-identity-directory/default", f"{SERVICE}:token-vault/default"
IDENTITY = f"{DIRECTORY}/workload-identity/toolgate_dev_a"
PROVIDER = f"{VAULT}/oauth2credentialprovider/toolgate_dev_a_tokens"
SECRET = f"arn:aws:secretsmanager:{R}:{A}:secret:bedrock-agentcore-identity!default/oauth2/toolgate_dev_a_tokens-a1B2c3"


@pytest.fixture
def document(run: Any) -> Any:
    place, found = AwsEnvironment("aws", R, A, "amazonaws.com"), list[str]()

    def program() -> None:
        made = token_documents.take_tokens(place, IDENTITY, [PROVIDER], [SECRET])
        pulumi.Output.json_dumps(made).apply(found.append)

    run(program)
    return json.loads(found[0])


def test_an_agent_takes_its_own_tokens(document: Any, allows: Any) -> None:
    """AgentCore asks for each of the ARNs, and a missing one is a denial."""
    for arn in (DIRECTORY, IDENTITY):
        assert allows(document, "bedrock-agentcore:GetWorkloadAccessToken", arn)
    for arn in (DIRECTORY, IDENTITY, VAULT, PROVIDER):
        assert allows(document, "bedrock-agentcore:GetResourceOauth2Token", arn)
    assert allows(document, "secretsmanager:GetSecretValue", SECRET)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("bedrock-agentcore:GetWorkloadAccessToken", f"{IDENTITY}b"),
        ("bedrock-agentcore:GetWorkloadAccessToken", f"{DIRECTORY}/workload-identity/toolgate_dev_b"),
        ("bedrock-agentcore:GetWorkloadAccessTokenForJWT", IDENTITY),
        ("bedrock-agentcore:GetWorkloadAccessTokenForUserId", IDENTITY),
        ("bedrock-agentcore:GetResourceOauth2Token", f"{PROVIDER}2"),
        ("bedrock-agentcore:GetResourceOauth2Token", f"{VAULT}/oauth2credentialprovider/toolgate_dev_b_tokens"),
        ("bedrock-agentcore:GetResourceOauth2Token", "*"),
        ("bedrock-agentcore:GetResourceApiKey", VAULT),
        ("bedrock-agentcore:UpdateOauth2CredentialProvider", PROVIDER),
        ("bedrock-agentcore:CreateWorkloadIdentity", IDENTITY),
        ("secretsmanager:GetSecretValue", SECRET.replace("dev_a", "dev_b")),
        ("secretsmanager:PutSecretValue", SECRET),
        ("bedrock-agentcore:InvokeGateway", f"{SERVICE}:gateway/toolgate-dev-tools-a1b2c3d4e5"),
    ],
)
def test_and_nothing_else(document: Any, allows: Any, action: str, resource: str) -> None:
    assert not allows(document, action, resource)


def test_no_wildcard_stands_in_it(document: Any) -> None:
    assert "*" not in json.dumps(document)
    assert "?" not in json.dumps(document)
