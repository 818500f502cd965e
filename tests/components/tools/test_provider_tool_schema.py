"""The same schema in the API's form and in the provider's."""

import json
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator
from hypothesis import given, settings
from hypothesis import strategies as st

from toolgate.components.tools import provider_tool_schema

SCALARS = st.sampled_from(["string", "integer", "number", "boolean"]).map(lambda kind: {"type": kind})
NAMES = st.text("abcdefg_", min_size=1, max_size=4)


def with_description(schema: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    described = st.sampled_from([{}, {"description": "What it is: <b>ä</b> & more"}])
    return st.builds(lambda one, text: {**one, **text}, schema, described)


@st.composite
def objects(draw: st.DrawFn, children: st.SearchStrategy[dict[str, Any]]) -> dict[str, Any]:
    properties = draw(st.dictionaries(NAMES, children, min_size=1, max_size=3))
    required = [name for name in properties if draw(st.booleans())]
    return {"type": "object", "properties": properties, "required": required}


SCHEMAS = st.recursive(
    with_description(SCALARS | st.just({"type": "object"})),
    lambda inner: with_description(objects(inner) | inner.map(lambda items: {"type": "array", "items": items})),
    max_leaves=12,
)


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


@settings(max_examples=60, deadline=None)
@given(objects(SCHEMAS))
def test_the_provider_sends_what_the_schema_says(schema: dict[str, Any]) -> None:
    payload = provider_tool_schema.inline_payload({"name": "t", "description": "d", "inputSchema": schema})
    assert payload["name"] == "t"
    assert payload["description"] == "d"
    assert plain(as_the_provider_reads_it(payload["input_schema"])) == plain(schema)


def plain(schema: Any) -> Any:
    """Without the order of `required`, which means nothing."""
    if not isinstance(schema, dict):
        return schema
    result: dict[str, Any] = {key: schema[key] for key in ("type", "description") if key in schema}
    if "items" in schema:
        result["items"] = plain(schema["items"])
    if "properties" in schema:
        result["properties"] = {name: plain(child) for name, child in schema["properties"].items()}
        result["required"] = sorted(schema.get("required", []))
    return result


@pytest.fixture(scope="module")
def tool_definition() -> Any:
    return botocore.session.get_session().get_service_model("bedrock-agentcore-control").shape_for("ToolDefinition")


@settings(max_examples=40, deadline=None)
@given(objects(SCHEMAS))
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


def test_the_order_of_the_arguments_does_not_matter() -> None:
    kinds = {"b": {"type": "string"}, "a": {"type": "number"}}
    one, other = (
        provider_tool_schema.inline_payload(
            {"name": "t", "description": "d", "inputSchema": {"type": "object", "properties": it}}
        )
        for it in (kinds, dict(reversed(kinds.items())))
    )
    assert one == other
