import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolgate.policy.language import spellings, templates
from toolgate.policy.language.agentcore_facts import GATEWAY, RUNTIME, TARGET
from toolgate.policy.language.spellings import ALL, CLOUD_CONTROL, EXTENSION
from toolgate.policy.language.unknown import UNKNOWN


def view(kind: str, properties: dict[str, Any]) -> tuple[str, Any]:
    return spellings.type_of(kind, properties), spellings.properties_of(kind, properties)


def cloud_control(kind: str, state: Any, **more: Any) -> tuple[str, Any]:
    return view(CLOUD_CONTROL, {"typeName": kind, "desiredState": json.dumps(state), **more})


def every_way(kind: str, state: dict[str, Any]) -> list[tuple[str, Any]]:
    """A resource of CloudFormation, as Cloud Control, as ExtensionResource, and where that is asked, as aws-native."""
    return [cloud_control(kind, state), view(EXTENSION, {"type": kind, "properties": state})]


def test_names_become_those_of_aws() -> None:
    state = {
        "Name": "g",
        "AuthorizerType": "NONE",
        "KmsKeyArn": "k",
        "ProtocolConfiguration": {"Mcp": {"SearchType": "S"}},
    }
    wanted = {
        "name": "g",
        "authorizerType": "NONE",
        "kmsKeyArn": "k",
        "protocolConfiguration": {"mcp": {"searchType": "S"}},
    }
    assert every_way("AWS::BedrockAgentCore::Gateway", state) == [(GATEWAY, wanted)] * 2
    assert view("aws-native:bedrockagentcore:Gateway", wanted) == (GATEWAY, wanted)


def test_keys_of_the_user_and_of_documents_are_kept() -> None:
    document = {
        "Statement": [{"Effect": "Allow", "Action": "a", "Resource": "*", "Condition": {"Bool": {"K": "true"}}}]
    }
    role = {"AssumeRolePolicyDocument": document, "Policies": [{"PolicyName": "p", "PolicyDocument": document}]}
    for _, properties in every_way("AWS::IAM::Role", {**role, "Tags": [{"Key": "K"}]}):
        assert properties["assumeRolePolicy"] == document
        assert properties["inlinePolicies"] == [{"name": "p", "policy": document}]
        assert properties["tags"] == [{"Key": "K"}]
    for _, properties in every_way("AWS::Lambda::Function", {"Environment": {"Variables": {"FunctionName": "x"}}}):
        assert properties == {"environment": {"variables": {"FunctionName": "x"}}}
    for _, properties in every_way("AWS::BedrockAgentCore::Runtime", {"EnvironmentVariables": {"EntryPoint": "x"}}):
        assert properties == {"environmentVariables": {"EntryPoint": "x"}}


def test_a_tool_s_schema_becomes_a_list_of_parameters() -> None:
    inner = {"Type": "object", "Properties": {"Type": {"Type": "string"}}, "Required": ["Type"]}
    schema = {
        "Type": "object",
        "Properties": {"Items": {"Type": "array", "Items": inner}, "inputSchema": {"Type": "number"}},
    }
    tool = {"Name": "add", "InputSchema": schema}
    state = {"TargetConfiguration": {"Mcp": {"Lambda": {"ToolSchema": {"InlinePayload": [tool]}}}}}
    for kind, properties in every_way("AWS::BedrockAgentCore::GatewayTarget", state):
        assert kind == TARGET
        (made,) = properties["targetConfiguration"]["mcp"]["lambda"]["toolSchema"]["inlinePayloads"]
        items, number = made["inputSchema"]["properties"]
        assert (items["name"], items["required"], items["type"]) == ("Items", False, "array")
        assert items["items"]["properties"] == [{"type": "string", "name": "Type", "required": True}]
        assert number == {"type": "number", "name": "inputSchema", "required": False}


def test_values_that_are_built_otherwise() -> None:
    pairs: list[tuple[Any, Any]] = [
        ([{"CredentialProviderType": "GATEWAY_IAM_ROLE"}], {"gatewayIamRole": {}}),
        (
            [{"CredentialProviderType": "OAUTH", "CredentialProvider": {"OauthCredentialProvider": {"Scopes": []}}}],
            {"oauth": {"scopes": []}},
        ),
        ([], []),
        ("odd", "odd"),
    ]
    for written, made in pairs:
        state = {"CredentialProviderConfigurations": written}
        for _, properties in every_way("AWS::BedrockAgentCore::GatewayTarget", state):
            assert properties["credentialProviderConfiguration"] == made
    artifact = {"CodeConfiguration": {"EntryPoint": ["main.py"]}}
    state = {"ProtocolConfiguration": "MCP", "AgentRuntimeArtifact": artifact}
    for kind, properties in every_way("AWS::BedrockAgentCore::Runtime", state):
        assert kind == RUNTIME
        assert properties["protocolConfiguration"] == {"serverProtocol": "MCP"}
        assert properties["agentRuntimeArtifact"] == {"codeConfiguration": {"entryPoints": ["main.py"]}}


def test_a_document_in_a_target_is_a_block_in_aws() -> None:
    for member, schema in (("McpServer", "McpToolSchema"), ("OpenApiSchema", "")):
        inline = {"InlinePayload": "{}"}
        state = {"TargetConfiguration": {"Mcp": {member: {schema: inline} if schema else inline}}}
        for kind, properties in every_way("AWS::BedrockAgentCore::GatewayTarget", state):
            assert kind == TARGET
            (made,) = properties["targetConfiguration"]["mcp"].values()
            assert (made["mcpToolSchema"] if schema else made) == {"inlinePayload": {"payload": "{}"}}


def test_a_provider_of_an_api_key_is_the_same_however_it_is_written() -> None:
    state = {"Name": "orders", "ApiKeySecretArn": {"SecretArn": "secret"}, "CredentialProviderArn": "arn"}
    for kind, properties in every_way("AWS::BedrockAgentCore::ApiKeyCredentialProvider", state):
        assert kind == "aws:bedrock/agentcoreApiKeyCredentialProvider:AgentcoreApiKeyCredentialProvider"
        assert properties["apiKeySecretArns"] == [{"secretArn": "secret"}]
        assert properties["credentialProviderArn"] == "arn"


def test_a_url_of_cloudformation_s_says_that_nothing_is_added() -> None:
    kind, properties = view("aws-native:lambda:Url", {"authType": "NONE", "targetFunctionArn": "f"})
    assert kind == "aws:lambda/functionUrl:FunctionUrl"
    assert properties == {"authorizationType": "NONE", "functionName": "f", spellings.ADDS_NO_PERMISSION: True}
    assert spellings.properties_of(kind, {"authorizationType": "NONE"}) == {"authorizationType": "NONE"}


def test_a_version_is_a_name_of_a_function_as_an_alias_is() -> None:
    for kind, state in (
        ("aws-native:lambda:Version", {"functionName": "f", "version": "1", "functionArn": "f:1"}),
        ("aws-native:lambda:Alias", {"functionName": "f", "name": "1", "aliasArn": "f:1"}),
    ):
        assert view(kind, state) == ("aws:lambda/alias:Alias", {"functionName": "f", "name": "1", "arn": "f:1"})


def test_what_aws_answered_comes_first() -> None:
    state, answered = {"AuthorizerType": "AWS_IAM"}, json.dumps({"AuthorizerType": "NONE", "GatewayIdentifier": "g-1"})
    _, properties = cloud_control("AWS::BedrockAgentCore::Gateway", state, properties=answered)
    assert properties == {"authorizerType": "NONE", "gatewayId": "g-1"}
    for unread in (UNKNOWN, "{", "7", None):
        _, properties = cloud_control("AWS::BedrockAgentCore::Gateway", state, properties=unread)
        assert properties == {"authorizerType": "AWS_IAM"}


@pytest.mark.parametrize(
    "state", [UNKNOWN, "{", "[]", "null", "\ufeff{}", '{"A":' * 5_000, '{"A":' * 900 + "1" + "}" * 900]
)
def test_a_state_that_cannot_be_read(state: Any) -> None:
    properties = {"typeName": "AWS::BedrockAgentCore::Gateway", "desiredState": state}
    assert view(CLOUD_CONTROL, properties) == (GATEWAY, None)


def test_types() -> None:
    def named(kind: Any) -> str:
        return spellings.type_of(CLOUD_CONTROL, {"typeName": kind})

    assert named("AWS::IAM::ManagedPolicy") == "aws:iam/policy:Policy"
    assert named("AWS::BedrockAgentCore::Tomorrow") == "aws-native:bedrockagentcore:Tomorrow"
    assert named("AWS::CloudFormation::Stack") == "aws-native:cloudformation:Stack"
    assert named("Acme::Shop::Thing") == "Acme::Shop::Thing"
    assert named(UNKNOWN) == named(None) == spellings.type_of(CLOUD_CONTROL, {}) == CLOUD_CONTROL
    assert spellings.type_of("aws:iam/role:Role", {}) == "aws:iam/role:Role"


def test_which_property_a_property_is() -> None:
    assert spellings.property_of("aws-native:iam:Role", "policies") == "inlinePolicies"
    assert spellings.property_of("aws:iam/role:Role", "policies") == "policies"
    assert spellings.property_of(CLOUD_CONTROL, "desiredState") == spellings.property_of(EXTENSION, "properties") == ALL
    assert spellings.property_of(CLOUD_CONTROL, "typeName") == "typeName"


LEAVES = st.none() | st.booleans() | st.text(max_size=3) | st.just(UNKNOWN) | st.integers()
KEYS = st.sampled_from(
    ["Policies", "PolicyDocument", "Properties", "InputSchema", "CredentialProviderConfigurations", "x", ""]
)
VALUES = st.recursive(
    LEAVES, lambda it: st.lists(it, max_size=2) | st.dictionaries(KEYS, it, max_size=3), max_leaves=12
)
KINDS = st.sampled_from(
    [
        "AWS::IAM::Role",
        "AWS::BedrockAgentCore::GatewayTarget",
        "AWS::BedrockAgentCore::Runtime",
        "AWS::X::Y",
        UNKNOWN,
        7,
    ]
)


@given(KINDS, VALUES)
def test_nothing_raises(kind: Any, value: Any) -> None:
    view(EXTENSION, {"type": kind, "properties": value})
    view(CLOUD_CONTROL, {"typeName": kind, "desiredState": value})
    for native in ("aws-native:bedrockagentcore:GatewayTarget", "aws-native:iam:Role"):
        view(native, {"policies": value, "targetConfiguration": value, "inputSchema": value})
    for body in (value, {"Resources": value}, {"Resources": {"R": value}}, {"Resources": {"R": {"Properties": value}}}):
        assert templates.not_judged({"templateBody": body}) or isinstance(body, dict)
        for _, made in templates.resources({"templateBody": body}):
            view(EXTENSION, made)
