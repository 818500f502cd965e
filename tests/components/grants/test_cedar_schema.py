from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import cedarpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.components.generated_schemas import INPUTS
from toolgate.access.cedar import tools_schema as cedar_schema_of_access
from toolgate.access.deployment.agentcore_resources import Gateway
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants import cedar_schema
from toolgate.components.tools.tool_schema import read_targets

ORDER = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "weight": {"type": "number"}},
    "required": ["id"],
}
REFUND = {
    "type": "object",
    "properties": {
        "amount": {"type": "integer"},
        "price": {"type": "number"},
        "urgent": {"type": "boolean"},
        "reason": {"type": "string", "description": "Why"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "orders": {"type": "array", "items": ORDER},
        "order": ORDER,
        "anything": {"type": "object"},
    },
    "required": ["amount", "price", "urgent", "tags", "orders", "order"],
}
TOOLS: Any = {
    "shop": [
        {"name": "refund", "description": "Refunds", "inputSchema": REFUND},
        {"name": "ping", "description": "Pings", "inputSchema": {"type": "object"}},
    ],
    "other-shop": [{"name": "cancel", "description": "Cancels", "inputSchema": REFUND}],
}


def check(when: str | None, *actions: str) -> None:
    cedar_schema.check(list(actions) or ["shop___refund"], when, TOOLS, "here")


@pytest.mark.parametrize("actions", [["shop___refund"], ["shop___refund", "shop___ping"], ["shop", "other-shop"]])
def test_every_tool_and_target_is_an_action(actions: list[str]) -> None:
    check(None, *actions)


@pytest.mark.parametrize("action", ["shop___refunds", "shop__refund", "shops", "refund", "shop___ping___x"])
def test_an_action_that_no_tool_has_is_an_error(action: str) -> None:
    with pytest.raises(UsageError, match=f'here: unrecognized action `AgentCore::Action::"{action}"`'):
        check(None, action)


@pytest.mark.parametrize(
    "when",
    [
        "context.input.amount < 1000",
        'context.input.price.lessThanOrEqual(decimal("9.99"))',
        "!context.input.urgent",
        'context.input has reason && context.input.reason like "late*"',
        'context.input.tags.contains("gift")',
        'context.input.order.id == "1"',
        'context.input.order has weight && context.input.order.weight.lessThan(decimal("2.0"))',
        'context.system.now < datetime("2027-01-01T00:00:00Z")',
        'principal.id like "*:assumed-role/*"',
        "context.input has anything",
    ],
)
def test_a_condition_on_arguments_that_the_tool_has_fits(when: str) -> None:
    check(when)
    check(when, "shop___refund", "other-shop___cancel")
    check(when, "other-shop")


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ("context.input.amont < 1000", "`input.amont` in context .* not found"),
        ('context.input.amount < "1000"', "expected Long but saw String"),
        ("context.input.price < 10", "expected Long but saw decimal"),
        ('context.input.price.lessThan(decimal("1.00001"))', "failed to parse as a decimal value"),
        ("context.input.urgent == 1", "the types .* are not compatible"),
        ('context.input.reason == "late"', "unable to guarantee safety of access to optional attribute `input.reason`"),
        ("context.input.tags.contains(1)", "the types .* are not compatible"),
        ("context.input.anything.x == 1", "`input.anything.x` in context .* not found"),
        ("context.input.amount", "expected Bool but saw Long"),
        ('principal.department == "shop"', "attribute `department` on entity type `AgentCore::IamEntity` not found"),
        ("context.amount < 1", "`amount` in context .* not found"),
        ('principal in AgentCore::Group::"x"', "unrecognized entity type `AgentCore::Group`"),
    ],
)
def test_a_condition_that_does_not_fit_says_why_and_what_to_write(when: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as raised:
        check(when)
    assert str(raised.value).startswith(f"here: the condition {when!r} does not fit the tools' arguments: ")
    assert "`context.input has x && ...`" in str(raised.value)
    assert "policy0" not in str(raised.value)


def test_a_condition_must_fit_every_tool_it_is_handed_over_with() -> None:
    check("context.input.amount < 1000", "shop___refund", "other-shop___cancel")
    for actions in (["shop___refund", "shop___ping"], ["shop"]):
        with pytest.raises(
            UsageError, match=r"`input.amount` in context for AgentCore::Action::.shop___ping. not found"
        ):
            check("context.input.amount < 1000", *actions)


@pytest.mark.parametrize(
    ("when", "by_role", "by_token"),
    [
        ("context.input.amount < 1000", True, True),
        # Valid of a role, too, and never true: it has no tags.
        ('principal.hasTag("team") && principal.getTag("team") == "shop"', True, True),
        ('principal.getTag("team") == "shop"', False, False),
        ('principal.id like "*:assumed-role/*"', True, True),
        ('principal.department == "shop"', False, False),
    ],
)
def test_a_condition_on_the_caller_fits_those_whom_the_gateway_lets_in(
    when: str, by_role: bool, by_token: bool
) -> None:
    for claim, fits in ((None, by_role), ("client_id", by_token)):
        try:
            cedar_schema.check(["shop___refund"], when, TOOLS, "here", claim)
        except UsageError:
            assert not fits, claim
        else:
            assert fits, claim


def test_more_than_a_condition_is_refused_here_too() -> None:
    with pytest.raises(UsageError, match="more than one expression"):
        check("true }; permit(principal, action, resource is AgentCore::Gateway) when { true")


@pytest.mark.parametrize("node", [{"type": "null"}, {}, {"type": "array"}, {"type": ["string", "integer"]}])
def test_a_type_that_agentcore_does_not_know_is_an_error(node: dict[str, Any]) -> None:
    schema = {"type": "object", "properties": {"x": node}}
    tools: Any = {"t": [{"name": "f", "description": "d", "inputSchema": schema}]}
    with pytest.raises(UsageError, match=r"tool 't___f'\.x: has the type .*; AgentCore knows 'string', 'integer'"):
        cedar_schema.check(["t___f"], None, tools, "here")


def test_arguments_have_the_types_that_agentcore_documents() -> None:
    """A value of each documented type is a valid request; the same values in another place are not."""
    values: dict[str, Any] = {
        "amount": 1,
        "price": {"__extn": {"fn": "decimal", "arg": "1.5"}},
        "urgent": True,
        "tags": ["a"],
        "orders": [{"id": "1"}],
        "order": {"id": "1", "weight": {"__extn": {"fn": "decimal", "arg": "2.0"}}},
    }

    def decided(arguments: dict[str, Any]) -> bool:
        request = {
            "principal": {"type": "AgentCore::IamEntity", "id": "x"},
            "action": {"type": "AgentCore::Action", "id": "shop___refund"},
            "resource": {"type": "AgentCore::Gateway", "id": "g"},
            "context": {
                "input": arguments,
                "system": {"now": {"__extn": {"fn": "datetime", "arg": "2026-11-24T00:00:00Z"}}},
            },
        }
        everything = 'permit(principal, action in [AgentCore::Action::"Mcp"], resource);'
        return bool(cedarpy.is_authorized(request, everything, [], cedar_schema.schema(TOOLS)).allowed)

    assert decided(values)
    for name, wrong in (("amount", "1"), ("price", 1), ("urgent", "yes"), ("tags", [1]), ("orders", [{}])):
        assert not decided({**values, name: wrong}), name
    assert not decided({name: value for name, value in values.items() if name != "amount"})


ROOT = Path(__file__).parents[3]
GATEWAY = Gateway(
    label="tools",
    arn="arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/tools-abcdefghij",
    id="tools-abcdefghij",
    url="https://tools-abcdefghij.gateway.bedrock-agentcore.us-east-1.amazonaws.com/mcp",
    name="tools",
    role_arn="arn:aws:iam::123456789012:role/tools",
    authorizer="AWS_IAM",
    search=False,
    session_seconds=None,
    versions=(),
    policy_engine=None,
    interceptors=(),
)


def as_access_reads_it(tools: Mapping[str, Any], authorizer: str = "AWS_IAM") -> dict[str, Any]:
    inputs = {f"{target}___{tool['name']}": tool["inputSchema"] for target, its in tools.items() for tool in its}
    return cedar_schema_of_access.schema(replace(GATEWAY, authorizer=authorizer), inputs)


def test_access_makes_the_same_schema_of_the_programs_tools() -> None:
    tools = read_targets(ROOT / "lambdas")
    assert cedar_schema.schema(tools) == as_access_reads_it(tools)


def test_access_makes_the_same_schema_of_every_kind_of_argument() -> None:
    assert cedar_schema.schema(TOOLS) == as_access_reads_it(TOOLS)
    assert cedar_schema.schema(TOOLS, bearer=True) == as_access_reads_it(TOOLS, "CUSTOM_JWT")
    assert cedar_schema.schema(TOOLS, bearer=True) != cedar_schema.schema(TOOLS)


@settings(max_examples=80, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["t", "t-1", "u"]),
        st.lists(INPUTS | st.just({"type": "object"}), min_size=1, max_size=3).map(
            lambda given: [{"name": f"f{i}", "description": "d", "inputSchema": it} for i, it in enumerate(given)]
        ),
    )
)
def test_access_makes_the_same_schema_of_any_tools(tools: dict[str, Any]) -> None:
    assert cedar_schema.schema(tools) == as_access_reads_it(tools)
