"""The identity policies that a resource carries, as documents with the place where each stands."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from toolgate.policy import properties
from toolgate.policy.agentcore import managed_policies
from toolgate.policy.language import documents
from toolgate.policy.language.carriers import CARRIERS, Carrier, Path
from toolgate.policy.language.documents import Document
from toolgate.policy.messages import quote
from toolgate.policy.rule import Resource

TYPES = frozenset(CARRIERS)
DOCUMENTS = frozenset(kind for kind, carrier in CARRIERS.items() if carrier.document)
"""Types that carry documents."""
FOR_ROLES = {kind: carrier.holders["role"] for kind, carrier in CARRIERS.items() if "role" in carrier.holders}
"""Types that give a role policies without being it, and the property with its name."""
_NONE = Carrier()


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
    arn = properties.at(resource.props, "arn")
    known = isinstance(arn, str) and managed_policies.judged_where_attached(arn)
    if known or resource.type not in DOCUMENTS:
        return
    *block, last = CARRIERS[resource.type].document
    for index, holder in enumerate(properties.each(resource.props, *block)):
        source = properties.at(holder, last)
        # `inlinePolicies: [{}]` is how a role is kept free of inline policies.
        if source is not None:
            yield f"{block[0]}[{index}]" if block else last, source


def written_statements(component: Resource) -> Iterator[SourcedDocument]:
    """The statements that one of toolgate's components was handed, as documents: a first preview knows no others."""
    for index, written in enumerate(properties.each(component.props, "statements")):
        given = {"Action": properties.at(written, "actions"), "Resource": properties.at(written, "resources")}
        statement = {"Effect": "Allow", **{key: value for key, value in given.items() if value is not None}}
        yield SourcedDocument(component, f"statements[{index}]", documents.read({"Statement": statement}))


def attached(resource: Resource) -> list[str]:
    """The known ARNs of managed policies, AWS's or the customer's, that a resource attaches."""
    return [arn for arn in attachments(resource) if isinstance(arn, str)]


def attachments(resource: Resource) -> list[Any]:
    """The managed policies that a resource attaches, known or not."""
    path = attaching(resource)
    return properties.each(resource.props, *path) if path else []


def attaching(resource: Resource) -> Path:
    """Where a resource says which managed policies it attaches; empty where it attaches none."""
    return CARRIERS.get(resource.type, _NONE).attached


def trust_document(resource: Resource) -> SourcedDocument:
    """The trust policy of a role."""
    return SourcedDocument(
        resource, "assumeRolePolicy", documents.read(properties.at(resource.props, "assumeRolePolicy"))
    )


def named(policy_arn: str) -> str:
    """How a message names a managed policy: by the last part of its ARN."""
    return quote(policy_arn.rpartition("/")[2])
