"""The IAM document of a scan: it allows each call, and nothing else."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.access.scan.fake_account import ACCOUNT, REGION, FakeAccount, gateway_arn
from tests.access.scan.test_reads import account
from tests.access.scan.token_answers import TokenAnswers, taking_tokens
from tests.planning import planned
from tests.token_export import DISCOVERY, with_tokens
from toolgate.access.iam.evaluation import decide
from toolgate.access.iam.identities import Identity
from toolgate.access.iam.policies import Policy
from toolgate.access.iam.statements import IamRequest
from toolgate.access.scan.calls import CALLS, CORE, document
from toolgate.access.scan.scan import permissions, scan
from toolgate.cli.main import main

PAGE = Path(__file__).parents[3] / "docs" / "access.md"
PREFIX = {CORE: "bedrock-agentcore", "cloudwatch-logs": "logs", "cognito-identity-provider": "cognito-idp"}


def decided(allowed: dict[str, Any], action: str, resource: str) -> str:
    me = Identity(arn=f"arn:aws:iam::{ACCOUNT}:role/me", name="me", policies=(Policy("scan", allowed),))
    return str(decide(IamRequest(me, action, resource)).outcome)


def asked_for(fake: FakeAccount) -> Iterator[tuple[str, str]]:
    """The actions and resources of the calls that came."""
    places = {
        "gatewayIdentifier": "bedrock-agentcore:{}:gateway/{}",
        "agentRuntimeId": "bedrock-agentcore:{}:runtime/{}",
        "policyEngineId": "bedrock-agentcore:{}:policy-engine/{}",
        "memoryId": "bedrock-agentcore:{}:memory/{}",
        "harnessId": "bedrock-agentcore:{}:harness/{}",
        "FunctionName": "lambda:{}:function:{}",
        "UserPoolId": "cognito-idp:{}:userpool/{}",
        "name": "bedrock-agentcore:{}:token-vault/default/oauth2credentialprovider/{}",
    }
    for service, operation, given in fake.asked:
        if operation == "GetCallerIdentity":  # STS asks for no permission
            continue
        named = [f"arn:aws:{places[it].format(f'{REGION}:{ACCOUNT}', given[it])}" for it in places if it in given]
        resource = given.get("resourceArn") or (named or ["*"])[0]
        # The reference names no resource for this list (local/serve/control/control_api.py has it so, too).
        yield (
            f"{PREFIX.get(service, service)}:{operation}",
            "*" if operation == "ListAgentRuntimeEndpoints" else resource,
        )


@pytest.mark.parametrize("regions", [(), (REGION,)])
def test_each_call_of_a_scan_is_allowed(regions: tuple[str, ...]) -> None:
    fake = taking_tokens(account(engines={"tools": []}), discoveryUrl=DISCOVERY, allowedScopes=["x"])
    fake.answers["ListMemories"] = lambda _: {"memories": [{"id": "notes-abcdefghij"}]}
    fake.answers["GetMemory"] = lambda _: {
        "memory": {
            "id": "notes-abcdefghij",
            "name": "notes",
            "arn": f"arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}:memory/notes-abcdefghij",
        }
    }
    fake.answers["ListHarnesses"] = lambda _: {"harnesses": [{"harnessId": "h-abcdefghij", "harnessName": "h"}]}
    fake.answers["GetHarness"] = lambda _: {
        "harness": {"harnessId": "h-abcdefghij", "harnessName": "h", "arn": "arn:x", "executionRoleArn": "arn:y"}
    }
    key = f"arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}:token-vault/default/apikeycredentialprovider/shop"
    own = fake._get_gateway_target
    provider = {"apiKeyCredentialProvider": {"providerArn": key}}
    signing = [{"credentialProviderType": "API_KEY", "credentialProvider": provider}]
    fake.answers["GetGatewayTarget"] = lambda given: {**dict(own(given)), "credentialProviderConfigurations": signing}  # type: ignore[arg-type]  # it is no failure
    fake.answers["GetApiKeyCredentialProvider"] = lambda given: {"name": given["name"], "credentialProviderArn": key}
    tokens = TokenAnswers(with_tokens(planned("agents").deployment))
    scan(tokens.of(fake), (), lambda _: None)
    fake.asked += tokens.asked
    asked = set(asked_for(fake))
    assert {decided(document(regions), *it) for it in asked} == {"allow"}
    # Nothing else is in it: every call of the table was made, and every statement is needed.
    allowed = {action for it in document(regions)["Statement"] for action in it["Action"]}
    assert allowed == {action for action, _ in asked}
    assert {it.operation for it in CALLS} == {operation for _, operation, _ in fake.asked}


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("bedrock-agentcore:GetGateway", "arn:aws:bedrock-agentcore:eu-west-1:123456789012:gateway/a-abcdefghij"),
        ("bedrock-agentcore:InvokeGateway", gateway_arn("tools")),
        ("bedrock-agentcore:UpdateGateway", gateway_arn("tools")),
        ("bedrock-agentcore:PutResourcePolicy", gateway_arn("tools")),
        ("bedrock-agentcore:GetGateway", "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/a-abcdefghij"),
        ("lambda:GetFunction", "arn:aws:lambda:us-east-1:123456789012:function:math"),
        ("lambda:InvokeFunction", "arn:aws:lambda:us-east-1:123456789012:function:math"),
        ("cognito-idp:DescribeUserPool", "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_a"),
        ("cognito-idp:UpdateUserPoolClient", "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_a"),
        ("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:us-east-1:123456789012:secret:a"),
        ("iam:GetRole", "arn:aws:iam::123456789012:role/agent"),
    ],
)
def test_nothing_else_is_allowed(action: str, resource: str) -> None:
    assert decided(document((REGION,)), action, resource) == "implicit deny"


@pytest.mark.parametrize("call", CALLS, ids=lambda it: str(it.operation))
def test_botocore_has_the_call_as_the_table_has_it(call: Any) -> None:
    client = boto3.client(call.service, region_name=REGION, aws_access_key_id="a", aws_secret_access_key="b")
    model = client.meta.service_model.operation_model(call.operation)
    name = next(name for name, it in client.meta.method_to_api_mapping.items() if it == call.operation)
    assert model.output_shape is not None
    assert client.can_paginate(name) or call.items is None
    assert call.items is None or model.output_shape.members[call.items].type_name == "list"


def test_the_page_shows_the_document() -> None:
    [shown] = re.findall(r"^```json\n(\{\n  \"Version\".*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert json.loads(shown) == document()


def test_other_partitions() -> None:
    resources = {it for s in permissions(("us-gov-west-1",))["Statement"] for it in s["Resource"]}
    assert all(it == "*" or it.startswith("arn:aws-us-gov:") for it in resources)


def test_the_command_prints_it_and_calls_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["access", "scan", "--print-policy", "--region", REGION]) == 0
    assert json.loads(capsys.readouterr().out) == document((REGION,))
