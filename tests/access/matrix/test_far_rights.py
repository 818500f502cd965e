"""What a gateway's role lacks for a call of a target: the cell says so, and the explanation which action on what."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from tests.access.servers import ACCOUNT, FUNCTION, GATE, allow, role, target
from toolgate.access.deployment.deployment import parse
from toolgate.access.matrix.access_matrix import matrix
from toolgate.access.output.explanation import explain

CALL = {"Effect": "Allow", "Action": "bedrock-agentcore:InvokeGateway", "Resource": "*"}
PLACE = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}"
DIRECTORY, VAULT = f"{PLACE}:workload-identity-directory/default", f"{PLACE}:token-vault/default"
PROVIDER = f"{VAULT}/apikeycredentialprovider/pets"
SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:pets-AbCdEf"
IDENTITY = [DIRECTORY, f"{DIRECTORY}/workload-identity/tools-*"]
KEY = {"apiKey": {"providerArn": PROVIDER}}
SIGNED = {"gatewayIamRole": {"service": "execute-api"}}
API = "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/prod/mcp"
METHOD = f"arn:aws:execute-api:us-east-1:{ACCOUNT}:a1b2c3d4e5/prod/POST/mcp"
BY_URL = "arn:aws:lambda:us-east-1:123456789012:function:by-url"
KEPT = (
    "aws:bedrock/agentcoreApiKeyCredentialProvider:AgentcoreApiKeyCredentialProvider",
    "key",
    {"name": "pets", "credentialProviderArn": PROVIDER, "apiKeySecretConfig": {"secretId": SECRET, "jsonKey": "k"}},
)
TAKES = [
    allow("bedrock-agentcore:GetWorkloadAccessToken", *IDENTITY),
    allow("bedrock-agentcore:GetResourceApiKey", *IDENTITY, VAULT, PROVIDER),
    allow("secretsmanager:GetSecretValue", SECRET),
]
URL = [allow("lambda:InvokeFunctionUrl", BY_URL), allow("lambda:InvokeFunction", BY_URL)]
FUNCTION_URL = "https://abc.lambda-url.us-east-1.on.aws/mcp"
CASES: list[tuple[Mapping[str, Any] | None, str, Sequence[Mapping[str, Any]]]] = [
    (KEY, "https://mcp.example.com/mcp", TAKES),
    (SIGNED, API, [allow("execute-api:Invoke", METHOD)]),
    ({"gatewayIamRole": {"service": "lambda"}}, FUNCTION_URL, URL),
]


def decided(case: Callable[..., Any], sign_in: Any, at: str, statements: Sequence[Any]) -> tuple[str, str]:
    parts = [target(at, sign_in=sign_in), KEPT, *role(GATE, CALL, *statements)]
    deployment = parse(case(more=parts, gateway={"roleArn": GATE}, identity=[CALL]).export())
    [cell] = [it for it in matrix(deployment).entries if it.agent == "caller" and it.tool == "stock___count"]
    return str(cell.decision), explain(deployment, "caller", "stock___count")


@pytest.mark.parametrize(("sign_in", "at", "statements"), CASES, ids=["key", "api", "url"])
def test_each_right_decides(
    case: Callable[..., Any], sign_in: Any, at: str, statements: Sequence[Mapping[str, Any]]
) -> None:
    assert decided(case, sign_in, at, statements)[0] == "allow"
    for number, gone in enumerate(statements):
        others = [it for index, it in enumerate(statements) if index != number]
        decision, told = decided(case, sign_in, at, others)
        assert decision == "deny"
        assert f"missing: an Allow of {gone['Action']} on" in told
    everything = [allow([it["Action"] for it in statements], "*")]
    assert decided(case, sign_in, at, everything)[0] in ("allow", "undecided")


def test_a_function_is_invoked_by_its_role_or_by_its_own_policy(case: Callable[..., Any]) -> None:
    def cell(*more: Any) -> set[str]:
        deployment = parse(case(more=more, gateway={"roleArn": GATE}, identity=[CALL]).export())
        return {str(it.decision) for it in matrix(deployment).entries if it.agent == "caller"}

    allowed = role(GATE, allow("lambda:InvokeFunction", FUNCTION))
    let_in = {"action": "lambda:InvokeFunction", "function": "f", "principal": GATE}
    permission = ("aws:lambda/permission:Permission", "let-in", let_in)
    conditional = role(
        GATE, allow("lambda:InvokeFunction", FUNCTION, Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})
    )
    assert cell(*allowed) == {"allow"}
    assert cell(*role(GATE, CALL)) == {"deny"}
    assert cell(*role(GATE, CALL), permission) == {"allow"}
    assert cell(*conditional) == {"conditional"}
    # A role whose documents are not here is not judged.
    assert cell() == {"allow"}


@pytest.mark.parametrize(("path", "decision"), [("things/*", "allow"), ("things/7", "undecided"), ("others/*", "deny")])
def test_a_path_with_a_parameter_is_open_where_a_statement_tells_its_values_apart(
    case: Callable[..., Any], path: str, decision: str
) -> None:
    operation = {"operationId": "count", "responses": {"200": {"description": "It."}}}
    document = {"openapi": "3.0.3", "servers": [{"url": API}], "paths": {"/things/{id}": {"get": operation}}}
    kind, name, made = target(sign_in=SIGNED)
    schema = {"openApiSchema": {"inlinePayload": {"payload": json.dumps(document)}}}
    api = (kind, name, {**made, "targetConfiguration": {"mcp": schema}})
    statement = allow("execute-api:Invoke", METHOD.replace("POST/mcp", f"GET/mcp/{path}"))
    parts = [api, *role(GATE, statement)]
    found = matrix(parse(case(more=parts, gateway={"roleArn": GATE}, identity=[CALL]).export()))
    assert {str(it.decision) for it in found.entries if it.agent == "caller" and it.tool == "stock___count"} == {
        decision
    }
