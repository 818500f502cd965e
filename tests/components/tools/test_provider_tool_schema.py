"""The same schema in the API's form and in the provider's."""

import json
from pathlib import Path
from typing import Any

import botocore.session
import pulumi_aws as aws
import pytest
from botocore.validate import ParamValidator
from hypothesis import given, settings

from tests.components.generated_schemas import INPUTS
from toolgate.access.deployment.gateway_tools import api_schema
from toolgate.components.tools import listed_schema, provider_tool_schema
from toolgate.components.tools.tool_schema import read_tools
from toolgate.local.cloud.types.tool_schemas import tool_definitions


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
    words = {"items_json": "itemsJson", "properties_json": "propertiesJson", "input_schema": "inputSchema"}
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
def test_what_is_listed_is_what_the_api_takes(tool_definition: Any, schema: dict[str, Any]) -> None:
    tool = {"name": "t", "description": "d", "inputSchema": listed_schema.listed(schema)}
    assert tool["inputSchema"] == schema
    report = ParamValidator().validate(tool, tool_definition)
    assert not report.has_errors(), report.generate_report()


def test_json_text_is_what_the_provider_makes_of_aws_answer() -> None:
    """Key order, escapes and the end of the line are Go's: any other text is an update that never ends."""
    leaf = {"type": "string", "description": "a <b> & \u2028"}
    listed = {"type": "array", "items": leaf}
    third = {"type": "object", "properties": {"b": leaf, "a": {"type": "array", "items": leaf}}, "required": ["b"]}
    row = {"type": "array", "items": {"type": "object", "properties": {"x": listed, "o": third}, "required": []}}
    two = {"type": "object", "properties": {"three": third, "list": listed}, "required": []}
    cube = {"type": "array", "items": {"type": "array", "items": {"type": "array", "items": leaf}}}
    record = {"type": "array", "items": {"type": "array", "items": third}}
    schema = {
        "type": "object",
        "properties": {"one": two, "row": row, "cube": cube, "record": record},
        "required": ["one"],
    }
    payload = provider_tool_schema.inline_payload({"name": "t", "description": "d", "inputSchema": schema})
    cubes, one, records, rows = payload["input_schema"]["properties"]
    text = '{"type":"string","description":"a \\u003cb\\u003e \\u0026 \\u2028"}'
    whole = f'{{"properties":{{"a":{{"type":"array","items":{text}}},"b":{text}}},"required":["b"]}}\n'
    assert one["properties"] == [
        {"name": "list", "type": "array", "required": False, "items_json": text},
        {"name": "three", "type": "object", "required": False, "properties_json": whole},
    ]
    assert [it.get("items_json", it.get("properties_json")) for it in rows["items"]["properties"]] == [whole, text]
    assert cubes["items"]["items"]["items_json"] == f"{text}\n"
    assert records["items"]["items"]["properties_json"] == whole


SHAPES = """
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Literal, NotRequired, TypedDict
from pydantic import BaseModel
class Size(StrEnum):
    '''<small> & large'''
    SMALL = "s"
class Leaf(TypedDict):
    sizes: list[Size]
    when: NotRequired[date]
@dataclass
class Branch:
    leaves: list[Leaf]
    rows: list[list[Literal[1, 2]]]
    table: dict[str, Leaf]
    any: dict
class Tree(BaseModel):
    branches: list[Branch]
    by_name: dict[str, Branch]
    pair: tuple[Branch, Branch]
def f(
    tree: Tree, branches: list[list[Branch]], leaf: Leaf, size: Size, trees: list[Tree],
    cubes: list[list[list[Leaf]]], rows: list[set[str]], any: dict, words: list[str] = ["a"],
    none: list[Leaf] | None = None
) -> None:
    '''Do it.'''
def g() -> None:
    '''Do it.'''
"""


def test_every_shape_that_is_read_has_the_providers_form(tmp_path: Path) -> None:
    (tmp_path / "tools.py").write_text(SHAPES)
    for tool in read_tools(tmp_path / "tools.py", ["pydantic"]):
        payload = provider_tool_schema.inline_payload(tool)
        assert keys_that_the_provider_has_not(payload["input_schema"]) == []
        assert plain(as_the_provider_reads_it(payload["input_schema"])) == plain(tool["inputSchema"])
        # What the stand-in takes, it takes whole.
        [definition] = tool_definitions([in_pulumis_words(payload)])
        assert plain(definition["inputSchema"]) == plain(tool["inputSchema"])


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
    assert cubes == {"type": "array", "items": {"type": "array", "items_json": '{"type":"string"}\n'}}


def test_the_order_of_the_arguments_does_not_matter() -> None:
    kinds = {"b": {"type": "string"}, "a": {"type": "number"}}
    one, other = (
        provider_tool_schema.inline_payload(
            {"name": "t", "description": "d", "inputSchema": {"type": "object", "properties": it}}
        )
        for it in (kinds, dict(reversed(kinds.items())))
    )
    assert one == other
