"""Which properties of which resource types carry IAM documents and managed policies.

Source: the resources' inputs in pulumi_aws. A permissions boundary grants nothing, so it is not here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from toolgate.policy import documents, managed_policies, reading
from toolgate.policy.documents import Document
from toolgate.policy.messages import quote
from toolgate.policy.rule import Resource

type Path = tuple[str, ...]

ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
POLICY = "aws:iam/policy:Policy"
# Users and groups carry policies in aws-native only.
USER_POLICIES = "aws-native:iam:User"
GROUP_POLICIES = "aws-native:iam:Group"

# Where an identity policy stands.
DOCUMENTS: dict[str, Path] = {
    ROLE: ("inlinePolicies", "policy"),
    USER_POLICIES: ("inlinePolicies", "policy"),
    GROUP_POLICIES: ("inlinePolicies", "policy"),
    ROLE_POLICY: ("policy",),
    POLICY: ("policy",),
    "aws:iam/userPolicy:UserPolicy": ("policy",),
    "aws:iam/groupPolicy:GroupPolicy": ("policy",),
    "aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy": ("inlinePolicy",),
}

# Where ARNs of managed policies are attached to somebody.
ATTACHMENTS: dict[str, Path] = {
    ROLE: ("managedPolicyArns",),
    USER_POLICIES: ("managedPolicyArns",),
    GROUP_POLICIES: ("managedPolicyArns",),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ("policyArn",),
    "aws:iam/userPolicyAttachment:UserPolicyAttachment": ("policyArn",),
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment": ("policyArn",),
    "aws:iam/policyAttachment:PolicyAttachment": ("policyArn",),
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive": ("policyArns",),
    "aws:iam/userPolicyAttachmentsExclusive:UserPolicyAttachmentsExclusive": ("policyArns",),
    "aws:iam/groupPolicyAttachmentsExclusive:GroupPolicyAttachmentsExclusive": ("policyArns",),
    "aws:ssoadmin/managedPolicyAttachment:ManagedPolicyAttachment": ("managedPolicyArn",),
}

# Which role a carrier that is not the role itself belongs to, by the role's name.
ROLES: dict[str, Path] = {
    ROLE_POLICY: ("role",),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ("role",),
    "aws:iam/policyAttachment:PolicyAttachment": ("roles",),
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive": ("roleName",),
}

TYPES = frozenset(DOCUMENTS) | frozenset(ATTACHMENTS)


@dataclass(frozen=True)
class Carried:
    """One identity policy document and where it stands."""

    resource: Resource
    place: str
    document: Document


def identity_documents(resource: Resource) -> Iterator[Carried]:
    """The identity policies a resource carries: its own documents and the AWS managed policies it attaches."""
    for place, source in _sources(resource):
        yield Carried(resource, place, documents.read(source))
    for arn in attached(resource):
        document = managed_policies.document(arn)
        if document is not None:
            yield Carried(resource, f"managed policy {named(arn)}", document)


def _sources(resource: Resource) -> Iterator[tuple[str, Any]]:
    path = DOCUMENTS.get(resource.type)
    if path is None:
        return
    *block, last = path
    for index, holder in enumerate(reading.each(resource.props, *block)):
        source = reading.at(holder, last)
        # `inlinePolicies: [{}]` is how a role is kept free of inline policies.
        if source is not None:
            yield f"{block[0]}[{index}]" if block else last, source


def attached(resource: Resource) -> list[str]:
    """The known ARNs of managed policies, AWS's or the customer's, that a resource attaches."""
    path = ATTACHMENTS.get(resource.type)
    arns = reading.each(resource.props, *path) if path else []
    return [arn for arn in arns if isinstance(arn, str)]


def trust_document(resource: Resource) -> Carried:
    """The trust policy of a role."""
    return Carried(resource, "assumeRolePolicy", documents.read(reading.at(resource.props, "assumeRolePolicy")))


def named(policy_arn: str) -> str:
    """How a message names a managed policy: by the last part of its ARN."""
    return quote(policy_arn.rpartition("/")[2])
