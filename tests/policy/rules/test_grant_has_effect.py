from typing import Any

import pytest

from tests.policy import making, making_tokens
from tests.policy.driver import UNKNOWN, Pack, Violation
from tests.policy.making import GATEWAY, statement

RULE, GRANT = "grant-has-effect", "bedrock-agentcore:InvokeGateway"


def found(pack: Pack, *entries: Any, gateway: Any = None, role: str = "agent") -> list[Violation]:
    pack.configure(making_tokens.ALLOWED)
    policy = making_tokens.tokens_policy(*entries, of=role)
    roles = [making.role(), making.role("deployer", "ec2.amazonaws.com")]
    taking = gateway or making_tokens.gateway()
    resources = [making_tokens.pool(), taking, *roles, policy, making_tokens.runtime()]
    return [it for it in pack.run(resources) if it.rule == RULE]


def test_a_grant_on_a_gateway_that_takes_tokens_is_told(pack: Pack) -> None:
    (violation,) = found(pack, statement(GRANT, GATEWAY))
    assert violation.level == "advisory"
    assert "asks no IAM" in violation.message


@pytest.mark.parametrize(
    "entry",
    [
        statement(GRANT, GATEWAY.replace("tools", "other")),
        statement(GRANT, UNKNOWN),
        statement(GRANT, f"{GATEWAY}*"),
        statement(GRANT, "*"),
        statement("bedrock-agentcore:GetGateway", GATEWAY),
        {**statement(GRANT, GATEWAY), "Effect": "Deny"},
        {"Effect": "Allow", "Action": GRANT, "NotResource": GATEWAY},
        statement(UNKNOWN, GATEWAY),
        statement([], []),
        statement(GRANT, GATEWAY.upper()),
    ],
    ids=str,
)
def test_any_other_statement_is_not(pack: Pack, entry: Any) -> None:
    assert found(pack, entry) == []


def test_gateways_of_iam_and_roles_of_others_are_not(pack: Pack) -> None:
    assert found(pack, statement(GRANT, GATEWAY), gateway=making.gateway()) == []
    assert found(pack, statement(GRANT, GATEWAY), role="deployer") == []
