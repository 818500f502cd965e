"""Principals that a policy writes by their unique ids, told by their ARNs.

IAM keeps a role or user in a policy by its unique id and shows the ARN; who writes the id means the same.
Source: IAM user guide, "IAM identifiers" (unique identifiers) and "AWS JSON policy elements: Principal".
"""

import re
from collections.abc import Mapping
from typing import Any

_UNIQUE_ID = re.compile(r"A(?:ROA|IDA)[A-Z0-9]{8,}")


def is_unique_id(principal: str) -> bool:
    """Whether a principal is the unique id of a role or a user."""
    return _UNIQUE_ID.fullmatch(principal) is not None


def with_arns(document: Mapping[str, Any], arns: Mapping[str, str]) -> Mapping[str, Any]:
    """The document with the ARN in the place of each principal whose unique id is known.

    Args:
        document: A resource's policy or a trust policy.
        arns: ARNs of roles and users by their unique ids.
    """
    if not arns:
        return document
    return {key: _statements(value, arns) if key.lower() == "statement" else value for key, value in document.items()}


def _statements(value: Any, arns: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_statements(item, arns) for item in value]
    if not isinstance(value, Mapping):
        return value
    named = ("principal", "notprincipal")
    return {key: _principals(item, arns) if key.lower() in named else item for key, item in value.items()}


def _principals(value: Any, arns: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {kind: _principals(item, arns) for kind, item in value.items()}
    if isinstance(value, list):
        return [_principals(item, arns) for item in value]
    return arns.get(value, value) if isinstance(value, str) else value
