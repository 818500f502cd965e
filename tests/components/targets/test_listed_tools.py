"""Of what an MCP server lists, what AgentCore's schema has words for."""

import json
from typing import Any

import cedarpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants import cedar_schema
from toolgate.components.targets import listed_tools
from toolgate.components.tools import tool_check

STRING = {"type": "string"}


def tool(name: str = "find", properties: Any = None) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties or {}}
    return {"name": name, "description": "Finds.", "inputSchema": schema}


def words(schema: Any, **defs: Any) -> Any:
    """What becomes of the argument `x`."""
    listed = tool(properties={"x": schema})
    listed["inputSchema"]["$defs"] = defs
    [found] = listed_tools.in_words_of_agentcore([listed])
    return found["inputSchema"]["properties"].get("x")


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (STRING, STRING),
        ({"type": "string", "description": "An x.", "enum": ["a"], "title": "X"}, STRING | {"description": "An x."}),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None}, {"type": "integer"}),
        ({"type": ["number", "null"]}, {"type": "number"}),
        ({"enum": ["a", "b", None]}, STRING),
        ({"const": True}, {"type": "boolean"}),
        ({"$ref": "#/$defs/Y"}, STRING),
        ({"allOf": [{"$ref": "#/$defs/Y"}], "description": "A y."}, STRING | {"description": "A y."}),
        ({"type": "array", "items": {"$ref": "#/$defs/Y"}}, {"type": "array", "items": STRING}),
        ({"type": "object", "additionalProperties": STRING}, {"type": "object", "properties": {}, "required": []}),
        (
            {"properties": {"a": STRING, "b": {}}, "required": ["a", "b"]},
            {"type": "object", "properties": {"a": STRING}, "required": ["a"]},
        ),
        ({"type": "object", "anyOf": [{"required": ["a"]}]}, {"type": "object", "properties": {}, "required": []}),
        # What there are no words for.
        ({}, None),
        (True, None),
        ({"anyOf": [STRING, {"type": "integer"}]}, None),
        ({"type": ["string", "integer"]}, None),
        ({"type": "array"}, None),
        ({"type": "array", "items": {}}, None),
        ({"$ref": "#/$defs/Recursive"}, {"type": "object", "properties": {}, "required": []}),
        ({"$ref": "https://example.com/schema.json"}, None),
        ({"$ref": "#/$defs/Nowhere"}, None),
        ({"$ref": "#/$defs/Loop"}, None),
        ({"enum": ["a", 1]}, None),
    ],
)
def test_an_argument_in_words_of_agentcore(schema: Any, expected: Any) -> None:
    recursive = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Recursive"}}}
    assert words(schema, Y=STRING, Recursive=recursive, Loop={"$ref": "#/$defs/Loop"}) == expected


def test_a_few_definitions_that_come_to_billions_of_schemas_end_soon() -> None:
    levels = 40
    defs = {
        f"L{n}": {"type": "object", "properties": {key: {"$ref": f"#/$defs/L{n + 1}"} for key in "ab"}}
        for n in range(levels)
    }
    found = words({"$ref": "#/$defs/L0"}, **defs, **{f"L{levels}": STRING})
    assert json.dumps(found).count("type") <= listed_tools.MOST_SCHEMAS


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(["string", "object", "#/$defs/a"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "properties",
                    "items",
                    "required",
                    "anyOf",
                    "$ref",
                    "enum",
                    "const",
                    "$defs",
                    "a",
                    "description",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(schema=st.dictionaries(st.sampled_from(["properties", "required", "$defs", "anyOf"]), JSON))
def test_whatever_a_server_lists_is_refused_or_in_words_that_cedar_takes(schema: Any) -> None:
    listed = [{"name": "find", "description": "Finds.", "inputSchema": {**schema, "type": "object"}}]
    try:
        listed_tools.check(listed, "here")
    except UsageError:
        return
    found = listed_tools.in_words_of_agentcore(listed)
    tool_check.check(found, "here")
    text = 'permit(principal, action == AgentCore::Action::"t___find", resource);'
    assert cedarpy.validate_policies(text, cedar_schema.schema({"t": found})).validation_passed


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ({}, "here: must be a list of tools"),
        ([3], "here[0]: is no tool of MCP: it has no 'name'"),
        ([{"name": "a"}], "here[0]: 'a' is no tool of MCP: it has no 'inputSchema'"),
        ([tool("get.it")], "here[0].name: 'get.it' is refused by models"),
        ([tool("a"), tool("a")], "here: has several tools named 'a'"),
        ([{**tool("a"), "inputSchema": {"type": "string"}}], "here[0].inputSchema.type: must be 'object'"),
        ([{"name": "", "inputSchema": {"type": "object"}}], "here[0].name: '' is refused"),
        ([tool(str(n)) for n in range(1001)], "here: has 1001 tools; a target takes at most 1000"),
        ([{**tool(), "_meta": {"x": "y" * 1_048_576}}], "as JSON; AgentCore takes at most 1048576"),
    ],
)
def test_what_no_gateway_could_serve_is_refused(listed: Any, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        listed_tools.check(listed, "here")
    assert message in str(raised.value)


def test_the_gateway_gets_the_tools_as_they_were_listed_but_for_those_that_it_does_not_serve() -> None:
    listed = [
        {**tool("a", {"x": {"anyOf": [STRING, {"type": "null"}]}}), "annotations": {"readOnlyHint": True}},
        tool("b"),
    ]
    [first, _] = listed_tools.in_words_of_agentcore(listed)
    made = listed_tools.configuration("https://mcp.example.com/mcp", listed, [first])
    text = made["mcp_server"]["mcp_tool_schema"]["inline_payload"]["payload"]
    assert json.loads(text) == {"tools": [listed[0]]}
    assert text == listed_tools.payload([dict(reversed(listed[0].items()))])
