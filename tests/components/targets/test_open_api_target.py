"""APIs behind a gateway: what AgentCore is told of them, and what the gateway's role may do for them."""

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest

from tests.components.apis.test_open_api import ORDERS, changed
from tests.components.conftest import ACCOUNT, IDENTITY, REGION, SECRETS
from toolgate.components.checks.arguments import UsageError
from toolgate.components.open_api_tools import OpenApiTools
from toolgate.components.targets.credentials import IamService, KeyLocation
from toolgate.components.tool_gateway import ToolGateway

SECRET = f"{SECRETS}:prices-a1B2c3"
KEY = {"secret_arn": SECRET, "json_key": "key", "name": "x-api-key"}
CLIENT = {
    "secret_arn": SECRET,
    "json_key": "client_secret",
    "client_id": "abc",
    "discovery_url": "https://login.example.com/.well-known/openid-configuration",
    "scopes": ["orders.read"],
}
STAGE = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:a1b2c3d4e5/prod"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:orders"
DIRECTORY = f"{IDENTITY}:workload-identity-directory/default"
GATEWAY_IDENTITY = f"{DIRECTORY}/workload-identity/toolgate-dev-tools-a1b2c3d4e5"
VAULT = f"{IDENTITY}:token-vault/default"


@pytest.fixture
def folder(tmp_path: Path) -> Any:
    """Writes an API's folder."""

    def write(document: Any = ORDERS, settings: str | None = None) -> str:
        folder = tmp_path / "orders"
        folder.mkdir(exist_ok=True)
        (folder / "openapi.json").write_text(json.dumps(document))
        if settings is not None:
            (folder / "api.py").write_text(settings)
        return str(folder)

    return write


def gateway(directory: str, credential: Any = None, only: str | None = None, **args: Any) -> Any:
    """A program with a gateway in front of one API."""

    def program() -> None:
        given = {"directory": directory, **args, **({"credential": credential} if credential else {})}
        api = OpenApiTools("orders", given)  # type: ignore[arg-type]  # of a plain dictionary
        target: Any = api.target
        if only:
            target = {**target, "tools": [tool for tool in api.tools if tool["name"] == only]}
        ToolGateway("tools", {"targets": {"orders": target}, "tags": {"team": "a"}})

    return program


def sent(recorded: Any) -> Any:
    target = recorded.one("AgentcoreGatewayTarget", "tools-orders").inputs
    return json.loads(target["targetConfiguration"]["mcp"]["openApiSchema"]["inlinePayload"]["payload"])


def role(recorded: Any) -> Any:
    return recorded.one("RolePolicy", "tools-invoke").document()


def test_an_open_api_is_a_document_and_takes_no_credential_of_the_role(run: Any, folder: Any) -> None:
    recorded = run(gateway(folder()))
    target = recorded.one("AgentcoreGatewayTarget", "tools-orders").inputs
    assert "credentialProviderConfiguration" not in target
    assert list(sent(recorded)["paths"]) == ["/orders/{id}", "/orders"]
    assert not [it for it in recorded.resources if it.name == "tools-invoke"]
    assert recorded.one("OpenApiTools", "orders").inputs["directory"]


def test_a_gateway_that_has_some_of_the_tools_is_told_of_no_other(run: Any, folder: Any) -> None:
    signature = {"iam": {"service": "execute-api", "resources": [STAGE]}}
    recorded = run(gateway(folder(), signature, only="listOrders"))
    assert sent(recorded)["paths"].keys() == {"/orders"}
    assert "components" not in sent(recorded)
    assert role(recorded)["Statement"][0]["Resource"] == [f"{STAGE}/GET/orders"]


def test_an_api_key_lies_in_secrets_manager_and_a_provider_refers_to_it(run: Any, folder: Any, allows: Any) -> None:
    recorded = run(gateway(folder(), {"api_key": KEY | {"prefix": "Key", "location": KeyLocation.QUERY_PARAMETER}}))
    provider = recorded.one("AgentcoreApiKeyCredentialProvider", "tools-orders-provider")
    assert provider.inputs == {
        "name": "toolgate-dev-tools--orders",
        "apiKeySecretSource": "EXTERNAL",
        "apiKeySecretConfig": {"secretId": SECRET, "jsonKey": "key"},
        "tags": {"team": "a"},
    }
    assert (provider.delete_before_replace, provider.protect) == (True, False)
    arn = f"{VAULT}/apikeycredentialprovider/toolgate-dev-tools--orders"
    target = recorded.one("AgentcoreGatewayTarget", "tools-orders").inputs
    assert target["credentialProviderConfiguration"] == {
        "apiKey": {
            "providerArn": arn,
            "credentialLocation": "QUERY_PARAMETER",
            "credentialParameterName": "x-api-key",
            "credentialPrefix": "Key",
        }
    }
    document = role(recorded)
    for resource in (DIRECTORY, GATEWAY_IDENTITY):
        assert allows(document, "bedrock-agentcore:GetWorkloadAccessToken", resource)
    for resource in (DIRECTORY, GATEWAY_IDENTITY, VAULT, arn):
        assert allows(document, "bedrock-agentcore:GetResourceApiKey", resource)
    assert allows(document, "secretsmanager:GetSecretValue", SECRET)
    for action, resource in (
        ("bedrock-agentcore:GetWorkloadAccessToken", f"{DIRECTORY}/workload-identity/toolgate_dev_assistant"),
        ("bedrock-agentcore:GetWorkloadAccessToken", f"{DIRECTORY}/workload-identity/toolgate-dev-other-a1b2c3d4e5"),
        ("bedrock-agentcore:GetResourceApiKey", f"{arn}2"),
        ("bedrock-agentcore:GetResourceOauth2Token", VAULT),
        ("secretsmanager:GetSecretValue", SECRET.replace("prices", "others")),
        ("lambda:InvokeFunction", FUNCTION),
        ("execute-api:Invoke", f"{STAGE}/GET/orders"),
    ):
        assert not allows(document, action, resource)


def test_a_client_at_an_issuer_has_a_provider_and_asks_for_scopes(run: Any, folder: Any, allows: Any) -> None:
    recorded = run(gateway(folder(), {"oauth": CLIENT | {"parameters": {"audience": "orders"}}}))
    provider = recorded.one("AgentcoreOauth2CredentialProvider", "tools-orders-provider").inputs
    assert provider["oauth2ProviderConfig"]["customOauth2ProviderConfig"] == {
        "clientId": "abc",
        "clientSecretSource": "EXTERNAL",
        "clientSecretConfig": {"secretId": SECRET, "jsonKey": "client_secret"},
        "clientAuthenticationMethod": "CLIENT_SECRET_BASIC",
        "oauthDiscovery": {"discoveryUrl": CLIENT["discovery_url"]},
    }
    arn = f"{VAULT}/oauth2credentialprovider/toolgate-dev-tools--orders"
    target = recorded.one("AgentcoreGatewayTarget", "tools-orders").inputs
    assert target["credentialProviderConfiguration"] == {
        "oauth": {
            "providerArn": arn,
            "scopes": ["orders.read"],
            "customParameters": {"audience": "orders"},
            "grantType": "CLIENT_CREDENTIALS",
        }
    }
    document = role(recorded)
    for resource in (DIRECTORY, GATEWAY_IDENTITY, VAULT, arn):
        assert allows(document, "bedrock-agentcore:GetResourceOauth2Token", resource)
    assert allows(document, "secretsmanager:GetSecretValue", SECRET)
    assert not allows(document, "bedrock-agentcore:GetResourceApiKey", VAULT)


@pytest.mark.parametrize("kind", ["api_key", "oauth"])
def test_a_provider_that_is_there_already_is_used(run: Any, folder: Any, allows: Any, kind: str) -> None:
    arn = f"{VAULT}/{'apikey' if kind == 'api_key' else 'oauth2'}credentialprovider/shared"
    name = {"name": "x-api-key"} if kind == "api_key" else {}
    recorded = run(gateway(folder(), {kind: {"secret_arn": SECRET, "provider_arn": arn, **name}}))
    assert not [it for it in recorded.resources if "CredentialProvider" in it.type]
    action = "GetResourceApiKey" if kind == "api_key" else "GetResourceOauth2Token"
    assert allows(role(recorded), f"bedrock-agentcore:{action}", arn)


def test_the_role_signs_for_exactly_the_methods_that_are_tools(run: Any, folder: Any, allows: Any) -> None:
    signature = {"iam": {"service": "execute-api", "resources": [STAGE], "region": "eu-west-1"}}
    recorded = run(gateway(folder(), signature, operations={"getOrder": {}, "listOrders": {}}))
    target = recorded.one("AgentcoreGatewayTarget", "tools-orders").inputs
    iam = {"gatewayIamRole": {"service": "execute-api", "region": "eu-west-1"}}
    assert target["credentialProviderConfiguration"] == iam
    document = role(recorded)
    for method in ("GET/orders", "GET/orders/17"):
        assert allows(document, "execute-api:Invoke", f"{STAGE}/{method}")
    for method in ("PUT/orders/17", "POST/orders", "GET/customers", "GET/"):
        assert not allows(document, "execute-api:Invoke", f"{STAGE}/{method}")
    assert not allows(document, "execute-api:Invoke", f"{STAGE.replace('prod', 'test')}/GET/orders")


@pytest.mark.parametrize(
    ("server", "method"),
    [
        (f"https://a1b2c3d4e5.execute-api.{REGION}.amazonaws.com/prod", "GET/orders"),
        (f"https://a1b2c3d4e5.execute-api.{REGION}.amazonaws.com/prod/v1/", "GET/v1/orders"),
        ("https://api.example.com/base", "GET/orders"),
    ],
)
def test_a_stage_is_the_first_part_of_an_apis_own_path(run: Any, folder: Any, server: str, method: str) -> None:
    signature = {"iam": {"service": "execute-api", "resources": [STAGE]}}
    recorded = run(gateway(folder(), signature, operations={"listOrders": {}}, server=server))
    assert role(recorded)["Statement"][0]["Resource"] == [f"{STAGE}/{method}"]
    assert sent(recorded)["servers"] == [{"url": server}]


def test_a_function_url_takes_both_rights_and_the_second_only_through_the_url(
    run: Any, folder: Any, allows: Any
) -> None:
    recorded = run(gateway(folder(), {"iam": {"service": IamService.LAMBDA, "resources": [FUNCTION]}}))
    document = role(recorded)
    assert allows(document, "lambda:InvokeFunctionUrl", FUNCTION)
    assert allows(document, "lambda:InvokeFunction", FUNCTION, lambda__InvokedViaFunctionUrl="true")
    assert not allows(document, "lambda:InvokeFunction", FUNCTION)
    assert not allows(document, "lambda:InvokeFunctionUrl", f"{FUNCTION}2")


@pytest.mark.parametrize(
    ("settings", "server"),
    [("", None), ('return {"server": "https://b.example.com"}', "https://b.example.com")],
)
def test_what_api_py_says_holds_where_no_argument_says_otherwise(
    run: Any, folder: Any, settings: str, server: Any
) -> None:
    text = f"def settings(opts):\n    {settings or 'return {}'}\n"
    assert sent(run(gateway(folder(ORDERS, text))))["servers"] == [{"url": server or "https://api.example.com/v1"}]
    recorded = run(gateway(folder(ORDERS, text), server="https://c.example.com"))
    assert sent(recorded)["servers"] == [{"url": "https://c.example.com"}]


def test_a_server_that_the_program_makes_is_known_later(run: Any, folder: Any) -> None:
    late = pulumi.Output.from_input("https://late.example.com")
    signature = {"iam": {"service": "execute-api", "resources": [pulumi.Output.from_input(STAGE)]}}
    document = changed({"/servers": []})

    def program() -> None:
        gateway(folder(document), signature, server=late, only="listOrders")()

    recorded = run(program)
    assert sent(recorded)["servers"] == [{"url": "https://late.example.com"}]
    assert role(recorded)["Statement"][0]["Resource"] == [f"{STAGE}/GET/orders"]


def test_who_demands_that_callers_sign_in_without_a_credential_is_told(run: Any, folder: Any, monkeypatch: Any) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi, "warn", lambda text, *_: said.append(text))
    document = changed({"/security": [{"key": []}]})
    run(gateway(folder(document), {"api_key": KEY}))
    assert not said
    run(gateway(folder(document)))
    assert len(said) == 1
    assert "write 'credential'" in said[0]


@pytest.mark.parametrize(
    ("credential", "words"),
    [
        ({}, "has nothing. Write one of 'api_key', 'oauth', 'iam'"),
        ({"api_key": KEY, "iam": {"service": "lambda", "resources": [FUNCTION]}}, "has 'api_key', 'iam'"),
        ({"jwt": {}}, "unknown key 'jwt'"),
        ({"api_key": KEY | {"secret_arn": "hunter2"}}, "not repeated"),
        ({"api_key": {"secret_arn": SECRET, "name": "x"}}, "missing 'json_key'"),
        ({"api_key": KEY | {"provider_arn": f"{VAULT}/apikeycredentialprovider/x"}}, "is for a provider that is made"),
        ({"api_key": {"secret_arn": SECRET, "name": "x", "provider_arn": "x"}}, "no ARN of a credential provider"),
        ({"api_key": KEY | {"name": "n" * 65}}, "name: has 65 characters"),
        ({"api_key": KEY | {"location": "BODY"}}, "location: 'BODY'"),
        ({"oauth": {**CLIENT, "discovery_url": "http://x"}}, "discovery_url"),
        ({"oauth": {**CLIENT, "scopes": ["s" * 65]}}, "scopes"),
        ({"oauth": {**CLIENT, "parameters": {f"p{n}": "x" for n in range(11)}}}, "parameters"),
        ({"iam": {"service": "s3", "resources": [STAGE]}}, "service: 's3'"),
        ({"iam": {"service": "lambda", "resources": []}}, "is empty"),
        ({"iam": {"service": "lambda", "resources": [STAGE]}}, "no ARN of a Lambda function"),
        ({"iam": {"service": "execute-api", "resources": [FUNCTION]}}, "no ARN of an API's stage"),
        ({"iam": {"service": "execute-api", "resources": [f"{STAGE}/GET/*"]}}, "wildcard"),
        ({"iam": {"service": "lambda", "resources": [FUNCTION], "region": "here"}}, "no Region"),
    ],
)
def test_a_credential_that_is_none(run: Any, folder: Any, credential: Any, words: str) -> None:
    def program() -> None:
        given: Any = {"directory": folder(), "credential": credential}
        OpenApiTools("orders", given)

    with pytest.raises(UsageError) as error:
        run(program)
    assert words in str(error.value)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ({"open_api": {"document": "openapi: 3.0.3"}, "tools": []}, "is not valid JSON"),
        ({"open_api": {"document": json.dumps(changed({"/servers": []}))}, "tools": []}, "where the API is"),
        ({"open_api": {"document": json.dumps(ORDERS)}, "tools": [{"name": "getOrders"}]}, "mean 'getOrder'?"),
        ({"open_api": {"document": json.dumps(ORDERS)}, "function_arn": FUNCTION, "tools": []}, "only one of them"),
    ],
)
def test_a_gateway_checks_a_target_that_is_written_by_hand(run: Any, target: Any, words: str) -> None:
    with pytest.raises(UsageError) as error:
        run(lambda: ToolGateway("tools", {"targets": {"orders": target}}))
    assert words in str(error.value)


def test_an_empty_choice_is_refused(run: Any, folder: Any) -> None:
    with pytest.raises(UsageError, match="no operation is chosen"):
        run(gateway(folder(), operations={}))


def test_a_document_that_is_written_by_hand_is_sent_as_one_that_was_read(run: Any, folder: Any) -> None:
    def program() -> None:
        api = OpenApiTools("orders", {"directory": folder()})
        by_hand: Any = {"open_api": {"document": json.dumps(ORDERS)}, "tools": api.tools}
        ToolGateway("tools", {"targets": {"orders": by_hand}})
        late: Any = {"open_api": {"document": pulumi.Output.from_input(json.dumps(ORDERS))}, "tools": api.tools}
        ToolGateway("late", {"targets": {"orders": late}})

    recorded = run(program)
    [one, other] = [it.inputs for it in recorded.resources if it.type.endswith("AgentcoreGatewayTarget")]
    assert one["targetConfiguration"] == other["targetConfiguration"]
    assert sent(recorded) == sent(run(gateway(folder())))
