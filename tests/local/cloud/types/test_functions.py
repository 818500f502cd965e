from collections.abc import Callable

import pytest

from tests.local.cloud.conftest import FUNCTION, GOOD, ROLE, trust
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.failures import RefusalError
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
    with pytest.raises(RefusalError, match=CANNOT):
        plane.create(FUNCTION, GOOD[FUNCTION])
    plane.create(ROLE, {"name": "role", "assumeRolePolicy": trust("ec2.amazonaws.com")})
    with pytest.raises(RefusalError, match=CANNOT):
        plane.create(FUNCTION, GOOD[FUNCTION])
    plane.update(ROLE, "role", GOOD[ROLE])
    made = plane.create(FUNCTION, GOOD[FUNCTION])
    assert made.outputs["arn"] == "arn:aws:lambda:us-east-1:123456789012:function:function"
    assert made.outputs["timeout"] == 3
    with pytest.raises(RefusalError, match="ResourceConflictException: Function already exist: function"):
        plane.create(FUNCTION, GOOD[FUNCTION])
