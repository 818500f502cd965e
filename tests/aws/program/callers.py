"""IAM roles to call as: each with exactly the rights that one question is about. Whoever runs the suite takes them."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from tests.aws.program.scratch import PATH, Scratch, hyphenated
from toolgate.components.iam import iam_documents

INVOKE_RUNTIME = "bedrock-agentcore:InvokeAgentRuntime"
INVOKE_FOR_USER = "bedrock-agentcore:InvokeAgentRuntimeForUser"


def caller(
    scratch: Scratch, name: str, trusted: str, statements: Sequence[Mapping[str, Any]] = ()
) -> pulumi.Output[str]:
    """Make a role that one principal may take; its name.

    Args:
        scratch: Its parent.
        name: Its name in the program.
        trusted: ARN of the principal: an IAM user, or a session of a role (IAM user guide, "AWS JSON policy elements:
            Principal"). A trust policy that names it needs no identity policy in the same account.
        statements: What the role may do.
    """
    trust = {"Effect": "Allow", "Principal": {"AWS": trusted}, "Action": iam_documents.ASSUME_ROLE}
    role = aws.iam.Role(
        f"{name}-caller",
        name=hyphenated(name),
        path=PATH,
        assume_role_policy=pulumi.Output.json_dumps(iam_documents.document(trust)),
        opts=scratch.unhooked,
    )
    if statements:
        policy = pulumi.Output.json_dumps(iam_documents.document(*statements))
        aws.iam.RolePolicy(f"{name}-caller", role=role.name, policy=policy, opts=scratch.unhooked)
    role_name: pulumi.Output[str] = role.name
    return role_name


def may_knock(*gateway_arns: pulumi.Input[str]) -> list[dict[str, Any]]:
    """The statement that lets a caller reach gateways."""
    return [iam_documents.allow("InvokeGateways", iam_documents.INVOKE_GATEWAY, list(gateway_arns))]


def may_ask(*arns: pulumi.Input[str]) -> list[dict[str, Any]]:
    """The statement that lets a caller invoke a runtime, by these ARNs."""
    return [iam_documents.allow("InvokeRuntime", INVOKE_RUNTIME, list(arns))]


def may_ask_for_users(*arns: pulumi.Input[str]) -> list[dict[str, Any]]:
    """The statement that lets a caller invoke a runtime for users whom it names."""
    return [iam_documents.allow("InvokeForUsers", [INVOKE_RUNTIME, INVOKE_FOR_USER], list(arns))]
