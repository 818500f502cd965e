import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.local.cloud.conftest import (
    BUCKET,
    GATEWAY_ARN,
    GOOD,
    OBJECT,
    ONLY_THE_AGENT,
    RESOURCE_POLICY,
    ROLE,
    RUNTIME,
    document,
    trust,
)
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.failures import RefusalError
from toolgate.local.cloud.resource_type import Made
from toolgate.local.cloud.values import UNKNOWN

Check = Callable[..., list[str]]
RUNTIME_ARN = "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/toolgate_dev_assistant-0123456789"
INVOKE = "bedrock-agentcore:InvokeAgentRuntime"


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in ONLY_THE_AGENT.items() if name != key}


def many(count: int) -> str:
    """So many statements, short enough for all of them."""
    return json.dumps({"Version": "2012-10-17", "Statement": [without("Condition")] * count}, separators=(",", ":"))


@pytest.mark.parametrize("arn", [RUNTIME_ARN, f"{RUNTIME_ARN}/runtime-endpoint/DEFAULT"])
def test_a_runtime_and_its_endpoint_take_a_policy_with_their_actions(arn: str, check: Check) -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": INVOKE, "Resource": [arn]}
    assert check(RESOURCE_POLICY, resourceArn=arn, policy=document(statement)) == []
    both = [INVOKE, "bedrock-agentcore:StopRuntimeSession"]
    assert check(RESOURCE_POLICY, resourceArn=arn, policy=document(statement | {"Action": both})) == []


@pytest.mark.parametrize(
    ("policy", "fault"),
    [
        (document(ONLY_THE_AGENT | {"Resource": "*"}), f"Resource must be the exact ARN .*: {GATEWAY_ARN}"),
        (document(ONLY_THE_AGENT | {"Resource": GATEWAY_ARN[:-10] + "*"}), "Resource must be the exact ARN"),
        (document(ONLY_THE_AGENT | {"Resource": [GATEWAY_ARN, RUNTIME_ARN]}), "Resource must be the exact ARN"),
        (document(without("Resource") | {"NotResource": RUNTIME_ARN}), "Missing required element: Resource"),
        (document(without("Principal") | {"NotPrincipal": {"AWS": "1"}}), "Missing required element: Principal"),
        (document(without("Action") | {"NotAction": INVOKE}), "Missing required element: Action"),
        (document(ONLY_THE_AGENT | {"Action": INVOKE}), "Unsupported action .*; on a gateway there are InvokeGateway"),
        (document(ONLY_THE_AGENT | {"Action": "bedrock-agentcore:*"}), r"Unsupported action bedrock-agentcore:\*"),
        (document(ONLY_THE_AGENT | {"Action": "lambda:InvokeFunction"}), "Unsupported action lambda:InvokeFunction"),
        (json.dumps({"Statement": [ONLY_THE_AGENT]}), "Missing required element: Version"),
        (many(101), "at most 100 statements, this one has 101"),
        (document(without("Effect")), "Effect must be Allow or Deny"),
        ("{", "not a JSON text"),
    ],
)  # fmt: skip
def test_what_is_refused(policy: str, fault: str, check: Check) -> None:
    [reason] = check(RESOURCE_POLICY, policy=policy)
    assert reason.startswith("policy: ValidationException: ")
    assert re.search(fault, reason)


def test_a_hundred_statements_are_taken_and_20480_characters(check: Check) -> None:
    assert check(RESOURCE_POLICY, policy=many(100)) == []
    one = document(ONLY_THE_AGENT)
    assert check(RESOURCE_POLICY, policy=one + " " * (20480 - len(one))) == []
    [reason] = check(RESOURCE_POLICY, policy=one + " " * (20481 - len(one)))
    assert "length less than or equal to 20480" in reason


@pytest.mark.parametrize("arn", ["arn:aws:lambda:us-east-1:123456789012:function:function", "toolgate-dev-tools"])
def test_it_is_on_a_gateway_or_a_runtime(arn: str, check: Check) -> None:
    reasons = check(RESOURCE_POLICY, resourceArn=arn.ljust(20), policy=document(ONLY_THE_AGENT))
    assert any("is not the ARN of a gateway, a runtime or a runtime's endpoint" in reason for reason in reasons)


def test_what_a_preview_knows_is_checked(check: Check) -> None:
    assert check(RESOURCE_POLICY, resourceArn=UNKNOWN) == []
    [reason] = check(RESOURCE_POLICY, resourceArn=UNKNOWN, policy=document(without("Principal")))
    assert "Principal" in reason


def test_the_resource_must_exist(plane: ControlPlane, gateway: Made) -> None:
    arn = gateway.outputs["gatewayArn"]
    inputs = {"resourceArn": arn, "policy": document(ONLY_THE_AGENT | {"Resource": arn})}
    assert plane.create(RESOURCE_POLICY, inputs).id == arn
    for other in (GATEWAY_ARN, RUNTIME_ARN, f"{arn}/runtime-endpoint/DEFAULT"):
        with pytest.raises(RefusalError, match=f"ResourceNotFoundException: Resource not found: {other}"):
            plane.create(RESOURCE_POLICY, inputs | {"resourceArn": other})


def test_a_runtime_and_its_default_endpoint_exist_together(plane: ControlPlane) -> None:
    plane.create(ROLE, {"name": "agent-role", "assumeRolePolicy": trust("bedrock-agentcore.amazonaws.com")})
    plane.create(BUCKET, GOOD[BUCKET])
    plane.create(OBJECT, GOOD[OBJECT])
    arn = plane.create(RUNTIME, GOOD[RUNTIME]).outputs["agentRuntimeArn"]
    endpoint = f"{arn}/runtime-endpoint/DEFAULT"
    assert [plane.create(RESOURCE_POLICY, {"resourceArn": on, "policy": "{}"}).id for on in (arn, endpoint)] == [
        arn,
        endpoint,
    ]
    with pytest.raises(RefusalError, match="ResourceNotFoundException"):
        plane.create(RESOURCE_POLICY, {"resourceArn": f"{arn}/runtime-endpoint/other", "policy": "{}"})


def test_a_new_document_is_put_in_place_of_the_old_one(plane: ControlPlane, gateway: Made) -> None:
    arn = gateway.outputs["gatewayArn"]
    first = {"resourceArn": arn, "policy": document(ONLY_THE_AGENT | {"Resource": arn})}
    made = plane.create(RESOURCE_POLICY, first)
    second = first | {"policy": document(ONLY_THE_AGENT | {"Resource": arn, "Sid": "New"})}
    plane.update(RESOURCE_POLICY, made.id, second)
    record = plane.read(RESOURCE_POLICY, made.id)
    assert record is not None
    assert record.inputs == second
    plane.delete(RESOURCE_POLICY, made.id)
    assert plane.read(RESOURCE_POLICY, made.id) is None
