import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.local.cloud.conftest import APP_CLIENT, GOOD, USER_POOL
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.failures import RefusalError
from toolgate.local.cloud.resource_type import Made
from toolgate.local.cloud.values import UNKNOWN

Check = Callable[..., list[str]]
CODE = {"allowedOauthFlows": ["code"], "allowedOauthScopes": ["openid"], "generateSecret": None}
SIGN_IN: dict[str, Any] = dict.fromkeys(
    ("allowedOauthFlows", "allowedOauthFlowsUserPoolClient", "allowedOauthScopes", "generateSecret")
)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"allowedOauthFlows": ["client_credentials", "code"]},
            "client_credentials flow can not be selected along with code flow or implicit flow.",
        ),
        (
            {"generateSecret": False},
            "InvalidOAuthFlowException: client_credentials flow can not be selected if client does not have",
        ),
        ({"generateSecret": None}, "does not have a client secret"),
        ({"allowedOauthScopes": ["openid"]}, "openid is not supported with client_credentials flow"),
        ({"allowedOauthScopes": []}, "AllowedOAuthFlows and AllowedOAuthScopes are required"),
        ({"allowedOauthFlows": None}, "AllowedOAuthFlows and AllowedOAuthScopes are required"),
        ({"allowedOauthFlowsUserPoolClient": None}, "AllowedOAuthFlowsUserPoolClient must be true"),
        ({"allowedOauthFlowsUserPoolClient": False}, "AllowedOAuthFlowsUserPoolClient must be true"),
        ({"allowedOauthFlows": ["password"]}, "enum value set: [code, implicit, client_credentials]"),
        ({"explicitAuthFlows": ["ALLOW_ALL"]}, "enum value set"),
        ({"name": "a" * 129}, "length less than or equal to 128"),
        ({"callbackUrls": ["https://x.test"]}, "does not reproduce callbackUrls"),
        (
            {"accessTokenValidity": 4},
            "Attribute access_token_validity must have a duration between 5m0s and 24h0m0s, got: 4m0s",
        ),
        ({"accessTokenValidity": 1441}, "between 5m0s and 24h0m0s, got: 24h1m0s"),
        ({"accessTokenValidity": 25, "tokenValidityUnits": None}, "got: 25h0m0s"),
        ({"accessTokenValidity": 299, "tokenValidityUnits": {"accessToken": "seconds"}}, "got: 4m59s"),
        ({"accessTokenValidity": 30, "tokenValidityUnits": {"accessToken": "seconds"}}, "got: 30s"),
        ({"refreshTokenValidity": 3651}, "refresh_token_validity must have a duration between 1h0m0s and 87600h0m0s"),
        ({"accessTokenValidity": 100_000}, "value less than or equal to 86400"),
        ({"tokenValidityUnits": {"accessToken": "weeks"}}, "enum value set"),
    ],
)
def test_what_is_refused_on_sight(changes: dict[str, Any], reason: str, check: Check) -> None:
    [found] = check(APP_CLIENT, **changes)
    assert reason in found


@pytest.mark.parametrize(
    "changes",
    [
        CODE,
        {**CODE, "allowedOauthFlows": ["code", "implicit"]},
        SIGN_IN,
        {"accessTokenValidity": 5},
        {"accessTokenValidity": 24, "tokenValidityUnits": None},
        {"accessTokenValidity": 1, "tokenValidityUnits": {"accessToken": "days"}},
        {"allowedOauthScopes": UNKNOWN},
        {"allowedOauthScopes": [UNKNOWN]},
        {"allowedOauthFlows": UNKNOWN, "generateSecret": UNKNOWN},
        {"accessTokenValidity": UNKNOWN},
        {"tokenValidityUnits": UNKNOWN},
        {"tokenValidityUnits": {"accessToken": UNKNOWN}},
    ],
)
def test_what_is_taken(changes: dict[str, Any], check: Check) -> None:
    assert check(APP_CLIENT, **changes) == []


def test_its_scopes_exist_in_its_pool(plane: ControlPlane, pool: Made) -> None:
    client = GOOD[APP_CLIENT] | {"userPoolId": pool.id}
    plane.create(APP_CLIENT, client)
    with pytest.raises(RefusalError, match="ScopeDoesNotExistException: Invalid scope requested: tools/invoke"):
        plane.create(APP_CLIENT, client | {"allowedOauthScopes": ["toolgate-dev-tools/invoke", "tools/invoke"]})
    other = plane.create(USER_POOL, {"name": "other", "deletionProtection": "INACTIVE"})
    with pytest.raises(RefusalError, match="Invalid scope requested: toolgate-dev-tools/invoke"):
        plane.create(APP_CLIENT, client | {"userPoolId": other.id})


def test_id_and_secret_look_like_cognitos_and_are_each_clients_own(plane: ControlPlane, pool: Made) -> None:
    client = GOOD[APP_CLIENT] | {"userPoolId": pool.id}
    first, second = (plane.create(APP_CLIENT, client) for _ in range(2))  # names are not unique
    assert re.fullmatch("[a-z0-9]{26}", first.id)
    assert re.fullmatch("[a-z0-9]{51}", first.outputs["clientSecret"])
    assert len({first.id, second.id}) == len({it.outputs["clientSecret"] for it in (first, second)}) == 2
    assert (
        plane.update(APP_CLIENT, first.id, client | {"accessTokenValidity": 5}).outputs["clientSecret"]
        == (first.outputs["clientSecret"])
    )
    public = {name: value for name, value in (client | SIGN_IN).items() if value is not None}
    assert plane.create(APP_CLIENT, public).outputs["clientSecret"] == ""


def test_what_is_left_out_is_reported(plane: ControlPlane, pool: Made) -> None:
    """As the provider's acceptance tests find it (cognitoidp/user_pool_client_test.go, _basic, _nulls)."""
    state = plane.create(APP_CLIENT, {"name": "c", "userPoolId": pool.id}).outputs
    assert "tokenValidityUnits" not in state
    assert (state["accessTokenValidity"], state["refreshTokenValidity"], state["authSessionValidity"]) == (0, 30, 3)
    assert (state["allowedOauthFlows"], state["explicitAuthFlows"], state["callbackUrls"]) == ([], [], [])
    timed = plane.create(APP_CLIENT, GOOD[APP_CLIENT] | {"userPoolId": pool.id}).outputs
    assert timed["tokenValidityUnits"] == {"accessToken": "minutes", "idToken": "hours", "refreshToken": "days"}


def test_a_client_has_the_same_id_whatever_was_made_before_it(plane: ControlPlane, pool: Made) -> None:
    """Or an agent more would look, in a plan, like another client of each of the others."""

    def client(name: str) -> Made:
        return plane.create(APP_CLIENT, GOOD[APP_CLIENT] | {"userPoolId": pool.id, "name": name})

    one_way = {name: client(name) for name in ("a", "b")}
    with plane.store.transaction() as account:
        account["made"].clear()
        for made in one_way.values():
            del account["resources"][f"{APP_CLIENT}|{made.id}"]
    assert {name: client(name) for name in ("b", "a")} == one_way
    assert one_way["a"].id != one_way["b"].id
