from typing import Any

import pytest

from tests.policy import making, making_tokens
from tests.policy.driver import UNKNOWN, Pack, Registration
from tests.policy.making import GATEWAY
from tests.policy.making_tokens import gateway

RULE = "jwt-permit-names-caller"
ENGINE = {"arn": making.ENGINE, "mode": "ENFORCE"}
REST = f'action == AgentCore::Action::"math___add", resource == AgentCore::Gateway::"{GATEWAY}"'
OAUTH = "principal is AgentCore::OAuthUser"


def found(pack: Pack, statement: Any, taking: Registration | None = None, **settings: Any) -> list[str]:
    pack.configure({**making_tokens.ALLOWED, RULE: settings})
    taking = taking or gateway(policyEngineConfiguration=ENGINE)
    policy = making.cedar(statement)
    resources = [making_tokens.pool(), making.engine(), taking, making.target(), policy]
    return [it.message for it in pack.run(resources) if it.rule == RULE]


def permit(condition: str = "", principal: str = OAUTH) -> str:
    return f"permit({principal}, {REST}){condition};"


def tag(claim: str, value: str = "a") -> str:
    return f'principal.getTag("{claim}") == "{value}"'


NAMED = {
    "component": making_tokens.PERMIT,
    "scope": permit(principal='principal == AgentCore::OAuthUser::"3n4b5"'),
    "sub": permit(f" when {{ {tag('sub')} }}"),
    "foreign": permit(f" when {{ {tag('azp')} }}"),
    "turned": permit(' when { "a" == principal.getTag("client_id") }'),
    "id": permit(' when { principal.id == "a" }'),
    "id by key": permit(' when { principal["id"] == "a" }'),
    "several": permit(f" when {{ {tag('client_id')} || {tag('client_id', 'b')} }}"),
    "set": permit(' when { ["a", "b"].contains(principal.getTag("client_id")) }'),
    "second condition": permit(f" when {{ context.input.a < 9 }} when {{ {tag('client_id')} }}"),
    "unless": permit(' unless { principal.getTag("client_id") != "a" }'),
    "not not": permit(' when { !(principal.getTag("client_id") != "a") }'),
    "like without a wildcard": permit(r' when { principal.getTag("client_id") like "a\*" }'),
    "both ways": permit(f" when {{ if context.input.a < 9 then {tag('sub')} else {tag('sub', 'b')} }}"),
    "unknown in it": permit(f" when {{ {tag('client_id', UNKNOWN)} }}"),
    "in parentheses, noted": '@id("x") ' + permit(f" when {{ // {tag('team')}\n(({tag('sub')})) }}"),
    "whole scopes": permit(f' when {{ {tag("sub")} && principal.getTag("scope") like "* a/b *" }}'),
    "no Cedar yet": f"permit(principal, {UNKNOWN}",
    "forbid": f"forbid({OAUTH}, {REST});",
    "forbid in parts": f'forbid({OAUTH}, {REST}) when {{ principal.getTag("scope") like "*a*" }};',
}
OPEN = {
    "nobody": permit(),
    "anybody": permit(principal="principal"),
    "another claim": permit(f" when {{ {tag('team')} }}"),
    "empty": permit(f" when {{ {tag('client_id', '')} }}"),
    "there is one": permit(' when { principal.hasTag("client_id") }'),
    "pattern": permit(' when { principal.getTag("client_id") like "a*" }'),
    "or else": permit(f" when {{ {tag('client_id')} || context.input.a < 9 }}"),
    "all but one": permit(' when { principal.getTag("client_id") != "a" }'),
    "unless it is": permit(f" unless {{ {tag('client_id')} }}"),
    "not": permit(f" when {{ !({tag('client_id')}) }}"),
    "one way": permit(f" when {{ if context.input.a < 9 then {tag('sub')} else true }}"),
    "noted only": permit(f" /* no */ // when {{ {tag('sub')} }}\n".replace("/* no */", "")),
    "in a text": permit(' when { context.input.note == "principal.id == \\"a\\"" }'),
    "of the request": permit(' when { context.getTag("client_id") == "a" }'),
    "nobody listed": permit(' when { [].contains(principal.getTag("client_id")) }'),
    "itself": permit(' when { principal.getTag("client_id") == principal.getTag("client_id") }'),
    "one of two": permit(f" when {{ {tag('sub')} }}") + permit(principal="principal"),
    "cannot be read": "permit(",
    "no Cedar": "let everybody in",
    "too deep": permit(" when { " + "(" * 80 + tag("sub") + ")" * 80 + " }"),
}


@pytest.mark.parametrize("statement", NAMED.values(), ids=NAMED.keys())
def test_who_is_named_passes(pack: Pack, statement: str) -> None:
    assert found(pack, statement) == []


@pytest.mark.parametrize("statement", OPEN.values(), ids=OPEN.keys())
def test_who_is_not_named_violates(pack: Pack, statement: str) -> None:
    assert len(found(pack, statement)) == 1


@pytest.mark.parametrize("statement", [None, 7, [], {}, UNKNOWN, ""], ids=str)
def test_what_is_no_text_is_no_permit(pack: Pack, statement: Any) -> None:
    assert found(pack, statement) == []


def test_the_claim_of_an_issuer_is_a_setting(pack: Pack) -> None:
    statement = permit(f" when {{ {tag('team')} }}")
    assert found(pack, statement, claims=["team"]) == []
    assert len(found(pack, permit(f" when {{ {tag('client_id')} }}"), claims=["team"])) == 1


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("*tools/math*", 1),
        ("tools/math*", 1),
        ("*tools/math", 1),
        ("* tools/*", 1),
        ("*", 1),
        ("tools/math *", 0),
        ("* tools/math", 0),
        ("* tools/math *", 0),
        (r"tools/\*", 0),
        ("tools/math", 0),
    ],
)
@pytest.mark.parametrize("claim", ["scope", "scp"])
def test_scopes_are_compared_whole(pack: Pack, pattern: str, claim: str, said: int) -> None:
    condition = (
        f' when {{ {tag("sub")} && principal.hasTag("{claim}") && principal.getTag("{claim}") like "{pattern}" }}'
    )
    assert len(found(pack, permit(condition))) == said


def test_whom_a_gateway_of_iam_lets_in_is_another_rule_s_business(pack: Pack) -> None:
    taking = making.gateway(policyEngineConfiguration=ENGINE)
    assert found(pack, permit(principal="principal"), taking) == []
    # It says itself that it is for tokens.
    assert len(found(pack, permit(), taking)) == 1


def test_an_engine_is_known_by_the_graph_in_a_preview(pack: Pack) -> None:
    pack.configure(making_tokens.ALLOWED)
    engine = Registration(making.engine().type, "engine", {"name": "shop_tools"})
    taking = gateway(policyEngineConfiguration={"arn": UNKNOWN, "mode": "ENFORCE"})
    taking = Registration(taking.type, "tools", taking.inputs, {}, "", {"policyEngineConfiguration": [engine.urn]})
    policy = making.cedar(permit(principal="principal"), engine_id=UNKNOWN, policyEngineId=[engine.urn])
    assert [it.rule for it in pack.run([engine, taking, policy]) if it.rule == RULE] == [RULE]
