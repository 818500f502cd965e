"""The same schema in the API's form and in the provider's."""

import json
from typing import Any

import botocore.session
import pulumi_aws as aws
import pytest
from botocore.validate import ParamValidator
from hypothesis import given, settings

from tests.components.generated_schemas import INPUTS
from toolgate.access.deployment.gateway_tools import api_schema
from toolgate.components.tools import provider_tool_schema


def as_the_provider_reads_it(node: dict[str, Any]) -> dict[str, Any]:
    """What terraform-provider-aws sends for a node of the typed form (gateway_target.go, the Expand functions)."""
    schema: dict[str, Any] = {key: node[key] for key in ("type", "description") if key in node}
    if "items" in node:
        schema["items"] = as_the_provider_reads_it(node["items"])
    if "items_json" in node:
        schema["items"] = json.loads(node["items_json"])
    if "properties" in node:
        schema["properties"] = {child["name"]: as_the_provider_reads_it(child) for child in node["properties"]}
        schema["required"] = [child["name"] for child in node["properties"] if child["required"]]
    if "properties_json" in node:
        read = json.loads(node["properties_json"])
        schema |= {"properties": read["properties"], "required": read.get("required", [])}
    return schema


@settings(max_examples=60)
@given(INPUTS)
def test_the_provider_sends_what_the_schema_says(schema: dict[str, Any]) -> None:
    payload = provider_tool_schema.inline_payload({"name": "t", "description": "d", "inputSchema": schema})
    assert payload["name"] == "t"
    assert payload["description"] == "d"
    assert plain(as_the_provider_reads_it(payload["input_schema"])) == plain(schema)


INPUT_SCHEMA = "AgentcoreGatewayTargetTargetConfigurationMcpLambdaToolSchemaInlinePayloadInputSchema"


def keys_that_the_provider_has_not(node: dict[str, Any], place: str = "") -> list[str]:
    """Keys of the typed form that the class of pulumi_aws for this place does not have, at any depth."""
    described = getattr(aws.bedrock, f"{INPUT_SCHEMA}{place}Args")
    odd = [f"{place}.{key}" for key in node if not isinstance(getattr(described, key, None), property)]
    odd += keys_that_the_provider_has_not(node["items"], f"{place}Items") if "items" in node else []
    for child in node.get("properties", []):
        odd += keys_that_the_provider_has_not(child, f"{place}Property")
    return odd


@settings(max_examples=100, deadline=None)
@given(INPUTS)
def test_every_key_is_one_of_the_providers_at_its_place(schema: dict[str, Any]) -> None:
    payload = provider_tool_schema.inline_payload({"name": "t", "description": "d", "inputSchema": schema})
    assert keys_that_the_provider_has_not(payload["input_schema"]) == []


@settings(max_examples=60, deadline=None)
@given(INPUTS)
def test_access_reads_back_what_the_schema_says(schema: dict[str, Any]) -> None:
    payload = provider_tool_schema.inline_payload({"name": "t", "description": "d", "inputSchema": schema})
    assert plain(api_schema(in_pulumis_words(payload["input_schema"]))) == plain(schema)


def in_pulumis_words(node: Any) -> Any:
    """The typed form as a deployment has it: the SDK's snake_case keys in camelCase."""
    if isinstance(node, list):
        return [in_pulumis_words(item) for item in node]
    words = {"items_json": "itemsJson", "properties_json": "propertiesJson"}
    return {words.get(k, k): in_pulumis_words(v) for k, v in node.items()} if isinstance(node, dict) else node


def plain(schema: Any) -> Any:
    """Without the order of `required`, and without no properties: neither means anything."""
    if not isinstance(schema, dict):
        return schema
    result: dict[str, Any] = {key: schema[key] for key in ("type", "description") if key in schema}
    if "items" in schema:
        result["items"] = plain(schema["items"])
    if schema.get("properties"):
        result["properties"] = {name: plain(child) for name, child in schema["properties"].items()}
        result["required"] = sorted(schema.get("required", []))
    return result


@pytest.fixture(scope="module")
def tool_definition() -> Any:
    return botocore.session.get_session().get_service_model("bedrock-agentcore-control").shape_for("ToolDefinition")


@settings(max_examples=40)
@given(INPUTS)
def test_tools_json_is_what_the_api_takes(tool_definition: Any, schema: dict[str, Any]) -> None:
    [tool] = json.loads(provider_tool_schema.tools_json([{"name": "t", "description": "d", "inputSchema": schema}]))
    assert tool["inputSchema"] == schema
    report = ParamValidator().validate(tool, tool_definition)
    assert not report.has_errors(), report.generate_report()


def test_the_third_level_is_json_in_the_order_the_provider_writes_it() -> None:
    leaf = {"type": "string", "description": "d"}
    third = {"type": "object", "properties": {"b": leaf, "a": {"type": "array", "items": leaf}}, "required": ["b"]}
    schema = {
        "type": "object",
        "properties": {"one": {"type": "object", "properties": {"two": third}, "required": []}},
        "required": ["one"],
    }
    [one] = provider_tool_schema.inline_payload({"name": "t", "description": "d", "inputSchema": schema})[
        "input_schema"
    ]["properties"]
    [two] = one["properties"]
    assert two == {
        "name": "two",
        "type": "object",
        "required": False,
        "properties_json": (
            '{"properties":{"a":{"type":"array","items":{"type":"string","description":"d"}},'
            '"b":{"type":"string","description":"d"}},"required":["b"]}'
        ),
    }


def test_what_an_array_holds_has_a_level_of_its_own() -> None:
    """The provider types an array's items, and what is in them, one level deeper than an object's properties."""
    words = {"type": "array", "items": {"type": "string"}}
    line = {"type": "object", "properties": {"words": words}, "required": []}
    schema = {
        "type": "object",
        "properties": {
            "lines": {"type": "array", "items": line},
            "rows": {"type": "array", "items": words},
            "cubes": {"type": "array", "items": {"type": "array", "items": words}},
        },
        "required": [],
    }
    given = provider_tool_schema.inline_payload({"name": "t", "description": "d", "inputSchema": schema})[
        "input_schema"
    ]
    cubes, lines, rows = ({**it["items"]} for it in given["properties"])
    assert lines["properties"] == [
        {"name": "words", "required": False, "type": "array", "items_json": '{"type":"string"}'}
    ]
    assert rows == {"type": "array", "items": {"type": "string"}}
    assert cubes == {"type": "array", "items": {"type": "array", "items_json": '{"type":"string"}'}}


def test_the_order_of_the_arguments_does_not_matter() -> None:
    kinds = {"b": {"type": "string"}, "a": {"type": "number"}}
    one, other = (
        provider_tool_schema.inline_payload(
            {"name": "t", "description": "d", "inputSchema": {"type": "object", "properties": it}}
        )
        for it in (kinds, dict(reversed(kinds.items())))
    )
    assert one == other
