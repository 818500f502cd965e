import copy
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.local.cloud.conftest import BUCKET, GOOD, OBJECT, ROLE, RUNTIME, trust
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.failures import RefusalError
from toolgate.local.cloud.resource_type import Made
from toolgate.local.cloud.types.runtimes import RUNTIME_TYPE

Check = Callable[..., list[str]]
VPC = {"subnets": ["subnet-0123456789abcdef0"], "securityGroups": ["sg-0123456789abcdef0"]}


@pytest.fixture
def runtime(plane: ControlPlane) -> Made:
    """A runtime in the account, with its role and its package."""
    plane.create(ROLE, {"name": "agent-role", "assumeRolePolicy": trust("bedrock-agentcore.amazonaws.com")})
    plane.create(BUCKET, GOOD[BUCKET])
    plane.create(OBJECT, GOOD[OBJECT])
    return plane.create(RUNTIME, GOOD[RUNTIME])


@pytest.mark.parametrize("name", ["toolgate-dev", "1st", "", "a" * 49])
def test_names_that_are_refused(name: str, check: Check) -> None:
    [reason] = check(RUNTIME, agentRuntimeName=name)
    assert reason.startswith("agentRuntimeName: ")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"environmentVariables": {f"V{number}": "" for number in range(51)}}, "length less than or equal to 50"),
        ({"environmentVariables": {"K" * 101: ""}}, "length less than or equal to 100"),
        ({"environmentVariables": {"K": "v" * 5001}}, "length less than or equal to 5000"),
        ({"agentRuntimeArtifact": {}}, "exactly one of"),
        ({"lifecycleConfigurations": [{"maxLifetime": 59}]}, "value greater than or equal to 60"),
        ({"networkConfiguration": {"networkMode": "VPC", "networkModeConfig": {"subnets": []}}}, "must not be null"),
    ],
)
def test_what_is_refused(change: dict[str, Any], fault: str, check: Check) -> None:
    assert any(fault in reason for reason in check(RUNTIME, **change))


def test_ids_match_the_models_own_patterns(runtime: Made) -> None:
    assert re.fullmatch("[a-zA-Z][a-zA-Z0-9_]{0,99}-[a-zA-Z0-9]{10}", runtime.outputs["agentRuntimeId"])
    arn = "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/toolgate_dev_assistant-[a-zA-Z0-9]{10}"
    assert re.fullmatch(arn, runtime.outputs["agentRuntimeArn"])


def test_every_update_is_a_new_version_of_the_same_runtime(plane: ControlPlane, runtime: Made) -> None:
    updated = plane.update(RUNTIME, runtime.id, GOOD[RUNTIME] | {"description": "new"})
    assert (runtime.outputs["agentRuntimeVersion"], updated.outputs["agentRuntimeVersion"]) == ("1", "2")
    assert updated.outputs["agentRuntimeArn"] == runtime.outputs["agentRuntimeArn"]


def test_the_role_must_trust_the_service_unless_others_made_it(plane: ControlPlane, runtime: Made) -> None:
    plane.delete(RUNTIME, runtime.id)
    only = {"aws:SourceArn": "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/another-*"}
    policy = trust("bedrock-agentcore.amazonaws.com", ArnLike=only)
    plane.update(ROLE, "agent-role", {"name": "agent-role", "assumeRolePolicy": policy})
    with pytest.raises(RefusalError, match=r"ValidationException: Role validation failed for 'arn:.*:role/agent-role'"):
        plane.create(RUNTIME, GOOD[RUNTIME])
    plane.delete(ROLE, "agent-role")
    assert plane.create(RUNTIME, GOOD[RUNTIME]).outputs["agentRuntimeArn"]


def test_the_package_must_be_in_the_bucket(plane: ControlPlane, runtime: Made) -> None:
    plane.delete(RUNTIME, runtime.id)
    plane.delete(OBJECT, "bucket/agent.zip")
    with pytest.raises(RefusalError, match=r"The specified S3 object does not exist: s3://bucket/agent\.zip"):
        plane.create(RUNTIME, GOOD[RUNTIME])


def test_the_version_of_the_package_must_be_the_objects(plane: ControlPlane, runtime: Made) -> None:
    versions = {"bucket": "bucket", "versioningConfiguration": {"status": "Enabled"}}
    plane.create("aws:s3/bucketVersioning:BucketVersioning", versions)
    version = plane.update(OBJECT, "bucket/agent.zip", GOOD[OBJECT]).outputs["versionId"]

    def of(version: str) -> dict[str, Any]:
        inputs = copy.deepcopy(dict(GOOD[RUNTIME]))
        inputs["agentRuntimeArtifact"]["codeConfiguration"]["code"]["s3"]["versionId"] = version
        return inputs

    plane.update(RUNTIME, runtime.id, of(version))
    with pytest.raises(RefusalError, match=r"version of the S3 object does not exist: s3://bucket/agent\.zip"):
        plane.update(RUNTIME, runtime.id, of("another"))


@pytest.mark.parametrize(
    ("network", "says"),
    [
        ({"networkMode": "VPC"}, "networkModeConfig is required"),
        ({"networkMode": "PUBLIC", "networkModeConfig": VPC}, "networkModeConfig must not be provided"),
        ({"networkMode": "VPC", "networkModeConfig": VPC | {"subnets": []}}, "length greater than or equal to 1"),
        ({"networkMode": "VPC", "networkModeConfig": VPC | {"subnets": ["subnet-1"]}}, "regular expression pattern"),
        ({"networkMode": "VPC", "networkModeConfig": {"subnets": VPC["subnets"]}}, "must not be null"),
    ],
)
def test_networks_that_are_refused(network: dict[str, Any], says: str, check: Check) -> None:
    [reason] = check(RUNTIME, networkConfiguration=network)
    assert says in reason


@pytest.mark.parametrize(
    ("before", "after", "replaced"),
    [("code", "image", True), ("image", "code", True), ("image", "other image", False), ("code", "code", False)],
)
def test_code_and_image_in_each_other_s_place_replace_it(before: str, after: str, replaced: bool) -> None:
    """As agent_runtime.go has it: agent_runtime_artifact's RequiresReplaceIf."""
    artifacts = {
        "code": GOOD[RUNTIME]["agentRuntimeArtifact"],
        "image": {"containerConfiguration": {"containerUri": "u:1"}},
        "other image": {"containerConfiguration": {"containerUri": "u:2"}},
    }
    known, inputs = ({**GOOD[RUNTIME], "agentRuntimeArtifact": artifacts[it]} for it in (before, after))
    assert RUNTIME_TYPE.replaced_by is not None
    assert list(RUNTIME_TYPE.replaced_by(known, inputs)) == ["agentRuntimeArtifact"] * replaced


def test_a_runtime_in_a_vpc(check: Check) -> None:
    assert check(RUNTIME, networkConfiguration={"networkMode": "VPC", "networkModeConfig": VPC}) == []
