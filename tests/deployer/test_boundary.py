"""docs/boundary-policy.json: what the stack's roles need, and no way to more."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.deployer.deciding import ACCOUNT, allowed
from tests.local.conftest import BOUNDARY, NETWORK
from tests.planning import SAMPLE, planned
from toolgate.access.deployment.deployment import parse
from toolgate.access.deployment.supplied_policies import with_policies
from toolgate.access.matrix.access_matrix import matrix
from toolgate.components.iam import iam_documents, memory_documents, token_documents
from toolgate.deployer import managed_policies
from toolgate.local.serve.server import serve

FILE = Path(__file__).resolve().parents[2] / "docs/boundary-policy.json"
GIVEN = {
    "urn": "urn:pulumi:given::given::aws:iam/policy:Policy::agents-boundary",
    "type": "aws:iam/policy:Policy",
    "outputs": {"arn": BOUNDARY, "policy": FILE.read_text()},
}


# What takes a right of its role, in two agents.
AGENTS = {
    "clerk": {
        "description": "Keeps the orders.",
        "tools": ["math"],
        "memory": "agentcore",
        "recall": ["facts"],
        "guardrail": {"id": "gr1a2b3c4d5e", "version": "1"},
        "fallbackModelIds": ["us.amazon.nova-lite-v1:0"],
    },
    "manager": {
        "agents": ["clerk"],
        "memory": "s3",
        "image": f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/agents/manager@sha256:{'0a' * 32}",
    },
}
SETTINGS = {
    "agents": AGENTS,
    "memory": {"strategies": {"facts": {"type": "SEMANTIC", "namespace": "/facts/{actorId}/"}}},
    "targets": {"math": {"network": NETWORK}},
}
NOT_OF_ROLES = {
    iam_documents.ASSUME_ROLE,  # in trust policies
    *iam_documents.ADMINISTER_KEY,  # in key policies
    *iam_documents.ANSWERS[1:],  # in the resource policies of servers
}
_REGION = f"us-east-1:{ACCOUNT}"
OF_TARGETS = {
    (iam_documents.INVOKE_API, f"arn:aws:execute-api:{_REGION}:a1b2c3d4e5/prod/GET/orders/*"),
    (iam_documents.INVOKE_FUNCTION_URL, f"arn:aws:lambda:{_REGION}:function:orders"),
    (iam_documents.INVOKE_FUNCTION, f"arn:aws:lambda:{_REGION}:function:orders"),
    (token_documents.TAKE_API_KEY, f"arn:aws:bedrock-agentcore:{_REGION}:token-vault/default"),
    ("bedrock-agentcore:InvokeWebSearch", "arn:aws:bedrock-agentcore:us-east-1:aws:tool/web-search.v1"),
    ("bedrock:GetKnowledgeBase", f"arn:aws:bedrock:{_REGION}:knowledge-base/A1B2C3D4E5"),
    ("bedrock:Retrieve", f"arn:aws:bedrock:{_REGION}:knowledge-base/A1B2C3D4E5"),
    ("bedrock:AgenticRetrieveStream", "*"),
}
"""What gateways' roles get for targets that are no function, which no stack of the tests has."""


@pytest.fixture(scope="session")
def rich() -> dict[str, Any]:
    """Agents that remember, ask each other, are containers and have guardrails; a tool in a VPC; a key of one's own."""
    settings = {f"toolgate:{name}": json.dumps(value) for name, value in SETTINGS.items()}
    return planned(config={**settings, "toolgate:kmsKey": "create"}).deployment


def needed(*deployments: dict[str, Any]) -> set[tuple[str, str]]:
    """What the policies of the stacks' roles allow: action and resource."""
    resources = (item for deployment in deployments for item in deployment["deployment"]["resources"])
    policies = (item for item in resources if item["type"] == "aws:iam/rolePolicy:RolePolicy")
    statements = (it for policy in policies for it in json.loads(policy["inputs"]["policy"])["Statement"])
    return {pair for it in statements if it["Effect"] == "Allow" for pair in _pairs(it)}


def _pairs(statement: dict[str, Any]) -> Iterator[tuple[str, str]]:
    actions, on = ([it] if isinstance(it, str) else it for it in (statement["Action"], statement["Resource"]))
    return ((action, resource) for action in actions for resource in on)


def _actions(module: ModuleType) -> set[str]:
    """The actions that a module names."""
    named = (it if isinstance(it, tuple) else (it,) for it in vars(module).values())
    texts = (text for group in named for text in group if isinstance(text, str))
    return {text for text in texts if re.fullmatch(r"[a-z0-9-]+:[A-Z][A-Za-z0-9]+", text)} - NOT_OF_ROLES


def test_it_leaves_every_role_what_it_needs(prod: dict[str, Any], jwt: dict[str, Any], rich: dict[str, Any]) -> None:
    document = json.loads(FILE.read_text())
    found = needed(prod, jwt, rich) | OF_TARGETS
    written = set().union(*map(_actions, (iam_documents, memory_documents, token_documents)))
    assert written - {action for action, _ in found} == set()  # the stacks have all that components write into roles
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
        *(
            "cloudwatch:PutMetricData",
            "ssm:GetParameter",
            "ssm:PutParameter",
            "ecr:PutImage",
            "bedrock:UpdateGuardrail",
        ),
        *("bedrock-agentcore:InvokeAgentRuntimeForUser", "bedrock-agentcore:InvokeAgentRuntimeCommand"),
        *(
            "bedrock-agentcore:DeleteEvent",
            "ec2:CreateNetworkInterfacePermission",
        ),
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
