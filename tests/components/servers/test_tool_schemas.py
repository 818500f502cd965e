"""JSON Schema, as the MCP SDK makes it, in AgentCore's words."""

import json
from typing import Any

import pytest

from toolgate.components.checks.arguments import UsageError
from toolgate.components.servers import tool_schemas
from toolgate.components.tools import tool_check

ITEM = {"type": "object", "properties": {"sku": {"type": "string"}}, "required": ["sku"], "title": "Item"}
ANY_KEYS = {"type": "object", "additionalProperties": {"type": "integer"}}


def tool(name: str = "f", description: str | None = "Does it.", defs: Any = None, **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(properties), "title": "fArguments"}
    return {"name": name, "description": description, "inputSchema": schema | ({"$defs": defs} if defs else {})}


def listed(schema: Any, **defs: Any) -> dict[str, Any]:
    """The input schema of a tool with this one parameter, `x`."""
    [found] = tool_schemas.listed([tool(x=schema, defs=defs)], "orders", "server.py")
    tool_check.check([found], "tools")
    return found["inputSchema"]


@pytest.mark.parametrize(
    ("schema", "becomes"),
    [
        ({"type": "integer", "title": "X"}, {"type": "integer"}),
        (
            {"type": "integer", "minimum": 1, "default": 3},
            {"type": "integer", "description": "At least 1. Default: 3."},
        ),
        ({"enum": ["a", "b"], "type": "string"}, {"type": "string", "description": "One of: 'a', 'b'."}),
        ({"const": "a"}, {"type": "string", "description": "One of: 'a'."}),
        ({"enum": [1, 2]}, {"type": "integer", "description": "One of: 1, 2."}),
        ({"anyOf": [{"type": "integer"}, {"type": "number"}]}, {"type": "number"}),
        (
            {"anyOf": [{"const": "a"}, {"enum": ["b"], "type": "string"}]},
            {"type": "string", "description": "One of: 'a', 'b'."},
        ),
        ({"allOf": [{"$ref": "#/$defs/Item"}], "description": "It."}, {"type": "object", "description": "It."}),
        ({"$ref": "#/$defs/Item"}, {"type": "object"}),
        ({"type": "array", "items": {"type": ["string", "null"]}}, {"type": "array", "items": {"type": "string"}}),
        (ANY_KEYS, {"type": "object", "description": "Any keys; each value: integer."}),
        ({"type": "object", "additionalProperties": True}, {"type": "object"}),
        ({"type": "string", "format": "date"}, {"type": "string", "description": "Date as YYYY-MM-DD."}),
        (
            {"type": "string", "format": "uri", "description": "Where"},
            {"type": "string", "description": "Where. Format: uri."},
        ),
    ],
)
def test_what_agentcore_has_words_for(schema: Any, becomes: Any) -> None:
    found = listed(schema, Item=ITEM)
    item = {"properties": {"sku": {"type": "string"}}, "required": ["sku"]}
    if "Item" in json.dumps(schema):
        becomes = {**item, **becomes}
    assert found == {"type": "object", "properties": {"x": becomes}, "required": ["x"]}


@pytest.mark.parametrize(
    "schema",
    [
        {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        {"oneOf": [{"type": "null"}, {"type": "integer"}], "default": None},
        {"type": ["integer", "null"]},
        {"$ref": "#/$defs/Maybe"},
        {"anyOf": [{"$ref": "#/$defs/Maybe"}]},
    ],
)
def test_what_may_be_null_may_be_left_out(schema: Any) -> None:
    """Cedar has no null: a policy asks `context.input has x`."""
    found = listed(schema, Maybe={"anyOf": [{"type": "integer"}, {"type": "null"}]})
    assert found == {"type": "object", "properties": {"x": {"type": "integer"}}, "required": []}


TREE = {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}}}


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, "parameter 'x': is one of several types.* Write one"),
        ({"type": ["integer", "string"]}, "parameter 'x': is one of several types"),
        ({"enum": [1, "a"]}, "parameter 'x': is one of several types"),
        ({"title": "X"}, "parameter 'x': has no type. Write one"),
        (True, "parameter 'x': has no type"),
        ({"type": "array"}, "parameter 'x': does not say of what it is a list"),
        ({"type": "array", "prefixItems": [{"type": "integer"}]}, "parameter 'x': the places of its array differ"),
        ({"$ref": "#/$defs/Tree"}, r"parameter 'x'.children\[\]: Tree contains itself.* Write `dict`"),
        ({"$ref": "#/$defs/Loop"}, "parameter 'x': Loop contains itself"),
        ({"$ref": "#/$defs/Nowhere"}, "parameter 'x': refers to '#/\\$defs/Nowhere'"),
        ({"$ref": "https://example.com/schema"}, "parameter 'x': refers to 'https://example.com/schema'"),
        (
            {"type": "object", "properties": {"deep": {"type": "object", "properties": {"y": {}}}}},
            "parameter 'x'.deep.y: has no type",
        ),
        ({"type": "object", "additionalProperties": {"title": "Y"}}, "parameter 'x', each value: has no type"),
    ],
)  # fmt: skip
def test_what_it_has_no_words_for_is_told_with_its_place(schema: Any, says: str) -> None:
    with pytest.raises(UsageError, match=f"^server.py: tool 'f' {says}"):
        listed(schema, Tree=TREE, Loop={"$ref": "#/$defs/Loop"})


@pytest.mark.parametrize(
    ("tools", "says"),
    [
        ([], "lists no tool. Give it one"),
        ([tool(f"t{n}") for n in range(1001)], "lists 1001 tools; a target takes at most 1000"),
        ([tool("f" * 60)], "full tool name 'orders___f+' has 69 characters; at most 64"),
        ([tool("add two")], "tool 'add two': its name is refused by models"),
        ([tool(description="")], "tool 'f': has no description, .* Write a docstring"),
        ([tool(description=None)], "tool 'f': has no description"),
        ([{**tool(), "inputSchema": {"type": "string"}}], "tool 'f': its inputSchema is of type 'string'"),
    ],
)
def test_what_is_wrong_with_tools(tools: Any, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        tool_schemas.listed(tools, "orders", "server.py")


def test_each_tool_has_its_mistake_told() -> None:
    with pytest.raises(UsageError) as raised:
        tool_schemas.listed([tool("one", x={}), tool("two"), tool("three", y=True)], "orders", "server.py")
    assert [line.split("'")[1] for line in str(raised.value).splitlines()] == ["one", "three"]
