import json

import pulumi_aws as aws
import pytest
from hypothesis import given, settings

from tests.components.generated_schemas import INPUTS
from tests.local.cloud.conftest import tool
from toolgate.components.tools.provider_tool_schema import inline_payload
from toolgate.local.cloud.failures import NotReproducedError
from toolgate.local.cloud.types.tool_schemas import MEMBERS, read_back, tool_definitions
from toolgate.local.cloud.values import UNKNOWN


def test_properties_become_a_map_and_a_list_of_required_names() -> None:
    [definition] = tool_definitions(
        [
            tool(
                properties=[
                    {"name": "a", "type": "number", "description": "First.", "required": True},
                    {"name": "b", "type": "array", "items": {"type": "string"}},
                ]
            )
        ]
    )
    assert definition == {
        "name": "add",
        "description": "Add.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "a": {"type": "number", "description": "First."},
                "b": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["a"],
        },
    }


def test_the_third_level_is_whole_schemas_in_json() -> None:
    leaf = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
    point = [
        {"name": "at", "type": "object", "propertiesJson": json.dumps(leaf), "required": True},
        {"name": "tags", "type": "array", "itemsJson": '{"type": "string"}'},
    ]
    [definition] = tool_definitions([tool(properties=[{"name": "p", "type": "object", "properties": point}])])
    assert definition["inputSchema"]["properties"]["p"] == {
        "type": "object",
        "properties": {"at": leaf, "tags": {"type": "array", "items": {"type": "string"}}},
        "required": ["at"],
    }


def test_json_that_is_no_schema_is_an_error() -> None:
    rows = {"name": "a", "type": "array", "items": {"type": "array", "items": {"type": "array", "itemsJson": "[]"}}}
    with pytest.raises(ValueError, match="itemsJson of a tool's schema has not the form"):
        tool_definitions([tool(properties=[rows])])


def test_unknown_parts_stay_unknown() -> None:
    [definition] = tool_definitions([tool(properties=UNKNOWN)])
    assert definition["inputSchema"] == {"type": "object", "properties": UNKNOWN}
    assert tool_definitions(UNKNOWN) is UNKNOWN


INLINE = "AgentcoreGatewayTargetTargetConfigurationMcpLambdaToolSchemaInlinePayload"


@pytest.mark.parametrize("schema", ["InputSchema", "OutputSchema"])
@pytest.mark.parametrize("place", [*MEMBERS, "PropertyItems", "PropertyItemsItems", "PropertyItemsProperty"])
def test_the_members_of_a_schema_are_pulumi_awss(schema: str, place: str) -> None:
    described = vars(getattr(aws.bedrock, f"{INLINE}{schema}{place}Args"))
    members = {name.replace("_json", "Json") for name, value in described.items() if isinstance(value, property)}
    of_arrays = place.replace("PropertyItems", "Items")
    assert members == MEMBERS[of_arrays]


TEXT = '{"type": "string"}'


@pytest.mark.parametrize(
    ("properties", "named"),
    [
        ([{"name": "a", "type": "string", "enum": ["x"]}], "enum"),
        ([{"name": "a", "type": "array", "itemsJson": TEXT}], "itemsJson"),
        ([{"name": "a", "type": "array", "items": {"type": "array", "itemsJson": TEXT}}], "itemsJson"),
        ([{"name": "a", "type": "array", "items": {"type": "object", "propertiesJson": "{}"}}], "propertiesJson"),
        (
            [{"name": "a", "type": "object", "properties": [{"name": "b", "type": "array", "items": {}}]}],
            "items",
        ),
    ],
)
def test_a_member_that_a_schema_has_not_where_it_stands_is_an_error(properties: object, named: str) -> None:
    with pytest.raises(NotReproducedError, match=rf"^toolSchema \.\.\. {named}$"):
        tool_definitions([tool(properties=properties)])


@settings(max_examples=100, deadline=None)
@given(INPUTS)
def test_what_the_program_writes_is_what_the_provider_reads_back(schema: dict[str, object]) -> None:
    payload = inline_payload({"name": "t", "description": "d", "inputSchema": schema})
    written = json.loads(
        json.dumps(payload).replace("items_json", "itemsJson").replace("properties_json", "propertiesJson")
    )
    assert read_back(written) == written


@pytest.mark.parametrize(
    ("node", "text"),
    [
        ({"name": "a", "itemsJson": '{"type": "string"}\n'}, '{"type":"string"}'),
        (
            {"itemsJson": '{"description":"<&>","type":"string"}'},
            '{"type":"string","description":"\\u003c\\u0026\\u003e"}\n',
        ),
        (
            {
                "name": "a",
                "propertiesJson": '{"required":[],"properties":{"b":{"type":"object","properties":{}},"a":{}}}',
            },
            '{"properties":{"a":{},"b":{"type":"object"}}}\n',
        ),
        ({"propertiesJson": "{"}, "{"),
    ],
)
def test_any_other_text_is_read_back_as_go_writes_it(node: dict[str, str], text: str) -> None:
    [read] = read_back({"inlinePayloads": [node]})["inlinePayloads"]
    assert (read.get("itemsJson") or read.get("propertiesJson")) == text
