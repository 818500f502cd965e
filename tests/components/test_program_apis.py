"""The program with APIs in `apis/`."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.components.apis.test_open_api import ORDERS, changed
from tests.components.conftest import ACCOUNT, REGION, SECRETS
from toolgate.components.checks.arguments import UsageError

SECRET = f"{SECRETS}:prices-a1B2c3"
STAGE = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:a1b2c3d4e5/prod"
SOURCES = {"bundle": "sources"}
CHOICE = "OPERATIONS = {'listOrders': {'description': 'Each order that there is.'}}\n"


@pytest.fixture
def apis(folder_of_target: Callable[..., None]) -> Any:
    """Writes an API."""

    def write(name: str = "orders", document: Any = ORDERS, settings: str | None = None, lambdas: bool = True) -> None:
        files = {"openapi.json": json.dumps(document), "api.py": settings}
        folder_of_target(f"apis/{name}", files, lambdas=lambdas)

    return write


def targets(recorded: Any) -> dict[str, Any]:
    found = [it for it in recorded.resources if it.type.endswith(":AgentcoreGatewayTarget")]
    return {it.name: it.inputs["targetConfiguration"]["mcp"] for it in found}


def paths(mcp: Any) -> list[str]:
    return list(json.loads(mcp["openApiSchema"]["inlinePayload"]["payload"])["paths"])


def test_a_folder_of_apis_is_a_target_beside_those_of_lambdas(run: Any, program: Any, apis: Any) -> None:
    apis()
    recorded = run(program, SOURCES)
    found = targets(recorded)
    assert set(found) == {"tools-math", "tools-orders"}
    assert paths(found["tools-orders"]) == ["/orders/{id}", "/orders"]
    tools = recorded.outputs["agents"]["assistant"]["tools"]
    assert tools[-3:] == ["orders___getOrder", "orders___changeOrder", "orders___listOrders"]


def test_a_program_of_apis_alone(run: Any, program: Any, apis: Any) -> None:
    apis(lambdas=False)
    assert set(targets(run(program, SOURCES))) == {"tools-orders"}


def test_api_py_chooses_the_operations_before_anything_is_made(run: Any, program: Any, apis: Any) -> None:
    apis(settings=CHOICE + "def settings(opts):\n    return {}\n")
    recorded = run(program, SOURCES)
    assert paths(targets(recorded)["tools-orders"]) == ["/orders"]
    assert "orders___getOrder" not in recorded.outputs["agents"]["assistant"]["tools"]


def test_a_gateway_has_the_operations_that_its_targets_name(run: Any, program: Any, apis: Any) -> None:
    apis()
    named = {"one": {"targets": ["orders___listOrders"]}, "two": {"targets": ["orders", "math"]}}
    recorded = run(program, {**SOURCES, "gateways": named, "agents": {"a": {"tools": ["one"]}}})
    found = targets(recorded)
    assert paths(found["one-orders"]) == ["/orders"]
    assert paths(found["two-orders"]) == ["/orders/{id}", "/orders"]


def test_a_stack_says_where_the_api_is_and_how_the_gateway_signs_in(run: Any, program: Any, apis: Any) -> None:
    apis()
    key = {"apiKey": {"secretArn": SECRET, "jsonKey": "key", "name": "x-api-key", "location": "QUERY_PARAMETER"}}
    entry = {"server": "https://test.example.com", "credential": key}
    recorded = run(program, {**SOURCES, "targets": {"orders": entry}})
    payload = json.loads(targets(recorded)["tools-orders"]["openApiSchema"]["inlinePayload"]["payload"])
    assert payload["servers"] == [{"url": "https://test.example.com"}]
    provider = recorded.one("AgentcoreApiKeyCredentialProvider", "tools-orders-provider")
    assert provider.inputs["apiKeySecretConfig"] == {"secretId": SECRET, "jsonKey": "key"}


@pytest.mark.parametrize(
    "credential",
    [
        {"iam": {"service": "execute-api", "resources": [STAGE], "region": "eu-west-1"}},
        {
            "oauth": {
                "secretArn": SECRET,
                "jsonKey": "s",
                "clientId": "c",
                "discoveryUrl": "https://login.example.com/.well-known/openid-configuration",
                "scopes": ["a"],
            }
        },
        {"apiKey": {"secretArn": SECRET, "name": "k", "providerArn": "arn:aws:bedrock-agentcore:us-east-1:"
                    f"{ACCOUNT}:token-vault/default/apikeycredentialprovider/x"}},
    ],
)  # fmt: skip
def test_each_credential_can_be_configured(run: Any, program: Any, apis: Any, credential: Any) -> None:
    apis()
    recorded = run(program, {**SOURCES, "targets": {"orders": {"credential": credential}}})
    target = recorded.one("AgentcoreGatewayTarget", "tools-orders").inputs
    assert target["credentialProviderConfiguration"]


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"targets": {"orders": {"memorySize": 256}}}, "targets.orders: memorySize is not for an API"),
        ({"targets": {"math": {"server": "https://x.example"}}}, "targets.math: server is for an API"),
        ({"targets": {"orders": {"server": 3}}}, "targets.orders.server: must be a string"),
        ({"targets": {"orders": {"credential": {}}}}, "targets.orders.credential: has nothing. Write one of 'apiKey'"),
        (
            {"targets": {"orders": {"credential": {"apiKey": {"secretArn": "hunter2", "name": "k", "jsonKey": "j"}}}}},
            "targets.orders.credential.apiKey.secretArn: what is written there",
        ),
        ({"targets": {"orders": {"functionArn": "x", "tools": "y"}}}, "has a folder"),
    ],
)
def test_what_a_stack_cannot_say(run: Any, program: Any, apis: Any, config: Any, words: str) -> None:
    apis()
    with pytest.raises(UsageError) as error:
        run(program, SOURCES | config)
    assert words in str(error.value)
    assert "hunter2" not in str(error.value)


def test_an_api_and_another_target_have_two_names(run: Any, program: Any, apis: Any) -> None:
    apis("math")
    with pytest.raises(UsageError, match=r"apis/math: there is another target of this name"):
        run(program, SOURCES)


def test_what_is_wrong_in_any_document_is_told_before_anything_is_made(run: Any, program: Any, apis: Any) -> None:
    apis("one", changed({"/swagger": "2.0"}), lambdas=False)
    apis("two", changed({"/info/title": 3}))
    with pytest.raises(UsageError) as error:
        run(program, SOURCES)
    assert [line.partition(":")[0] for line in str(error.value).splitlines()] == [
        "apis/one/openapi.json#/swagger",
        "apis/two/openapi.json#/info/title",
    ]


@pytest.mark.parametrize("text", ["OPERATIONS = []\n", "OPERATIONS = {}\n", "OPERATIONS = {'listOrders': 'x'}\n"])
def test_a_choice_that_is_none(run: Any, program: Any, apis: Any, text: str) -> None:
    apis(settings=text)
    with pytest.raises(UsageError, match=r"apis/orders/api\.py: OPERATIONS"):
        run(program, SOURCES)


def test_a_choice_of_operations_takes_no_settings_besides(run: Any, program: Any, apis: Any) -> None:
    apis(settings=CHOICE)
    recorded = run(program, SOURCES)
    target = recorded.one("AgentcoreGatewayTarget", "tools-orders").inputs
    assert "credentialProviderConfiguration" not in target
    document = json.loads(target["targetConfiguration"]["mcp"]["openApiSchema"]["inlinePayload"]["payload"])
    assert [it["operationId"] for path in document["paths"].values() for it in path.values()] == ["listOrders"]
