"""What of any JSON schema has a type in Cedar, and what a policy that asks for the rest comes to."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolgate.access.cedar.cedar_decision import ToolEngine, decide_tool
from toolgate.access.cedar.cedar_policies import iam_entity, read_statement
from toolgate.access.cedar.json_schema import NULLABLE, typed
from toolgate.access.cedar.tools_schema import cedar_type
from toolgate.access.iam.evaluation import Access

TEXT, LONG = {"type": "string"}, {"type": "integer"}
UNTYPED: dict[str, Any] = {}
WHO = "arn:aws:sts::123456789012:assumed-role/caller"
GATEWAY = "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/tools-abcdefghij"


@pytest.mark.parametrize(
    ("schema", "found"),
    [
        (TEXT | {"title": "A", "minLength": 1, "default": "x"}, TEXT),
        ({"type": "number"}, {"type": "number"}),
        ({"anyOf": [TEXT, {"type": "null"}], "default": None}, TEXT | {NULLABLE: True}),
        ({"type": ["integer", "null"]}, LONG | {NULLABLE: True}),
        ({"type": "string", "nullable": True}, TEXT | {NULLABLE: True}),
        ({"anyOf": [TEXT]}, TEXT),
        ({"allOf": [{"$ref": "#/$defs/Name"}]}, TEXT),
        ({"$ref": "#/$defs/Name"}, TEXT),
        ({"enum": ["a", "b"]}, TEXT),
        ({"enum": ["a", None]}, TEXT | {NULLABLE: True}),
        ({"const": 3}, LONG),
        ({"type": "array", "items": {"$ref": "#/$defs/Name"}}, {"type": "array", "items": TEXT}),
        (
            {"type": "object", "properties": {"n": {"$ref": "#/$defs/Name"}}, "required": ["n"]},
            {"type": "object", "properties": {"n": TEXT}, "required": ["n"]},
        ),
        ({"anyOf": [TEXT, LONG]}, UNTYPED),
        ({"type": ["string", "integer"]}, UNTYPED),
        ({"enum": ["a", 1]}, UNTYPED),
        ({"type": "object", "additionalProperties": LONG}, UNTYPED),
        ({"type": "array"}, UNTYPED),
        ({"type": "array", "items": {"anyOf": [TEXT, {"type": "null"}]}}, UNTYPED),
        ({"type": "null"}, UNTYPED),
        ({}, UNTYPED),
        (True, UNTYPED),
        ({"$ref": "#/$defs/none"}, UNTYPED),
    ],
)
def test_what_has_a_type(schema: Any, found: Any) -> None:
    whole = {"type": "object", "properties": {"it": schema}, "$defs": {"Name": TEXT}}
    assert typed(whole)["properties"]["it"] == found


def test_a_schema_within_itself_ends() -> None:
    tree = {"type": "object", "properties": {"next": {"$ref": "#/$defs/tree"}}}
    cedar_type(typed({"type": "object", "properties": {"it": tree}, "$defs": {"tree": tree}}))


KEYS = ["type", "properties", "anyOf", "enum", "items", "$ref", "required", "a", "const"]
SCHEMAS = st.recursive(
    st.none() | st.booleans() | st.text(max_size=3) | st.sampled_from(["string", "null", "object", "#/a", "#/"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "properties", "anyOf", "enum", "items", "$ref", "required", "a", "const"]), inner
        )
    ),
    max_leaves=20,
)


@given(SCHEMAS)
def test_odd_schemas_raise_nothing_and_have_a_type_in_cedar(schema: Any) -> None:
    found = typed(schema if isinstance(schema, dict) else {"properties": {"it": schema}})
    cedar_type(found)


def engine(schema: Any, *statements: str) -> ToolEngine:
    whole = {"type": "object", "properties": schema, "required": list(schema)}
    policies = tuple(read_statement(f"p{number}", text) for number, text in enumerate(statements))
    return ToolEngine(GATEWAY, True, {"t___x": typed(whole)}, policies, ())


PERMIT = 'permit(principal, action == AgentCore::Action::"t___x", resource);'
ASKING = PERMIT.replace(";", ' when { context.input.it == "a" };')
FORBID = "forbid(principal, action, resource) when { context.input.it == 1 };"
UNION = {"anyOf": [TEXT, LONG]}


@pytest.mark.parametrize(
    ("schema", "statements", "given_", "outcome"),
    [
        ({"anyOf": [TEXT, {"type": "null"}]}, [PERMIT], "a", Access.ALLOW),
        ({"anyOf": [TEXT, {"type": "null"}]}, [PERMIT], None, Access.ALLOW),
        ({"anyOf": [TEXT, {"type": "null"}]}, [ASKING], "a", Access.ALLOW),
        ({"anyOf": [TEXT, {"type": "null"}]}, [ASKING], "b", Access.DENY),
        # What nobody asks for decides nothing; what has no type is open for whoever asks.
        (UNION, [PERMIT], "a", Access.ALLOW),
        (UNION, [ASKING], "a", Access.CONDITIONAL),
        (UNION, [PERMIT, FORBID], 1, Access.CONDITIONAL),
        (TEXT, [PERMIT], 1, Access.DENY),
    ],
)
def test_what_a_call_comes_to(schema: Any, statements: list[str], given_: Any, outcome: Access) -> None:
    asked = engine({"it": schema}, *statements)
    assert decide_tool(asked, iam_entity(WHO), "t___x", {"it": given_}).outcome is outcome


def test_cedar_takes_the_types() -> None:
    schema = {"type": "object", "properties": {"a": UNION, "b": TEXT, "c": {"type": ["boolean", "null"]}}}
    found = cedar_type(typed({**schema, "required": ["a", "b", "c"]}))
    assert {name: it["required"] for name, it in found["attributes"].items()} == {"b": True, "c": False}
