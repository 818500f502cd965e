from typing import Any

import pytest

from toolgate.access.cedar.cedar_values import ArgumentError, to_cedar

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "x": {"type": "number"},
        "n": {"type": "integer"},
        "s": {"type": "string"},
        "b": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "number"}},
        "words": {"type": "array"},
        "deep": {"type": "object", "properties": {"y": {"type": "number"}}, "required": ["y"]},
        "odd": {"type": "null"},
    },
}


def _decimal(text: str) -> dict[str, Any]:
    return {"__extn": {"fn": "decimal", "arg": text}}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0.0000"),
        (-3, "-3.0000"),
        (10, "10.0000"),
        (10.0, "10.0000"),
        (0.01, "0.0100"),
        (-0.01, "-0.0100"),
        (2.00004, "2.0000"),
        (2.00006, "2.0001"),
        (1e-9, "0.0000"),
        (922337203685477, "922337203685477.0000"),
        (-922337203685477, "-922337203685477.0000"),
        (1e14, "100000000000000.0000"),
    ],
)
def test_numbers_are_decimals_of_four_places(value: float, text: str) -> None:
    assert to_cedar({"x": value}, SCHEMA) == {"x": _decimal(text)}


def test_the_other_types() -> None:
    arguments = {"n": -(2**63), "s": "a", "b": True, "tags": [1, 2.5], "words": ["a"], "deep": {"y": 1}}
    assert to_cedar(arguments, SCHEMA) == {
        "n": -(2**63),
        "s": "a",
        "b": True,
        "tags": [_decimal("1.0000"), _decimal("2.5000")],
        "words": ["a"],
        "deep": {"y": _decimal("1.0000")},
    }


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"x": 922337203685478}, "x: beyond what Cedar's decimal holds"),
        ({"x": 10**400}, "x: beyond"),
        ({"x": float("nan")}, "x: not a number"),
        ({"x": float("inf")}, "x: not a number"),
        ({"x": True}, "x: not a number"),
        ({"x": None}, "x: not a number"),
        ({"b": 1}, "b: not a boolean"),
        ({"tags": "a"}, "tags: not an array"),
        ({"tags": [1, "a"]}, r"tags\[1\]: not a number"),
        ({"words": [1]}, r"words\[0\]: not a string"),
        ({"deep": {}}, r"deep\.y: missing"),
        ({"deep": {"y": 1, "z": 1}}, r"deep\.z: the tool has no such argument"),
        ({"deep": []}, "deep: not an object"),
        ({"odd": None}, "odd: 'null' is not a type"),
    ],
)
def test_what_cedar_cannot_hold_is_told_with_its_place(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        to_cedar(arguments, SCHEMA)
