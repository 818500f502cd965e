"""docs/boundary-policy.json: what the stack's roles need, and no way to more."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deployer.deciding import ACCOUNT, allowed
from tests.local.conftest import BOUNDARY
from tests.planning import SAMPLE
from toolgate.access.deployment.deployment import parse
from toolgate.access.deployment.supplied_policies import with_policies
from toolgate.access.matrix.access_matrix import matrix
from toolgate.deployer import managed_policies
from toolgate.local.serve.server import serve

FILE = Path(__file__).resolve().parents[2] / "docs/boundary-policy.json"
GIVEN = {
    "urn": "urn:pulumi:given::given::aws:iam/policy:Policy::agents-boundary",
    "type": "aws:iam/policy:Policy",
    "outputs": {"arn": BOUNDARY, "policy": FILE.read_text()},
}


def needed(deployment: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What the policies of the stack's roles allow."""
    for item in deployment["deployment"]["resources"]:
        if item["type"] == "aws:iam/rolePolicy:RolePolicy":
            for statement in json.loads(item["inputs"]["policy"])["Statement"]:
                actions, resources = (
                    it if isinstance(it, list) else [it] for it in (statement["Action"], statement["Resource"])
                )
                yield from ((action, resource) for action in actions for resource in resources)


def test_it_leaves_every_role_what_it_needs(prod: dict[str, Any]) -> None:
    document = json.loads(FILE.read_text())
    found = set(needed(prod))
    assert len(found) > 30
    facts = {"cloudwatch_namespace": "bedrock-agentcore"}
    assert [it for it in sorted(found) if not allowed(document, *it, **facts)] == []
    assert managed_policies.size(document) <= managed_policies.LARGEST


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("bedrock-agentcore:CreateEvent", f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:memory/x-a1B2c3D4e5"),
        ("bedrock-agentcore:ListEvents", f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:memory/x-a1B2c3D4e5"),
        (
            "bedrock-agentcore:RetrieveMemoryRecords",
            f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:memory/x-a1B2c3D4e5",
        ),
        ("s3:PutObject", "arn:aws:s3:::toolgate-dev-conversations-1234567/toolgate_dev_assistant/x"),
        ("s3:ListBucket", "arn:aws:s3:::conversations-1234567"),
    ],
)
def test_it_leaves_agents_their_conversations(action: str, resource: str) -> None:
    document = json.loads(FILE.read_text())
    assert allowed(document, action, resource)
    if resource.startswith("arn:aws:s3"):
        assert not allowed(document, action, "arn:aws:s3:::toolgate-dev-reports-1234567/x")


@pytest.mark.parametrize(
    "action",
    [
        *("iam:CreateRole", "iam:PutRolePolicy", "iam:PassRole", "sts:AssumeRole", "organizations:LeaveOrganization"),
        *("kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:Encrypt", "s3:PutObject", "s3:DeleteObject"),
        *("lambda:UpdateFunctionCode", "bedrock-agentcore:UpdateGateway", "bedrock-agentcore:PutResourcePolicy"),
        *("logs:GetLogEvents", "logs:DeleteLogGroup", "secretsmanager:GetSecretValue", "ec2:RunInstances"),
        "cloudwatch:PutMetricData",
    ],
)
def test_it_lets_no_role_become_more(action: str) -> None:
    assert not allowed(json.loads(FILE.read_text()), action, f"arn:aws:x:us-east-1:{ACCOUNT}:y")


def test_within_it_the_same_agents_may_call_the_same_tools(prod: dict[str, Any]) -> None:
    unlimited = json.loads(json.dumps(prod).replace('"permissionsBoundary"', '"other"'))
    within = matrix(parse(with_policies(prod, [GIVEN])))
    assert list(within.entries) == list(matrix(parse(unlimited)).entries)
    assert within.unsupported == ()
    assert {entry.decision for entry in matrix(parse(prod)).entries} == {"undecided"}


def test_it_is_served_with_its_boundary(prod: dict[str, Any]) -> None:
    gateways = [it for it in prod["deployment"]["resources"] if "AgentRuntime" not in it["urn"]]
    alone = {"version": 3, "deployment": {"resources": gateways}}
    with serve(with_policies(alone, [GIVEN]), root=SAMPLE) as serving:
        assert serving.notes == ()
