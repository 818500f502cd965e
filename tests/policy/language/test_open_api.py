"""What is read of an OpenAPI document: tools, their arguments, and nothing that raises."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolgate.policy.language import open_api
from toolgate.policy.language.open_api import Argument, Operation

STRING = {"type": "string"}
ORDER = {"type": "object", "properties": {"sku": STRING, "count": {"type": "integer"}}, "required": ["sku"]}


def document(operation: Any, path: str = "/orders/{id}", method: str = "post", **others: Any) -> dict[str, Any]:
    given = {"operationId": "put_order", **operation}
    return {
        "openapi": "3.0.3",
        "servers": [{"url": "https://api.example.com"}],
        "paths": {path: {method: given}},
    } | others


def only(operation: Any, **others: Any) -> Operation:
    (found,) = open_api.operations(document(operation, **others))
    return found


def body(schema: Any, media_type: str = "application/json", required: bool = True) -> dict[str, Any]:
    return {"requestBody": {"required": required, "content": {media_type: {"schema": schema}}}}


def test_an_operation_is_a_tool() -> None:
    parameters = [
        {"name": "id", "in": "path", "required": True, "schema": STRING},
        {"name": "limit", "in": "query", "description": "At most so many.", "schema": {"type": "integer"}},
        {"name": "x-trace", "in": "header", "required": True, "schema": STRING},
    ]
    said = {"summary": "Order.", "description": "Makes an order.", "parameters": parameters, **body(ORDER)}
    assert only(said) == Operation(
        name="put_order",
        method="POST",
        path="/orders/{id}",
        description="Order.\n\nMakes an order.",
        input_schema={
            "type": "object",
            "properties": {
                "id": STRING,
                "limit": {"type": "integer", "description": "At most so many."},
                "x-trace": STRING,
                "sku": STRING,
                "count": {"type": "integer"},
            },
            "required": ["id", "x-trace", "sku"],
        },
        arguments=(
            Argument("id", "path"),
            Argument("limit", "query"),
            Argument("x-trace", "header"),
            Argument("sku", "body"),
            Argument("count", "body"),
        ),
        server="https://api.example.com",
    )


@pytest.mark.parametrize(
    ("operation", "properties", "required", "places"),
    [
        pytest.param(body({"type": "array", "items": STRING}), ["body"], ["body"], ["whole body"], id="no object"),
        pytest.param(body({"type": "object"}), ["body"], ["body"], ["whole body"], id="any members"),
        pytest.param(body(ORDER, required=False), ["sku", "count"], [], ["body", "body"], id="may be left out"),
        pytest.param(
            body(ORDER, "application/json; charset=utf-8"), ["sku", "count"], ["sku"], ["body"] * 2, id="charset"
        ),
        pytest.param(body(ORDER, "application/xml"), [], [], [], id="no JSON"),
        pytest.param(
            {"parameters": [{"name": "sku", "in": "query", "schema": STRING}], **body(ORDER)},
            ["sku", "body"],
            ["body"],
            ["query", "whole body"],
            id="a member with a parameter's name",
        ),
    ],
)
def test_how_a_body_is_laid_out(operation: Any, properties: list[str], required: list[str], places: list[str]) -> None:
    found = only(operation)
    assert list(found.input_schema["properties"]) == properties
    assert found.input_schema["required"] == required
    assert [it.place for it in found.arguments] == places


def test_parameters_of_the_path_hold_for_its_operations() -> None:
    shared = [{"$ref": "#/components/parameters/id"}, {"name": "page", "in": "query", "schema": STRING}]
    own = [{"name": "page", "in": "query", "required": True, "schema": {"type": "integer"}}]
    whole = document({"parameters": own}, components={"parameters": {"id": {"name": "id", "in": "path"}}})
    whole["paths"]["/orders/{id}"]["parameters"] = shared
    (found,) = open_api.operations(whole)
    assert found.input_schema["properties"] == {"id": {}, "page": {"type": "integer"}}
    assert found.input_schema["required"] == ["id", "page"]


@pytest.mark.parametrize(
    ("reference", "schema"),
    [
        ("#/components/schemas/a~1b", STRING),
        ("#/components/schemas/a%20c", {"type": "integer"}),
        ("#/paths/~1orders~1{id}/post/x-list/1", {"type": "boolean"}),
        ("#/components/schemas/none", {}),
        ("other.json#/a", {}),
        ("#/paths/~1orders~1{id}/post/x-list/7", {}),
        ("#anchor", {}),
    ],
)
def test_a_reference_stands_for_what_it_names(reference: str, schema: Any) -> None:
    schemas = {"a/b": STRING, "a c": {"type": "integer"}}
    parameter = {"name": "it", "in": "query", "schema": {"$ref": reference}}
    found = only(
        {"parameters": [parameter], "x-list": [0, {"type": "boolean"}]}, components={"schemas": schemas}
    ).input_schema
    assert found["properties"]["it"] == schema


def test_a_reference_to_itself_ends() -> None:
    tree = {"type": "object", "properties": {"value": STRING, "next": {"$ref": "#/components/schemas/tree"}}}
    found = only(body({"$ref": "#/components/schemas/tree"}), components={"schemas": {"tree": tree}})
    assert found.input_schema["properties"] == {"value": STRING, "next": {}}


def test_a_small_document_makes_no_large_tool() -> None:
    doubled = {"type": "object", "properties": {side: {"$ref": "#/components/schemas/s{}"} for side in ("l", "r")}}
    schemas = {f"s{level}": json.loads(json.dumps(doubled).replace("{}", str(level + 1))) for level in range(35)}
    found = only(body({"$ref": "#/components/schemas/s0"}), components={"schemas": schemas})
    assert len(json.dumps(found.input_schema)) < 1_000_000


def test_the_nearest_server_is_called() -> None:
    near = only({"servers": [{"url": "https://near.example.com"}]})
    assert near.server == "https://near.example.com"
    assert only({}, servers=[]).server is None


def test_what_has_no_operation_id_is_no_tool_and_of_two_with_one_name_the_first_is() -> None:
    paths = {
        "/a": {"get": {"operationId": "it"}, "post": {}},
        "/b": {"get": {"operationId": "it"}, "x": {"operationId": "y"}},
    }
    assert [(it.name, it.path) for it in open_api.operations({"paths": paths})] == [("it", "/a")]


@pytest.mark.parametrize("text", ["", "openapi: 3.0.3", "[]", '"a"', "[" * 100_000])
def test_a_text_that_is_no_json_object(text: str) -> None:
    assert open_api.document(text) is None


KEYS = """$ref paths get post parameters name in schema properties required servers operationId requestBody content
    application/json components items url description"""
POINTERS = ("#", "#/", "#/paths", "#/components", "query", "path", "#/paths/get/parameters/0")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(POINTERS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS.split()), inner, max_size=5),
    max_leaves=30,
)


@given(JSON, JSON)
def test_odd_documents_raise_nothing(whole: Any, operation: Any) -> None:
    for odd in ({"paths": whole}, {"paths": {"/a": {"get": whole}}}, whole):
        open_api.operations(odd if isinstance(odd, dict) else {"paths": odd})
    made = operation if isinstance(operation, dict) else {"parameters": operation}
    for found in open_api.operations({"components": whole, **document(made)}):
        assert set(found.input_schema["required"]) <= set(found.input_schema["properties"])
        assert [it.name for it in found.arguments] == list(found.input_schema["properties"])
        json.dumps(found.input_schema)
