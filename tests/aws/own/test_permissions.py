"""What whoever runs the suite must be allowed: all that it calls, and nothing of the stack under test but questions."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.aws.local_world import Export
from tests.aws.permissions import LARGEST_INLINE, document
from tests.deployer.deciding import ACCOUNT, AGENTCORE, REGION, allowed, decided
from toolgate.deployer.deployer_policy import permissions
from toolgate.deployer.managed_policies import size
from toolgate.local.cloud.control_plane import ControlPlane

RUN = "r0a1b2"
ENGINE = f"{AGENTCORE}:policy-engine/toolgate_probe_{RUN}_ruled-0123456789"
RUNTIME = f"{AGENTCORE}:runtime/toolgate_probe_{RUN}_unread-0123456789"
STACKS_RUNTIME = f"{AGENTCORE}:runtime/toolgate_dev_assistant-0123456789"
AGENT = f"toolgate_probe_{RUN}_tokened"
IDENTITIES, VAULT = f"{AGENTCORE}:workload-identity-directory/default", f"{AGENTCORE}:token-vault/default"
SECRETS = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret"
POOL = f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{REGION}_AbCdEf123"
LOGS = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group"
OF_A_RUN = {
    "bedrock-agentcore:CreatePolicy": ENGINE,
    "bedrock-agentcore:GetPolicy": f"{ENGINE}/policy/p-0123456789",
    "bedrock-agentcore:InvokeGateway": f"{AGENTCORE}:gateway/toolgate-probe-{RUN}-intercepted-0123456789",
    "bedrock-agentcore:DeleteGateway": f"{AGENTCORE}:gateway/toolgate-probe-{RUN}-versions-0123456789",
    "bedrock-agentcore:GetAgentRuntime": RUNTIME,
    "bedrock-agentcore:InvokeAgentRuntime": f"{RUNTIME}/runtime-endpoint/DEFAULT",
    "iam:CreateRole": f"arn:aws:iam::{ACCOUNT}:role/toolgate-probe/toolgate-probe-{RUN}-told",
    "iam:DeleteRole": f"arn:aws:iam::{ACCOUNT}:role/toolgate-probe-{RUN}-act-role-0123abc",
    "lambda:CreateFunction": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:toolgate-probe-{RUN}-act",
    "lambda:PutFunctionConcurrency": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:toolgate-probe-{RUN}-never",
    "logs:FilterLogEvents": f"{LOGS}:/aws/lambda/toolgate-probe-{RUN}-math:*",
    "logs:DeleteLogGroup": f"{LOGS}:/aws/bedrock-agentcore/runtimes/toolgate_probe_{RUN}_unread-0123456789-DEFAULT",
    "bedrock-agentcore:CreateWorkloadIdentity": f"{IDENTITIES}/workload-identity/{AGENT}",
    "bedrock-agentcore:CreateOauth2CredentialProvider": f"{VAULT}/oauth2credentialprovider/{AGENT}_issuer",
    "bedrock-agentcore:CreateTokenVault": VAULT,
    "secretsmanager:CreateSecret": f"{SECRETS}:bedrock-agentcore-identity!default/oauth2/{AGENT}_issuer-0aBcDe",
    "bedrock-agentcore:ListPolicyEngines": "*",
    "cloudwatch:ListMetrics": "*",
    "bedrock-agentcore:CreateMemory": "*",
    "bedrock-agentcore:DeleteMemory": f"{AGENTCORE}:memory/toolgate_probe_{RUN}_talks-0123456789",
}
OF_THE_STACK = {
    "bedrock-agentcore:InvokeAgentRuntime": f"{STACKS_RUNTIME}/runtime-endpoint/DEFAULT",
    "bedrock-agentcore:GetAgentRuntime": STACKS_RUNTIME,
    "logs:FilterLogEvents": f"{LOGS}:/aws/lambda/toolgate-dev-math:*",
}


@pytest.fixture(scope="module")
def suites(stack_plan: Export, scratch_plan: tuple[Export, ControlPlane]) -> dict[str, Any]:
    return document(stack_plan, scratch_plan[0], ACCOUNT)


@pytest.mark.parametrize(("action", "resource"), [*OF_A_RUN.items(), *OF_THE_STACK.items()])
def test_what_the_suite_calls_is_allowed(suites: dict[str, Any], action: str, resource: str) -> None:
    assert allowed(suites, action, resource)


@pytest.mark.parametrize(
    "action", ["CreateUserPoolClient", "DescribeUserPoolClient", "DeleteUserPoolClient", "DeleteUserPool"]
)
def test_a_user_pool_is_known_by_the_runs_tag(suites: dict[str, Any], action: str) -> None:
    for stack, may in ((f"toolgate-probe/{RUN}", True), ("toolgate/dev", False), ("toolgate-probe/local", False)):
        facts = {"aws:ResourceTag/toolgate:stack": stack}
        assert decided(suites, f"cognito-idp:{action}", POOL, facts) is may, stack
    assert not allowed(suites, f"cognito-idp:{action}", POOL)


def test_a_key_may_be_used_where_it_is_given(stack_plan: Export, scratch_plan: tuple[Export, ControlPlane]) -> None:
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    for given in ("", key):
        made = document(stack_plan, scratch_plan[0], ACCOUNT, given)
        for action in ("CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKey"):
            assert allowed(made, f"kms:{action}", key) is bool(given)


def changes(stack_plan: Export) -> Iterator[tuple[str, str]]:
    """All that who deploys the stack under test may do to what is the stack's own."""
    for statement in permissions(stack_plan)["Statement"]:
        for resource in statement["Resource"]:
            if "toolgate-dev" in resource or "toolgate_dev" in resource:
                yield from ((action, resource) for action in statement["Action"])


def test_the_stack_under_test_is_asked_and_not_changed(suites: dict[str, Any], stack_plan: Export) -> None:
    found = list(changes(stack_plan))
    assert len(found) > 50
    passing = {"iam_PassedToService": "lambda.amazonaws.com"}
    may = {action for action, resource in found if allowed(suites, action, resource, **passing)}
    assert may == {"bedrock-agentcore:GetAgentRuntime", "bedrock-agentcore:InvokeAgentRuntime"}


def test_it_fits_into_a_role(
    suites: dict[str, Any], stack_plan: Export, scratch_plan: tuple[Export, ControlPlane]
) -> None:
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    assert size(suites) < size(document(stack_plan, scratch_plan[0], ACCOUNT, key)) < LARGEST_INLINE
    # IAM takes no statement about nothing.
    assert all(statement["Resource"] and statement["Action"] for statement in suites["Statement"])


def test_it_is_for_the_account_that_is_named(stack_plan: Export, scratch_plan: tuple[Export, ControlPlane]) -> None:
    text = json.dumps(document(stack_plan, scratch_plan[0], "111122223333"))
    assert "111122223333" in text
    assert ACCOUNT not in text
