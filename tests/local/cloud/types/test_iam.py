from collections.abc import Callable

import pytest

from tests.local.cloud.conftest import GOOD, ROLE, ROLE_POLICY, document
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.failures import RefusalError

Check = Callable[..., list[str]]


def test_a_policy_can_be_written_into_a_role_that_others_made(plane: ControlPlane) -> None:
    policy = plane.create(ROLE_POLICY, GOOD[ROLE_POLICY])
    plane.delete(ROLE_POLICY, policy.id)


def test_a_role_with_policies_cannot_be_deleted(plane: ControlPlane) -> None:
    plane.create(ROLE, GOOD[ROLE])
    policy = plane.create(ROLE_POLICY, GOOD[ROLE_POLICY])
    with pytest.raises(RefusalError, match="DeleteConflict"):
        plane.delete(ROLE, "role")
    plane.delete(ROLE_POLICY, policy.id)
    plane.delete(ROLE, "role")


def test_all_inline_policies_of_a_role_share_one_quota(plane: ControlPlane) -> None:
    plane.create(ROLE, GOOD[ROLE])
    half = document({"Effect": "Allow", "Action": "s3:GetObject", "Resource": [f"arn:aws:s3:::bucket/{'x' * 4900}"]})
    plane.create(ROLE_POLICY, GOOD[ROLE_POLICY] | {"name": "one", "policy": half})
    plane.create(ROLE_POLICY, GOOD[ROLE_POLICY] | {"name": "two", "policy": half})
    plane.create(ROLE_POLICY, GOOD[ROLE_POLICY] | {"name": "two", "policy": half})  # overwritten, not added
    with pytest.raises(RefusalError, match="LimitExceeded: Maximum policy size of 10240 bytes exceeded for role role"):
        plane.create(ROLE_POLICY, GOOD[ROLE_POLICY] | {"name": "three", "policy": half})


def test_a_role_has_its_path_in_its_arn(plane: ControlPlane) -> None:
    assert plane.create(ROLE, GOOD[ROLE] | {"path": "/agents/"}).outputs["arn"].endswith(":role/agents/role")


@pytest.mark.parametrize("boundary", ["agents-boundary", "arn:aws:iam::123456789012:role/a", "arn:aws:iam::1:policy/a"])
def test_a_boundary_is_a_managed_policy(boundary: str, check: Check) -> None:
    assert any("permissionsBoundary" in reason for reason in check(ROLE, permissionsBoundary=boundary))


@pytest.mark.parametrize("owner", ["111122223333", "aws"])
def test_a_boundary_may_be_of_the_real_account_or_of_aws(owner: str, plane: ControlPlane) -> None:
    boundary = f"arn:aws:iam::{owner}:policy/limits/agents"
    assert plane.create(ROLE, GOOD[ROLE] | {"permissionsBoundary": boundary}).id == "role"
