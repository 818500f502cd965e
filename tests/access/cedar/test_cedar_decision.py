import json
import string
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import cedarpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolgate.access.cedar.cedar_decision import ANY_CALLER, ToolEngine, decide_tool, decide_tools, tool_engine
from toolgate.access.cedar.cedar_policies import iam_entity, read_statement
from toolgate.access.deployment.deployment import parse
from toolgate.access.iam.evaluation import Access
from toolgate.policy.language.agentcore_facts import entity_id

ACCOUNT = "123456789012"
GATEWAY = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:gateway/tools-abcdefghij"
ENTITY = f"arn:aws:sts::{ACCOUNT}:assumed-role/caller"
CALLER = iam_entity(ENTITY)
INPUTS = {
    "type": "object",
    "properties": {"n": {"type": "integer"}, "s": {"type": "string"}},
    "required": ["n"],
}
TOOLS = {f"{target}___{tool}": INPUTS for target in ("math", "text") for tool in ("one", "two")}
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def _engine(*statements: str, enforce: bool = True, unread: tuple[str, ...] = ()) -> ToolEngine:
    policies = tuple(read_statement(f"p{number}", statement) for number, statement in enumerate(statements))
    return ToolEngine(GATEWAY, enforce, TOOLS, policies, unread)


def _permit(condition: str = "", effect: str = "permit", tool: str = "math___one") -> str:
    principal = f'principal == AgentCore::IamEntity::"{ENTITY}"'
    gateway = f'resource == AgentCore::Gateway::"{GATEWAY}"'
    return f'{effect}({principal}, action == AgentCore::Action::"{tool}", {gateway}){condition};'


@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        (f"arn:aws:iam::{ACCOUNT}:role/caller", ENTITY),
        (f"arn:aws:iam::{ACCOUNT}:role/a/path/caller", ENTITY),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/caller/session", ENTITY),
        (ENTITY, ENTITY),
        (f"arn:aws-cn:iam::{ACCOUNT}:role/caller", ENTITY.replace("aws", "aws-cn")),
        (f"arn:aws:iam::{ACCOUNT}:user/path/anna", f"arn:aws:iam::{ACCOUNT}:user/path/anna"),
        ("text", "text"),
    ],
)
def test_the_entity_id_has_neither_path_nor_session(arn: str, expected: str) -> None:
    assert entity_id(arn) == expected


def test_the_policies_that_decided_are_named() -> None:
    engine = _engine(_permit(), _permit(effect="forbid", condition=" when { context.input.n > 3 }"), _permit(tool="x"))
    assert decide_tool(engine, CALLER, "math___one", {"n": 3}, NOW).policies == ("p0",)
    assert decide_tool(engine, CALLER, "math___one", {"n": 4}, NOW).policies == ("p1",)
    assert decide_tool(engine, CALLER, "math___one").policies == ("p0", "p1")
    denied = decide_tool(engine, CALLER, "math___two", {"n": 4}, NOW)
    assert (denied.outcome, denied.policies, denied.reason) == (Access.DENY, (), "")


def test_an_engine_that_only_logs_tells_what_it_would_have_come_to() -> None:
    decided = decide_tool(_engine(_permit(), enforce=False), CALLER, "math___two", {"n": 1}, NOW)
    assert decided.outcome is Access.ALLOW
    assert decided.logged is not None
    assert decided.logged.outcome is Access.DENY


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "n: missing"),
        ({"n": "1"}, "n: not an integer"),
        ({"n": 1.0}, "n: not an integer"),
        ({"n": True}, "n: not an integer"),
        ({"n": 2**63}, "n: beyond 64 bits"),
        ({"n": 1, "s": 1}, "s: not a string"),
        ({"n": 1, "s": None}, "s: not a string"),
        ({"n": 1, "other": 1}, "other: the tool has no such argument"),
        ({"n": 1, "s": "\ud800"}, "the request fits no policy"),
    ],
)
def test_arguments_that_are_none_of_the_tools_are_denied_and_the_reason_is_told(
    arguments: dict[str, Any], says: str
) -> None:
    """Otherwise a forbid on an argument could be got round by giving it in another type."""
    engine = _engine(_permit(), _permit(effect="forbid", condition=" when { context.input.n > 3 }"))
    decided = decide_tool(engine, CALLER, "math___one", arguments, NOW)
    assert decided.outcome is Access.DENY
    assert says in decided.reason


def test_the_time_decides_when_it_is_known() -> None:
    engine = _engine(_permit(' when { context.system.now < datetime("2026-11-24T13:00:00Z") }'))
    assert decide_tool(engine, CALLER, "math___one", {"n": 1}).outcome is Access.CONDITIONAL
    assert decide_tool(engine, CALLER, "math___one", {"n": 1}, NOW).outcome is Access.ALLOW
    assert decide_tool(engine, CALLER, "math___one", {"n": 1}, NOW.replace(hour=13)).outcome is Access.DENY


def test_a_policy_that_is_not_known_leaves_all_open_but_what_another_forbids() -> None:
    engine = _engine(_permit(), _permit(effect="forbid", tool="math___two"), unread=("policy x is encrypted",))
    for tool, outcome in (
        ("math___one", Access.UNDECIDED),
        ("text___one", Access.UNDECIDED),
        ("math___two", Access.DENY),
    ):
        assert decide_tool(engine, CALLER, tool, {"n": 1}, NOW).outcome is outcome
    assert decide_tool(engine, CALLER, "math___one").reason == "policy x is encrypted"


def test_a_statement_may_hold_one_policy_only() -> None:
    for statement in (_permit() + _permit(), "permit(principal == ?principal, action, resource);", "", "permit("):
        with pytest.raises(ValueError, match=r"exactly one policy|unexpected end|empty"):
            read_statement("p", statement)


def test_the_engine_of_a_gateway_is_found_with_its_policies(case: Callable[..., Any]) -> None:
    deployment = parse(case(cedar={"p": _permit(), "q": "permit everybody"}).export())
    engine = tool_engine(deployment, deployment.gateways[0])
    assert engine is not None
    assert (engine.gateway, engine.enforce, list(engine.tools)) == (
        GATEWAY,
        True,
        ["math___add", "math___repeat", "math___tag"],
    )
    assert [policy.name for policy in engine.policies] == ["p"]
    assert "'q'" in engine.unread[0]
    assert tool_engine(*_first(case(cedar=None))) is None


def _first(case: Any) -> Any:
    deployment = parse(case.export())
    return deployment, deployment.gateways[0]


def test_a_definition_that_is_not_in_cedar_is_named(case: Callable[..., Any]) -> None:
    export = case(cedar={"p": _permit()}).export()
    policy = export["deployment"]["resources"][-1]
    policy["inputs"]["definition"] = policy["outputs"]["definition"] = {"policy": {"statement": "dogwood"}}
    engine = tool_engine(*_first(type("Export", (), {"export": lambda self: export})()))
    assert engine is not None
    assert engine.unread == ("AgentcorePolicy 'p': its definition is not one in Cedar",)


PRINCIPALS = [
    "principal",
    "principal is AgentCore::IamEntity",
    "principal is AgentCore::OAuthUser",
    f'principal == AgentCore::IamEntity::"{ENTITY}"',
    f'principal in AgentCore::IamEntity::"{ENTITY}"',
    f'principal is AgentCore::IamEntity in AgentCore::IamEntity::"{ENTITY}"',
    'principal == AgentCore::IamEntity::"somebody"',
    f'principal == AgentCore::OAuthUser::"{ENTITY}"',
]
ACTIONS = [
    "action",
    'action == AgentCore::Action::"math___one"',
    'action in AgentCore::Action::"math"',
    'action in AgentCore::Action::"CallTool"',
    'action in [AgentCore::Action::"math___two", AgentCore::Action::"text"]',
    "action in []",
    'action == AgentCore::Action::"math"',
    'action == AgentCore::Action::"math__one"',
    'action == Other::Action::"math___one"',
]
RESOURCES = [
    "resource",
    "resource is AgentCore::Gateway",
    f'resource == AgentCore::Gateway::"{GATEWAY}"',
    'resource == AgentCore::Gateway::"another"',
]
CONDITIONS = [
    "",
    " when { context.input.n > 3 }",
    " unless { context.input.n > 3 }",
    ' when { context.input has s && context.input.s == "a" }',
    ' when { principal.id like "arn:aws:sts::*" }',
    " when { principal.id == resource }",
    ' when { action == AgentCore::Action::"math___one" }',
    ' when { context.system.now > datetime("2026-01-01") }',
    " when { true }",
    " when { context.input.n > 3 } unless { context.input.n > 5 }",
]
STATEMENTS = st.builds(
    lambda effect, principal, action, resource, condition: f"{effect}({principal}, {action}, {resource}){condition};",
    st.sampled_from(["permit", "forbid"]),
    st.sampled_from(PRINCIPALS),
    st.sampled_from(ACTIONS),
    st.sampled_from(RESOURCES),
    st.sampled_from(CONDITIONS),
)
ARGUMENTS = st.fixed_dictionaries({"n": st.integers(2, 7)}, optional={"s": st.sampled_from(["a", "b"])})


def _plain_cedar(statements: list[str], principal: str, tool: str, arguments: dict[str, Any]) -> cedarpy.AuthzResult:
    """Cedar asked about all policies at once, with the schema's entities and nothing of our own in between."""
    chain = [tool, tool.split("___", maxsplit=1)[0], "CallTool", "Mcp"]
    entities = [
        {"uid": {"type": "AgentCore::IamEntity", "id": principal}, "attrs": {"id": principal}, "parents": []},
        *(
            {
                "uid": {"type": "AgentCore::Action", "id": name},
                "attrs": {},
                "parents": [{"type": "AgentCore::Action", "id": parent} for parent in chain[number + 1 :]],
            }
            for number, name in enumerate(chain)
        ),
    ]
    now = {"__extn": {"fn": "datetime", "arg": NOW.strftime("%Y-%m-%dT%H:%M:%SZ")}}
    request = {
        "principal": f'AgentCore::IamEntity::"{principal}"',
        "action": f'AgentCore::Action::"{tool}"',
        "resource": f'AgentCore::Gateway::"{GATEWAY}"',
        "context": {"input": arguments, "system": {"now": now}},
    }
    return cedarpy.is_authorized(request, "\n".join(statements), json.dumps(entities))


def _outcome(result: cedarpy.AuthzResult) -> Access:
    return Access.ALLOW if result.allowed else Access.DENY


@given(st.lists(STATEMENTS, max_size=4), ARGUMENTS)
def test_every_decision_is_cedars_own(statements: list[str], arguments: dict[str, Any]) -> None:
    engine = _engine(*statements)
    for principal in (ENTITY, "somebody", "nobody"):
        caller = iam_entity(principal)
        listed = decide_tools(engine, caller)
        for tool in TOOLS:
            told = _plain_cedar(statements, principal, tool, arguments)
            decided = decide_tool(engine, caller, tool, arguments, NOW)
            assert decided.outcome is _outcome(told)
            assert [f"policy{name[1:]}" for name in decided.policies] == sorted(told.diagnostics.reasons)
            # What is said before the arguments or the time are known must hold for all of them.
            early = [
                decide_tool(engine, caller, tool, given, now) for given in (None, arguments) for now in (NOW, None)
            ]
            early += [listed[tool]] if tool in listed else []
            assert {one.outcome for one in early} <= {_outcome(told), Access.CONDITIONAL}
            assert tool in listed or early[0].outcome is Access.DENY


def test_what_is_remembered_of_one_tool_or_caller_is_not_said_of_another_when_a_condition_asks_for_it() -> None:
    scope = f'permit(principal, action in AgentCore::Action::"math", resource == AgentCore::Gateway::"{GATEWAY}")'
    of_tool = _engine(scope + ' when { action == AgentCore::Action::"math___one" };')
    asked = [decide_tool(of_tool, CALLER, tool).outcome for tool in ("math___one", "math___two")]
    assert asked == [Access.ALLOW, Access.DENY]
    of_caller = _engine(scope + f' when {{ principal.id == "{ENTITY}" }};')
    asked = [
        decide_tool(of_caller, caller, "math___one").outcome for caller in (CALLER, iam_entity("somebody"), ANY_CALLER)
    ]
    assert asked == [Access.ALLOW, Access.DENY, Access.CONDITIONAL]


def test_a_time_that_was_given_once_is_not_remembered() -> None:
    engine = _engine(_permit(' when { context.system.now < datetime("2026-11-24T13:00:00Z") }'))
    asked = [decide_tool(engine, CALLER, "math___one", now=now).outcome for now in (NOW, NOW.replace(hour=13), None)]
    assert asked == [Access.ALLOW, Access.DENY, Access.CONDITIONAL]


@given(
    st.lists(STATEMENTS, max_size=4),
    st.text(string.ascii_letters, min_size=1),
    st.sampled_from(sorted(TOOLS)),
    ARGUMENTS,
)
def test_what_anybody_may_holds_for_everybody_whom_no_policy_names(
    statements: list[str], principal: str, tool: str, arguments: dict[str, Any]
) -> None:
    principal = f"arn:aws:sts::{ACCOUNT}:assumed-role/some-{principal}"
    told = _outcome(_plain_cedar(statements, principal, tool, arguments))
    assert decide_tool(_engine(*statements), ANY_CALLER, tool).outcome in {told, Access.CONDITIONAL}


@pytest.mark.parametrize(
    ("statement", "condition"),
    [
        (_permit(), ""),
        (
            _permit("\nwhen {\n  context.input.n > 3 // few\n}\nunless { true }"),
            "when { context.input.n > 3 } unless { true }",
        ),
        (
            '// permit(\n@id(")")\n' + _permit(' when { principal.id like "a//b*;" }'),
            'when { principal.id like "a//b*;" }',
        ),
    ],
)
def test_a_condition_is_told_as_it_is_written(statement: str, condition: str) -> None:
    assert read_statement("p", statement).condition == condition
