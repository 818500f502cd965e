import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.local.cloud.conftest import BUCKET, GOOD, LIFECYCLE, OBJECT
from toolgate.local.cloud.catalogue import resource_type
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.failures import RefusalError
from toolgate.local.engine.provider_diff import planned_changes

Check = Callable[..., list[str]]
BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
OWNERSHIP = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"


@pytest.mark.parametrize(
    "name", ["ab", "a" * 64, "Upper", "under_score", "a..b", "-a-", "192.168.0.1", "xn--abc", "a.mrap"]
)
def test_names_that_are_refused(name: str, check: Check) -> None:
    [reason] = check(BUCKET, bucket=name)
    assert reason.startswith(f"bucket: InvalidBucketName: The specified bucket is not valid: '{name}'")


@pytest.mark.parametrize("name", ["abc", "a" * 63, "my.bucket-1"])
def test_names_that_are_taken(name: str, check: Check) -> None:
    assert check(BUCKET, bucket=name) == []


def test_an_object_needs_a_content_and_a_bucket(plane: ControlPlane, check: Check) -> None:
    [reason] = check(OBJECT, source=None)
    assert "give a FileAsset" in reason
    with pytest.raises(RefusalError, match="NoSuchBucket"):
        plane.create(OBJECT, GOOD[OBJECT])


def test_an_object_takes_ten_tags(check: Check) -> None:
    assert check(OBJECT, tags={f"key {number}": "a/b" for number in range(10)}) == []
    [reason] = check(OBJECT, tags={f"key {number}": "a/b" for number in range(11)})
    assert reason == "tags: BadRequest: Object tags cannot be greater than 10"


def test_a_bucket_must_be_empty_to_be_deleted_unless_forced(plane: ControlPlane) -> None:
    plane.create(BUCKET, GOOD[BUCKET])
    plane.create(OBJECT, GOOD[OBJECT])
    with pytest.raises(RefusalError, match="BucketNotEmpty"):
        plane.delete(BUCKET, "bucket")
    plane.update(BUCKET, "bucket", GOOD[BUCKET] | {"forceDestroy": True})
    plane.delete(BUCKET, "bucket")


def test_settings_of_a_bucket(plane: ControlPlane) -> None:
    blocked = {"bucket": "bucket", "blockPublicAcls": True, "ignorePublicAcls": True}
    assert plane.check(BLOCK, blocked) == []
    assert [failure.property for failure in plane.check(BLOCK, blocked | {"blockPublicAcls": "yes"})] == [
        "blockPublicAcls"
    ]
    assert plane.check(OWNERSHIP, {"bucket": "bucket", "rule": {"objectOwnership": "BucketOwnerEnforced"}}) == []
    [failure] = plane.check(OWNERSHIP, {"bucket": "bucket", "rule": {"objectOwnership": "Everybody"}})
    assert failure.property == "rule"
    with pytest.raises(RefusalError, match="NoSuchBucket"):
        plane.create(BLOCK, blocked)


POLICY = "aws:s3/bucketPolicy:BucketPolicy"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"


def test_a_policy_of_a_bucket(plane: ControlPlane) -> None:
    denied = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::bucket/*"}
    good = {"bucket": "bucket", "policy": json.dumps({"Version": "2012-10-17", "Statement": [denied]})}
    assert plane.check(POLICY, good) == []
    for bad in ("no JSON", json.dumps({"Version": "2012-10-17", "Statement": [denied | {"Effect": "Perhaps"}]})):
        [failure] = plane.check(POLICY, good | {"policy": bad})
        assert failure.reason.startswith("MalformedPolicy: ")
    with pytest.raises(RefusalError, match="NoSuchBucket"):
        plane.create(POLICY, good)
    plane.create(BUCKET, GOOD[BUCKET])
    made = plane.create(POLICY, good)
    assert made.id == "bucket"
    # Another layout of the same document is no change, another effect is one.
    for changed, differs in ((denied, False), (denied | {"Effect": "Allow"}, True)):
        document = json.dumps({"Version": "2012-10-17", "Statement": [changed]}, indent=2)
        again = plane.fill(POLICY, "policy", good | {"policy": document})
        assert bool(planned_changes(resource_type(POLICY), dict(made.outputs), again)) is differs


@pytest.mark.parametrize(("status", "version"), [("Enabled", r"[A-Za-z0-9]{32}"), ("Suspended", "null"), (None, "")])
def test_an_object_has_a_version_where_its_bucket_has_versions(
    plane: ControlPlane, status: str | None, version: str
) -> None:
    plane.create(BUCKET, GOOD[BUCKET])
    if status:
        plane.create(VERSIONING, {"bucket": "bucket", "versioningConfiguration": {"status": status}})
    first = plane.create(OBJECT, GOOD[OBJECT])
    assert re.fullmatch(version, first.outputs["versionId"])
    again = plane.update(OBJECT, first.id, GOOD[OBJECT] | {"source": "another"})
    assert (again.outputs["versionId"] != first.outputs["versionId"]) is (status == "Enabled")


def test_default_encryption_of_a_bucket(plane: ControlPlane) -> None:
    def rules(**default: str) -> dict[str, Any]:
        rule = {"applyServerSideEncryptionByDefault": default, "bucketKeyEnabled": True}
        return {"bucket": "bucket", "rules": [rule]}

    good = rules(sseAlgorithm="aws:kms", kmsMasterKeyId="arn")
    assert plane.check(ENCRYPTION, good) == []
    for blocked, findings in (["SSE-C"], 0), (["NONE"], 0), (["SSE-D"], 1):
        [rule] = good["rules"]
        assert len(plane.check(ENCRYPTION, good | {"rules": [rule | {"blockedEncryptionTypes": blocked}]})) == findings
    [failure] = plane.check(ENCRYPTION, rules(sseAlgorithm="rot13"))
    assert failure.property == "rules"
    with pytest.raises(RefusalError, match="NoSuchBucket"):
        plane.create(ENCRYPTION, rules(sseAlgorithm="aws:kms"))


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({}, ""),
        ({"filter": {}}, ""),
        (
            {"expiration": {"days": 0}},
            "rules: InvalidArgument: 'Days' for Expiration action must be a positive integer",
        ),
        ({"expiration": None}, "rules: InvalidRequest: At least one action needs to be specified in a rule."),
        ({"status": "On"}, "rules: PutBucketLifecycleConfiguration: "),
        ({"transitions": []}, "rules: the stand-in for AWS does not reproduce "),
    ],
)
def test_rules_of_a_lifecycle(check: Check, rule: dict[str, Any], reason: str) -> None:
    [good] = GOOD[LIFECYCLE]["rules"]
    given = {name: value for name, value in (good | rule).items() if value is not None}
    found = check(LIFECYCLE, rules=[given])
    assert (found[0].startswith(reason) if found else "") == (bool(reason) or "")


def test_a_lifecycle_is_of_a_bucket_that_is_there_and_planned_once(plane: ControlPlane) -> None:
    with pytest.raises(RefusalError, match="NoSuchBucket"):
        plane.create(LIFECYCLE, GOOD[LIFECYCLE])
    plane.create(BUCKET, GOOD[BUCKET])
    made = plane.create(LIFECYCLE, GOOD[LIFECYCLE])
    assert not planned_changes(resource_type(LIFECYCLE), dict(made.outputs), GOOD[LIFECYCLE])
