"""Cedar policies of a gateway whose callers come with tokens."""

from typing import Any

import pytest

from tests.local.cloud.conftest import GATEWAY, GOOD, POLICY, TARGET
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.failures import RefusalError
from toolgate.local.cloud.resource_type import Made

TAG = 'principal.getTag("client_id") == "3n4b5urk1ft4fl3mg5e62d9ado"'
HAS_TAG = f'principal.hasTag("client_id") && {TAG}'
USER = "principal is AgentCore::OAuthUser"
ROLE = 'principal == AgentCore::IamEntity::"arn:aws:sts::123456789012:assumed-role/calculator"'
JWT = {
    "authorizerType": "CUSTOM_JWT",
    "authorizerConfiguration": {
        "customJwtAuthorizer": {
            "discoveryUrl": "https://okta.test/.well-known/openid-configuration",
            "allowedScopes": ["toolgate-dev-tools/invoke"],
        }
    },
}


@pytest.fixture
def by_token(plane: ControlPlane, engine: Made, policed: Made) -> Made:
    """The gateway with an engine and the tool `math___add`, made anew for callers with tokens."""
    with plane.store.transaction() as account:
        [target] = [it["inputs"] for it in account["resources"].values() if it["type"] == TARGET]
    plane.delete(GATEWAY, policed.id)
    attached = {"policyEngineConfiguration": {"arn": engine.outputs["policyEngineArn"], "mode": "ENFORCE"}}
    gateway = plane.create(GATEWAY, GOOD[GATEWAY] | JWT | attached)
    plane.create(TARGET, {**target, "gatewayIdentifier": gateway.id})
    return gateway


def policy(engine: Made, gateway: Made, principal: str, when: str = "true") -> dict[str, Any]:
    text = (
        f'permit({principal}, action == AgentCore::Action::"math___add",'
        f' resource == AgentCore::Gateway::"{gateway.outputs["gatewayArn"]}") when {{ {when} }};'
    )
    return GOOD[POLICY] | {"policyEngineId": engine.id, "definition": {"cedar": {"statement": text}}}


@pytest.mark.parametrize("when", [HAS_TAG, f"{HAS_TAG} && context.input.a < 100"])
def test_a_clients_permit_fits(when: str, plane: ControlPlane, engine: Made, by_token: Made) -> None:
    assert plane.create(POLICY, policy(engine, by_token, USER, when)).outputs["policyId"]


@pytest.mark.parametrize(
    ("principal", "when", "fault"),
    [
        (ROLE, "true", "unable to find an applicable action"),
        (USER, TAG, "tag"),  # it may not be there
        (USER, f"{HAS_TAG} && context.input.c < 1", "c"),
    ],
)
def test_what_does_not_fit(  # noqa: PLR0917  the last three are fixtures
    principal: str, when: str, fault: str, plane: ControlPlane, engine: Made, by_token: Made
) -> None:
    with pytest.raises(RefusalError, match=rf"unexpected state 'CREATE_FAILED'.*{fault}"):
        plane.create(POLICY, policy(engine, by_token, principal, when))


def test_a_gateway_with_iam_has_no_tokens(plane: ControlPlane, engine: Made, policed: Made) -> None:
    with pytest.raises(RefusalError, match=r"unexpected state 'CREATE_FAILED'.*unable to find an applicable action"):
        plane.create(POLICY, policy(engine, policed, USER, HAS_TAG))
