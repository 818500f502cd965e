"""Stages of REST APIs behind a gateway: which methods are tools, and what the gateway's role may call."""

import json
from typing import Any

import pulumi
import pytest

from tests.components.apis.test_open_api import LIST, ORDERS, PUT, changed
from tests.components.conftest import ACCOUNT, REGION
from tests.components.targets.test_open_api_target import KEY
from toolgate.components.api_gateway_tools import ApiGatewayTools
from toolgate.components.checks.arguments import UsageError
from toolgate.components.tool_gateway import ToolGateway

STAGE = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:a1b2c3d4e5/prod"
BOTH = {
    "/components/securitySchemes/sigv4": {"type": "apiKey", "x-amazon-apigateway-authtype": "awsSigv4"},
    f"{PUT}/security": [{"sigv4": [], "key": []}],
}


def gateway(api: Any = ORDERS, only: str | None = None, **args: Any) -> Any:
    def program() -> None:
        given: Any = {"rest_api_id": "a1b2c3d4e5", "stage": "prod", "document": json.dumps(api), **args}
        target: Any = ApiGatewayTools("orders", given).target
        if only:
            target = {**target, "tools": [tool for tool in target["tools"] if tool["name"] == only]}
        ToolGateway("tools", {"targets": {"orders": target}})

    return program


def of_target(recorded: Any) -> Any:
    return recorded.one("AgentcoreGatewayTarget", "tools-orders").inputs


def document_of_role(recorded: Any) -> Any:
    return recorded.one("RolePolicy", "tools-invoke").document()


def test_a_stages_methods_are_said_one_by_one_with_name_and_description(run: Any) -> None:
    target = of_target(run(gateway()))
    assert target["credentialProviderConfiguration"] == {"gatewayIamRole": {}}
    told = target["targetConfiguration"]["mcp"]["apiGateway"]
    assert (told["restApiId"], told["stage"]) == ("a1b2c3d4e5", "prod")
    assert told["apiGatewayToolConfiguration"]["toolFilters"] == [
        {"filterPath": "/orders/{id}", "methods": ["GET", "PUT"]},
        {"filterPath": "/orders", "methods": ["GET"]},
    ]
    overrides = told["apiGatewayToolConfiguration"]["toolOverrides"]
    assert overrides[0] == {
        "path": "/orders/{id}",
        "method": "GET",
        "name": "getOrder",
        "description": "One order.\n\nWith its lines.",
    }
    assert [it["name"] for it in overrides] == ["getOrder", "changeOrder", "listOrders"]


def test_the_role_calls_exactly_the_methods_that_are_tools(run: Any, allows: Any) -> None:
    late = pulumi.Output.from_input("a1b2c3d4e5")
    document = document_of_role(run(gateway(operations={"getOrder": {}, "listOrders": {}}, rest_api_id=late)))
    for method in ("GET/orders", "GET/orders/17"):
        assert allows(document, "execute-api:Invoke", f"{STAGE}/{method}")
    for method in ("PUT/orders/17", "POST/orders", "GET/customers"):
        assert not allows(document, "execute-api:Invoke", f"{STAGE}/{method}")
    assert not allows(document, "execute-api:Invoke", f"{STAGE.replace('prod', 'test')}/GET/orders")
    only = document_of_role(run(gateway(only="listOrders")))
    assert only["Statement"][0]["Resource"] == [f"{STAGE}/GET/orders"]


def test_a_method_without_operation_id_gets_a_name_here(run: Any) -> None:
    document = changed({f"{LIST}/operationId": None})
    chosen = {"all_orders": {"path": "/orders", "method": "GET", "description": "Each order."}}
    told = of_target(run(gateway(document, operations=chosen)))["targetConfiguration"]["mcp"]["apiGateway"]
    assert told["apiGatewayToolConfiguration"]["toolOverrides"] == [
        {"path": "/orders", "method": "GET", "name": "all_orders", "description": "Each order."}
    ]


def test_an_api_key_stands_in_the_place_of_the_signature(run: Any, allows: Any) -> None:
    recorded = run(gateway(credential={"api_key": KEY}))
    assert list(of_target(recorded)["credentialProviderConfiguration"]) == ["apiKey"]
    document = document_of_role(recorded)
    assert allows(document, "secretsmanager:GetSecretValue", KEY["secret_arn"])
    assert not allows(document, "execute-api:Invoke", f"{STAGE}/GET/orders")


def test_a_method_with_signature_and_key_is_left_out_with_a_sentence(run: Any, monkeypatch: Any) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi, "warn", lambda text, *_: said.append(text))
    told = of_target(run(gateway(changed(BOTH))))["targetConfiguration"]["mcp"]["apiGateway"]
    assert [it["name"] for it in told["apiGatewayToolConfiguration"]["toolOverrides"]] == ["getOrder", "listOrders"]
    [sentence] = said
    assert "PUT /orders/{id} takes both" in sentence


@pytest.mark.parametrize(
    ("document", "args", "words"),
    [
        (changed({f"{LIST}/operationId": None}), {}, "has no 'operationId'"),
        (changed(BOTH), {"operations": {"changeOrder": {}}}, "takes both a signature and an API key"),
        (changed({"/paths/~1{proxy+}": {"get": {"operationId": "any"}}}), {}, "is greedy"),
        (ORDERS, {"operations": {"x": {"path": "/order", "method": "GET"}}}, "There are: GET /orders/{id}"),
        (ORDERS, {"operations": {"getOrders": {}}}, "mean 'getOrder'?"),
        (ORDERS, {"operations": {}}, "is empty"),
        (ORDERS, {"credential": {"iam": {"service": "lambda", "resources": ["x"]}}}, "no 'iam' for such a target"),
        (ORDERS, {"stage": "prod/*"}, "stage: 'prod/*' is none"),
        (ORDERS, {"rest_api_id": "*"}, "rest_api_id: '*' is none"),
        (ORDERS, {"document": "x"}, "is not valid JSON"),
        (ORDERS, {"document": "[]"}, "must be an OpenAPI document"),
    ],
)
def test_what_agentcore_takes_not_of_a_stage(run: Any, document: Any, args: Any, words: str) -> None:
    with pytest.raises(UsageError) as error:
        run(gateway(document, **args))
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        ({"path": "/orders", "method": "get", "name": "q"}, "method: 'get' is not one of"),
        ({"path": "/orders/*", "method": "GET", "name": "q"}, "no path that AgentCore takes"),
        ({"path": "/{proxy+}", "method": "GET", "name": "q"}, "no path that AgentCore takes"),
        ({"path": "/orders", "method": "GET", "name": "other"}, "'q' is not in 'methods'"),
    ],
)
def test_a_gateway_checks_a_stage_that_is_written_by_hand(run: Any, operation: Any, words: str) -> None:
    stage = {"rest_api_id": "a1b2c3d4e5", "stage": "prod", "methods": [operation]}
    tools = [{"name": "q", "description": "Q.", "inputSchema": {"type": "object"}}]
    target: Any = {"api_gateway": stage, "tools": tools}
    with pytest.raises(UsageError) as error:
        run(lambda: ToolGateway("tools", {"targets": {"orders": target}}))
    assert words in str(error.value)
