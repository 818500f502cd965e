"""The reading of Cedar statements, against Cedar's own parser."""

import json
import time
from typing import Any

import cedarpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.driver import UNKNOWN
from toolgate.policy.agentcore import cedar_names
from toolgate.policy.language.patterns import HOLE


def entities(statement: str) -> list[tuple[str, str]]:
    return [(entity.type, entity.id.text) for entity in cedar_names.read(statement).entities]


def named_by_cedar(statement: str) -> list[tuple[str, str]]:
    """Every entity in the parser's own output, in any order."""
    found: list[tuple[str, str]] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if node.keys() == {"type", "id"}:
                found.append((node["type"], node["id"]))
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(json.loads(cedarpy.policies_to_json_str(statement)))
    return found


gaps = st.sampled_from(["", " ", "\n", "\t", ' // x::"y"\n', '// "\n', "//\r\n"])
names = st.sampled_from(["AgentCore", "Action", "IamEntity", "principal2", "_x", "id"])
escapes = st.sampled_from(['\\"', "\\\\", "\\n", "\\0", "\\'", "\\x41", "\\u{1F600}", "\\u{e9}", "//", "::", "é", "'"])
literals = st.lists(escapes | st.text("ab:/_-*. ", max_size=4), max_size=4).map("".join)


@st.composite
def references(draw: st.DrawFn) -> str:
    parts = draw(st.lists(names, min_size=1, max_size=3))
    joined = "".join(f"{part}{draw(gaps)}::{draw(gaps)}" for part in parts)
    return f'{joined}"{draw(literals)}"'


@st.composite
def statements(draw: st.DrawFn) -> str:
    before, after = draw(gaps), draw(gaps)
    fixed = f"{before}permit({before}principal == {draw(references())}{after}, action, resource)"
    compared = draw(
        st.sampled_from(
            ['context.x == "AgentCore::Action"', 'context has y && context.y like "a*\\*//"', 'context.z == "\\"P::"']
        )
    )
    listed = ", ".join(draw(st.lists(references(), max_size=3)))
    return f"{fixed}{after}when {{ {compared} }}{before}unless {{ [{listed}].contains(principal) }};{after}"


@given(statements())
def test_what_a_statement_names_is_what_cedar_reads(statement: str) -> None:
    assert sorted(entities(statement)) == sorted(set(named_by_cedar(statement)))


@pytest.mark.parametrize(
    ("condition", "matched", "refused"),
    [
        ('principal.id == "a*"', ["a*"], ["ab"]),
        ('principal . id\n!= "a"', ["a"], ["b"]),
        ('principal.id like "a*b"', ["ab", "axxb"], ["a*c", "b"]),
        ('principal.id like "a\\*?"', ["a*?"], ["ab?", "a*b"]),
        ('principal // x\n.id like "\\u{41}*"', ["A", "Ab"], ["a"]),
    ],
)
def test_what_principal_id_is_compared_with(condition: str, matched: list[str], refused: list[str]) -> None:
    (pattern,) = cedar_names.read(f"permit(principal, action, resource) when {{ {condition} }};").principal_ids
    assert all(pattern.matches(name) for name in matched)
    assert not any(pattern.matches(name) for name in refused)


@pytest.mark.parametrize(
    "condition",
    ['context.principal.id == "a"', 'principal.name == "a"', '"principal.id == " == "a"', '// principal.id == "a"\n'],
)
def test_what_is_not_principal_id(condition: str) -> None:
    assert cedar_names.read(f"permit(principal, action, resource) when {{ {condition} }};").principal_ids == ()


@pytest.mark.parametrize(
    "text",
    ["", '"', '"\\', 'A::"', 'A::"x', "A::", "::", '::"x"', "//", '"A::"x', 'A::\\"x"', "A:: B", 'A."x"', 'A :"x"'],
)
def test_what_names_nothing(text: str) -> None:
    assert entities(text) == []


def test_an_unknown_value_inside_is_a_hole() -> None:
    ((entity),) = cedar_names.read(f'A::"x{UNKNOWN}y"').entities
    assert (entity.id.text, entity.id.holes) == (f"x{HOLE}y", True)
    assert entity.id.matches("x-and-y")


def test_a_character_that_does_not_exist_is_read() -> None:
    assert [it.type for it in cedar_names.read('A::"\\u{FFFFFF}"').entities] == ["A"]


@given(st.text('"\\/:*.A{}ux0\n' + HOLE) | st.text() | st.lists(references() | literals).map("".join))
def test_any_text_is_read(text: str) -> None:
    cedar_names.read(text)


def processor_seconds(text: str) -> float:
    """What reading costs this thread: that does not grow because other processes want the processor, too."""
    started = time.thread_time()
    cedar_names.read(text)
    return time.thread_time() - started


@pytest.mark.parametrize("unit", ['"\\"', "A::", "principal.id ", "//", "a //x\n", 'A::"', "principal ", "\\", ".\n"])
def test_a_long_text_is_read_in_one_pass(unit: str) -> None:
    short, long = processor_seconds(unit * 20_000), processor_seconds(unit * 200_000)
    assert long < 40 * max(short, 0.01)  # ten times the text; were it read anew from each place, a hundred times
