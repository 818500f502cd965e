"""Whom a resource policy's statement names: the elements Principal and NotPrincipal.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html and, for what a
caller's permissions boundary still limits, access_policies_boundaries.html.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from toolgate.access.iam.identities import ANY_CALLER, Identity, account_of


class Named(StrEnum):
    """How a statement names a caller; what an Allow is worth depends on it."""

    EVERYBODY = "everybody"
    USER = "the user"
    ROLE = "the role"
    SESSION = "a session of the role"
    ACCOUNT = "the account"
    UNCLEAR = "by NotPrincipal"


def named(statement: Mapping[str, Any], caller: Identity) -> Named | None:
    """How a statement of a resource policy names the caller, or None when it does not."""
    if "NotPrincipal" in statement:
        return _not_named(statement, caller)
    listed = aws_principals(statement)
    if "*" in listed:
        return Named.EVERYBODY
    if caller is ANY_CALLER:
        return None
    ways = {
        Named.USER if ":user/" in caller.arn else Named.ROLE: caller.arn in listed,
        Named.SESSION: any(_is_session(p, caller) for p in listed),
        Named.ACCOUNT: any(is_account(p) and account_of(p) == caller.account for p in listed),
    }
    return next((way for way, holds in ways.items() if holds), None)


def aws_principals(statement: Mapping[str, Any], element: str = "Principal") -> list[str]:
    """The principals of kind AWS in a statement: ARNs, account ids or `*`."""
    principal = statement.get(element)
    if isinstance(principal, Mapping):
        principal = principal.get("AWS")
    return [] if principal is None else as_texts(principal)


def other_principals(statement: Mapping[str, Any]) -> list[str]:
    """The principals of other kinds (Service, Federated, CanonicalUser), each with its kind before it."""
    principal = statement.get("Principal")
    kinds = principal if isinstance(principal, Mapping) else {}
    return [f"{kind} {value}" for kind, values in kinds.items() if kind != "AWS" for value in as_texts(values)]


def is_account(principal: str) -> bool:
    """Whether a principal is a whole account, written as its id or as its root user."""
    return principal.isdigit() or principal.endswith(":root")


def as_texts(value: Any) -> list[str]:
    """A policy's value, which may be one or a list, as a list of texts."""
    return [str(item) for item in (value if isinstance(value, list) else [value])]


def _not_named(statement: Mapping[str, Any], caller: Identity) -> Named | None:
    listed = aws_principals(statement, "NotPrincipal")
    if statement.get("Effect") == "Allow":  # IAM refuses it for most services; for the others it is everybody else
        return Named.UNCLEAR
    concerned = any(p == caller.arn or _is_session(p, caller) or account_of(p) == caller.account for p in listed)
    # A denial spares a session only if its role, its session and its account are all listed.
    return Named.UNCLEAR if concerned else Named.EVERYBODY


def _is_session(principal: str, caller: Identity) -> bool:
    _, _, session = principal.partition(":assumed-role/")
    same = session.split("/")[0] == caller.name and account_of(principal) == caller.account
    return bool(session) and ":role/" in caller.arn and same
