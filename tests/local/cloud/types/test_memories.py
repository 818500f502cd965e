"""AgentCore memories and their strategies, as the provider and AWS take them."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.local.cloud.conftest import GOOD, MEMORY, MEMORY_STRATEGY, ROLE, trust
from toolgate.local.cloud.catalogue import resource_type
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.failures import RefusalError
from toolgate.local.cloud.resource_type import Made
from toolgate.local.engine.provider_diff import REPLACING, planned_changes

Check = Callable[..., list[str]]


@pytest.fixture
def memory(plane: ControlPlane) -> Made:
    return plane.create(MEMORY, GOOD[MEMORY])


def strategy(memory: Made, **changes: Any) -> dict[str, Any]:
    return GOOD[MEMORY_STRATEGY] | {"memoryId": memory.id} | changes


def test_a_memory_has_an_id_and_an_arn_as_aws_gives_them(memory: Made) -> None:
    assert re.fullmatch(r"toolgate_dev_conversations-[a-zA-Z0-9]{10}", memory.id)
    assert memory.outputs["arn"] == f"arn:aws:bedrock-agentcore:us-east-1:123456789012:memory/{memory.id}"
    assert memory.outputs["tagsAll"] == {}


@pytest.mark.parametrize(("days", "good"), [(6, False), (7, True), (365, True), (366, False)])
def test_the_provider_takes_7_to_365_days(check: Check, days: int, good: bool) -> None:
    found = check(MEMORY, eventExpiryDuration=days)
    refused = f"eventExpiryDuration: Attribute event_expiry_duration value must be between 7 and 365, got: {days}"
    assert found == ([] if good else [refused])


@pytest.mark.parametrize(
    ("changes", "begins"),
    [
        ({"name": "with-hyphen"}, "name: CreateMemory: "),
        ({"name": "a" * 49}, "name: CreateMemory: "),
        ({"eventExpiryDuration": None}, ""),
        ({"encryptionKeyArn": "alias/x"}, "encryptionKeyArn: CreateMemory: "),
        ({"description": ""}, "description: CreateMemory: "),
        ({"streamDeliveryResources": {}}, "streamDeliveryResources: the stand-in for AWS does not reproduce "),
    ],
)
def test_what_is_refused_of_a_memory(check: Check, changes: dict[str, Any], begins: str) -> None:
    found = check(MEMORY, **changes)
    assert found
    assert found[0].startswith(begins)


def test_a_name_is_taken_once(plane: ControlPlane, memory: Made) -> None:
    with pytest.raises(RefusalError, match="ValidationException: Memory with name toolgate_dev_conversations already"):
        plane.create(MEMORY, GOOD[MEMORY])
    plane.delete(MEMORY, memory.id)
    plane.create(MEMORY, GOOD[MEMORY])


def test_its_key_is_in_its_region(plane: ControlPlane) -> None:
    key = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    with pytest.raises(RefusalError, match="is not in the Region us-east-1"):
        plane.create(MEMORY, GOOD[MEMORY] | {"encryptionKeyArn": key})


@pytest.mark.parametrize(
    ("service", "good"), [("bedrock-agentcore.amazonaws.com", True), ("lambda.amazonaws.com", False)]
)
def test_its_role_trusts_agentcore(plane: ControlPlane, service: str, good: bool) -> None:
    plane.create(ROLE, {"name": "memory-role", "assumeRolePolicy": trust(service)})
    inputs = GOOD[MEMORY] | {"memoryExecutionRoleArn": "arn:aws:iam::123456789012:role/memory-role"}
    if good:
        plane.create(MEMORY, inputs)
        return
    with pytest.raises(RefusalError, match="ValidationException: Role validation failed for"):
        plane.create(MEMORY, inputs)


@pytest.mark.parametrize(
    ("token", "changed", "replaced"),
    [
        (MEMORY, {"name": "other"}, True),
        (MEMORY, {"encryptionKeyArn": "arn:aws:kms:us-east-1:123456789012:key/" + "0" * 36}, True),
        (MEMORY, {"eventExpiryDuration": 60}, False),
        (MEMORY, {"description": "Talks"}, False),
        (MEMORY_STRATEGY, {"name": "other"}, True),
        (MEMORY_STRATEGY, {"type": "EPISODIC"}, True),
        (MEMORY_STRATEGY, {"memoryId": "other-a1B2c3D4e5"}, True),
        (MEMORY_STRATEGY, {"namespaceTemplates": ["/other/{actorId}/"]}, False),
    ],
)
def test_what_makes_a_new_one(plane: ControlPlane, memory: Made, token: str, changed: Any, replaced: bool) -> None:
    inputs = GOOD[MEMORY] if token == MEMORY else strategy(memory)
    known = memory if token == MEMORY else plane.create(MEMORY_STRATEGY, inputs)
    found = planned_changes(resource_type(token), dict(known.outputs), inputs | changed)
    assert found
    assert {change.kind in REPLACING for change in found.values()} == {replaced}
    assert not planned_changes(resource_type(token), dict(known.outputs), inputs)


def test_a_strategy_is_a_part_of_its_memory(plane: ControlPlane, memory: Made) -> None:
    made = plane.create(MEMORY_STRATEGY, strategy(memory))
    assert made.id == f"{memory.id},{made.outputs['memoryStrategyId']}"
    assert re.fullmatch(r"facts-[a-zA-Z0-9]{10}", made.outputs["memoryStrategyId"])
    assert made.outputs["namespaces"] == ["/facts/{actorId}/"]
    updated = plane.update(MEMORY_STRATEGY, made.id, strategy(memory, namespaceTemplates=["/f/{actorId}/"]))
    assert updated.outputs["namespaces"] == ["/f/{actorId}/"]
    assert updated.id == made.id
    with pytest.raises(RefusalError, match="ResourceNotFoundException: Memory not found: other-a1B2c3D4e5"):
        plane.create(MEMORY_STRATEGY, GOOD[MEMORY_STRATEGY] | {"memoryId": "other-a1B2c3D4e5"})
    plane.delete(MEMORY, memory.id)
    assert plane.read(MEMORY_STRATEGY, made.id) is None


def test_a_memory_takes_one_strategy_of_a_type_and_of_a_name(plane: ControlPlane, memory: Made) -> None:
    plane.create(MEMORY_STRATEGY, strategy(memory))
    with pytest.raises(RefusalError, match="has a strategy with the type SEMANTIC already"):
        plane.create(MEMORY_STRATEGY, strategy(memory, name="more"))
    with pytest.raises(RefusalError, match="has a strategy with the name facts already"):
        plane.create(MEMORY_STRATEGY, strategy(memory, type="EPISODIC"))
    other = plane.create(MEMORY, GOOD[MEMORY] | {"name": "other"})
    plane.create(MEMORY_STRATEGY, strategy(other))
    for kind in ("EPISODIC", "SUMMARIZATION", "USER_PREFERENCE"):
        plane.create(MEMORY_STRATEGY, strategy(memory, name=kind, type=kind))


@pytest.mark.parametrize(
    ("changes", "begins"),
    [
        ({"type": "SEMANTICS"}, "type: Attribute type value must be one of"),
        ({"type": "CUSTOM"}, 'type: Attribute "configuration" must be specified when "type" value is "CUSTOM"'),
        ({"namespaceTemplates": None}, "namespaceTemplates: Exactly one of these attributes must be configured"),
        ({"namespaceTemplates": ["/a/", "/b/"]}, "memoryStrategies: UpdateMemory: "),
        ({"namespaceTemplates": ["/a b/"]}, "memoryStrategies: UpdateMemory: "),
        ({"name": "with-hyphen"}, "memoryStrategies: UpdateMemory: "),
        ({"configuration": {}}, "configuration: the stand-in for AWS does not reproduce "),
        ({"namespaces": ["/a/"]}, "namespaces: the stand-in for AWS does not reproduce "),
    ],
)
def test_what_is_refused_of_a_strategy(check: Check, changes: dict[str, Any], begins: str) -> None:
    found = check(MEMORY_STRATEGY, **changes)
    assert found
    assert found[0].startswith(begins)


@pytest.mark.parametrize("kind", ["SEMANTIC", "SUMMARIZATION", "USER_PREFERENCE", "EPISODIC"])
def test_each_built_in_type_is_a_request_that_aws_takes(check: Check, kind: str) -> None:
    assert check(MEMORY_STRATEGY, type=kind) == []
