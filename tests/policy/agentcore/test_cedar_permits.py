"""Whom a permit names, against Cedar itself: what is held to name a caller lets no stranger in."""

import json
from typing import Any

import cedarpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.policy.making import GATEWAY
from tests.policy.rules.test_jwt_permit_names_caller import NAMED, OPEN
from toolgate.policy.agentcore import cedar_permits, cedar_syntax

CLAIMS = frozenset({"client_id", "sub"})
USER = "AgentCore::OAuthUser"
SCOPE = "principal is AgentCore::OAuthUser, action, resource"


def lets_in(statement: str, client: str, number: int, team: str) -> bool:
    """Whether Cedar lets in whoever has this id in each claim, with this argument and team."""
    tags = dict.fromkeys(CLAIMS, client) | {"team": team, "scope": f"tools/{team}"}
    entities = [{"uid": {"type": USER, "id": client}, "attrs": {"id": client}, "parents": [], "tags": tags}]
    request = {
        "principal": f'{USER}::"{client}"',
        "action": 'AgentCore::Action::"math___add"',
        "resource": f'AgentCore::Gateway::"{GATEWAY}"',
        "context": json.dumps({"input": {"a": number}}),
    }
    return cedarpy.is_authorized(request, statement, json.dumps(entities)).allowed


def read(statement: str) -> tuple[cedar_syntax.Permit, ...]:
    permits = cedar_syntax.permits(statement)
    assert permits is not None
    return permits


def names(statement: str) -> bool:
    return all(cedar_permits.names_caller(it, CLAIMS) for it in read(statement))


REQUESTS = [("stranger", number, team) for number in (0, 100) for team in ("", "red")]
tags = st.sampled_from(["client_id", "sub", "team"]).map(lambda it: f'principal.getTag("{it}")')
callers = tags | st.sampled_from(["principal.id", 'principal["id"]'])
texts = st.sampled_from(['"a"', '"b"', '"red"', '""', '"stranger"'])
leaves: st.SearchStrategy[str] = (
    st.builds("{} {} {}".format, callers, st.sampled_from(["==", "!="]), texts)
    | st.builds("{} {} {}".format, texts, st.sampled_from(["==", "!="]), callers)
    | st.builds("[{}, {}].contains({})".format, texts, texts, callers)
    | st.builds("{} like {}".format, callers, st.sampled_from(['"a"', '"a*"', '"*"']))
    | st.sampled_from(["true", "false", "context.input.a < 9", f'principal == {USER}::"a"', f"principal is {USER}"])
    | st.sampled_from([f'principal in {USER}::"a"', 'principal.hasTag("sub")', "context.input has b", "-1 + 2 * 3 > 4"])
)
conditions: st.SearchStrategy[str] = st.recursive(
    leaves,
    lambda inner: (
        st.builds("({} && {})".format, inner, inner)
        | st.builds("({} || {})".format, inner, inner)
        | st.builds("!({})".format, inner)
        | st.builds("!!({})".format, inner)
        | st.builds("(if {} then {} else {})".format, inner, inner, inner)
    ),
    max_leaves=8,
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(["when", "unless"]), conditions), max_size=2))
def test_no_stranger_is_let_in_by_what_names_a_caller(clauses: list[tuple[str, str]]) -> None:
    statement = f"permit({SCOPE})" + "".join(f" {kind} {{ {it} }}" for kind, it in clauses) + ";"
    named = names(statement)
    # Whom a comparison with "stranger" names is this stranger.
    if named and "stranger" not in statement:
        assert not any(lets_in(statement, *it) for it in REQUESTS), statement


@pytest.mark.parametrize("name", sorted(set(NAMED) - {"no Cedar yet", "unknown in it"}))
def test_what_the_rule_s_tests_hold_to_be_named_is(name: str) -> None:
    assert not any(lets_in(NAMED[name], *it) for it in REQUESTS)


READ = sorted(set(OPEN) - {"cannot be read", "no Cedar", "of the request", "empty", "nobody listed", "too deep"})


@pytest.mark.parametrize("name", READ)
def test_and_what_they_hold_to_be_open_lets_a_stranger_in(name: str) -> None:
    strangers: list[tuple[Any, ...]] = [*REQUESTS, ("ab", 0, "a"), ("b", 0, "a"), ("c", 0, 'principal.id == "a"')]
    note = OPEN[name].replace('context.input.note == "principal.id', 'principal.getTag("team") == "principal.id')
    assert any(lets_in(note, *it) for it in strangers), note


def test_a_statement_of_many_conditions_takes_no_longer_for_it() -> None:
    long = f"permit({SCOPE}) when {{ " + " || ".join(['principal.id == "a"'] * 20_000) + " };"
    assert names(long)
    assert cedar_syntax.permits(f"permit({SCOPE}) when {{ " + "[" * 20_000) is None
    assert cedar_syntax.permits("(" * 20_000 + "permit") is None
