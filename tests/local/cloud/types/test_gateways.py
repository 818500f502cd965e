from collections.abc import Callable
from typing import Any

import pytest

from tests.local.cloud.conftest import FUNCTION, GATEWAY, GOOD, ROLE, TARGET
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.failures import RefusalError
from toolgate.local.cloud.resource_type import Made
from toolgate.local.cloud.values import UNKNOWN

Check = Callable[..., list[str]]
JWT = {
    "customJwtAuthorizer": {"discoveryUrl": "https://x.test/.well-known/openid-configuration", "allowedClients": ["a"]}
}


def test_the_models_pattern_lets_a_name_pass_that_the_service_refuses(check: Check) -> None:
    assert check(GATEWAY, name="a" * 48) == []
    [reason] = check(GATEWAY, name="a-" * 30)
    assert "Member must have length less than or equal to 48" in reason


@pytest.mark.parametrize("name", ["under_score", "double--hyphen", "-start", "", "tools!", "a" * 49])
def test_names_that_are_refused(name: str, check: Check) -> None:
    assert check(GATEWAY, name=name)


def test_only_jwt_gateways_have_an_authorizer_configuration(check: Check) -> None:
    [reason] = check(GATEWAY, authorizerConfiguration=JWT)
    assert "must not be provided when authorizerType is AWS_IAM" in reason
    [reason] = check(GATEWAY, authorizerType="CUSTOM_JWT")
    assert "is required when authorizerType is CUSTOM_JWT" in reason
    assert check(GATEWAY, authorizerType="CUSTOM_JWT", authorizerConfiguration=JWT) == []
    assert check(GATEWAY, authorizerType=UNKNOWN, authorizerConfiguration=JWT) == []


def jwt(**checked: Any) -> dict[str, Any]:
    """A JWT authorizer that asks for what is given."""
    return {"customJwtAuthorizer": {"discoveryUrl": JWT["customJwtAuthorizer"]["discoveryUrl"], **checked}}


def claim(**match: Any) -> dict[str, Any]:
    """A claim that must be met."""
    return {
        "inboundTokenClaimName": "azp",
        "inboundTokenClaimValueType": "STRING",
        "authorizingClaimMatchValue": {"claimMatchOperator": "EQUALS", "claimMatchValue": match},
    }


@pytest.mark.parametrize(
    "authorizer",
    [
        jwt(allowedAudiences=["tools"]),
        jwt(allowedScopes=["toolgate-dev-tools/invoke"]),
        jwt(customClaims=[claim(matchValueString="agent")]),
        jwt(customClaims=[claim(matchValueStringLists=["a", "b"])]),
        jwt(allowedScopes=UNKNOWN),
        {"customJwtAuthorizer": UNKNOWN},
    ],
)
def test_jwt_authorizers_that_are_taken(authorizer: dict[str, Any], check: Check) -> None:
    assert check(GATEWAY, authorizerType="CUSTOM_JWT", authorizerConfiguration=authorizer) == []


@pytest.mark.parametrize(
    ("authorizer", "reason"),
    [
        (jwt(), "at least one of allowedAudiences, allowedClients, allowedScopes, customClaims"),
        (jwt(allowedAudiences=[], allowedClients=None), "length greater than or equal to 1"),
        (jwt(allowedScopes=['with "quotes"']), "regular expression pattern"),
        (jwt(customClaims=[claim(matchValueString="a/b")]), "regular expression pattern"),
        (jwt(customClaims=[claim()]), "exactly one of"),
        (jwt(customClaims=[claim(matchValueString="a", matchValueStringLists=["b"])]), "exactly one of"),
        (jwt(customClaims=[{"inboundTokenClaimName": "azp"}]), "Member must not be null"),
        (jwt(allowedClients=["a"]) | {"x": 1}, "does not reproduce"),
        (jwt(allowedClients=["a"], discoveryUrl="https://x.test/"), "regular expression pattern"),
    ],
)
def test_jwt_authorizers_that_are_refused(authorizer: dict[str, Any], reason: str, check: Check) -> None:
    found = check(GATEWAY, authorizerType="CUSTOM_JWT", authorizerConfiguration=authorizer)
    assert any(reason in it for it in found)


def test_the_id_carries_the_name_in_lower_case(plane: ControlPlane) -> None:
    made = plane.create(GATEWAY, GOOD[GATEWAY] | {"name": "Tools"})
    assert made.id.startswith("tools-")
    assert made.outputs["gatewayArn"] == f"arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/{made.id}"
    assert made.outputs["gatewayUrl"] == f"https://{made.id}.gateway.bedrock-agentcore.us-east-1.amazonaws.com/mcp"


def test_a_gateway_takes_its_targets_along(plane: ControlPlane, gateway: Made) -> None:
    target = plane.create(TARGET, GOOD[TARGET] | {"gatewayIdentifier": gateway.id})
    other = plane.create(GATEWAY, GOOD[GATEWAY] | {"name": "other", "roleArn": "arn:aws:iam::123456789012:role/r"})
    plane.delete(GATEWAY, gateway.id)
    assert plane.read(TARGET, target.id) is None
    assert plane.read(GATEWAY, other.id) is not None


INTERCEPTOR = "arn:aws:lambda:us-east-1:123456789012:function:function"


def interceptor(*points: str, arn: Any = INTERCEPTOR, **more: Any) -> dict[str, Any]:
    """An interceptor's entry, as the provider has it."""
    return {"interceptionPoints": list(points), "interceptor": {"lambda": {"arn": arn}}, **more}


@pytest.mark.parametrize(
    "interceptors",
    [
        [interceptor("REQUEST")],
        [interceptor("REQUEST", "RESPONSE", inputConfiguration={"passRequestHeaders": False})],
        [interceptor("REQUEST"), interceptor("RESPONSE", arn=f"{INTERCEPTOR}:live")],
        [interceptor("REQUEST", arn=UNKNOWN), UNKNOWN],
        UNKNOWN,
    ],
)
def test_interceptors_that_are_taken(interceptors: Any, check: Check) -> None:
    assert check(GATEWAY, interceptorConfigurations=interceptors) == []


@pytest.mark.parametrize(
    ("interceptors", "reason"),
    [
        ([interceptor("REQUEST"), interceptor("REQUEST")], "one interceptor for REQUEST, not 2"),
        ([interceptor("RESPONSE"), interceptor("REQUEST", "RESPONSE")], "one interceptor for RESPONSE, not 2"),
        ([interceptor("REQUEST"), interceptor("RESPONSE"), interceptor("REQUEST")], "interceptorConfigurations"),
        ([interceptor("BEFORE")], "REQUEST"),
        ([interceptor()], "interceptionPoints"),
        ([{"interceptionPoints": ["REQUEST"]}], "interceptor"),
        ([interceptor("REQUEST", arn="arn:aws:lambda:x")], "arn"),
        ([interceptor("REQUEST", inputConfiguration={})], "passRequestHeaders"),
        ([interceptor("REQUEST", responseInterceptionMode="STREAM")], "responseInterceptionMode"),
        ([interceptor("REQUEST", inputConfiguration={"passRequestHeaders": True, "payloadFilter": {}})], "payload"),
    ],
)
def test_interceptors_that_are_refused(interceptors: Any, reason: str, check: Check) -> None:
    assert any(reason in it for it in check(GATEWAY, interceptorConfigurations=interceptors))


def test_an_interceptor_of_this_account_must_exist(plane: ControlPlane, gateway: Made) -> None:
    inputs = GOOD[GATEWAY] | {"interceptorConfigurations": [interceptor("REQUEST")]}
    with pytest.raises(RefusalError, match=r"the interceptor's function .*:function does not exist"):
        plane.update(GATEWAY, gateway.id, inputs)
    plane.create(ROLE, GOOD[ROLE])
    plane.create(FUNCTION, GOOD[FUNCTION])
    made = plane.update(GATEWAY, gateway.id, inputs)
    assert made.id == gateway.id
    elsewhere = interceptor("REQUEST", arn=INTERCEPTOR.replace("123456789012", "210987654321"))
    plane.update(GATEWAY, gateway.id, inputs | {"interceptorConfigurations": [elsewhere]})
