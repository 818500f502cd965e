"""Our short check of a JSON Schema beside the long one: jsonschema's, by the metaschema of draft 2020-12 itself."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, SchemaError

from toolset import json_schema

KEYWORDS = sorted({*json_schema._WITHIN, *json_schema._MUST_BE, "const", "default", "nullable", "x-odd"})
NAMES = st.sampled_from(["a", "b", "$ref", "type"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.sampled_from([0, 1, -1, 1.0, 1.5, 0.0])
    | st.sampled_from(["", "a", "object", "string", "str", "#", "#/a", "a#", "a#b", "9a", "^a"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(NAMES, max_size=2)
        | st.dictionaries(NAMES, inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYWORDS), inner, max_size=3)
    ),
    max_leaves=12,
)


def is_schema(document: Any) -> bool:
    try:
        Draft202012Validator.check_schema(document)
    except SchemaError:
        return False
    return True


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYWORDS), VALUES, min_size=1, max_size=4))
@example({"type": ["object", "object"]})
@example({"required": ["a", "a"]})
@example({"type": []})
@example({"multipleOf": 0})
@example({"minLength": True})
@example({"dependentRequired": {"a": "b"}})
@example({"dependencies": {"a": {"$ref": None}}})
def test_what_is_a_schema_is_one_here_and_nothing_else_is(document: dict[str, Any]) -> None:
    assert (json_schema.schema_fault(document) == "") == is_schema(document), json_schema.schema_fault(document)


@pytest.mark.parametrize("keyword", KEYWORDS)
def test_each_keyword_takes_what_the_metaschema_takes(keyword: str) -> None:
    values: list[Any] = [None, True, 0, -1, 1.5, "a", "object", [], ["a"], [True], {}, {"a": []}, {"a": 1}]
    for value in values:
        for document in ({keyword: value}, {"properties": {"x": {keyword: value}}}, {"anyOf": [{keyword: value}]}):
            assert (json_schema.schema_fault(document) == "") == is_schema(document), document


def test_the_place_is_told() -> None:
    document = {"properties": {"x": {"items": {"anyOf": [{"type": "string"}, {"required": True}]}}}}
    assert (
        json_schema.schema_fault(document) == "/properties/x/items/anyOf/1/required must be a list of names, each once"
    )


def test_no_document_is_too_deep_for_the_check() -> None:
    document: Any = {"type": "string"}
    for _ in range(100_000):
        document = {"not": document}
    assert "is nested more than 64 schemas deep" in json_schema.schema_fault(document)
    assert json_schema.lost_reference(document) == ""
