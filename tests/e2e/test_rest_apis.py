"""A program that makes a REST API of a document, with functions behind it, and gives its stage to a gateway."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.local.serve.gateway.test_mcp_gateway import _with_session
from tests.local.serve.outbound.test_servers_in_runtime import last_line, text
from toolgate.access.chain.graph import graph
from toolgate.access.chain.not_judged import not_judged
from toolgate.access.deployment.deployment import parse
from toolgate.local.plan import Plan, plan
from toolgate.local.serve.guards.credentials import Credentials
from toolgate.local.serve.outbound.sign_in import by_role
from toolgate.local.serve.server import Serving, serve

ROOT = Path(__file__).parents[2]
PROGRAM = '''
import json
from pathlib import Path

import pulumi
import pulumi_aws as aws
from toolgate import AgentRuntime, ApiGatewayTools, Authorization, ToolGateway, agent_code

DOCUMENT = json.loads(Path("orders.json").read_text())
role = aws.iam.Role(
    "orders",
    assume_role_policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
    ),
)
orders = aws.lambda_.Function(
    "orders",
    role=role.arn,
    runtime="python3.13",
    handler="orders.handler",
    code=pulumi.AssetArchive({"orders.py": pulumi.FileAsset("orders.py")}),
)


def integrated(arn: str) -> str:
    """The document with the function behind each method but one."""
    whole = json.loads(json.dumps(DOCUMENT))
    for path, item in whole["paths"].items():
        for method in set(item) & {"get", "post", "delete"}:
            kind = {"type": "mock"} if path == "/mock" else {"type": "aws_proxy", "httpMethod": "POST", "uri": arn}
            item[method]["x-amazon-apigateway-integration"] = kind
    return json.dumps(whole)


body = orders.invoke_arn.apply(integrated)
api = aws.apigateway.RestApi("orders", body=body)
policy = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*/GET/open"},
        {"Effect": "Deny", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*/DELETE/*"},
    ],
}
guard = aws.apigateway.RestApiPolicy("orders", rest_api_id=api.id, policy=json.dumps(policy))
deployment = aws.apigateway.Deployment(
    "orders", rest_api=api.id, triggers={"body": body}, opts=pulumi.ResourceOptions(depends_on=[guard])
)
stage = aws.apigateway.Stage(
    "orders", rest_api=api.id, deployment=deployment.id, stage_name="prod", variables={"shop": "main"}
)
aws.lambda_.Permission(
    "orders",
    action="lambda:InvokeFunction",
    function=orders.name,
    principal="apigateway.amazonaws.com",
    source_arn=pulumi.Output.concat(stage.execution_arn, "/*/orders*"),
)
served = {name: {} for name in ("getOrder", "placeOrder", "deleteOrder", "listOrders", "other")}
tools = ApiGatewayTools(
    "orders",
    {"rest_api_id": api.id, "stage": stage.stage_name, "document": json.dumps(DOCUMENT), "operations": served},
)
mocked = ApiGatewayTools(
    "mocked",
    {"rest_api_id": api.id, "stage": stage.stage_name, "document": json.dumps(DOCUMENT), "operations": {"mock": {}}},
)
gateway = ToolGateway(
    "shop",
    {"targets": {"orders": tools.target, "mocked": mocked.target}, "authorization": Authorization.TOOL},
)
clerk = AgentRuntime(
    "clerk",
    {
        "code": agent_code("agent"),
        "model_id": "us.anthropic.claude-haiku-4-5-20251001-v1:0",
        "tools": [gateway.tools("orders", "mocked")],
    },
)
pulumi.export("agents", {"clerk": {"runtime_arn": clerk.runtime_arn, "role_arn": clerk.role_arn}})
pulumi.export("stage", stage.execution_arn)
'''
HANDLER = """
import json


def handler(event, context):
    if event["resource"] == "/orders" and event["httpMethod"] == "POST":
        order = json.loads(event["body"])
        if order.get("broken"):
            return {"broken": True}
        if order.get("failing"):
            raise ValueError("a secret of the shop")
        return {"statusCode": 201, "headers": {"x-shop": "1"}, "body": json.dumps({"placed": order})}
    if event["resource"] == "/orders/{id}" and event["pathParameters"]["id"] == "none":
        return {"statusCode": 404, "body": "no such order"}
    context = event["requestContext"]
    seen = {name: event[name] for name in ("path", "pathParameters", "queryStringParameters", "stageVariables")}
    seen |= {"by": context["identity"]["userArn"], "in": context["stage"]}
    return {"statusCode": 200, "body": json.dumps(seen)}
"""
ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}, "description": "Its id."}
OF = {"name": "of", "in": "query", "schema": {"type": "string"}, "description": "Whose."}
ORDER = {"type": "object", "properties": {name: {"type": "boolean"} for name in ("broken", "failing")}}
SIGNED: Any = {"security": [{"sigv4": []}], "responses": {"200": {"description": "It is there."}}}
DOCUMENT = {
    "openapi": "3.0.3",
    "info": {"title": "orders", "version": "1"},
    "components": {
        "securitySchemes": {
            "sigv4": {
                "type": "apiKey",
                "name": "Authorization",
                "in": "header",
                "x-amazon-apigateway-authtype": "awsSigv4",
            }
        }
    },
    "paths": {
        "/orders/{id}": {
            "parameters": [ID],
            "get": {"operationId": "getOrder", "summary": "Find an order.", **SIGNED},
            "delete": {"operationId": "deleteOrder", "summary": "Take an order back.", **SIGNED},
        },
        "/orders": {
            "get": {"operationId": "listOrders", "summary": "List orders.", "parameters": [OF], **SIGNED},
            "post": {
                "operationId": "placeOrder",
                "summary": "Place an order.",
                "requestBody": {"content": {"application/json": {"schema": ORDER}}},
                **SIGNED,
            },
        },
        "/other": {"get": {"operationId": "other", "summary": "Something else.", **SIGNED}},
        "/mock": {"get": {"operationId": "mock", "summary": "An answer that is made up.", **SIGNED}},
        "/open": {"get": {"operationId": "open", "summary": "For anybody.", "responses": SIGNED["responses"]}},
        "/closed": {"get": {"operationId": "closed", "summary": "For nobody.", "responses": SIGNED["responses"]}},
    },
}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text("config:\n  aws:region: us-east-1\n")
    (folder / "__main__.py").write_text(PROGRAM)
    (folder / "orders.py").write_text(HANDLER)
    (folder / "orders.json").write_text(json.dumps(DOCUMENT))
    (folder / "agent").symlink_to(ROOT / "agent")
    return folder


@pytest.fixture(scope="module")
def planned(program: Path) -> Plan:
    return plan("dev", root=program)


@pytest.fixture(scope="module")
def serving(program: Path, planned: Plan) -> Iterator[Serving]:
    with serve(planned.deployment, root=program) as running:
        yield running


def call(serving: Serving, tool: str, **arguments: Any) -> Any:
    """The result of a tool of the gateway, called as the agent's role."""
    [gateway], [agent] = serving.deployment.gateways, serving.deployment.agents
    own = serving.session(agent.role_arn)
    return _with_session(
        serving.gateway_url(gateway.id), own, lambda session: session.call_tool(f"orders___{tool}", arguments)
    )


def stage_url(serving: Serving) -> str:
    [api] = serving.deployment.rest_apis
    return f"{serving.url}/execute-api/{api.id}/prod"


def asked(serving: Serving, path: str, by: Credentials | None = None, method: str = "GET") -> httpx.Response:
    """What the stage answers to a request that is sent to it, past the gateway."""
    request = httpx.Request(method, stage_url(serving) + path)
    if by:
        request = by_role(by, "execute-api", "us-east-1")(request, None)  # type: ignore[arg-type]  # it looks at no entry
    with httpx.Client(trust_env=False) as client:
        return client.send(request)


def test_a_call_reaches_the_handler_as_api_gateway_calls_it(serving: Serving) -> None:
    seen = json.loads(text(call(serving, "getOrder", id="a b")))
    [gateway] = serving.deployment.gateways
    assert seen.pop("by").startswith(gateway.role_arn.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/"))
    assert seen == {
        "path": "/orders/a%20b",
        "pathParameters": {"id": "a b"},
        "queryStringParameters": None,
        "stageVariables": {"shop": "main"},
        "in": "prod",
    }
    assert json.loads(text(call(serving, "listOrders", of="ada")))["queryStringParameters"] == {"of": "ada"}
    assert json.loads(text(call(serving, "placeOrder", broken=False))) == {"placed": {"broken": False}}


def test_the_gateways_role_may_call_the_methods_that_are_tools_and_no_other(serving: Serving) -> None:
    [gateway] = serving.deployment.gateways
    role = serving.session(gateway.role_arn)
    assert asked(serving, "/orders/7", role).status_code == 200
    refused = asked(serving, "/orders/7/lines", role)
    assert (refused.status_code, refused.json()["message"]) == (403, "Missing Authentication Token")
    stranger = serving.session(serving.deployment.agents[0].role_arn)
    assert asked(serving, "/orders/7", stranger).status_code == 403
    assert asked(serving, "/orders/7").status_code == 403


def test_the_apis_own_policy_decides_as_well(serving: Serving) -> None:
    refused = call(serving, "deleteOrder", id="7")
    assert refused.isError
    assert "arn:" not in text(refused)
    line = last_line(serving)
    assert [it["action"] for it in line["decided_by"]] == ["execute-api:Invoke"]
    assert "explicit deny in a resource-based policy" in line["decided_by"][0]["reason"]


@pytest.mark.parametrize(("path", "status"), [("/open", 500), ("/closed", 403)])
def test_a_method_without_a_signature_is_open_as_far_as_the_policy_says(
    serving: Serving, path: str, status: int
) -> None:
    """The function's own policy lets the API invoke it for orders only: that is a fault of the API, not of a caller."""
    assert asked(serving, path).status_code == status


@pytest.mark.parametrize(
    ("tool", "arguments", "status"),
    [
        ("placeOrder", {"broken": True}, 502),
        ("placeOrder", {"failing": True}, 502),
        ("getOrder", {"id": "none"}, 404),
        ("other", {}, 500),
    ],
)
def test_what_is_no_success_is_masked(serving: Serving, tool: str, arguments: Any, status: int) -> None:
    failed = call(serving, tool, **arguments)
    assert failed.isError
    assert f"HTTP status {status}" in text(failed)
    assert "secret" not in text(failed)
    assert "such" not in text(failed)


def test_an_integration_that_is_not_run_leads_nowhere_and_says_why(serving: Serving) -> None:
    [note] = [it for it in serving.notes if "mocked" in it]
    assert "GET /mock: an integration of type mock is not reproduced" in note
    assert "--target mocked=URL" in note


def test_what_leads_past_the_gateway_is_told(planned: Plan) -> None:
    told = [*not_judged(graph(parse(planned.deployment)))]
    [unsigned] = [it for it in told if "unsigned" in it]
    assert "anybody may call GET /open, GET /closed past a gateway" in unsigned
    assert any("who besides its gateways may call its signed methods is not judged" in it for it in told)


def test_the_pack_has_nothing_mandatory_against_it(planned: Plan) -> None:
    assert {it.rule for it in planned.violations} <= {"logs-delivered"}
