"""An MCP server of others behind a gateway, from the file that records it."""

import json
from pathlib import Path
from typing import Any

import pytest

from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants.tool_grants import Authorization
from toolgate.components.targets import recorded_server
from toolgate.components.tool_gateway import ToolGateway

ENDPOINT = "https://mcp.example.com/mcp"
FILTER = {"anyOf": [{"type": "string"}, {"type": "integer"}]}
FIND = {
    "name": "find",
    "title": "Find",
    "description": "Finds pages.",
    "inputSchema": {
        "type": "object",
        "properties": {"query": {"type": "string"}, "filter": FILTER},
        "required": ["query"],
    },
    "annotations": {"readOnlyHint": True},
}
DROP = {"name": "drop", "inputSchema": {"type": "object", "properties": {}}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "pages.json"
    path.write_text(recorded_server.text(ENDPOINT, [FIND, DROP]))
    return path


def gateway(target: Any, **others: Any) -> ToolGateway:
    args: Any = {"targets": {"pages": target}, **others}
    return ToolGateway("tools", args)


def test_the_target_is_the_recorded_server_and_the_gateways_role_needs_no_right(run: Any, file: Path) -> None:
    recorded = run(lambda: gateway(recorded_server.recorded_server(str(file))))
    inputs = recorded.one("AgentcoreGatewayTarget", "tools-pages").inputs
    server = inputs["targetConfiguration"]["mcp"]["mcpServer"]
    assert server["endpoint"] == ENDPOINT
    assert json.loads(server["mcpToolSchema"]["inlinePayload"]["payload"]) == {"tools": [DROP, FIND]}
    assert "credentialProviderConfiguration" not in inputs
    assert not [it for it in recorded.resources if it.type.endswith(":RolePolicy")]


def test_permits_and_their_conditions_are_of_the_recorded_tools(run: Any, file: Path) -> None:
    def handed(when: str | None) -> Any:
        target = recorded_server.recorded_server(str(file))
        return gateway(target, authorization=Authorization.TOOL).tools("pages___find", when=when)

    run(lambda: handed('context.input.query like "a*"'))
    with pytest.raises(UsageError, match="does not fit"):
        run(lambda: handed("context.input.filter == 3"))


def test_the_file_is_the_same_for_the_same_tools_and_says_each_value_on_a_line(file: Path) -> None:
    text = file.read_text()
    assert text == recorded_server.text(ENDPOINT, [dict(reversed(DROP.items())), FIND])
    assert '      "description": "Finds pages.",\n' in text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "`toolgate record` writes it"),
        ("{", "pages.json:1: is not valid JSON"),
        ("[" * 100_000, "pages.json: is nested too deeply"),
        ("[]", 'pages.json: must be {"endpoint"'),
        ({"endpoint": ENDPOINT, "tools": [], "key": "x"}, 'pages.json: must be {"endpoint"'),
        ({"endpoint": "http://mcp.example.com", "tools": []}, "endpoint: 'http://mcp.example.com' is no endpoint"),
        ({"endpoint": "https://u:p@example.com", "tools": []}, "is no endpoint"),
        ({"endpoint": 3, "tools": []}, "endpoint: 3 is no endpoint"),
        (
            {"endpoint": "https://a-1234567890.gateway.bedrock-agentcore.us-east-1.amazonaws.com/mcp", "tools": []},
            "is AgentCore's own",
        ),
        ({"endpoint": ENDPOINT, "tools": [{"name": "a"}]}, "tools[0]: 'a' is no tool of MCP"),
    ],
)
def test_a_file_that_records_nothing_is_refused(tmp_path: Path, content: Any, message: str) -> None:
    path = tmp_path / "pages.json"
    if content is not None:
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(UsageError) as raised:
        recorded_server.read(path, "here")
    assert message in str(raised.value)


def test_a_target_takes_its_tools_from_the_listing(run: Any, file: Path) -> None:
    target = recorded_server.recorded_server(str(file))
    other: Any = {**target, "tools": [{"name": "other", "description": "O.", "inputSchema": {"type": "object"}}]}
    with pytest.raises(UsageError, match=r"targets.pages.tools: 'other' is not in 'listing'"):
        run(lambda: gateway(other))


def test_without_a_listing_the_tools_stand_as_they_are(run: Any) -> None:
    tool = {"name": "find", "description": "Finds.", "inputSchema": {"type": "object", "properties": {}}}
    recorded = run(lambda: gateway({"remote_server": {"endpoint": ENDPOINT}, "tools": [tool]}))
    made = recorded.one("AgentcoreGatewayTarget", "tools-pages").inputs["targetConfiguration"]["mcp"]["mcpServer"]
    assert json.loads(made["mcpToolSchema"]["inlinePayload"]["payload"]) == {"tools": [tool]}


SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:docs-key-a1B2c3"


def with_credential(file: Path, credential: Any) -> Any:
    target: Any = recorded_server.recorded_server(str(file))
    return {**target, "remote_server": {**target["remote_server"], "credential": credential}}


def test_the_gateway_signs_in_with_an_api_key_and_its_role_may_take_exactly_that(
    run: Any, allows: Any, file: Path
) -> None:
    key = {"secret_arn": SECRET, "json_key": "key", "name": "x-api-key"}
    recorded = run(lambda: gateway(with_credential(file, {"api_key": key})))
    provider = recorded.one("AgentcoreApiKeyCredentialProvider", "tools-pages-provider")
    target = recorded.one("AgentcoreGatewayTarget", "tools-pages").inputs
    given = target["credentialProviderConfiguration"]["apiKey"]
    assert given["credentialParameterName"] == "x-api-key"
    arn = given["providerArn"]
    assert arn.endswith(provider.inputs["name"])
    document = recorded.one("RolePolicy", "tools-invoke").document()
    assert allows(document, "bedrock-agentcore:GetResourceApiKey", arn)
    assert allows(document, "secretsmanager:GetSecretValue", SECRET)
    assert not allows(document, "bedrock-agentcore:GetResourceApiKey", arn + "2")
    assert not allows(document, "secretsmanager:GetSecretValue", SECRET.replace("docs", "other"))


STAGE = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/prod"


def test_a_signature_for_api_gateway_names_the_method(run: Any, allows: Any, file: Path) -> None:
    def signed(arn: str) -> Any:
        signature = {"service": "execute-api", "resources": [arn]}
        return run(lambda: gateway(with_credential(file, {"iam": signature})))

    document = signed(f"{STAGE}/POST/mcp").one("RolePolicy", "tools-invoke").document()
    assert allows(document, "execute-api:Invoke", f"{STAGE}/POST/mcp")
    assert not allows(document, "execute-api:Invoke", f"{STAGE}/GET/mcp")
    with pytest.raises(UsageError, match=r"is a stage\. Name the method"):
        signed(STAGE)
