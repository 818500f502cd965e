import json

import pytest

from tests.local.cloud.conftest import tool
from toolgate.local.cloud.types.tool_schemas import tool_definitions
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
    with pytest.raises(ValueError, match="itemsJson must hold a schema"):
        tool_definitions([tool(properties=[{"name": "a", "type": "array", "itemsJson": "[]"}])])


def test_unknown_parts_stay_unknown() -> None:
    [definition] = tool_definitions([tool(properties=UNKNOWN)])
    assert definition["inputSchema"] == {"type": "object", "properties": UNKNOWN}
    assert tool_definitions(UNKNOWN) is UNKNOWN
