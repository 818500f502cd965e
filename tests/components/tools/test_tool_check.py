"""Tools that somebody wrote by hand, checked whole against what AgentCore and models take."""

import bisect
import copy
import json
import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.components.generated_schemas import INPUTS
from tests.components.tools.test_provider_tool_schema import as_the_provider_reads_it, keys_that_the_provider_has_not
from toolgate.agent.toolset import rules as tool_rules
from toolgate.components.checks.arguments import UsageError
from toolgate.components.tools import provider_tool_schema, tool_check


def tool(name: str = "q", **schema: Any) -> dict[str, Any]:
    return {"name": name, "description": "Q.", "inputSchema": {"type": "object", **schema}}


@settings(max_examples=60, deadline=None)
@given(INPUTS)
def test_whatever_agentcore_can_say_passes(schema: dict[str, Any]) -> None:
    tool_check.check([tool(**schema)], "here")


TEXT: dict[str, Any] = {"type": "string"}
DEEP: dict[str, Any] = {"type": "array"}
for _ in range(64):
    DEEP = {"type": "array", "items": DEEP}


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
        ({"anyOf": []}, "inputSchema: AgentCore's schema has no 'anyOf'"),
        ({"propertys": {}}, "inputSchema: AgentCore's schema has no 'propertys'. Did you mean 'properties'?"),
        ({1: TEXT}, "inputSchema: AgentCore's schema has no 1"),
        (
            {"properties": {"x": {"type": "array", "items": {**TEXT, "format": "date"}}}},
            "inputSchema.properties.x.items: AgentCore's schema has no 'format'",
        ),
        (
            {"properties": {"mode": TEXT}, "required": ["mod"]},
            "inputSchema.required: 'mod' is no property. There are: 'mode'.",
        ),
        ({"required": ["mod"]}, "inputSchema.required: 'mod' is no property. There are: none."),
        ({"properties": {"x": TEXT}, "required": ["x", "x"]}, "inputSchema.required: names 'x' twice. Name it once."),
        (
            {"properties": {"x": TEXT}, "required": [["x"]]},
            "inputSchema.required: must be a list of names, not [['x']].",
        ),
        ({"properties": {"x": TEXT}, "required": "x"}, "inputSchema.required: must be a list of names, not 'x'."),
        ({"required": None}, "inputSchema.required: must be a list of names, not None. Leave the key out instead."),
        ({"required": True}, "inputSchema.required: must be a list of names, not True."),
        (
            {"properties": {"x": {"type": ["string", "null"]}}},
            "inputSchema.properties.x.type: is a list of types, and AgentCore's schema takes one. What may be missing "
            "is left out of 'required'.",
        ),
        ({"properties": {"x": {"type": "date"}}}, "inputSchema.properties.x.type: 'date' is not one of 'string', 'int"),
        ({"properties": {"x": {"type": {}}}}, "inputSchema.properties.x.type: {} is not one of 'string', 'integer'"),
        ({"properties": {"x": {}}}, "inputSchema.properties.x: missing 'type'. Write one of 'string', 'integer'"),
        (
            {"properties": {"x": "string"}},
            "inputSchema.properties.x: must be a schema, a map with a 'type', not 'string'.",
        ),
        ({"properties": {"x": True}}, "inputSchema.properties.x: must be a schema, a map with a 'type', not True."),
        ({"properties": [TEXT]}, "inputSchema.properties: must be a map of schemas by name, not [{'type': 'string'}]."),
        ({"properties": None}, "inputSchema.properties: must be a map of schemas by name, not None. Leave the key out"),
        (
            {"properties": {"x": {**TEXT, "description": 1}}},
            "inputSchema.properties.x.description: must be a string, n",
        ),
        ({"properties": {"x": {**TEXT, "description": ""}}}, "inputSchema.properties.x.description: is empty. Leave"),
        ({"properties": {"x": {**TEXT, "description": "\ud800"}}}, "properties.x.description: is no Unicode text."),
        (
            {"description": "What it takes."},
            "inputSchema.description: Amazon Nova refuses it there. Say it in the tool's own 'description'.",
        ),
        ({"type": "string"}, "inputSchema.type: must be 'object', not 'string': arguments have names."),
        ({"type": ["object", "null"]}, "inputSchema.type: must be 'object', not ['object', 'null']: arguments"),
        ({"type": None}, "inputSchema.type: must be 'object', not None: arguments have names."),
        ({"items": TEXT}, "inputSchema: 'items' belongs to type 'array', not 'object'."),
        (
            {"properties": {"x": {**TEXT, "properties": {}}}},
            "inputSchema.properties.x: 'properties' belongs to type 'object', not 'string'.",
        ),
        (
            {"properties": {"x": {"type": "array", "required": []}}},
            "inputSchema.properties.x: 'required' belongs to type 'object', not 'array'.",
        ),
        (
            {"properties": {"x": {"type": "array", "items": [TEXT]}}},
            "inputSchema.properties.x.items: must be a schema, a map with a 'type', not [{'type': 'string'}].",
        ),
        ({"properties": {"x": {"type": "array", "items": None}}}, "properties.x.items: must be a schema, a map with a"),
        ({"properties": {"$filter": TEXT}}, "inputSchema.properties: '$filter' is refused by models. Write 1 to 64 of"),
        ({"properties": {"x" * 65: TEXT}}, "is refused by models. Write 1 to 64 of"),
        ({"properties": {"": TEXT}}, "inputSchema.properties: '' is refused by models. Write 1 to 64 of"),
        ({"properties": {7: TEXT}}, "inputSchema.properties: 7 is no name. Write a string."),
        (
            {"properties": {"x": {"type": "object", "properties": {"": TEXT}}}},
            "inputSchema.properties.x.properties: '' is no name. Write a string.",
        ),
        (
            {"properties": {"x": {"type": "object", "properties": {"a.b": {"type": "str"}}}}},
            "inputSchema.properties.x.properties['a.b'].type: 'str' is not one of",
        ),
        ({"properties": {"x": DEEP}}, "is nested more than 64 schemas deep. Write a flatter schema."),
        (
            {"properties": {"x": {**TEXT, "description": "d" * 100_000}}},
            "bytes, and is part of each prompt; at most 100000 are sent of one tool. Shorten its descriptions",
        ),
    ],
)
def test_what_would_be_lost_has_its_path_and_what_to_write(schema: dict[Any, Any], message: str) -> None:
    odd = {**tool(), "inputSchema": {"type": "object", **schema}}
    with pytest.raises(UsageError) as raised:
        tool_check.check([tool("first"), odd], "targets.own.tools")
    assert message in str(raised.value)
    assert str(raised.value).startswith("targets.own.tools[1]")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("tools", "message"),
    [
        ({}, "tools: must be a list, not {}."),
        ("q", "tools: must be a list, not 'q'."),
        (None, "tools: must be a list, not None."),
        ([1], "tools[0]: must be a map, not 1."),
        ([{"name": "q"}], "tools[0]: missing 'description', 'inputSchema'."),
        ([{**tool(), "outputs": {}}], "tools[0]: unknown key 'outputs'. Known: description, inputSchema, name."),
        (
            [{**tool(), "inputschema": {}}],
            "tools[0]: unknown key 'inputschema'. Did you mean 'inputSchema'? Known: description, inputSchema, name.",
        ),
        ([tool("")], "tools[0].name: '' is refused by models. Write 1 to 64 letters, digits, _ and -."),
        ([tool("a.b")], "tools[0].name: 'a.b' is refused by models. Write 1 to 64 letters, digits, _ and -."),
        ([{**tool(), "name": 1}], "tools[0].name: must be a string, not 1."),
        ([{**tool(), "description": 1}], "tools[0].description: must be a string, not 1."),
        (
            [{**tool(), "description": " "}],
            "tools[0].description: is empty. Say what the tool does: the model chooses by",
        ),
        ([{**tool(), "description": "\udc00"}], "tools[0].description: is no Unicode text."),
        ([{**tool(), "inputSchema": None}], "tools[0].inputSchema: must be a schema, a map with a 'type', not None."),
        (
            [{**tool(), "inputSchema": {}}],
            "tools[0].inputSchema.type: must be 'object', not None: arguments have names.",
        ),
        ([tool(), tool()], "tools: has several tools named 'q'. Rename one."),
    ],
)
def test_the_tools_around_the_schemas_are_checked_too(tools: Any, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        tool_check.check(tools, "tools")
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


def test_each_mistake_has_its_line() -> None:
    odd = tool(properties={"a": {"type": "text"}, "b": {**TEXT, "enum": []}}, required=["c"])
    with pytest.raises(UsageError) as raised:
        tool_check.check([odd, tool(), {"name": "", "description": ""}], "tools")
    assert [line.split(": ")[0] for line in str(raised.value).splitlines()] == [
        "tools",
        "tools[0].inputSchema.properties.a.type",
        "tools[0].inputSchema.properties.b",
        "tools[0].inputSchema.required",
        "tools[2]",
        "tools[2].name",
        "tools[2].description",
    ]


def test_a_target_has_bounds() -> None:
    with pytest.raises(UsageError, match="tools: has 1001 tools; a target takes at most 1000"):
        tool_check.check([tool(f"t{number}") for number in range(1001)], "tools")
    large = [tool(f"t{number}", properties={"a": {**TEXT, "description": "x" * 99_000}}) for number in range(11)]
    with pytest.raises(UsageError, match=r"tools: has 109\d+ bytes; AgentCore takes at most 1048576"):
        tool_check.check(large, "tools")


def test_the_largest_tool_is_one_that_the_agent_offers() -> None:
    def sized(length: int) -> dict[str, Any]:
        return {**tool(), "description": "d" * length}

    def is_refused(length: int) -> bool:
        return any(tool_check.faults([sized(length)], "tools"))

    longest = bisect.bisect_left(range(1, 200_000), True, key=is_refused)
    assert 99_000 < longest < 100_000
    spec = {**sized(longest), "name": "n" * 64, "inputSchema": {"json": sized(longest)["inputSchema"]}}
    assert tool_rules.answer([spec], "us.anthropic.claude") == ""


KEYS = st.sampled_from(["type", "description", "properties", "required", "items", "enum", "$ref", "a", "a b", ""])
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=4),
    max_leaves=10,
)
VALUES = st.sampled_from(["object", "array", "string", "null", "a", "", [], ["a"], {}, {"type": "string"}]) | DOCUMENTS


def maps(document: Any) -> list[dict[str, Any]]:
    """Every map in a document."""
    inner = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    return [*([document] if isinstance(document, dict) else []), *(it for child in inner for it in maps(child))]


@st.composite
def nearly_tools(draw: st.DrawFn) -> dict[str, Any]:
    """A tool as it should be, after no, one or two changes anywhere in it."""
    tool: dict[str, Any] = {"name": "q", "description": "Q.", "inputSchema": copy.deepcopy(draw(INPUTS))}
    for _ in range(draw(st.integers(0, 2))):
        changed = draw(st.sampled_from(maps(tool)))
        key = draw(KEYS | st.sampled_from(sorted(changed) or ["a"]))
        if draw(st.booleans()):
            changed[key] = draw(VALUES)
        else:
            changed.pop(key, None)
    return tool


def in_order(schema: Any) -> Any:
    """All that a schema says; that nothing is required, and of which names there are none, says nothing."""
    if isinstance(schema, list):
        return sorted(schema)
    if not isinstance(schema, dict):
        return schema
    return {key: in_order(value) for key, value in schema.items() if value or key not in ("required", "properties")}


@settings(max_examples=400, deadline=None)
@given(st.lists(nearly_tools(), max_size=1) | DOCUMENTS | st.lists(nearly_tools() | DOCUMENTS, max_size=3))
@example([tool(properties={"a b": TEXT})])
@example([tool(description="What it takes.")])
@example([tool(properties={"x": DEEP})])
@example([tool(properties={"required": {"type": "object", "properties": {"properties": {"type": "string"}}}})])
def test_what_is_not_refused_with_a_path_reaches_aws_and_models_as_it_is(tools: Any) -> None:
    try:
        tool_check.check(tools, "tools")
    except UsageError as error:
        for line in str(error).splitlines():
            assert re.match(r"tools(\[\d+\](\.\w+|\[.+?\])*)?: \S.*[.?]", line), line
        return
    for accepted in tools:
        written = provider_tool_schema.inline_payload(accepted)
        assert (written["name"], written["description"]) == (accepted["name"], accepted["description"])
        assert in_order(as_the_provider_reads_it(written["input_schema"])) == in_order(accepted["inputSchema"])
        assert keys_that_the_provider_has_not(written["input_schema"]) == []
        spec = {**accepted, "inputSchema": {"json": json.loads(json.dumps(accepted["inputSchema"]))}}
        for model in ("us.anthropic.claude", "us.amazon.nova-lite", "us.meta.llama3", "profile"):
            assert tool_rules.answer([spec], model) == ""
