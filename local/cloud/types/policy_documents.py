"""IAM policy documents as IAM takes them: the grammar that no service model carries.

Source: IAM user guide, "Grammar of the IAM JSON policy language" and "IAM and AWS STS quotas".
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from toolgate.local.cloud.failures import Failure
from toolgate.local.cloud.values import UNKNOWN, Properties

VERSIONS = ("2012-10-17", "2008-10-17")
TRUST_CHARACTERS = 2048
"""The default quota of a role's trust policy, white space not counted."""
ROLE_POLICY_CHARACTERS = 10240
"""The quota of all inline policies of a role together, white space not counted."""

_EITHER = {"Action": "NotAction", "Resource": "NotResource", "Principal": "NotPrincipal"}
_KEYS = {"Sid", "Effect", "Condition", *_EITHER, *_EITHER.values()}


def trust_policy(name: str, properties: Properties) -> Iterator[Failure]:
    """What IAM has against the trust policy in property `name`."""
    yield from _document(name, properties.get(name), needs=("Action", "Principal"), without=("Resource",))
    if size(properties.get(name)) > TRUST_CHARACTERS:
        yield Failure(name, f"LimitExceeded: Cannot exceed quota for ACLSizePerRole: {TRUST_CHARACTERS}")


def identity_policy(name: str, properties: Properties) -> Iterator[Failure]:
    """What IAM has against the identity policy in property `name`."""
    yield from _document(name, properties.get(name), needs=("Action", "Resource"), without=("Principal",))


def resource_policy(name: str, properties: Properties) -> Iterator[Failure]:
    """What a service has against the policy of a resource in property `name`."""
    needs = ("Action", "Principal", "Resource")
    yield from _document(name, properties.get(name), needs, without=(), code="ValidationException")


def key_policy(name: str, properties: Properties) -> Iterator[Failure]:
    """What KMS has against the key policy in property `name` (KMS developer guide, "Key policies")."""
    needs = ("Action", "Principal", "Resource")
    yield from _document(name, properties.get(name), needs, without=(), code="MalformedPolicyDocumentException")


def size(document: Any) -> int:
    """The characters of a document that IAM counts: white space between its parts is not counted."""
    try:
        return len(json.dumps(json.loads(document), separators=(",", ":"), ensure_ascii=False))
    except (TypeError, ValueError):
        return 0


def _document(
    name: str,
    document: Any,
    needs: tuple[str, ...],
    without: tuple[str, ...],
    code: str = "MalformedPolicyDocument",
) -> Iterator[Failure]:
    if document is UNKNOWN or document is None:
        return
    try:
        parsed = json.loads(document)
    except (TypeError, ValueError):
        yield Failure(name, f"{code}: Syntax errors in policy: not a JSON text")
        return
    for fault in _faults(parsed, needs, without):
        yield Failure(name, f"{code}: {fault}")


def _faults(document: Any, needs: tuple[str, ...], without: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(document, dict):
        yield "Syntax errors in policy: not an object"
        return
    for key in document.keys() - {"Version", "Id", "Statement"}:
        yield f"Syntax errors in policy: unknown element {key}"
    if document.get("Version", VERSIONS[1]) not in VERSIONS:
        yield f"Version must be one of {', '.join(VERSIONS)}"
    statements = document.get("Statement")
    statements = [statements] if isinstance(statements, dict) else statements
    if not isinstance(statements, list) or not statements:
        yield "Policy statement must contain statements: Statement is missing or empty"
        return
    sids = Counter(statement.get("Sid") for statement in statements if isinstance(statement, dict))
    for sid in (sid for sid, count in sids.items() if sid is not None and count > 1):
        yield f"Statement IDs (SID) in a single policy must be unique: {sid}"
    for index, statement in enumerate(statements):
        for fault in _statement_faults(statement, needs, without):
            yield f"{fault} (statement {index})"


def _statement_faults(statement: Any, needs: tuple[str, ...], without: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(statement, dict):
        yield "Syntax errors in policy: a statement is not an object"
        return
    for key in statement.keys() - _KEYS:
        yield f"Syntax errors in policy: unknown element {key}"
    if statement.get("Effect") not in {"Allow", "Deny"}:
        yield "Effect must be Allow or Deny"
    if not re.fullmatch("[A-Za-z0-9]*", str(statement.get("Sid", ""))):
        yield "Statement IDs (SID) can only have letters and digits"
    for key, inverse in _EITHER.items():
        given = [name for name in (key, inverse) if name in statement]
        if key in needs and len(given) != 1:
            yield f"Policy statement must contain {key} or {inverse}, and only one of them"
        if key in without and given:
            yield f"Policy document must not specify a {key.lower()}"
        for value in (statement[name] for name in given):
            yield from _value_faults(key, value)
    if not isinstance(statement.get("Condition", {}), dict):
        yield "Syntax errors in policy: Condition is not an object"


def _value_faults(key: str, value: Any) -> Iterator[str]:
    if key == "Principal" and isinstance(value, dict):
        texts: list[Any] = [
            item for entry in value.values() for item in (entry if isinstance(entry, list) else [entry])
        ]
    else:
        texts = value if isinstance(value, list) else [value]
    if not texts or not all(isinstance(item, str) and item for item in texts):
        yield f"Policy statement must contain {key.lower()}s that are texts, not null or empty"
    elif key == "Action" and not all(item == "*" or re.fullmatch(r"[\w*?-]+:[\w*?-]+", item) for item in texts):
        yield "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
    elif key == "Resource" and not all(item == "*" or item.startswith(("arn:", "*", "${")) for item in texts):
        yield 'Resource must be in ARN format or "*"'
