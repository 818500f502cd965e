from typing import Any

import pytest
from jsonschema import Draft202012Validator

from toolgate.local import examples

ITEM = {"type": "object", "properties": {"sku": {"type": "string"}, "note": {"type": "string"}}, "required": ["sku"]}
ALL = {
    "text": {"type": "string"},
    "amount": {"type": "number"},
    "times": {"type": "integer"},
    "loud": {"type": "boolean"},
    "items": {"type": "array", "items": ITEM},
    "tags": {"type": "array"},
    "item": ITEM,
}


@pytest.mark.parametrize("required", [[], ["amount", "items"], list(ALL)])
def test_they_fit_the_schema_and_leave_out_what_may_be_left_out(required: list[str]) -> None:
    schema: dict[str, Any] = {"type": "object", "properties": ALL, "required": required}
    made = examples.arguments(schema)
    Draft202012Validator(schema).validate(made)
    assert list(made) == (required or list(ALL))
    assert all(item == {"sku": "example"} for item in made["items"])


def test_a_tool_without_parameters_takes_none() -> None:
    assert examples.arguments({"type": "object"}) == {}
