"""Tools that somebody wrote by hand, checked against what AgentCore has words for."""

from typing import Any

import pytest
from hypothesis import given, settings

from tests.components.generated_schemas import INPUTS
from toolgate.components.checks.arguments import UsageError
from toolgate.components.tools import listed_schema


def tool(name: str = "q", **schema: Any) -> dict[str, Any]:
    return {"name": name, "description": "Q.", "inputSchema": {"type": "object", **schema}}


@settings(max_examples=60, deadline=None)
@given(INPUTS)
def test_whatever_agentcore_can_say_passes(schema: dict[str, Any]) -> None:
    listed_schema.check([tool(**schema)], "here")


TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (
            {"properties": {"mode": {**TEXT, "enum": ["a"]}}},
            "inputSchema.properties.mode: AgentCore's schema has no 'enum'. Say it in 'description', and check it in "
            "the function.",
        ),
        (
            {"properties": {"x": {**TEXT, "default": 1}}},
            "inputSchema.properties.x: AgentCore's schema has no 'default'",
        ),
        ({"additionalProperties": False}, "inputSchema: AgentCore's schema has no 'additionalProperties'"),
        (
            {"properties": {"x": {"type": "array", "items": {**TEXT, "format": "date"}}}},
            "inputSchema.properties.x.items: AgentCore's schema has no 'format'",
        ),
        (
            {"properties": {"mode": TEXT}, "required": ["mod"]},
            "inputSchema.required: 'mod' is no property. There are: 'mode'.",
        ),
        ({"required": ["mod"]}, "inputSchema.required: 'mod' is no property. There are: none."),
        (
            {"properties": {"x": {"type": ["string", "null"]}}},
            "inputSchema.properties.x.type: ['string', 'null'] is not one of",
        ),
        ({"properties": {"x": {}}}, "inputSchema.properties.x.type: None is not one of 'string', 'integer'"),
        (
            {"properties": {"x": "string"}},
            "inputSchema.properties.x: must be a schema, a map with a 'type', not 'string'.",
        ),
        ({"properties": [TEXT]}, "inputSchema.properties: must be a map of schemas by name."),
        ({"properties": {"x": {**TEXT, "description": 1}}}, "inputSchema.properties.x.description: must be a string."),
        ({"properties": {"x": TEXT}, "required": "x"}, "inputSchema.required: must be a list of names."),
        ({"type": "string"}, "inputSchema.type: must be 'object', not 'string': arguments have names."),
        ({"properties": {"$filter": TEXT}}, "inputSchema.properties: '$filter' is refused by models. Write 1 to 64 of"),
        ({"properties": {"x" * 65: TEXT}}, "is refused by models. Write 1 to 64 of"),
    ],
)
def test_what_would_be_lost_has_its_path_and_what_to_write(schema: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        listed_schema.check([tool("first"), tool(**schema)], "targets.own.tools")
    assert message in str(raised.value)
    assert str(raised.value).startswith("targets.own.tools[1].")


def test_each_mistake_has_its_line() -> None:
    odd = tool(properties={"a": {"type": "text"}, "b": {**TEXT, "enum": []}}, required=["c"])
    with pytest.raises(UsageError) as raised:
        listed_schema.check([odd, tool()], "tools")
    assert [line.split(": ")[0] for line in str(raised.value).splitlines()] == [
        "tools",
        "tools[0].inputSchema.properties.a.type",
        "tools[0].inputSchema.properties.b",
        "tools[0].inputSchema.required",
    ]


def test_a_target_has_bounds() -> None:
    with pytest.raises(UsageError, match="tools: has 1001 tools; a target takes at most 1000"):
        listed_schema.check([tool(f"t{number}") for number in range(1001)], "tools")
    large = tool(properties={"a": {**TEXT, "description": "x" * 1_048_576}})
    with pytest.raises(UsageError, match=r"tools: has 1048\d+ bytes; AgentCore takes at most 1048576"):
        listed_schema.check([large], "tools")
