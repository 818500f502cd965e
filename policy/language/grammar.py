"""What IAM takes for a policy document: the grammar that no service model carries.

Source: IAM user guide, "Grammar of the IAM JSON policy language".
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

VERSIONS = ("2012-10-17", "2008-10-17")

_EITHER = {"Action": "NotAction", "Resource": "NotResource", "Principal": "NotPrincipal"}
_KEYS = {"Sid", "Effect", "Condition", *_EITHER, *_EITHER.values()}

type Kind = tuple[tuple[str, ...], tuple[str, ...]]
"""The elements that each statement of a document needs, and those that it must not have."""

IDENTITY_POLICY: Kind = ("Action", "Resource"), ("Principal",)
TRUST_POLICY: Kind = ("Action", "Principal"), ("Resource",)
RESOURCE_POLICY: Kind = ("Action", "Principal", "Resource"), ()


def size(document: Any) -> int:
    """The characters of a document that IAM counts: white space between its parts is not counted."""
    try:
        return len(json.dumps(json.loads(document), separators=(",", ":"), ensure_ascii=False))
    except (TypeError, ValueError):
        return 0


def faults(document: Any, kind: Kind) -> Iterator[str]:
    """What IAM has against a document.

    Args:
        document: The document, as JSON says it.
        kind: What sort of document it is.
    """
    if not isinstance(document, dict):
        yield from unreadable(document, kind)
        return
    for key in document.keys() - {"Version", "Id", "Statement"}:
        yield f"Syntax errors in policy: unknown element {key}"
    if document.get("Version", VERSIONS[1]) not in VERSIONS:
        yield f"Version must be one of {', '.join(VERSIONS)}"
    statements = [(index, it) for index, it in enumerate(_statements(document)) if isinstance(it, dict)]
    sids = Counter(statement.get("Sid") for _, statement in statements)
    for sid in (sid for sid, count in sids.items() if sid is not None and count > 1):
        yield f"Statement IDs (SID) in a single policy must be unique: {sid}"
    for index, statement in statements:
        for fault in _refused(statement):
            yield f"{fault} (statement {index})"
    yield from unreadable(document, kind)


def unreadable(document: Any, kind: Kind) -> Iterator[str]:
    """What leaves open what a document says; the other faults do not, whoever took the document nevertheless.

    Args:
        document: The document, as JSON says it.
        kind: What sort of document it is.
    """
    if not isinstance(document, dict):
        yield "Syntax errors in policy: not an object"
        return
    statements = _statements(document)
    if not statements:
        yield "Policy statement must contain statements: Statement is missing or empty"
    for index, statement in enumerate(statements):
        for fault in _misshapen(statement, *kind):
            yield f"{fault} (statement {index})"


def _statements(document: dict[str, Any]) -> list[Any]:
    statements = document.get("Statement")
    statements = [statements] if isinstance(statements, dict) else statements
    return statements if isinstance(statements, list) else []


def _misshapen(statement: Any, needs: tuple[str, ...], without: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(statement, dict):
        yield "Syntax errors in policy: a statement is not an object"
        return
    if statement.get("Effect") not in {"Allow", "Deny"}:
        yield "Effect must be Allow or Deny"
    for key, inverse in _EITHER.items():
        given = [name for name in (key, inverse) if name in statement]
        if key in needs and len(given) != 1:
            yield f"Policy statement must contain {key} or {inverse}, and only one of them"
        if key in without and given:
            yield f"Policy document must not specify a {key.lower()}"
        for texts in (_texts(key, statement[name]) for name in given):
            if not texts or not all(isinstance(item, str) and item for item in texts):
                yield f"Policy statement must contain {key.lower()}s that are texts, not null or empty"
    if not isinstance(statement.get("Condition", {}), dict):
        yield "Syntax errors in policy: Condition is not an object"


def _refused(statement: dict[str, Any]) -> Iterator[str]:
    for key in statement.keys() - _KEYS:
        yield f"Syntax errors in policy: unknown element {key}"
    if not re.fullmatch("[A-Za-z0-9]*", str(statement.get("Sid", ""))):
        yield "Statement IDs (SID) can only have letters and digits"
    for key, form, text in _FORMS:
        given = [statement[name] for name in (key, _EITHER[key]) if name in statement]
        if any(
            isinstance(item, str) and item and not form.match(item) for value in given for item in _texts(key, value)
        ):
            yield text


# What each action and each resource looks like.
_FORMS = (
    (
        "Action",
        re.compile(r"\*\Z|[\w*?-]+:[\w*?-]+\Z"),
        "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
    ),
    ("Resource", re.compile(r"arn:|\*|\$\{"), 'Resource must be in ARN format or "*"'),
)


def _texts(key: str, value: Any) -> list[Any]:
    """The values of an element; principals stand under their kinds."""
    if key == "Principal" and isinstance(value, dict):
        return [item for entry in value.values() for item in _texts("", entry)]
    return value if isinstance(value, list) else [value]
