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
    assert targets.said_tools("mcp.apiGateway", stage) == tools


def connector(*enabled: str, **configuration: Any) -> Any:
    configurations = [{"name": name, **configuration} for name in enabled]
    return {
        "mcp": {"connector": {"source": {"connectorId": "x"}, "enableds": [*enabled], "configurations": configurations}}
    }


def test_the_tools_of_a_connector_are_the_documented_ones_that_it_enables() -> None:
    """The components write grants by the same schemas, which AgentCore has itself and a deployment has not."""
    ours = {tool["name"]: tool for its in TOOLS.values() for tool in its}

    def plain(schema: Any) -> Any:
        if isinstance(schema, dict):
            return {key: plain(value) for key, value in schema.items() if key != "description"}
        return schema

    found = read(connector(*ours)).tools
    assert found is not None
    assert {it.name: (it.description, it.input_schema) for it in found} == {
        name: (tool["description"], plain(tool["inputSchema"])) for name, tool in ours.items()
    }


@pytest.mark.parametrize(
    ("configuration", "knowledge_base"),
    [
        (connector("Retrieve", parameterValues=json.dumps({"knowledgeBaseId": "A1"})), "A1"),
        (connector("Retrieve", parameterValues=json.dumps({"knowledgeBaseId": 1})), None),
        (connector("Retrieve", parameterValues=json.dumps([])), None),
        (connector("Retrieve", parameterValues="{"), None),
        (connector("Retrieve"), None),
        (connector("AgenticRetrieveStream", parameterValues=json.dumps({"knowledgeBaseId": "A1"})), None),
    ],
)
def test_a_connector_says_which_knowledge_base_it_asks(configuration: Any, knowledge_base: str | None) -> None:
    assert read(configuration).place.knowledge_base == knowledge_base


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
