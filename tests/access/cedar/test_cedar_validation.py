import json
from collections.abc import Callable
from typing import Any

import cedarpy
import pytest

from toolgate.access.cedar.cedar_validation import validate
from toolgate.access.cedar.tools_schema import schema
from toolgate.access.deployment.agentcore_resources import Gateway
from toolgate.access.deployment.deployment import parse

ACCOUNT = "123456789012"
GATEWAY = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:gateway/tools-abcdefghij"
ENTITY = f"arn:aws:sts::{ACCOUNT}:assumed-role/caller"
TOOLS: dict[str, dict[str, Any]] = {
    "math___add": {
        "type": "object",
        "properties": {
            "a": {"type": "number"},
            "b": {"type": "number"},
            "n": {"type": "integer"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "who": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
        },
        "required": ["a", "n", "tags", "who"],
    },
    "math___greet": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
}


@pytest.fixture
def gateway(case: Callable[..., Any]) -> Gateway:
    return parse(case().export()).gateways[0]


def _permit(
    condition: str = "",
    *,
    tool: str = "math___add",
    who: str = f'== AgentCore::IamEntity::"{ENTITY}"',
    at: str = GATEWAY,
) -> str:
    action = f'action == AgentCore::Action::"{tool}"'
    return f'permit(principal {who}, {action}, resource == AgentCore::Gateway::"{at}"){condition};'


def _when(condition: str) -> str:
    return _permit(f" when {{ {condition} }}")


@pytest.mark.parametrize(
    "statement",
    [
        _permit(),
        _permit().replace("permit", "forbid"),
        _permit(tool="math___greet"),
        _permit().replace('== AgentCore::Action::"math___add"', 'in AgentCore::Action::"math"'),
        _permit().replace("== AgentCore::Action", "in AgentCore::Action"),
        _permit(who="is AgentCore::IamEntity"),
        f'permit(principal == AgentCore::IamEntity::"{ENTITY}", action, resource is AgentCore::Gateway);',
        _permit(who=f'== AgentCore::IamEntity::"arn:aws:iam::{ACCOUNT}:user/anna"'),
        _when('context.input.a.lessThan(decimal("10.0"))'),
        _when("context.input.n <= 3"),
        _when('context.input has b && context.input.b.lessThan(decimal("10.0"))'),
        _when('context.input.tags.contains("x")'),
        _when('context.input.who.name like "A*"'),
        _when('context.system.now < datetime("2027-01-01")'),
        _permit(' when { principal is AgentCore::IamEntity && principal.id like "*" }', who=""),
    ],
)
def test_a_right_statement_has_no_findings(gateway: Gateway, statement: str) -> None:
    assert validate(statement, gateway, TOOLS) == ()


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("permit(principal, action, resource);"[:34], "has 34 characters; it must have 35 to 10000"),
        (_permit() + " " * 10_000, "it must have 35 to 10000"),
        ("permit everybody to do everything, please", "not a Cedar policy"),
        (_permit() + _permit(), "exactly one policy"),
        (_permit(tool="math___subtract"), 'unrecognized action `AgentCore::Action::"math___subtract"`'),
        (_permit(tool="math__add"), 'unrecognized action `AgentCore::Action::"math__add"`'),
        (_when("context.input.c > 1"), "attribute `input.c`"),
        (_when("context.input.a > 1"), "expected Long but saw decimal"),
        (_when('context.input.n == "1"'), "String"),
        (_when('context.input.b.lessThan(decimal("1.0"))'), "optional attribute `input.b`"),
        (_when("context.output.a > 1"), "output"),
        (_permit(who='== AgentCore::OAuthUser::"x"'), "applicable action"),
        (_permit(' when { principal.id like "*" }', who=""), "`AgentCore::UnauthenticatedUser`"),
        (_permit(who=f'== AgentCore::IamEntity::"arn:aws:iam::{ACCOUNT}:role/caller"'), "no caller has the id"),
        (_permit(who=f'== AgentCore::IamEntity::"{ENTITY}/session"'), "no caller has the id"),
        (_permit(at=GATEWAY.replace("tools", "other")), f"this gateway is {GATEWAY}"),
        (
            _permit().replace(f'== AgentCore::Gateway::"{GATEWAY}"', "is AgentCore::Gateway"),
            "naming actions needs `resource ==",
        ),
        ("permit(principal is AgentCore::IamEntity, action, resource);", "the resource is not constrained"),
    ],
)
def test_a_wrong_statement_is_found_wrong_offline(gateway: Gateway, statement: str, says: str) -> None:
    findings = validate(statement, gateway, TOOLS)
    assert any(says in finding for finding in findings)


def test_the_principals_of_a_schema_are_the_authorizers(case: Callable[..., Any]) -> None:
    jwt = parse(case(gateway={"authorizerType": "CUSTOM_JWT"}).export()).gateways[0]
    user = _permit(who="is AgentCore::OAuthUser").replace(";", ' when { principal.getTag("team") == "x" };')
    assert validate(user.replace("when {", 'when { principal.hasTag("team") &&'), jwt, TOOLS) == ()
    assert validate(_permit(), jwt, TOOLS) != ()


def test_cedar_reads_the_schema(gateway: Gateway) -> None:
    assert cedarpy.Schema.from_json_str(json.dumps(schema(gateway, TOOLS)))


def test_a_type_that_agentcore_does_not_know_is_refused(gateway: Gateway) -> None:
    tools = {"math___x": {"type": "object", "properties": {"d": {"type": "date"}}}}
    with pytest.raises(ValueError, match="'date' is not a type"):
        schema(gateway, tools)
