"""What a role of the stand-in account may do, where AWS asks before it makes something."""

from ministack.core import iam_evaluator as iam

from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.resource_type import Existing, Record
from toolgate.local.cloud.values import Properties

ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"

AGENTCORE = "bedrock-agentcore.amazonaws.com"
"""The service that assumes the roles of gateways and runtimes."""


def role_of(arn: str, existing: Existing) -> Record | None:
    """The role with this ARN, if it exists."""
    return next((role for role in existing(ROLE) if role.outputs["arn"] == arn), None)


def may(role: Record, action: str, resource: str, place: CloudEnvironment, existing: Existing) -> bool:
    """Whether the role's own policies let it do `action` on the ARN `resource`."""
    return allows(role, context(role.outputs["arn"], action, resource, place, {}), existing)


def allows(role: Record, asked: iam.EvalContext, existing: Existing) -> bool:
    """Whether the role's own policies allow a request.

    Its permissions boundary is not asked: that document is not in the account that the stand-in knows.
    """
    policies = [
        iam.parse_policy_document(policy.inputs["policy"])
        for policy in existing(ROLE_POLICY)
        if policy.inputs["role"] == role.id
    ]
    return bool(iam.evaluate(asked, policies).decision == "Allow")


def trusts(role: Record, service: str, source_arn: str, place: CloudEnvironment) -> bool:
    """Whether the role lets `service` (its principal) assume it on behalf of the resource `source_arn`."""
    keys = {"aws:sourcearn": source_arn, "aws:sourceaccount": place.account}
    asked = context(service, "sts:AssumeRole", role.outputs["arn"], place, keys)
    decision = iam.evaluate_resource_policy(role.inputs["assumeRolePolicy"], asked, service=service).decision
    return bool(decision == "Allow")


def context(principal: str, action: str, resource: str, place: CloudEnvironment, keys: Properties) -> iam.EvalContext:
    """The evaluator's view of a request; `keys` are condition keys in lower case."""
    return iam.EvalContext(
        principal_arn=principal,
        principal_type="AssumedRole",
        principal_account=place.account,
        action=action,
        resource_arn=resource,
        region=place.region,
        source_ip="",
        secure_transport=True,
        service_context=dict(keys),
    )
