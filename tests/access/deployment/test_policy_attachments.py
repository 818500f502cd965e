"""Whom the policies of permission sets belong to; those of roles, users and groups are tested by what they decide."""

import json
from typing import Any

import pytest

from toolgate.access.deployment.policy_attachments import read_attachments
from toolgate.access.deployment.stack_export import DeploymentError, resources

SET = "arn:aws:sso:::permissionSet/ssoins-1/ps-1"
OWN = "arn:aws:iam::123456789012:policy/teams/callers"
AWS = "arn:aws:iam::aws:policy/ReadOnlyAccess"
DOCUMENT = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "x:Y", "Resource": "*"}]}
POLICY: tuple[str, dict[str, Any]] = ("aws:iam/policy:Policy", {"policy": json.dumps(DOCUMENT), "arn": OWN})
REFERENCE = {"name": "callers", "path": "/teams/"}


def of_the_set(*made: tuple[str, dict[str, Any]]) -> tuple[list[str], list[str]]:
    """Names of the policies that the permission set has, and the ARNs of those that nobody knows."""
    listed = [{"urn": f"urn:pulumi:dev::p::{kind}::it", "type": kind, "inputs": given} for kind, given in made]
    attachments = read_attachments(resources({"version": 3, "deployment": {"resources": listed}}))
    assert set(attachments.holders("permission-set")) <= {SET}
    policies, unread = attachments.of(("permission-set", SET))
    return [policy.name for policy in policies], unread


@pytest.mark.parametrize(
    ("kind", "given", "found"),
    [
        ("permissionSetInlinePolicy:PermissionSetInlinePolicy", {"inlinePolicy": json.dumps(DOCUMENT)}, (["it"], [])),
        ("managedPolicyAttachment:ManagedPolicyAttachment", {"managedPolicyArn": AWS}, ([], [AWS])),
        (
            "managedPolicyAttachmentsExclusive:ManagedPolicyAttachmentsExclusive",
            {"managedPolicyArns": [AWS, OWN]},
            (["it"], [AWS]),
        ),
        (
            "customerManagedPolicyAttachment:CustomerManagedPolicyAttachment",
            {"customerManagedPolicyReference": REFERENCE},
            (["it"], []),
        ),
        (
            "customerManagedPolicyAttachmentsExclusive:CustomerManagedPolicyAttachmentsExclusive",
            {"customerManagedPolicyReferences": [REFERENCE, {"name": "other"}]},
            (["it"], ["policy/other"]),
        ),
    ],
)
def test_carriers_of_a_permission_set(kind: str, given: dict[str, Any], found: tuple[list[str], list[str]]) -> None:
    assert of_the_set(POLICY, (f"aws:ssoadmin/{kind}", {"permissionSetArn": SET, **given})) == found


def test_a_permission_set_of_cloudformation_s_carries_them_itself() -> None:
    given = {
        "permissionSetArn": SET,
        "inlinePolicy": DOCUMENT,
        "managedPolicies": [AWS],
        "customerManagedPolicyReferences": [REFERENCE],
    }
    assert of_the_set(POLICY, ("aws-native:sso:PermissionSet", given)) == (["it", "it"], [AWS])
    assert of_the_set(("aws-native:sso:PermissionSet", {"permissionSetArn": SET})) == ([], [])
    assert of_the_set(("aws-native:sso:PermissionSet", {"permissionSetArn": SET, "inlinePolicy": ""})) == ([], [])
    assert of_the_set(("aws:ssoadmin/permissionSet:PermissionSet", {"name": "Dev"})) == ([], [])


@pytest.mark.parametrize("odd", ["text", [7], "04da6b54-80e4-46f7-96ec-b56ff0331ba9"])
def test_what_cannot_be_read_is_an_error(odd: Any) -> None:
    kind = "aws:ssoadmin/customerManagedPolicyAttachmentsExclusive:CustomerManagedPolicyAttachmentsExclusive"
    with pytest.raises(DeploymentError, match="customerManagedPolicyReferences"):
        of_the_set((kind, {"permissionSetArn": SET, "customerManagedPolicyReferences": odd}))
