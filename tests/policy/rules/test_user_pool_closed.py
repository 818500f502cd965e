from typing import Any

import pytest

from tests.policy import making, making_tokens
from tests.policy.driver import UNKNOWN, Pack
from tests.policy.making_tokens import gateway, pool

RULE = "user-pool-closed"


def found(pack: Pack, inputs: dict[str, Any], *taking: Any, **settings: Any) -> list[tuple[str, str]]:
    pack.configure({**making_tokens.ALLOWED, RULE: settings})
    resources = [pool(**inputs), *(taking or (gateway(),))]
    return [(it.level, it.message) for it in pack.run(resources) if it.rule == RULE]


@pytest.mark.parametrize(
    "config",
    [
        None,
        {},
        [],
        7,
        "x",
        {"allowAdminCreateUserOnly": False},
        {"allowAdminCreateUserOnly": None},
        {"allowAdminCreateUserOnly": "true"},
        [{"allowAdminCreateUserOnly": False}],
        {"other": True},
    ],
    ids=str,
)
def test_where_whoever_wants_to_signs_up(pack: Pack, config: Any) -> None:
    ((level, message),) = found(pack, {"adminCreateUserConfig": config})
    assert level == "advisory"
    assert 'issues for AgentcoreGateway "tools", and whoever wants to signs up' in message


@pytest.mark.parametrize(
    "config", [{"allowAdminCreateUserOnly": True}, [{"allowAdminCreateUserOnly": True}], UNKNOWN], ids=str
)
def test_a_closed_pool_passes(pack: Pack, config: Any) -> None:
    assert found(pack, {"adminCreateUserConfig": config}) == []


def test_a_pool_that_issues_for_nobody_here_is_not_asked(pack: Pack) -> None:
    assert found(pack, {"adminCreateUserConfig": {}}, making.gateway()) == []
    foreign = making_tokens.authorizer(discoveryUrl="https://login.example.com/.well-known/openid-configuration")
    assert found(pack, {"adminCreateUserConfig": {}}, gateway(authorizerConfiguration=foreign)) == []


@pytest.mark.parametrize(("protection", "said"), [("ACTIVE", 0), ("INACTIVE", 1), (None, 1), (UNKNOWN, 0), (7, 1)])
def test_protection_is_asked_for_by_a_setting(pack: Pack, protection: Any, said: int) -> None:
    assert found(pack, {"deletionProtection": protection}) == []
    assert len(found(pack, {"deletionProtection": protection}, deletionProtection=True)) == said
