"""IAM policy documents of a deployment, read whole or refused."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ministack.core.iam_evaluator import validate_policy_document

from access.export import DeploymentError, Resource


@dataclass(frozen=True)
class Policy:
    """An IAM policy document and the name of the resource that it was written in."""

    name: str
    document: Mapping[str, Any]


def read_policy(resource: Resource, name: str, value: Any) -> Policy:
    """The policy that a resource's property holds, as JSON text or as an object.

    Args:
        resource: The resource.
        name: What to call the policy.
        value: The property's value.

    Raises:
        DeploymentError: The document is missing or hidden, or one that IAM would not accept.
    """
    document = read_document(resource, "policy", value)
    reason = validate_policy_document(dict(document)) or _unreadable(document)
    if reason:
        raise DeploymentError(f"{resource.label}: IAM would not accept policy '{name}': {reason}")
    return Policy(name, document)


def read_document(resource: Resource, key: str, value: Any) -> Mapping[str, Any]:
    """An IAM document of any kind, trust policies included.

    Raises:
        DeploymentError: It is missing, hidden or not JSON with a `Statement`.
    """
    found = value
    if isinstance(found, str):
        try:
            found = json.loads(found)
        except (ValueError, RecursionError):
            raise resource.wrong(key, found, "an IAM document in JSON") from None
    if not isinstance(found, Mapping) or not isinstance(found.get("Statement"), Mapping | list):
        raise resource.wrong(key, found, "an IAM document with a 'Statement'")
    return found


def _unreadable(document: Mapping[str, Any]) -> str | None:
    """What the evaluator would read as `everything` although IAM would refuse it; None when there is nothing of it."""
    statements = document["Statement"]
    for number, statement in enumerate(statements if isinstance(statements, list) else [statements]):
        for element in ("Action", "NotAction", "Resource", "NotResource"):
            if element in statement and not _texts(statement[element]):
                return f"Statement {number}: '{element}' must be a text or a list of texts"
    return None


def _texts(value: Any) -> bool:
    listed = value if isinstance(value, list) else [value]
    return bool(listed) and all(isinstance(item, str) for item in listed)
