"""Targets of every kind, as the provider writes them."""

import json
from typing import Any

import pytest

from toolgate.access.deployment import targets
from toolgate.access.deployment.agentcore_resources import Target, Tool
from toolgate.access.deployment.stack_export import Resource
from toolgate.components.targets.connector import TOOLS

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


def connector(*enabled: str, **configuration: Any) -> Any:
    configurations = [{"name": name, **configuration} for name in enabled]
    return {
        "mcp": {"connector": {"source": {"connectorId": "x"}, "enableds": [*enabled], "configurations": configurations}}
    }


def test_the_tools_of_a_connector_are_the_documented_ones_that_it_enables() -> None:
    """The components write grants by the same schemas, which AgentCore has itself and a deployment has not."""
    ours = {tool["name"]: tool["inputSchema"] for its in TOOLS.values() for tool in its}

    def plain(schema: Any) -> Any:
        if isinstance(schema, dict):
            return {key: plain(value) for key, value in schema.items() if key != "description"}
        return schema

    found = read(connector(*ours)).tools
    assert found is not None
    assert {tool.name: tool.input_schema for tool in found} == {name: plain(schema) for name, schema in ours.items()}


@pytest.mark.parametrize(
    "configuration",
    [
        connector("Other"),
        connector("Retrieve", parameterOverrides=[{"path": "$.userContext", "visible": True}]),
        {"mcp": {"connector": {"source": {"connectorId": "web-search"}}}},
    ],
)
def test_a_connector_with_other_tools_or_other_parameters_does_not_say_them(configuration: Any) -> None:
    assert read(configuration).tools is None
