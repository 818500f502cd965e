import time

import pytest

from tests.policy import making
from tests.policy.driver import UNKNOWN, Pack, Registration

RULE = "cedar-permit-limited"
REST = "resource is AgentCore::Gateway"


def found(pack: Pack, statement: object, mode: object = "IGNORE_ALL_FINDINGS") -> list[str]:
    policy = making.cedar(statement)
    inputs = {**policy.inputs, "validationMode": mode}
    return [it.level for it in pack.analyze(Registration(policy.type, policy.name, inputs)) if it.rule == RULE]


@pytest.mark.parametrize(
    "statement",
    [
        f"permit(principal, action, {REST});",
        f"permit (principal is AgentCore::IamEntity,\n  action , {REST}) ;",
        "permit(principal, action, resource);",
        f'permit(principal, action, resource == AgentCore::Gateway::"{making.GATEWAY}");',
        f'permit(principal, action in AgentCore::Action::"CallTool", {REST});',
        f'permit(principal, action == AgentCore::Action::"Mcp", {REST});',
        f'permit(principal, action in [AgentCore::Action::"math", AgentCore::Action::"CallTool"], {REST});',
        f"permit(principal, action, {REST}) when {{ true }};",
        f'@id("all, of them") // everybody, says ann\npermit(principal, // "anybody\naction, {REST});',
        f"permit(principal is AgentCore :: OAuthUser, action, {REST});",
    ],
)
def test_a_permit_for_everybody_on_everything_violates(pack: Pack, statement: str) -> None:
    assert found(pack, statement) == ["mandatory"]
    for mode in ("FAIL_ON_ANY_FINDINGS", None, UNKNOWN):
        assert found(pack, statement, mode) == []


@pytest.mark.parametrize(
    "statement",
    [
        making.permit("math___add"),
        f"forbid(principal, action, {REST});",
        f'permit(principal == AgentCore::IamEntity::"{making.ENTITY}", action, {REST});',
        f'permit(principal in AgentCore::Team::"a", action, {REST});',
        f'permit(principal, action == AgentCore::Action::"math___add", {REST});',
        f'permit(principal, action in [AgentCore::Action::"math"], {REST});',
        f'permit(principal, action, {REST}) when {{ principal.hasTag("team") }};',
        f"permit(principal, action, {REST}) unless {{ context has input }};",
        f'forbid(principal, action, {REST}) when {{ context.note == "permit(principal, action, resource);" }};',
        f"// permit(principal, action, resource);\n{making.permit('math')}",
        "permit(principal, action",
        UNKNOWN,
        f'permit(principal == AgentCore::IamEntity::"{UNKNOWN}", action, {REST});',
        3,
    ],
    ids=str,
)
def test_a_permit_with_a_limit_passes(pack: Pack, statement: object) -> None:
    assert found(pack, statement) == []


@pytest.mark.parametrize(
    "text", ["permit(" * 20_000, 'permit("' * 20_000, "permit(principal," + "[" * 50_000, "//" * 50_000]
)
def test_no_text_takes_long(pack: Pack, text: str) -> None:
    begun = time.monotonic()
    assert found(pack, text) == []
    assert time.monotonic() - begun < 5


def test_a_mode_that_is_not_known_is_said(pack: Pack) -> None:
    policy = making.cedar("permit(principal, action, resource);")
    inputs = {**policy.inputs, "validationMode": UNKNOWN}
    messages = [it.message for it in pack.run([Registration(policy.type, policy.name, inputs)])]
    assert any("the validationMode of the Cedar policy" in message for message in messages)
