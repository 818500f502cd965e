"""IAM policy documents as the stand-in's services refuse them: `policy.language.grammar` in each service's words.

Source: IAM user guide, "IAM and AWS STS quotas".
"""

import json
from collections.abc import Iterator
from typing import Any

from toolgate.local.cloud.failures import Failure
from toolgate.local.cloud.values import UNKNOWN, Properties
from toolgate.policy.language import grammar
from toolgate.policy.language.grammar import IDENTITY_POLICY, RESOURCE_POLICY, TRUST_POLICY, Kind, size

TRUST_CHARACTERS = 2048
"""The default quota of a role's trust policy, white space not counted."""
ROLE_POLICY_CHARACTERS = 10240
"""The quota of all inline policies of a role together, white space not counted."""


def trust_policy(name: str, properties: Properties) -> Iterator[Failure]:
    """What IAM has against the trust policy in property `name`."""
    yield from _document(name, properties.get(name), TRUST_POLICY)
    if size(properties.get(name)) > TRUST_CHARACTERS:
        yield Failure(name, f"LimitExceeded: Cannot exceed quota for ACLSizePerRole: {TRUST_CHARACTERS}")


def identity_policy(name: str, properties: Properties) -> Iterator[Failure]:
    """What IAM has against the identity policy in property `name`."""
    yield from _document(name, properties.get(name), IDENTITY_POLICY)


def resource_policy(name: str, properties: Properties) -> Iterator[Failure]:
    """What a service has against the policy of a resource in property `name`."""
    yield from _document(name, properties.get(name), RESOURCE_POLICY, code="ValidationException")


def key_policy(name: str, properties: Properties) -> Iterator[Failure]:
    """What KMS has against the key policy in property `name` (KMS developer guide, "Key policies")."""
    yield from _document(name, properties.get(name), RESOURCE_POLICY, code="MalformedPolicyDocumentException")


def bucket_policy(name: str, properties: Properties) -> Iterator[Failure]:
    """What S3 has against the bucket policy in property `name` (Amazon S3 API reference, "Error responses")."""
    yield from _document(name, properties.get(name), RESOURCE_POLICY, code="MalformedPolicy")


def _document(name: str, document: Any, kind: Kind, code: str = "MalformedPolicyDocument") -> Iterator[Failure]:
    if document is UNKNOWN or document is None:
        return
    try:
        parsed = json.loads(document)
    except (TypeError, ValueError):
        yield Failure(name, f"{code}: Syntax errors in policy: not a JSON text")
        return
    for fault in grammar.faults(parsed, kind):
        yield Failure(name, f"{code}: {fault}")
