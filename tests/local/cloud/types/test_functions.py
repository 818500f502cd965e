from collections.abc import Callable

import pytest

from tests.local.cloud.conftest import FUNCTION, GOOD, ROLE, ROLE_POLICY, document, trust
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.failures import RefusalError
from toolgate.local.cloud.types.functions import NETWORK_ACTIONS
from toolgate.local.cloud.values import UNKNOWN, HiddenText

Check = Callable[..., list[str]]
CANNOT = "The role defined for the function cannot be assumed by Lambda"


@pytest.mark.parametrize("name", ["a" * 65, "with.dot", "with space", ""])
def test_names_that_are_refused(name: str, check: Check) -> None:
    assert any(reason.startswith("name: ") for reason in check(FUNCTION, name=name))


@pytest.mark.parametrize("missing", ["code", "handler", "runtime"])
def test_a_zip_function_needs_code_handler_and_runtime(missing: str, check: Check) -> None:
    assert any(missing in reason.lower() for reason in check(FUNCTION, **{missing: None}))


def test_lambdas_own_variables_cannot_be_set(check: Check) -> None:
    [reason] = check(FUNCTION, environment={"variables": {"AWS_REGION": "x", "MINE": "y"}})
    assert "reserved keys" in reason
    assert "AWS_REGION" in reason
    assert "MINE" not in reason


def test_variables_have_4_kb_together(check: Check) -> None:
    assert check(FUNCTION, environment={"variables": {"MINE": "x" * 4092}}) == []
    [reason] = check(FUNCTION, environment={"variables": {"MINE": HiddenText("x" * 4093)}})
    assert "exceed 4096 bytes: 4097" in reason
    assert check(FUNCTION, environment={"variables": {"MINE": UNKNOWN}}) == []
    assert check(FUNCTION, environment=UNKNOWN) == []


def test_code_must_be_a_file_or_an_archive(check: Check) -> None:
    [reason] = check(FUNCTION, code="print()")
    assert "of type blob" in reason


def test_lambda_must_be_able_to_assume_the_role(plane: ControlPlane) -> None:
    plane.create(ROLE, {"name": "role", "assumeRolePolicy": trust("ec2.amazonaws.com")})
    with pytest.raises(RefusalError, match=CANNOT):
        plane.create(FUNCTION, GOOD[FUNCTION])
    plane.update(ROLE, "role", GOOD[ROLE])
    made = plane.create(FUNCTION, GOOD[FUNCTION])
    assert made.outputs["arn"] == "arn:aws:lambda:us-east-1:123456789012:function:function"
    assert made.outputs["timeout"] == 3
    with pytest.raises(RefusalError, match="ResourceConflictException: Function already exist: function"):
        plane.create(FUNCTION, GOOD[FUNCTION])


def test_a_role_that_the_program_does_not_make_is_taken_as_given(plane: ControlPlane) -> None:
    made = plane.create(FUNCTION, GOOD[FUNCTION] | {"vpcConfig": INSIDE})
    assert made.outputs["arn"].endswith(":function:function")


INSIDE = {"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]}


def test_subnets_and_security_groups_go_together(check: Check) -> None:
    assert check(FUNCTION, vpcConfig=INSIDE) == []
    assert check(FUNCTION, vpcConfig={"subnetIds": [], "securityGroupIds": []}) == []
    assert check(FUNCTION, vpcConfig={"subnetIds": UNKNOWN, "securityGroupIds": ["sg-1"]}) == []
    [reason] = check(FUNCTION, vpcConfig={"subnetIds": ["subnet-1"], "securityGroupIds": []})
    assert "go together" in reason


@pytest.mark.parametrize("missing", [None, *NETWORK_ACTIONS])
def test_in_a_vpc_the_role_needs_every_action_on_network_interfaces(missing: str | None, plane: ControlPlane) -> None:
    plane.create(ROLE, GOOD[ROLE])
    actions = [action for action in NETWORK_ACTIONS if action != missing]
    network = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    plane.create(ROLE_POLICY, {"name": "network", "role": "role", "policy": document(network)})
    if missing is None:
        plane.create(FUNCTION, GOOD[FUNCTION] | {"vpcConfig": INSIDE})
        return
    plane.create(FUNCTION, GOOD[FUNCTION] | {"name": "outside"})
    operation = missing.removeprefix("ec2:")
    text = f"The provided execution role does not have permissions to call {operation} on EC2"
    with pytest.raises(RefusalError, match=text):
        plane.create(FUNCTION, GOOD[FUNCTION] | {"vpcConfig": INSIDE})


def test_an_interface_is_made_in_the_subnets_with_the_security_groups(plane: ControlPlane) -> None:
    plane.create(ROLE, GOOD[ROLE])
    place = "arn:aws:ec2:us-east-1:123456789012"
    looking = [action for action in NETWORK_ACTIONS if "Describe" in action]
    others = [action for action in NETWORK_ACTIONS if "Describe" not in action]
    on = [f"{place}:network-interface/*", f"{place}:subnet/subnet-1", f"{place}:security-group/sg-1"]
    policy = document(
        {"Effect": "Allow", "Action": looking, "Resource": "*"}, {"Effect": "Allow", "Action": others, "Resource": on}
    )
    plane.create(ROLE_POLICY, {"name": "network", "role": "role", "policy": policy})
    plane.create(FUNCTION, GOOD[FUNCTION] | {"vpcConfig": INSIDE})
    elsewhere = INSIDE | {"subnetIds": ["subnet-2"]}
    with pytest.raises(RefusalError, match="CreateNetworkInterface"):
        plane.create(FUNCTION, GOOD[FUNCTION] | {"name": "other", "vpcConfig": elsewhere})


def test_the_key_of_the_variables_is_of_the_same_region(plane: ControlPlane) -> None:
    plane.create(ROLE, GOOD[ROLE])
    with pytest.raises(RefusalError, match="not in the Region us-east-1"):
        plane.create(FUNCTION, GOOD[FUNCTION] | {"kmsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/x"})
