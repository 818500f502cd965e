"""A stage of API Gateway behind a gateway: its methods by the REST API's body, each decided for the gateway's role."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.local.serve.outbound.far_sides import Api, api
from tests.local.serve.outbound.test_servers_in_runtime import call, last_line, text
from tests.server_export import ACCOUNT, add, add_target, allow, export, grant
from toolgate.access.deployment.stack_export import DeploymentError
from toolgate.local.serve.server import serve

PROJECT = Path(__file__).parents[1] / "project"
STAGE = f"arn:aws:execute-api:us-east-1:{ACCOUNT}:a1b2c3/prod"
BODY = {
    "openapi": "3.0.1",
    "paths": {
        "/orders/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {"operationId": "getOrder", "summary": "Of the document."},
            "delete": {"operationId": "deleteOrder"},
        }
    },
}
OVERRIDES = [
    {"path": "/orders/{id}", "method": "GET", "name": "order", "description": "Find an order."},
    {"path": "/orders/{id}", "method": "DELETE", "name": "remove", "description": "Take an order back."},
]


def stage(statements: Sequence[Mapping[str, Any]], *, body: Any = BODY, component: bool = False) -> dict[str, Any]:
    """The deployment with a stage as a target."""
    made = export()
    filters = [{"filterPath": "/orders/{id}", "methods": ["GET", "DELETE"]}]
    configuration = {"toolFilters": filters, "toolOverrides": OVERRIDES}
    settings = {"restApiId": "a1b2c3", "stage": "prod", "apiGatewayToolConfiguration": configuration}
    add_target(made, "shop", {"apiGateway": settings}, {"gatewayIamRole": {}})
    if statements:
        grant(made, "tools-role", "stages", statements)
    if component:
        add(made, "toolgate:index:ApiGatewayTools", "shop", {"restApiId": "a1b2c3", "document": json.dumps(body)})
    elif body is not None:
        add(made, "aws:apigateway/restApi:RestApi", "shop", {"name": "shop", "body": json.dumps(body)}, id="a1b2c3")
    return made


@pytest.fixture
def there() -> Iterator[Api]:
    with api() as running:
        yield running


@pytest.mark.parametrize("component", [False, True])
def test_each_method_is_called_and_decided(there: Api, tmp_path: Path, component: bool) -> None:
    deployment = stage([allow("execute-api:Invoke", f"{STAGE}/GET/orders/*")], component=component)
    with serve(deployment, root=PROJECT, logs=tmp_path, places={"shop": f"{there.url}/prod/"}) as serving:
        result = call(serving, "shop___order", {"id": "7"})
        assert json.loads(text(result))["path"] == "/prod/orders/7"
        [came] = there.requests
        assert "/us-east-1/execute-api/aws4_request" in came["headers"]["authorization"]
        refused = call(serving, "shop___remove", {"id": "7"})
        [decided] = last_line(serving)["decided_by"]
        assert refused.isError
        assert "arn:" not in text(refused)
        assert (decided["action"], decided["reason"].rpartition(" ")[2]) == (
            "execute-api:Invoke",
            f"{STAGE}/DELETE/orders/7",
        )
        assert len(there.requests) == 1


def test_the_tools_are_those_that_the_target_names(tmp_path: Path) -> None:
    with serve(stage([]), root=PROJECT, logs=tmp_path) as serving:
        [shop] = [it for it in serving.deployment.targets if it.name == "shop"]
        assert [(it.name, it.description) for it in shop.tools or ()] == [
            ("order", "Find an order."),
            ("remove", "Take an order back."),
        ]
        assert all("id" in it.input_schema["properties"] for it in shop.tools or ())
        assert "--target shop=URL" in text(call(serving, "shop___order", {"id": "7"}))


def test_without_the_rest_apis_body_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match="put the REST API and its body"), serve(stage([], body=None)):
        pass
