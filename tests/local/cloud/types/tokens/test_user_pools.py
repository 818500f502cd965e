import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.local.cloud.conftest import APP_CLIENT, GOOD, RESOURCE_SERVER, USER_POOL, USER_POOL_DOMAIN
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.failures import RefusalError
from toolgate.local.cloud.resource_type import Made

Check = Callable[..., list[str]]


@pytest.mark.parametrize(
    ("kind", "changes", "reason"),
    [
        (USER_POOL, {"name": "a" * 129}, "length less than or equal to 128"),
        (USER_POOL, {"name": "tokens!"}, "regular expression pattern"),
        (USER_POOL, {"deletionProtection": "ON"}, "enum value set: [ACTIVE, INACTIVE]"),
        (USER_POOL, {"mfaConfiguration": "OPTIONAL"}, "does not reproduce mfaConfiguration"),
        (USER_POOL, {"adminCreateUserConfig": {"inviteMessageTemplate": {}}}, "does not reproduce"),
        (USER_POOL_DOMAIN, {"domain": "a" * 64}, "length less than or equal to 63"),
        (USER_POOL_DOMAIN, {"domain": "Tokens"}, "regular expression pattern"),
        (USER_POOL_DOMAIN, {"domain": "-tokens"}, "regular expression pattern"),
        (USER_POOL_DOMAIN, {"domain": "tokens-"}, "regular expression pattern"),
        (USER_POOL_DOMAIN, {"domain": "tokens.example.com"}, "regular expression pattern"),
        (USER_POOL_DOMAIN, {"domain": "laws"}, "InvalidParameterException: Domain cannot contain reserved word: aws"),
        (USER_POOL_DOMAIN, {"domain": "amazon"}, "cannot contain reserved word: amazon"),
        (USER_POOL_DOMAIN, {"domain": "my-cognito"}, "cannot contain reserved word: cognito"),
        (USER_POOL_DOMAIN, {"certificateArn": "arn"}, "does not reproduce certificateArn"),
        (RESOURCE_SERVER, {"identifier": "with space"}, "regular expression pattern"),
        (RESOURCE_SERVER, {"scopes": [{"scopeName": "a/b", "scopeDescription": "x"}]}, "regular expression pattern"),
        (RESOURCE_SERVER, {"scopes": [{"scopeName": "invoke"}]}, "Member must not be null"),
        (
            RESOURCE_SERVER,
            {"scopes": [{"scopeName": f"s{number}", "scopeDescription": "x"} for number in range(101)]},
            "length less than or equal to 100",
        ),
    ],
)
def test_what_is_refused_on_sight(kind: str, changes: dict[str, Any], reason: str, check: Check) -> None:
    assert any(reason in found for found in check(kind, **changes))


def test_a_pools_id_says_where_it_is(plane: ControlPlane, pool: Made) -> None:
    assert re.fullmatch(r"us-east-1_[A-Za-z0-9]{9}", pool.id)
    assert pool.outputs["arn"] == f"arn:aws:cognito-idp:us-east-1:123456789012:userpool/{pool.id}"
    assert pool.outputs["endpoint"] == f"cognito-idp.us-east-1.amazonaws.com/{pool.id}"
    assert plane.create(USER_POOL, GOOD[USER_POOL]).id != pool.id  # names are not unique


def test_a_server_gives_the_names_of_its_scopes(plane: ControlPlane, pool: Made) -> None:
    server = f"{pool.id}|toolgate-dev-tools"
    record = plane.read(RESOURCE_SERVER, server)
    assert record is not None
    assert record.outputs["scopeIdentifiers"] == ["toolgate-dev-tools/invoke"]
    more = [{"scopeName": name, "scopeDescription": "x"} for name in ("invoke", "read")]
    updated = plane.update(RESOURCE_SERVER, server, GOOD[RESOURCE_SERVER] | {"userPoolId": pool.id, "scopes": more})
    assert updated.outputs["scopeIdentifiers"] == ["toolgate-dev-tools/invoke", "toolgate-dev-tools/read"]


@pytest.mark.parametrize("kind", [USER_POOL_DOMAIN, RESOURCE_SERVER, APP_CLIENT])
def test_what_is_in_a_pool_needs_the_pool(kind: str, plane: ControlPlane) -> None:
    with pytest.raises(RefusalError, match="ResourceNotFoundException: User pool us-east-1_AbCdEf123 does not exist"):
        plane.create(kind, GOOD[kind])


def test_a_domain_is_unique_and_a_pool_has_one(plane: ControlPlane, pool: Made, domain: Made) -> None:
    assert domain.id == "toolgate-dev-tokens-123456789012"
    with pytest.raises(RefusalError, match="User pool already has a domain configured"):
        plane.create(USER_POOL_DOMAIN, {"domain": "another", "userPoolId": pool.id})
    other = plane.create(USER_POOL, {"name": "other", "deletionProtection": "INACTIVE"})
    with pytest.raises(RefusalError, match="Domain already associated with another user pool"):
        plane.create(USER_POOL_DOMAIN, {"domain": domain.id, "userPoolId": other.id})
    plane.create(USER_POOL_DOMAIN, {"domain": "another", "userPoolId": other.id})
    taken = {"domain": domain.id, "userPoolId": pool.id, "managedLoginVersion": 2}
    assert plane.update(USER_POOL_DOMAIN, domain.id, taken).outputs["managedLoginVersion"] == 2


def test_an_identifier_is_for_one_server_of_a_pool(plane: ControlPlane, pool: Made) -> None:
    server = GOOD[RESOURCE_SERVER] | {"userPoolId": pool.id}
    with pytest.raises(RefusalError, match=f"toolgate-dev-tools already exists in user pool {pool.id}"):
        plane.create(RESOURCE_SERVER, server)
    other = plane.create(USER_POOL, {"name": "other", "deletionProtection": "INACTIVE"})
    plane.create(RESOURCE_SERVER, server | {"userPoolId": other.id})


def test_a_pool_takes_25_servers(plane: ControlPlane, pool: Made) -> None:
    server = {"name": "x", "userPoolId": pool.id}
    for number in range(1, 25):
        plane.create(RESOURCE_SERVER, server | {"identifier": f"s{number}"})
    with pytest.raises(RefusalError, match="LimitExceededException"):
        plane.create(RESOURCE_SERVER, server | {"identifier": "one-more"})
    plane.update(RESOURCE_SERVER, f"{pool.id}|s1", server | {"identifier": "s1", "name": "still"})


def test_a_protected_pool_or_one_with_a_domain_stays(plane: ControlPlane, pool: Made, domain: Made) -> None:
    with pytest.raises(RefusalError, match="It has a domain configured that should be deleted first"):
        plane.delete(USER_POOL, pool.id)
    plane.delete(USER_POOL_DOMAIN, domain.id)
    plane.update(USER_POOL, pool.id, GOOD[USER_POOL] | {"deletionProtection": "ACTIVE"})
    with pytest.raises(RefusalError, match="because deletion protection is activated"):
        plane.delete(USER_POOL, pool.id)
    plane.update(USER_POOL, pool.id, GOOD[USER_POOL])
    client = plane.create(APP_CLIENT, GOOD[APP_CLIENT] | {"userPoolId": pool.id})
    other = plane.create(USER_POOL, {"name": "other", "deletionProtection": "INACTIVE"})
    kept = plane.create(RESOURCE_SERVER, GOOD[RESOURCE_SERVER] | {"userPoolId": other.id})
    plane.delete(USER_POOL, pool.id)
    assert plane.read(APP_CLIENT, client.id) is None
    assert plane.read(RESOURCE_SERVER, f"{pool.id}|toolgate-dev-tools") is None
    assert plane.read(RESOURCE_SERVER, kept.id) is not None


def test_a_server_may_go_while_a_client_has_its_scopes(plane: ControlPlane, pool: Made) -> None:
    client = plane.create(APP_CLIENT, GOOD[APP_CLIENT] | {"userPoolId": pool.id})
    plane.delete(RESOURCE_SERVER, f"{pool.id}|toolgate-dev-tools")
    assert plane.read(APP_CLIENT, client.id) is not None
    with pytest.raises(RefusalError, match="ScopeDoesNotExistException"):
        plane.update(APP_CLIENT, client.id, GOOD[APP_CLIENT] | {"userPoolId": pool.id, "name": "renamed"})
