from typing import Any

import pytest

from toolgate.local.cloud.request_validation import violations
from toolgate.local.cloud.values import UNKNOWN, HiddenText

ROLE_ARN = "arn:aws:iam::123456789012:role/x"
GATEWAY = {"name": "tools", "roleArn": ROLE_ARN, "authorizerType": "AWS_IAM"}
AGENT = {
    "agentRuntimeName": "agent",
    "roleArn": ROLE_ARN,
    "agentRuntimeArtifact": {"containerConfiguration": {"containerUri": "public.ecr.aws/a/b:1"}},
}


def found(operation: str, request: dict[str, Any]) -> list[tuple[str, str]]:
    return list(violations("bedrock-agentcore-control", operation, request))


def test_a_good_request_passes() -> None:
    assert found("CreateGateway", GATEWAY) == []
    assert found("CreateAgentRuntime", AGENT) == []


@pytest.mark.parametrize(
    ("change", "path", "reason"),
    [
        ({"roleArn": None}, "roleArn", "Member must not be null"),
        ({"authorizerType": "IAM"}, "authorizerType", "enum value set: [CUSTOM_JWT, AWS_IAM, NONE, AUTHENTICATE_ONLY]"),
        ({"name": "with_underscore"}, "name", "regular expression pattern: ([0-9a-zA-Z][-]?){1,48}"),
        ({"name": "tools\n"}, "name", "regular expression pattern"),
        ({"description": ""}, "description", "length greater than or equal to 1"),
        ({"description": "x" * 201}, "description", "length less than or equal to 200"),
        ({"description": 7}, "description", "of type string"),
        ({"nme": "x"}, "nme", "Unknown member 'nme'"),
        ({"tags": {str(number): "" for number in range(51)}}, "tags", "length less than or equal to 50"),
        ({"tags": {"a;b": "c"}}, "tags.a;b", "regular expression pattern"),
        ({"protocolConfiguration": {}}, "protocolConfiguration", "exactly one of [mcp] must be set"),
        (
            {"protocolConfiguration": {"mcp": {"sessionConfiguration": {"sessionTimeoutInSeconds": 60}}}},
            "protocolConfiguration.mcp.sessionConfiguration.sessionTimeoutInSeconds",
            "value greater than or equal to 900",
        ),
        (
            {"protocolConfiguration": {"mcp": {"supportedVersions": "2025-11-25"}}},
            "protocolConfiguration.mcp.supportedVersions",
            "of type list",
        ),
        (
            {"protocolConfiguration": {"mcp": {"streamingConfiguration": {"enableResponseStreaming": 1}}}},
            "protocolConfiguration.mcp.streamingConfiguration.enableResponseStreaming",
            "of type boolean",
        ),
    ],
)
def test_each_kind_of_constraint(change: dict[str, Any], path: str, reason: str) -> None:
    [(where, why)] = found("CreateGateway", GATEWAY | change)
    assert where == path
    assert reason in why


def test_two_members_of_a_union() -> None:
    both = AGENT["agentRuntimeArtifact"] | {"codeConfiguration": UNKNOWN}  # type: ignore[operator]
    [(where, why)] = found("CreateAgentRuntime", AGENT | {"agentRuntimeArtifact": both})
    assert where == "agentRuntimeArtifact"
    assert "exactly one of [containerConfiguration, codeConfiguration]" in why


def test_a_truth_value_is_no_number() -> None:
    [(_, why)] = found("CreateAgentRuntime", AGENT | {"lifecycleConfiguration": {"maxLifetime": True}})
    assert "of type integer" in why


def test_unknown_values_pass_whatever_they_stand_for() -> None:
    assert found("CreateGateway", dict.fromkeys((*GATEWAY, "tags", "protocolConfiguration"), UNKNOWN)) == []


def test_sensitive_values_and_secrets_are_not_repeated() -> None:
    [(_, why)] = found("CreateAgentRuntime", AGENT | {"environmentVariables": {"KEY": "s3cret" * 1000}})
    assert "less than or equal to 5000" in why
    assert "s3cret" not in why
    [(_, why)] = found("CreateGateway", GATEWAY | {"name": HiddenText("s3cret!")})
    assert "[secret]" in why
    assert "s3cret" not in why


def test_tags_of_iam_take_letters_of_any_script() -> None:
    role = {"RoleName": "r", "AssumeRolePolicyDocument": "{}", "Tags": [{"Key": "équipe", "Value": "数学 1"}]}
    assert list(violations("iam", "CreateRole", role)) == []
    role["Tags"] = [{"Key": "a;b", "Value": ""}]
    assert [path for path, _ in violations("iam", "CreateRole", role)] == ["Tags.0.Key"]
