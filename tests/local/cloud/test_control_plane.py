import importlib
import inspect
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from botocore.session import get_session

from toolgate.access.deployment.stack_export import DEFAULTS
from toolgate.local.cloud import provider_state
from toolgate.local.cloud.catalogue import TYPES
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.failures import NotReproducedError, RefusalError
from toolgate.local.cloud.resource_type import Made, Making
from toolgate.local.cloud.store import MemoryStore
from toolgate.local.cloud.values import UNKNOWN, is_known
from toolgate.local.engine.wire import without_defaults

from .conftest import BUCKET, FUNCTION, GATEWAY, GOOD, LOG_GROUP, OBJECT, ROLE, RUNTIME, TARGET, trust


@pytest.mark.parametrize("token", GOOD)
def test_good_inputs_of_every_type_pass(token: str, check: Callable[..., list[str]]) -> None:
    assert check(token) == []


@pytest.mark.parametrize("token", GOOD)
def test_unknown_inputs_pass_in_every_type(token: str, plane: ControlPlane) -> None:
    assert plane.check(token, dict.fromkeys(GOOD[token], UNKNOWN)) == []


@pytest.mark.parametrize("token", TYPES)
def test_an_input_that_is_not_reproduced_is_refused(token: str, plane: ControlPlane) -> None:
    [failure] = plane.check(token, GOOD.get(token, {}) | {"notThere": 1})
    assert failure.property == "notThere"
    assert "does not reproduce" in failure.reason


def test_a_nested_input_that_is_not_reproduced_is_refused(plane: ControlPlane) -> None:
    inputs = GOOD[GATEWAY] | {"protocolConfiguration": {"mcp": {"searchType": "SEMANTIC", "magic": True}}}
    [failure] = plane.check(GATEWAY, inputs)
    assert failure.property == "protocolConfiguration"
    assert "protocolConfiguration.mcp.magic" in failure.reason


def test_a_type_that_is_not_reproduced_is_refused(plane: ControlPlane) -> None:
    with pytest.raises(NotReproducedError, match="aws:ec2/vpc:Vpc"):
        plane.check("aws:ec2/vpc:Vpc", {})


def test_a_failure_names_the_property_of_the_program(check: Callable[..., list[str]]) -> None:
    artifact = {
        "codeConfiguration": {**GOOD[RUNTIME]["agentRuntimeArtifact"]["codeConfiguration"], "runtime": "PYTHON"}
    }
    [reason] = check(RUNTIME, agentRuntimeArtifact=artifact)
    assert reason.startswith("agentRuntimeArtifact: CreateAgentRuntime: Value 'PYTHON'")
    [reason] = check(FUNCTION, memorySize=1)
    assert reason.startswith("memorySize: CreateFunction: Value '1' at 'MemorySize'")


def test_a_name_is_given_where_the_program_gives_none(plane: ControlPlane) -> None:
    assert plane.fill(ROLE, "given", {})["name"] == "given"
    assert plane.fill(ROLE, "given", {"name": "mine"})["name"] == "mine"
    assert plane.fill(RUNTIME, "given", {}) == {}


def test_a_buckets_name_is_made_one_that_s3_takes(plane: ControlPlane) -> None:
    named = plane.fill(BUCKET, f"Agents-{'A' * 60}", {})
    assert named["bucket"] == f"agents-{'a' * 56}"
    assert plane.check(BUCKET, without_defaults(named)) == []


def test_the_older_half_of_the_provider_notes_what_it_wrote(plane: ControlPlane) -> None:
    function = plane.fill(FUNCTION, "f", {"environment": {"variables": {"A": "1"}}, "timeout": 5})
    assert function[DEFAULTS] == [
        *("memorySize", "name", "packageType", "publish", "reservedConcurrentExecutions", "skipDestroy")
    ]
    assert function["environment"] == {DEFAULTS: [], "variables": {"A": "1"}}
    assert (function["timeout"], function["publish"]) == (5, False)
    assert DEFAULTS not in plane.fill(GATEWAY, "g", {})


@pytest.mark.parametrize("token", TYPES)
def test_the_state_has_every_output_of_the_sdks_class(token: str) -> None:
    """An output that is no input is one that the provider always reports."""
    package, _, name = token.partition("/")
    module = importlib.import_module(f"pulumi_aws.{package.removeprefix('aws:').replace('lambda', 'lambda_')}")
    name = name.partition(":")[2]
    outputs, inputs = (_names(getattr(module, it)) for it in (name, f"{name}Args"))
    kind = TYPES[token]
    known = provider_state.state(kind, {}, Made("", dict.fromkeys(kind.computed)), CloudEnvironment())
    assert outputs - inputs - {"bucket", "expectedBucketOwner", "mfa", "rules", "versioningConfiguration"} <= {*known}
    assert kind.fixed <= kind.defaults.keys()


def _names(cls: type) -> set[str]:
    found = inspect.getmembers(cls, lambda member: isinstance(member, property))
    names = {getattr(member.fget, "_pulumi_name", name) for name, member in found}
    return names - {"id", "urn", "pulumi_resource_name", "pulumi_resource_type"}


def test_only_the_default_is_reproduced_of_some_inputs(plane: ControlPlane) -> None:
    assert plane.check(FUNCTION, GOOD[FUNCTION] | {"publish": False}) == []
    [failure] = plane.check(FUNCTION, GOOD[FUNCTION] | {"publish": True})
    assert failure.property == "publish"


def test_what_failed_after_the_call_stays_and_holds_its_name(plane: ControlPlane) -> None:
    failing = replace(plane, refusals={LOG_GROUP: ["CREATE_FAILED: it is not known yet"]})
    with pytest.raises(RefusalError) as caught:
        failing.create(LOG_GROUP, GOOD[LOG_GROUP])
    text = "unexpected state 'CREATE_FAILED', wanted target 'ACTIVE'. last error: it is not known yet"
    assert str(caught.value) == text
    with pytest.raises(RefusalError, match="ResourceAlreadyExistsException"):
        failing.create(LOG_GROUP, GOOD[LOG_GROUP])
    failing.delete(LOG_GROUP, GOOD[LOG_GROUP]["name"])
    failing.create(LOG_GROUP, GOOD[LOG_GROUP])


def matches_model(operation: str, member: str, value: str) -> bool:
    model = get_session().get_service_model("bedrock-agentcore-control").operation_model(operation)
    shape = model.output_shape.members[member]
    return bool(re.fullmatch(shape.metadata.get("pattern", ".+"), value))


def test_ids_and_arns_match_the_models_own_patterns(plane: ControlPlane, gateway: Made) -> None:
    for member in ("gatewayId", "gatewayArn", "gatewayUrl"):
        assert matches_model("CreateGateway", member, gateway.outputs[member])
    target = plane.create(TARGET, GOOD[TARGET] | {"gatewayIdentifier": gateway.id})
    assert matches_model("CreateGatewayTarget", "targetId", target.outputs["targetId"])
    assert not matches_model("CreateGateway", "gatewayId", gateway.id[:-1] + "_")


def test_the_same_program_gets_the_same_ids_in_a_new_account(gateway: Made) -> None:
    again = ControlPlane(CloudEnvironment(), MemoryStore(), {}).create(GATEWAY, GOOD[GATEWAY])
    assert again.id == gateway.id


def test_a_resource_made_anew_gets_a_new_id(plane: ControlPlane, gateway: Made) -> None:
    plane.delete(GATEWAY, gateway.id)
    assert plane.create(GATEWAY, GOOD[GATEWAY]).id != gateway.id


def test_a_taken_name_is_refused_in_the_words_of_aws(plane: ControlPlane, gateway: Made) -> None:
    with pytest.raises(RefusalError, match="ConflictException: A gateway with the name 'toolgate-dev-tools'"):
        plane.create(GATEWAY, GOOD[GATEWAY])
    plane.create(LOG_GROUP, GOOD[LOG_GROUP])
    with pytest.raises(RefusalError, match="ResourceAlreadyExistsException"):
        plane.create(LOG_GROUP, GOOD[LOG_GROUP])


def test_an_object_may_be_written_twice(plane: ControlPlane) -> None:
    plane.create(BUCKET, GOOD[BUCKET])
    first = plane.create(OBJECT, GOOD[OBJECT])
    assert plane.create(OBJECT, GOOD[OBJECT]) == first


def test_what_was_made_can_be_read_changed_and_deleted(plane: ControlPlane) -> None:
    made = plane.create(LOG_GROUP, GOOD[LOG_GROUP])
    assert made.outputs["arn"] == "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/function"
    plane.update(LOG_GROUP, made.id, GOOD[LOG_GROUP] | {"retentionInDays": 7})
    record = plane.read(LOG_GROUP, made.id)
    assert record is not None
    assert record.inputs["retentionInDays"] == 7
    plane.delete(LOG_GROUP, made.id)
    assert plane.read(LOG_GROUP, made.id) is None
    plane.delete(LOG_GROUP, made.id)  # gone already
    with pytest.raises(RefusalError, match="ResourceNotFoundException"):
        plane.update(LOG_GROUP, made.id, GOOD[LOG_GROUP])


def test_a_preview_leaves_computed_outputs_unknown_and_fills_in_defaults(plane: ControlPlane) -> None:
    known = plane.preview(ROLE, GOOD[ROLE])
    assert known["arn"] is UNKNOWN
    assert known["path"] == "/"
    assert not is_known(known)


@pytest.mark.parametrize("token", TYPES)
def test_a_preview_promises_what_making_gives(token: str, plane: ControlPlane) -> None:
    kind = TYPES[token]
    stand_in: dict[str, Any] = GOOD.get(token, {"bucket": "bucket"})
    assert set(kind.make(stand_in, Making(CloudEnvironment(), "seed")).outputs) == set(kind.computed)
    assert kind.refreshed <= set(kind.computed)


def test_an_update_is_previewed_with_what_stays(plane: ControlPlane) -> None:
    old = {"agentRuntimeArn": "arn", "agentRuntimeVersion": "1"}
    known = plane.preview(RUNTIME, GOOD[RUNTIME], old)
    assert known["agentRuntimeArn"] == "arn"
    assert known["agentRuntimeVersion"] is UNKNOWN


def test_refusals_are_given_once_each_and_make_nothing(plane: ControlPlane) -> None:
    slow = replace(plane, refusals={ROLE: ["ThrottlingException: Rate exceeded"]})
    with pytest.raises(RefusalError, match="Rate exceeded"):
        slow.create(ROLE, GOOD[ROLE])
    assert slow.read(ROLE, "role") is None
    assert slow.create(ROLE, GOOD[ROLE]).id == "role"


def test_ids_follow_the_place(plane: ControlPlane) -> None:
    there = replace(plane, env=CloudEnvironment("210987654321", "eu-central-1"))
    role = there.create(ROLE, {"name": "r", "assumeRolePolicy": trust("lambda.amazonaws.com")})
    assert role.outputs["arn"] == "arn:aws:iam::210987654321:role/r"
    gateway = there.create(GATEWAY, GOOD[GATEWAY])
    assert gateway.outputs["gatewayUrl"].endswith(".gateway.bedrock-agentcore.eu-central-1.amazonaws.com/mcp")
