"""Declarations of interceptors: whatever a function has, they are read or not believed, and nothing raises."""

import json
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from toolgate.policy.language.interceptors import HANDLER, VARIABLE, Declaration, matches, may_begin, read, written

WHOLE = {
    **{"calls": ["math___*"], "results": ["*"], "tools": True, "prompts": False, "resources": False, "headers": False},
    **{"claims": True, "caller": True, "inbound": "jwt", "seconds": 2.0, "callers": "/toolgate/callers/tools/"},
}
KEYS = (*WHOLE, "other")
odd = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)
values = st.sampled_from(list(WHOLE.values())) | odd
declarations = st.dictionaries(st.sampled_from(KEYS), values) | odd
names = st.text("ab_[]?!-\n", max_size=6)
patterns = st.text("ab_*[]?!-\n", max_size=6)


def _read(said: Any, handler: Any = HANDLER) -> Declaration | None:
    return read(handler, {VARIABLE: said if isinstance(said, str) else json.dumps(said)})


def test_all_of_a_declaration_is_read() -> None:
    read_ = Declaration(("math___*",), ("*",), tools=True, claims=True, caller=True, inbound="jwt", seconds=2.0)
    assert _read(WHOLE) == read_
    assert read_.needs_headers
    assert not Declaration(caller=True).needs_headers


@pytest.mark.parametrize("handler", ["main.handler", None, "", ["intercept.handler"], "intercept.handler "])
def test_another_handler_declares_nothing(handler: Any) -> None:
    assert _read(WHOLE, handler) is None
    assert written(handler, {VARIABLE: json.dumps(WHOLE)}) is None


ODD_PARTS: dict[str, tuple[Any, ...]] = {
    "calls": ("*", None, {}, ["*", 1], [["*"]]),
    "tools": (1, "true", None),
    "inbound": ("IAM", None, [], ""),
    "seconds": (0, -1, True, "2", float("inf"), float("nan"), 901, 10**400),
}


@pytest.mark.parametrize("part", [{key: it} for key, odd_ones in ODD_PARTS.items() for it in odd_ones])
def test_what_is_no_declaration_is_not_believed(part: dict[str, Any]) -> None:
    assert _read({**WHOLE, **part}) is None


@given(declarations | st.text(max_size=20), st.sampled_from([HANDLER, None, "x"]))
@example("[" * 100_000, HANDLER)
@example("{}", HANDLER)
def test_nothing_raises_and_what_is_read_is_in_form(said: Any, handler: Any) -> None:
    found = _read(said, handler)
    if found is not None:
        assert all(isinstance(it, str) for it in (*found.calls, *found.results))
        assert found.inbound in ("iam", "jwt")
        assert 0 <= found.seconds <= 900
        found.calls_tool("math___add")


@given(odd)
def test_odd_variables_declare_nothing(variables: Any) -> None:
    assert read(HANDLER, variables) is None


@given(st.dictionaries(st.sampled_from(KEYS), values))
def test_what_is_written_anew_reads_the_same_and_has_nothing_else(said: dict[str, Any]) -> None:
    variables = {VARIABLE: json.dumps(said), "TOKEN": "secret"}
    text = written(HANDLER, variables)
    assert (text is None) == (read(HANDLER, variables) is None)
    if text is not None:
        assert read(HANDLER, {VARIABLE: text}) == read(HANDLER, variables)
        assert json.loads(text).keys() == said.keys() & WHOLE.keys() - {"callers"}


def _model(pattern: str) -> str:
    return "".join(".*" if it == "*" else re.escape(it) for it in pattern)


@given(patterns, names)
@example("a[b]", "ab")
@example("a?", "ab")
@example("*", "a\n")
def test_only_a_star_is_wild(pattern: str, name: str) -> None:
    assert matches(pattern, name) == bool(re.fullmatch(_model(pattern), name, re.DOTALL))


@given(patterns, patterns, names)
def test_a_pattern_in_another_has_no_name_of_its_own(outer: str, inner: str, name: str) -> None:
    if matches(outer, inner) and matches(inner, name):
        assert matches(outer, name)


@given(patterns, names, names)
def test_a_name_that_begins_so_is_seen(pattern: str, start: str, rest: str) -> None:
    if matches(pattern, start + rest):
        assert may_begin(pattern, start)
    if may_begin(pattern, start):
        literal, wild, end = pattern.partition("*")
        name = start + end.replace("*", "") if wild and start.startswith(literal) else pattern.replace("*", "")
        assert name.startswith(start)
        assert matches(pattern, name)
