from dataclasses import replace
from typing import Any

import pytest

from tests.policy import making, making_tokens
from tests.policy.driver import UNKNOWN, Pack, Registration
from tests.policy.making_tokens import client, gateway, pool

RULE, UNDECIDED = "machine-client-only", "undecided-in-preview"
MANAGED = "aws:cognito/managedUserPoolClient:ManagedUserPoolClient"


def found(pack: Pack, *clients: Registration, taking: Registration | None = None, **settings: Any) -> list[str]:
    pack.configure({**making_tokens.ALLOWED, RULE: settings})
    resources = [pool(), taking or gateway(), *clients]
    return [it.message for it in pack.run(resources) if it.rule == RULE]


@pytest.mark.parametrize(
    ("inputs", "why"),
    [
        ({"allowedOauthFlows": ["client_credentials", "code"]}, 'also has the flow "code"'),
        ({"allowedOauthFlows": ["implicit", UNKNOWN, "client_credentials"]}, 'also has the flow "implicit"'),
        ({"generateSecret": False}, "has no secret"),
        ({"generateSecret": None}, "has no secret"),
        ({"allowedOauthScopes": ["openid", "shop-tools/invoke"]}, 'may ask for "openid"'),
        ({"allowedOauthScopes": ["aws.cognito.signin.user.admin"]}, "about a user"),
        ({"explicitAuthFlows": ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]}, "lets users sign in by"),
        ({"explicitAuthFlows": None}, "AWS then lets users sign in"),
        ({"accessTokenValidity": 61}, "live 61 minutes"),
        ({"accessTokenValidity": 1, "tokenValidityUnits": {"accessToken": "days"}}, "live 1440 minutes"),
        ({"accessTokenValidity": 2, "tokenValidityUnits": None}, "live 120 minutes"),
        ({"accessTokenValidity": 2, "tokenValidityUnits": [{"accessToken": "hours"}]}, "live 120 minutes"),
        ({"accessTokenValidity": 7200, "tokenValidityUnits": {"accessToken": "seconds"}}, "live 120 minutes"),
    ],
    ids=str,
)
def test_a_client_with_more_than_a_machine_needs_violates(pack: Pack, inputs: dict[str, Any], why: str) -> None:
    (message,) = found(pack, client(**inputs))
    assert why in message


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"allowedOauthFlows": ["code"], "generateSecret": False, "explicitAuthFlows": None},
        {"allowedOauthFlows": [], "explicitAuthFlows": None},
        {"allowedOauthFlows": None},
        {"allowedOauthFlows": 7},
        {"allowedOauthFlows": UNKNOWN},
        {"generateSecret": UNKNOWN},
        {"allowedOauthScopes": UNKNOWN},
        {"allowedOauthScopes": [7, None, ["x"]]},
        {"accessTokenValidity": None, "tokenValidityUnits": None},
        {"accessTokenValidity": "many"},
        {"accessTokenValidity": True},
        {"accessTokenValidity": 99, "tokenValidityUnits": {"accessToken": "fortnights"}},
        {"accessTokenValidity": 99, "tokenValidityUnits": {"accessToken": UNKNOWN}},
        {"accessTokenValidity": UNKNOWN, "tokenValidityUnits": UNKNOWN},
        {"accessTokenValidity": 5, "tokenValidityUnits": {"accessToken": 7}},
    ],
    ids=str,
)
def test_a_machine_or_none_passes(pack: Pack, inputs: dict[str, Any]) -> None:
    assert found(pack, client(**inputs)) == []


def test_how_long_is_long_is_a_setting(pack: Pack) -> None:
    assert found(pack, client(accessTokenValidity=90), accessTokenMinutes=90) == []
    assert len(found(pack, client(accessTokenValidity=16), accessTokenMinutes=15)) == 1
    assert found(pack, client(accessTokenValidity=60), accessTokenMinutes=-3) == []


def test_only_clients_of_a_pool_that_issues_are_asked(pack: Pack) -> None:
    bad = client(generateSecret=False)
    elsewhere = replace(bad, inputs={**bad.inputs, "userPoolId": "us-east-1_Other1234"}, property_dependencies={})
    assert found(pack, elsewhere) == []
    assert found(pack, bad, taking=making.gateway()) == []
    assert len(found(pack, bad)) == 1


def test_who_writes_a_client_before_its_gateway_is_told_with_the_gateway(updating: Pack) -> None:
    updating.configure(making_tokens.ALLOWED)
    first = updating.analyze_each([pool(), client(generateSecret=False)])
    assert RULE not in {it.rule for it in first}
    assert [it.rule for it in updating.analyze(gateway())] == [RULE]


def test_a_client_that_another_service_made(pack: Pack) -> None:
    made = client(generateSecret=None, allowedOauthFlows=["client_credentials", "code"])
    (message,) = found(pack, Registration(MANAGED, "client", made.inputs, made.outputs))
    assert "also has the flow" in message


def test_what_aws_answers_is_no_word_of_the_program(pack: Pack) -> None:
    """Where the provider keeps no empty list, the program has written one."""
    made = client()
    answered = {**made.outputs, "explicitAuthFlows": None}
    assert found(pack, replace(made, outputs=answered)) == []


def test_what_a_preview_does_not_know_is_said(pack: Pack) -> None:
    pack.configure(making_tokens.ALLOWED)
    unknown = client(allowedOauthFlows=["client_credentials"], accessTokenValidity=UNKNOWN)
    said = [it.message for it in pack.run([pool(), gateway(), unknown]) if it.rule == UNDECIDED]
    assert ["accessTokenValidity of a client" in it for it in said] == [True]
    known = client(allowedOauthScopes=[UNKNOWN])
    assert not [it for it in pack.run([pool(), gateway(), known]) if it.rule == UNDECIDED]
