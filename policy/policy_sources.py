"""Which properties of which resource types carry IAM documents and managed policies.

Source: the resources' inputs in pulumi_aws. A permissions boundary grants nothing, so it is not here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from toolgate.policy import properties
from toolgate.policy.agentcore import managed_policies
from toolgate.policy.language import documents
from toolgate.policy.language.agentcore_facts import (
    GROUP_ATTACHMENT,
    GROUP_POLICY,
    MANAGED_POLICY,
    POLICY_ATTACHMENT,
    ROLE,
    ROLE_ATTACHMENT,
    ROLE_POLICY,
    USER_ATTACHMENT,
    USER_POLICY,
)
from toolgate.policy.language.documents import Document
from toolgate.policy.messages import quote
from toolgate.policy.rule import Resource

type Path = tuple[str, ...]

# Users and groups carry policies in aws-native only.
USER_POLICIES = "aws-native:iam:User"
GROUP_POLICIES = "aws-native:iam:Group"

# Where an identity policy stands.
DOCUMENTS: dict[str, Path] = {
    ROLE: ("inlinePolicies", "policy"),
    USER_POLICIES: ("inlinePolicies", "policy"),
    GROUP_POLICIES: ("inlinePolicies", "policy"),
    ROLE_POLICY: ("policy",),
    MANAGED_POLICY: ("policy",),
    USER_POLICY: ("policy",),
    GROUP_POLICY: ("policy",),
    "aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy": ("inlinePolicy",),
}

# Where ARNs of managed policies are attached to somebody.
ATTACHMENTS: dict[str, Path] = {
    ROLE: ("managedPolicyArns",),
    USER_POLICIES: ("managedPolicyArns",),
    GROUP_POLICIES: ("managedPolicyArns",),
    ROLE_ATTACHMENT: ("policyArn",),
    USER_ATTACHMENT: ("policyArn",),
    GROUP_ATTACHMENT: ("policyArn",),
    POLICY_ATTACHMENT: ("policyArn",),
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive": ("policyArns",),
    "aws:iam/userPolicyAttachmentsExclusive:UserPolicyAttachmentsExclusive": ("policyArns",),
    "aws:iam/groupPolicyAttachmentsExclusive:GroupPolicyAttachmentsExclusive": ("policyArns",),
    "aws:ssoadmin/managedPolicyAttachment:ManagedPolicyAttachment": ("managedPolicyArn",),
}

# Which role a carrier that is not the role itself belongs to, by the role's name.
ROLES: dict[str, Path] = {
    ROLE_POLICY: ("role",),
    ROLE_ATTACHMENT: ("role",),
    POLICY_ATTACHMENT: ("roles",),
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive": ("roleName",),
}

TYPES = frozenset(DOCUMENTS) | frozenset(ATTACHMENTS)


@dataclass(frozen=True)
class SourcedDocument:
    """One identity policy document and where it stands."""

    resource: Resource
    location: str
    document: Document


def identity_documents(resource: Resource) -> Iterator[SourcedDocument]:
    """The identity policies a resource carries: its own documents and the AWS managed policies it attaches."""
    for location, source in _sources(resource):
        yield SourcedDocument(resource, location, documents.read(source))
    for arn in attached(resource):
        document = managed_policies.document(arn)
        if document is not None:
            yield SourcedDocument(resource, f"managed policy {named(arn)}", document)


def _sources(resource: Resource) -> Iterator[tuple[str, Any]]:
    path = DOCUMENTS.get(resource.type)
    if path is None:
        return
    *block, last = path
    for index, holder in enumerate(properties.each(resource.props, *block)):
        source = properties.at(holder, last)
        # `inlinePolicies: [{}]` is how a role is kept free of inline policies.
        if source is not None:
            yield f"{block[0]}[{index}]" if block else last, source


def attached(resource: Resource) -> list[str]:
    """The known ARNs of managed policies, AWS's or the customer's, that a resource attaches."""
    path = ATTACHMENTS.get(resource.type)
    arns = properties.each(resource.props, *path) if path else []
    return [arn for arn in arns if isinstance(arn, str)]


def trust_document(resource: Resource) -> SourcedDocument:
    """The trust policy of a role."""
    return SourcedDocument(
        resource, "assumeRolePolicy", documents.read(properties.at(resource.props, "assumeRolePolicy"))
    )


def named(policy_arn: str) -> str:
    """How a message names a managed policy: by the last part of its ARN."""
    return quote(policy_arn.rpartition("/")[2])
