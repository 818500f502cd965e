import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolgate.access.deployment.gateway_tools import api_schema, provider_schema
from toolgate.local.cloud.types.tool_schemas import tool_definitions


def test_named_properties_become_a_mapping_and_a_list_of_required_names() -> None:
    schema = {
        "type": "object",
        "description": "Arguments.",
        "properties": [
            {"name": "a", "type": "number", "description": "First.", "required": True},
            {"name": "b", "type": "number", "required": False},
        ],
    }
    assert api_schema(schema) == {
        "type": "object",
        "description": "Arguments.",
        "properties": {"a": {"type": "number", "description": "First."}, "b": {"type": "number"}},
        "required": ["a"],
    }


def test_deeper_levels_are_read_from_json_text() -> None:
    address = {"properties": {"city": {"type": "string"}}, "required": ["city"]}
    schema = {
        "type": "object",
        "properties": [
            {"name": "tags", "type": "array", "itemsJson": json.dumps({"type": "string"})},
            {"name": "address", "type": "object", "propertiesJson": json.dumps(address)},
            {
                "name": "rows",
                "type": "array",
                "items": {"type": "object", "properties": [{"name": "x", "type": "string"}]},
            },
        ],
    }
    assert api_schema(schema)["properties"] == {
        "tags": {"type": "array", "items": {"type": "string"}},
        "address": {"type": "object", **address},
        "rows": {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "string"}}}},
    }


def test_a_tool_without_parameters_is_an_object_with_none() -> None:
    assert api_schema({"type": "object"}) == {"type": "object", "properties": {}}
    assert api_schema({"type": "object", "properties": []}) == {"type": "object", "properties": {}}


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object", "properties": [{"type": "string"}]},
        {"type": "object", "properties": [{"name": "a"}]},
        {"type": "object", "properties": {"a": {"type": "string"}}},
        {"type": "object", "propertiesJson": "[]"},
        {"type": "array", "items": "string"},
        {"type": "array", "itemsJson": "{"},
        {"type": "array", "itemsJson": {"type": "string"}},
    ],
)
def test_what_is_no_schema_raises(schema: dict[str, object]) -> None:
    with pytest.raises((KeyError, ValueError)):
        api_schema(schema)


@pytest.mark.parametrize("part", ["properties", "propertiesJson", "items", "itemsJson"])
def test_what_is_not_known_yet_is_handed_on_by_those_who_say_its_mark(part: str) -> None:
    unknown = object()
    schema = {"type": "array", part: unknown}
    assert api_schema(schema, unknown) == {"type": "array", part.removesuffix("Json"): unknown}
    with pytest.raises(ValueError, match="has not the form"):
        api_schema(schema)


def _deeper(child: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    named = st.dictionaries(st.text("abc", min_size=1), child, max_size=3)
    objects = named.flatmap(
        lambda it: st.builds(
            lambda required: {"type": "object", "properties": it, **({"required": required} if required else {})},
            st.lists(st.sampled_from(sorted(it)), unique=True).map(lambda names: sorted(names, key=[*it].index))
            if it
            else st.just([]),
        )
    )
    return objects | child.map(lambda it: {"type": "array", "items": it})


_LEAF = st.sampled_from([{"type": "string"}, {"type": "number", "description": "<A> number."}])


@given(st.recursive(_LEAF, _deeper, max_leaves=12))
def test_the_providers_form_is_one_and_comes_back_as_it_was(schema: dict[str, Any]) -> None:
    whole = {"type": "object", "properties": {"a": schema}, "required": ["a"]}
    tool = {"name": "t", "description": "T.", "inputSchema": provider_schema(whole)}
    # The stand-in refuses what pulumi_aws has no member for.
    assert tool_definitions([tool])[0]["inputSchema"] == whole == api_schema(provider_schema(whole))
