"""Limits: which calls they refuse, and which files say none."""

import json
from pathlib import Path
from typing import Any

import limits
import pytest
from hypothesis import given
from hypothesis import strategies as st
from intercept import Call, allow, deny
from interceptor import LIMITS, within_limits
from limits import Limits, LimitsError

TOOL = "math___add_numbers"


def bounded(**bounds: Any) -> Limits:
    return Limits({TOOL: {"a": bounds}}, {})


@pytest.mark.parametrize(
    ("bounds", "kept", "broken"),
    [
        ({"maximum": 10}, [10, 9.5, -1e9], [11, 10.000001, 10**400, "1", True, None, [1], float("nan"), float("inf")]),
        ({"minimum": 0}, [0, 1, 10**30], [-1, -0.001, "1", False, None, float("nan"), float("inf")]),
        ({"minimum": 1, "maximum": 2}, [1, 1.5, 2], [0, 3]),
        ({"maxLength": 3}, ["", "abc", "äöü", "🙂🙂🙂"], ["abcd", 1, None, ["a"]]),
        ({"maxItems": 2}, [[], [1, 2]], [[1, 2, 3], "ab", {"a": 1}, None]),
        ({"enum": ["EUR", 1, False]}, ["EUR", 1, 1.0, False], ["eur", True, 0, "1", None, ["EUR"]]),
        ({"maxLength": 3, "enum": ["EUR", "EURO"]}, ["EUR"], ["EURO", "CHF"]),
    ],
)
def test_bounds(bounds: dict[str, Any], kept: list[Any], broken: list[Any]) -> None:
    made = bounded(**bounds)
    assert [it for it in kept if made.refusal(TOOL, {"a": it})] == []
    assert [it for it in broken if not made.refusal(TOOL, {"a": it})] == []


@given(st.integers() | st.floats(), st.integers(-100, 100))
def test_no_number_beyond_a_maximum_is_let_through(value: float, maximum: int) -> None:
    refused = bounded(maximum=maximum).refusal(TOOL, {"a": value}) is not None
    assert refused == (not value <= maximum or value == float("-inf"))


def test_a_missing_argument_and_another_tool_have_no_limit() -> None:
    assert bounded(maximum=1).refusal(TOOL, {"b": 5}) is None
    assert bounded(maximum=1).refusal("math___multiply_numbers", {"a": 5}) is None


def test_a_refusal_says_the_limit_and_not_the_value() -> None:
    assert bounded(maximum=10).refusal(TOOL, {"a": 4711}) == "a is no number of at most 10"
    assert bounded(enum=["x", "y"]).refusal(TOOL, {"a": "z"}) == "a is none of ['x', 'y']"


def test_an_agents_limits_hold_beside_the_tools() -> None:
    made = Limits({TOOL: {"a": {"maximum": 100}}}, {"calculator": {TOOL: {"a": {"maximum": 10}, "b": {"maximum": 1}}}})
    assert made.refusal(TOOL, {"a": 11}, "calculator") == "a is no number of at most 10"
    assert made.refusal(TOOL, {"a": 1, "b": 2}, "calculator") == "b is no number of at most 1"
    assert made.refusal(TOOL, {"a": 101}, "calculator")
    assert made.refusal(TOOL, {"a": 11, "b": 2}, "other") is None
    assert made.refusal(TOOL, {"a": 101}, "other")


def test_who_is_not_known_is_refused_what_is_limited_per_agent() -> None:
    made = Limits({}, {"calculator": {TOOL: {"a": {"maximum": 10}}}})
    assert made.refusal(TOOL, {"a": 1}) == "it is limited per agent, and who calls is not known here"
    assert made.refusal("math___greeting", {"a": 1}) is None


def test_the_function_refuses_by_the_file_beside_it() -> None:
    assert within_limits(Call(TOOL, {"a": 1_000_001, "b": 0})) == deny("a is no number of at most 1000000")
    assert within_limits(Call(TOOL, {"a": 1_000_000, "b": 0})) == allow()
    assert limits.read(Path(limits.__file__).parent / "limits.json") == LIMITS


@pytest.mark.parametrize(
    ("said", "faults"),
    [
        ([], ['write {"tools": {...}}']),
        ({}, ['write {"tools": {...}}']),
        ({"tool": {}}, ['write {"tools": {...}}']),
        ({"tools": []}, ["tools: write an object"]),
        ({"agents": []}, ["agents: write an object"]),
        ({"agents": {"calculator": 1}}, ["agents.calculator: write an object"]),
        ({"tools": {"add": {"a": {"maximum": 1}}}}, ["tools.add: write the full name of one tool"]),
        ({"tools": {"math___*": {"a": {"maximum": 1}}}}, ["tools.math___*: write the full name of one tool"]),
        ({"tools": {TOOL: {}}}, [f"tools.{TOOL}: write an object"]),
        ({"tools": {TOOL: {"a": {}}}}, [f"tools.{TOOL}.a: write bounds"]),
        ({"tools": {TOOL: {"a": {"max": 1}}}}, [f"tools.{TOOL}.a.max: there is no such bound. Write one of: minimum,"]),
        ({"tools": {TOOL: {"a": {"maximum": "1"}}}}, ["a.maximum: write a number"]),
        ({"tools": {TOOL: {"a": {"maximum": True}}}}, ["a.maximum: write a number"]),
        ({"tools": {TOOL: {"a": {"maxLength": -1}}}}, ["a.maxLength: write a whole number"]),
        ({"tools": {TOOL: {"a": {"maxItems": 1.5}}}}, ["a.maxItems: write a whole number"]),
        ({"tools": {TOOL: {"a": {"enum": []}}}}, ["a.enum: write a list"]),
        ({"tools": {TOOL: {"a": {"enum": [{}]}}}}, ["a.enum: write a list"]),
        ({"tools": {TOOL: {"a": {"minimum": 2, "maximum": 1}}}}, ["a: no number is at least 2 and at most 1"]),
        ({"tools": {TOOL: {"a": {"maximum": 1, "maxLength": 1}}}}, ["a: one argument is not both a number and a text"]),
        (
            {"tools": {TOOL: {"a": {"max": 1}}}, "agents": {"x": {TOOL: {"b": {"maximum": []}}}}},
            [f"tools.{TOOL}.a.max", f"agents.x.{TOOL}.b.maximum"],
        ),
    ],
)
def test_a_wrong_file_says_where(said: Any, faults: list[str], tmp_path: Path) -> None:
    file = tmp_path / "limits.json"
    file.write_text(json.dumps(said))
    with pytest.raises(LimitsError) as raised:
        limits.read(file)
    lines = str(raised.value).splitlines()
    assert len(lines) == len(faults)
    assert [
        line for line, fault in zip(lines, faults, strict=True) if f"limits.json: {fault}" in line or fault in line
    ] == lines


@pytest.mark.parametrize(
    "text", ["", "{", '{"tools": {}, "tools": {}}', '{"tools": {"a___b": {"c": {"maximum": NaN}}}}']
)
def test_a_file_that_is_no_json_is_an_error(text: str, tmp_path: Path) -> None:
    (tmp_path / "limits.json").write_text(text)
    with pytest.raises(LimitsError, match=r"limits\.json"):
        limits.read(tmp_path / "limits.json")


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LimitsError, match=r"limits\.json"):
        limits.read(tmp_path / "limits.json")
