from collections.abc import Callable
from typing import Any

import pytest

from tests.local.cloud.conftest import ACCOUNT, ALIAS, GOOD, KEY, document
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.failures import RefusalError

Check = Callable[..., list[str]]


def allow(action: Any, principal: Any = ACCOUNT, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*", **more}


def test_a_key_has_an_arn_that_agentcore_takes(plane: ControlPlane) -> None:
    made = plane.create(KEY, GOOD[KEY])
    assert made.id == made.outputs["keyId"]
    assert made.outputs["arn"] == f"arn:aws:kms:us-east-1:123456789012:key/{made.id}"
    gateway = "aws:bedrock/agentcoreGateway:AgentcoreGateway"
    assert plane.check(gateway, GOOD[gateway] | {"kmsKeyArn": made.outputs["arn"]}) == []


@pytest.mark.parametrize("days", [6, 31, 365])
def test_a_window_that_kms_does_not_take(days: int, check: Check) -> None:
    [reason] = check(KEY, deletionWindowInDays=days)
    assert reason.startswith("deletionWindowInDays: ValidationException")


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        ("no json", "MalformedPolicyDocumentException: Syntax errors"),
        (document({"Effect": "Allow", "Action": "kms:*", "Resource": "*"}), "must contain Principal"),
        (document({"Effect": "Allow", "Principal": ACCOUNT, "Action": "kms:*"}), "must contain Resource"),
    ],
)
def test_key_policies_that_are_malformed(policy: str, says: str, check: Check) -> None:
    assert any(says in reason for reason in check(KEY, policy=policy))


@pytest.mark.parametrize(
    "statements",
    [
        [allow("kms:Decrypt")],
        [allow("kms:*", {"AWS": "arn:aws:iam::999999999999:root"})],
        [allow("kms:*", {"Service": "logs.us-east-1.amazonaws.com"})],
        [allow("kms:*"), {**allow("kms:PutKeyPolicy"), "Effect": "Deny"}],
    ],
    ids=["not the policy", "another account", "a service only", "denied again"],
)
def test_a_key_policy_that_locks_everybody_out(statements: list[Any], plane: ControlPlane) -> None:
    with pytest.raises(RefusalError, match="MalformedPolicyDocumentException: The new key policy will not allow you"):
        plane.create(KEY, GOOD[KEY] | {"policy": document(*statements)})


def test_without_a_policy_a_key_gets_kmss_own(plane: ControlPlane) -> None:
    assert plane.create(KEY, {}).id


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("toolgate", "must start with the prefix"),
        ("alias/aws/s3", "reserved"),
        ("alias/a b", "regular expression pattern"),
    ],
)
def test_alias_names_that_are_refused(name: str, says: str, check: Check) -> None:
    [reason] = check(ALIAS, name=name)
    assert says in reason


def test_an_alias_is_of_a_key_that_is_there_and_of_one_only(plane: ControlPlane) -> None:
    with pytest.raises(RefusalError, match="NotFoundException: Key 'arn:aws:kms:us-east-1:123456789012:key/1234abcd"):
        plane.create(ALIAS, GOOD[ALIAS])
    key = plane.create(KEY, GOOD[KEY])
    for target in (key.id, key.outputs["arn"]):
        made = plane.create(ALIAS, {"name": f"alias/{target[:3]}", "targetKeyId": target})
        assert made.outputs["arn"] == f"arn:aws:kms:us-east-1:123456789012:alias/{target[:3]}"
    with pytest.raises(RefusalError, match="AlreadyExistsException"):
        plane.create(ALIAS, {"name": "alias/arn", "targetKeyId": key.id})
