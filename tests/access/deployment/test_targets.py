"""Targets of every kind, as the provider writes them."""

import json
from typing import Any

import pytest

from toolgate.access.deployment import targets
from toolgate.access.deployment.agentcore_resources import Target, Tool
from toolgate.access.deployment.stack_export import Resource

API = {"paths": {"/a/{id}": {"get": {"operationId": "get_a", "parameters": [{"name": "id", "in": "path"}]}}}}
GET_A = Tool("get_a", "", {"type": "object", "properties": {"id": {}}, "required": ["id"]})


def read(configuration: Any, credentials: Any = None) -> Target:
    properties = {
        "name": "it",
        "targetId": "T1",
        "gatewayIdentifier": "tools-abcdefghij",
        "targetConfiguration": configuration,
        "credentialProviderConfiguration": credentials or {},
    }
    type_ = "aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget"
    return targets.read_target(Resource(f"urn:pulumi:dev::case::{type_}::it", type_, properties, properties))


@pytest.mark.parametrize(
    ("schema", "tools"),
    [
        ({"inlinePayload": {"payload": json.dumps(API)}}, (GET_A,)),
        ({"inlinePayload": {"payload": "openapi: 3.0.3"}}, None),
        ({"inlinePayload": {"payload": "{}"}}, ()),
        ({"s3": {"uri": "s3://apis/a.json"}}, None),
    ],
)
def test_the_tools_of_an_api_are_its_operations(schema: Any, tools: Any) -> None:
    assert read({"mcp": {"openApiSchema": schema}}).tools == tools


GET_B = {"path": "/b", "method": "GET", "name": "get_b", "description": "B."}


@pytest.mark.parametrize(
    ("filters", "overrides", "tools"),
    [
        ([{"filterPath": "/b", "methods": ["GET"]}], [GET_B], (Tool("get_b", "B.", {"type": "object"}),)),
        ([{"filterPath": "/b", "methods": ["GET", "PUT"]}], [GET_B], None),
        ([{"filterPath": "/b/*", "methods": ["GET"]}], [GET_B], None),
        ([{"filterPath": "/b", "methods": ["GET"]}], None, None),
    ],
)
def test_the_tools_of_a_stage_are_its_methods_where_each_is_named(filters: Any, overrides: Any, tools: Any) -> None:
    said = {"toolFilters": filters, **({"toolOverrides": overrides} if overrides else {})}
    stage = {"restApiId": "a1b2c3d4e5", "stage": "prod", "apiGatewayToolConfiguration": said}
    assert read({"mcp": {"apiGateway": stage}}).tools == tools
