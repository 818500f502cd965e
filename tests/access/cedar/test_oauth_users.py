"""Callers with tokens: what an engine says of their claims, known or not, is what Cedar says."""

import itertools
import json
from collections.abc import Mapping

import cedarpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.access.cedar.test_cedar_decision import GATEWAY, NOW
from toolgate.access.cedar.cedar_decision import ANY_TOKEN, ToolEngine, decide_tool, decide_tools
from toolgate.access.cedar.cedar_policies import CedarPrincipal, read_statement
from toolgate.access.cedar.tools_schema import OAUTH_USER
from toolgate.access.iam.evaluation import Access

TOOLS = {"math___one": {"type": "object", "properties": {"n": {"type": "integer"}}}}
TAGS, VALUES = ("client_id", "team", "jti"), ("a", "b")


def _permit(condition: str = "", effect: str = "permit") -> str:
    scope = f'action == AgentCore::Action::"math___one", resource == AgentCore::Gateway::"{GATEWAY}"'
    return f"{effect}(principal is AgentCore::OAuthUser, {scope}){condition};"


def _has(tag: str, value: str) -> str:
    return f'principal.hasTag("{tag}") && principal.getTag("{tag}") == "{value}"'


def _engine(*statements: str) -> ToolEngine:
    policies = tuple(read_statement(f"p{number}", statement) for number, statement in enumerate(statements))
    return ToolEngine(GATEWAY, True, TOOLS, policies, ())


def _user(tags: Mapping[str, str], *, all_tags: bool = True) -> CedarPrincipal:
    return CedarPrincipal(OAUTH_USER, "a", tuple(tags.items()), all_tags)


def _plain_cedar(statements: list[str], tags: Mapping[str, str]) -> Access:
    """Cedar asked about all policies at once, with nothing of our own in between."""
    entities = [
        {"uid": {"type": "AgentCore::OAuthUser", "id": "a"}, "attrs": {"id": "a"}, "tags": dict(tags), "parents": []},
        {"uid": {"type": "AgentCore::Action", "id": "math___one"}, "attrs": {}, "parents": []},
    ]
    request = {
        "principal": 'AgentCore::OAuthUser::"a"',
        "action": 'AgentCore::Action::"math___one"',
        "resource": f'AgentCore::Gateway::"{GATEWAY}"',
        "context": {"input": {"n": 1}},
    }
    result = cedarpy.is_authorized(request, "\n".join(statements), json.dumps(entities))
    return Access.ALLOW if result.allowed else Access.DENY


TESTS = st.sampled_from(
    [
        *(_has(tag, value) for tag in TAGS for value in VALUES),
        *(f'"{value}" == principal.getTag("{tag}")' for tag in TAGS for value in VALUES),
        *(f'!principal.hasTag("{tag}")' for tag in TAGS),
        'principal.hasTag("team") && principal.getTag("team") like "*b*"',
        'principal.hasTag("team") && principal.hasTag(principal.getTag("team"))',
        'principal.id == "a"',
    ]
)
CONDITIONS = st.lists(TESTS, min_size=1, max_size=2).flatmap(
    lambda them: st.sampled_from(
        [f"{word} {{ {join.join(them)} }}" for word in ("when", "unless") for join in ("&&", "||")]
    )
)
STATEMENTS = st.builds(_permit, st.lists(CONDITIONS, max_size=2).map(" ".join), st.sampled_from(["permit", "forbid"]))
CLAIMS = st.dictionaries(st.sampled_from(TAGS), st.sampled_from(VALUES))


@given(st.lists(STATEMENTS, max_size=4), CLAIMS)
def test_every_decision_is_cedars_own(statements: list[str], tags: dict[str, str]) -> None:
    told = _plain_cedar(statements, tags)
    engine, user = _engine(*statements), _user(tags)
    assert decide_tool(engine, user, "math___one", {"n": 1}, NOW).outcome is told
    assert decide_tool(engine, user, "math___one").outcome is told
    listed = decide_tools(engine, user)
    assert listed["math___one"].outcome is told if "math___one" in listed else told is Access.DENY


@given(st.lists(STATEMENTS, max_size=4), CLAIMS)
def test_what_is_said_of_some_claims_holds_whatever_the_others_are(statements: list[str], tags: dict[str, str]) -> None:
    known = _user(tags, all_tags=False)
    said = decide_tool(_engine(*statements), known, "math___one", {"n": 1}, NOW).outcome
    others = [tag for tag in TAGS if tag not in tags]
    for values in itertools.product((None, *VALUES), repeat=len(others)):
        more = {tag: value for tag, value in zip(others, values, strict=True) if value is not None}
        assert said in {_plain_cedar(statements, {**tags, **more}), Access.CONDITIONAL}


@given(st.lists(STATEMENTS, max_size=4), CLAIMS)
def test_what_is_said_of_any_token_holds_for_each(statements: list[str], tags: dict[str, str]) -> None:
    said = decide_tool(_engine(*statements), ANY_TOKEN, "math___one", {"n": 1}, NOW).outcome
    assert said in {_plain_cedar(statements, tags), Access.CONDITIONAL}


@pytest.mark.parametrize(
    ("conditions", "all_tags", "outcome"),
    [
        ([" when { " + _has("client_id", "a") + " }"], False, Access.ALLOW),
        ([" when { " + _has("client_id", "b") + " }"], False, Access.DENY),
        ([" when { " + _has("jti", "x") + " }"], True, Access.DENY),
        ([" when { " + _has("jti", "x") + " }"], False, Access.CONDITIONAL),
        # What is permitted already no further permit can change.
        (["", " when { " + _has("jti", "x") + " }"], False, Access.ALLOW),
    ],
)
def test_a_claim_that_is_not_known_leaves_open_only_what_asks_for_it(
    conditions: list[str], all_tags: bool, outcome: Access
) -> None:
    engine = _engine(*map(_permit, conditions))
    assert decide_tool(engine, _user({"client_id": "a"}, all_tags=all_tags), "math___one").outcome is outcome


def test_a_signed_request_has_no_permit_that_a_token_has() -> None:
    engine = _engine(_permit())
    signed = CedarPrincipal("AgentCore::IamEntity", "a")
    assert decide_tool(engine, signed, "math___one").outcome is Access.DENY


def test_permits_of_other_clients_are_not_looked_at() -> None:
    engine = _engine(*(_permit(" when { " + _has("client_id", f"c{number}") + " }") for number in range(50)))
    [only] = engine.scopes.find(_user({"client_id": "c7"}), "math___one")
    assert only.name == "p7"
