import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.local.cloud.conftest import GOOD, ROLE, ROLE_POLICY, TARGET, document, tool, trust
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.failures import RefusalError
from toolgate.local.cloud.resource_type import Made

Check = Callable[..., list[str]]
LACKS = "ValidationException: Gateway execution role lacks permission to invoke Lambda function"


BROKEN = {"name": "b", "type": "object", "propertiesJson": "{"}


def with_tools(*tools: Any) -> dict[str, Any]:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:function"
    return {"mcp": {"lambda": {"lambdaArn": arn, "toolSchema": {"inlinePayloads": list(tools)}}}}


def test_a_target_needs_credentials_and_takes_the_gateways_role_only(check: Check) -> None:
    [reason] = check(TARGET, credentialProviderConfiguration=None)
    assert reason.startswith("credentialProviderConfiguration: ValidationException: a Lambda target needs")
    [reason] = check(TARGET, credentialProviderConfiguration={"gatewayIamRole": {"service": "lambda"}})
    assert "IamCredentialProvider must not be given for lambda targets" in reason


@pytest.mark.parametrize("name", ["under_score", "double--hyphen", "-start", "math___add"])
def test_names_that_are_refused(name: str, check: Check) -> None:
    [reason] = check(TARGET, name=name)
    assert reason.startswith("name: CreateGatewayTarget: ")


@pytest.mark.parametrize(
    ("tools", "fault"),
    [
        ([], "must contain at least one tool"),
        ([tool(), tool()], "duplicate tool name 'add'"),
        ([tool(type="string")], "inputSchema of tool 'add' must be of type object"),
        ([tool(type="decimal")], "enum value set: [string, number, object, array, boolean, integer]"),
        ([{"name": "add", "inputSchema": {"type": "object"}}], "inlinePayload.0.description' failed"),
        ([tool(enum=["a"])], "does not reproduce toolSchema ... enum"),
        ([tool(properties=[{"name": "a", "type": "object", "properties": [BROKEN]}])], "do not have its form"),
        (["add"], "must be of type structure"),
    ],
)
def test_tools_that_are_refused(tools: list[Any], fault: str, check: Check) -> None:
    [reason] = check(TARGET, targetConfiguration=with_tools(*tools))
    assert fault in reason


@pytest.mark.parametrize(
    "configuration", [{"mcp": {"smithyModel": {}}}, {"http": {"agentcoreRuntime": {}}}, {"inference": {}}]
)
def test_other_kinds_of_target_are_not_reproduced(configuration: Any, check: Check) -> None:
    [reason] = check(TARGET, targetConfiguration=configuration)
    assert "does not reproduce targetConfiguration." in reason


def test_a_target_needs_its_gateway(plane: ControlPlane) -> None:
    with pytest.raises(RefusalError, match="ResourceNotFoundException: Gateway with ID"):
        plane.create(TARGET, GOOD[TARGET])


def test_a_name_is_taken_once_in_a_gateway(plane: ControlPlane, gateway: Made) -> None:
    inputs = GOOD[TARGET] | {"gatewayIdentifier": gateway.id}
    plane.create(TARGET, inputs)
    with pytest.raises(RefusalError, match="ConflictException: A target with the name 'math'"):
        plane.create(TARGET, inputs)
    plane.create(TARGET, inputs | {"name": "other"})


def test_the_gateways_role_must_be_allowed_to_invoke_the_function(plane: ControlPlane, gateway: Made) -> None:
    elsewhere = with_tools(tool())
    elsewhere["mcp"]["lambda"]["lambdaArn"] += "2"
    inputs = GOOD[TARGET] | {"gatewayIdentifier": gateway.id}
    with pytest.raises(RefusalError, match=f"{LACKS} arn:.*:function:function2"):
        plane.create(TARGET, inputs | {"targetConfiguration": elsewhere})
    plane.delete(ROLE_POLICY, "gateway-role:invoke")
    with pytest.raises(RefusalError, match=LACKS):
        plane.create(TARGET, inputs)


@pytest.mark.parametrize("qualifier", [":prod", ":7", ":$LATEST"])
def test_a_grant_on_a_function_is_none_on_its_alias(plane: ControlPlane, gateway: Made, qualifier: str) -> None:
    """aws/aws-cdk#19318, aws/aws-sdk-js#2391: the ARN that is called is the one that must be granted."""
    aliased = with_tools(tool())
    aliased["mcp"]["lambda"]["lambdaArn"] += qualifier
    with pytest.raises(RefusalError, match=f"{LACKS} arn:.*:function:function{re.escape(qualifier)}"):
        plane.create(TARGET, GOOD[TARGET] | {"gatewayIdentifier": gateway.id, "targetConfiguration": aliased})


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_what_cannot_be_decided_is_said_and_is_no_refusal_of_aws(
    effect: str, plane: ControlPlane, gateway: Made
) -> None:
    """A wildcard that would have to leave its field of the ARN: AWS's documentation has no answer."""
    across = {"Effect": effect, "Action": "lambda:InvokeFunction", "Resource": "arn:aws:lambda:*function:function"}
    if effect == "Allow":
        plane.delete(ROLE_POLICY, "gateway-role:invoke")
    plane.create(ROLE_POLICY, {"name": "more", "role": "gateway-role", "policy": document(across)})
    with pytest.raises(RefusalError, match=r"does not reproduce whether lambda:InvokeFunction on .* is allowed"):
        plane.create(TARGET, GOOD[TARGET] | {"gatewayIdentifier": gateway.id})
    plane.create(
        ROLE_POLICY,
        {"name": "no", "role": "gateway-role", "policy": document({**across, "Effect": "Deny", "Resource": "*"})},
    )
    with pytest.raises(RefusalError, match=LACKS):
        plane.create(TARGET, GOOD[TARGET] | {"gatewayIdentifier": gateway.id})


@pytest.mark.parametrize("arn", ["arn:aws:lambda", "arn:aws:lambda:us-east-1:123456789012"])
@pytest.mark.parametrize(("element", "effect"), [("Resource", "Allow"), ("Resource", "Deny"), ("NotResource", "Deny")])
def test_an_incomplete_arn_is_completed(
    arn: str, element: str, effect: str, plane: ControlPlane, gateway: Made
) -> None:
    inputs = GOOD[TARGET] | {"gatewayIdentifier": gateway.id}
    more = {"Effect": effect, "Action": "lambda:InvokeFunction", element: arn}
    if effect == "Allow":
        plane.delete(ROLE_POLICY, "gateway-role:invoke")
    plane.create(ROLE_POLICY, {"name": "more", "role": "gateway-role", "policy": document(more)})
    if (effect, element) == ("Deny", "Resource"):
        with pytest.raises(RefusalError, match=LACKS):
            plane.create(TARGET, inputs)
    else:
        plane.create(TARGET, inputs)


@pytest.mark.parametrize(
    ("principal", "pattern"),
    [
        ("lambda.amazonaws.com", "toolgate-dev-tools-??????????"),
        ("bedrock-agentcore.amazonaws.com", "toolgate-prod-tools-??????????"),
        ("bedrock-agentcore.amazonaws.com", "toolgate-dev-tools-?"),
    ],
)
def test_the_gateways_role_must_trust_this_gateway(
    principal: str, pattern: str, plane: ControlPlane, gateway: Made
) -> None:
    arn = f"arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/{pattern}"
    policy = trust(principal, ArnLike={"aws:SourceArn": arn})
    plane.update(ROLE, "gateway-role", {"name": "gateway-role", "assumeRolePolicy": policy})
    with pytest.raises(RefusalError, match=LACKS):
        plane.create(TARGET, GOOD[TARGET] | {"gatewayIdentifier": gateway.id})


def test_what_another_role_may_do_does_not_count(plane: ControlPlane, gateway: Made) -> None:
    plane.create(ROLE, GOOD[ROLE])
    policy = plane.read(ROLE_POLICY, "gateway-role:invoke")
    assert policy is not None
    plane.create(ROLE_POLICY, {**policy.inputs, "role": "role"})
    plane.delete(ROLE_POLICY, policy.id)
    with pytest.raises(RefusalError, match=LACKS):
        plane.create(TARGET, GOOD[TARGET] | {"gatewayIdentifier": gateway.id})


def test_a_deny_wins(plane: ControlPlane, gateway: Made) -> None:
    deny = document({"Effect": "Deny", "Action": "lambda:*", "Resource": "*"})
    plane.create(ROLE_POLICY, {"name": "deny", "role": "gateway-role", "policy": deny})
    with pytest.raises(RefusalError, match=LACKS):
        plane.create(TARGET, GOOD[TARGET] | {"gatewayIdentifier": gateway.id})


def test_an_update_is_held_to_the_same(plane: ControlPlane, gateway: Made) -> None:
    inputs = GOOD[TARGET] | {"gatewayIdentifier": gateway.id}
    target = plane.create(TARGET, inputs)
    assert plane.update(TARGET, target.id, inputs | {"description": "new"}).id == target.id
    plane.delete(ROLE_POLICY, "gateway-role:invoke")
    with pytest.raises(RefusalError, match=LACKS):
        plane.update(TARGET, target.id, inputs)
