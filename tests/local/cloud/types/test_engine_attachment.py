"""A gateway gets its policy engine only once its role may ask it, as on AWS."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.local.cloud.conftest import (
    GATEWAY,
    GOOD,
    ROLE,
    ROLE_POLICY,
    TARGET,
    authorizing,
    document,
    trust,
    with_engine,
)
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.failures import RefusalError
from toolgate.local.cloud.resource_type import Made

LACKS = "AccessDeniedException: Policy Engine 'toolgate_dev_tools-.{10}' does not have the required permissions"


def grant(plane: ControlPlane, statements: list[dict[str, Any]]) -> None:
    plane.create(ROLE_POLICY, {"name": "authorize", "role": "gateway-role", "policy": document(*statements)})


def test_with_the_documented_permissions_it_is_attached(plane: ControlPlane, policed: Made) -> None:
    record = plane.read(GATEWAY, policed.id)
    assert record is not None
    assert record.inputs["policyEngineConfiguration"]["mode"] == "ENFORCE"


def test_without_permissions_the_refusal_names_the_check_and_what_it_lacked(
    plane: ControlPlane, gateway: Made, engine: Made
) -> None:
    arn = engine.outputs["policyEngineArn"]
    with pytest.raises(RefusalError) as caught:
        plane.update(GATEWAY, gateway.id, with_engine(arn))
    assert str(caught.value) == (
        f"AccessDeniedException: Policy Engine '{engine.id}' does not have the required permissions."
        " Access Denied due to following reasons:"
        " User: arn:aws:sts::123456789012:assumed-role/gateway-role/GenesisPolicyEngineCheck"
        " is not authorized to perform:"
        f" bedrock-agentcore:GetPolicyEngine on resource: {arn}"
        " because no identity-based policy allows the bedrock-agentcore:GetPolicyEngine action"
    )


@pytest.mark.parametrize("action", ["GetPolicyEngine", "AuthorizeAction", "PartiallyAuthorizeActions"])
@pytest.mark.parametrize("on", ["policy-engine", "gateway"])
def test_each_permission_is_needed_on_engine_and_gateway(
    plane: ControlPlane, gateway: Made, engine: Made, action: str, on: str
) -> None:
    arn = engine.outputs["policyEngineArn"]
    deny = {
        "Effect": "Deny",
        "Action": f"bedrock-agentcore:{action}",
        "Resource": f"arn:aws:bedrock-agentcore:*:*:{on}/*",
    }
    grant(plane, [*authorizing(arn), deny])
    attach = with_engine(arn)
    if (action, on) == ("GetPolicyEngine", "gateway"):  # not asked there
        plane.update(GATEWAY, gateway.id, attach)
        return
    with pytest.raises(RefusalError, match=f"{LACKS}.*bedrock-agentcore:{action} on resource: .*:{on}/"):
        plane.update(GATEWAY, gateway.id, attach)


def test_a_grant_on_another_gateway_does_not_count(plane: ControlPlane, gateway: Made, engine: Made) -> None:
    arn = engine.outputs["policyEngineArn"]
    statements = authorizing(arn)
    statements[1]["Resource"][1] = statements[1]["Resource"][1].replace("dev", "prod")
    grant(plane, statements)
    with pytest.raises(RefusalError, match=f"{LACKS}.*AuthorizeAction on resource: .*:gateway/{gateway.id}"):
        plane.update(GATEWAY, gateway.id, with_engine(arn))


def test_the_service_must_be_able_to_take_the_role(plane: ControlPlane, policed: Made, engine: Made) -> None:
    plane.update(ROLE, "gateway-role", {"name": "gateway-role", "assumeRolePolicy": trust("lambda.amazonaws.com")})
    with pytest.raises(RefusalError, match="failed to perform AssumeRole on Gateway role"):
        plane.update(GATEWAY, policed.id, with_engine(engine.outputs["policyEngineArn"]))


def test_a_role_that_others_made_is_taken_as_it_is(plane: ControlPlane, gateway: Made, engine: Made) -> None:
    given = with_engine(engine.outputs["policyEngineArn"]) | {"roleArn": "arn:aws:iam::111122223333:role/gate"}
    plane.update(GATEWAY, gateway.id, given)
    plane.create(TARGET, GOOD[TARGET] | {"gatewayIdentifier": gateway.id})


def test_the_engine_must_exist(plane: ControlPlane, gateway: Made, engine: Made) -> None:
    arn = engine.outputs["policyEngineArn"][:-1] + "_"
    with pytest.raises(RefusalError, match=r"ResourceNotFoundException: Policy engine arn:.* not found"):
        plane.update(GATEWAY, gateway.id, with_engine(arn))


@pytest.mark.parametrize(
    "configuration",
    [
        {"arn": "toolgate_dev_tools", "mode": "ENFORCE"},
        {"arn": "arn:aws:bedrock-agentcore:us-east-1:123456789012:policy-engine/a-0123456789", "mode": "OFF"},
        {"arn": "arn:aws:bedrock-agentcore:us-east-1:123456789012:policy-engine/a-0123456789"},
    ],
)
def test_configurations_that_are_refused(configuration: dict[str, str], check: Callable[..., list[str]]) -> None:
    [reason] = check(GATEWAY, policyEngineConfiguration=configuration)
    assert reason.startswith("policyEngineConfiguration: CreateGateway: Value")


def test_search_beside_an_engine_is_taken(plane: ControlPlane, policed: Made) -> None:
    """AWS takes it; the policy pack is what objects."""
    assert GOOD[GATEWAY]["protocolConfiguration"]["mcp"]["searchType"] == "SEMANTIC"
