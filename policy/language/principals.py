"""Whom a statement names: the elements Principal and NotPrincipal.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html and, for what a
caller's permissions boundary still limits, access_policies_boundaries.html.
"""

from collections.abc import Iterator
from enum import StrEnum

from toolgate.policy.language import patterns
from toolgate.policy.language.arns import account_of, is_account_id
from toolgate.policy.language.documents import Principal, Statement
from toolgate.policy.language.unknown import UNKNOWN


class Named(StrEnum):
    """How a statement names a caller; what an Allow is worth depends on it."""

    EVERYBODY = "everybody"
    USER = "the user"
    ROLE = "the role"
    SESSION = "a session of the role"
    ACCOUNT = "the account"
    UNCLEAR = "by NotPrincipal"


def named(statement: Statement, arn: str | None, session: str | None = None) -> Named | None:
    """How a statement names a caller, or None when it does not.

    Args:
        statement: The statement of a resource's policy or of a trust policy.
        arn: The caller's role or user; None for somebody whom no document names.
        session: The ARN of the role's session, where it is known.
    """
    if statement.everybody_but:
        return _not_named(statement, arn, session)
    listed = aws_principals(statement)
    if "*" in listed:
        return Named.EVERYBODY
    if arn is None:
        return None
    ways = {
        Named.USER if ":user/" in arn else Named.ROLE: arn in listed,
        Named.SESSION: any(_is_session(principal, arn, session) for principal in listed),
        Named.ACCOUNT: any(is_account(it) and account_of(it) == account_of(arn) for it in listed),
    }
    return next((way for way, holds in ways.items() if holds), None)


def names_service(statement: Statement, service: str) -> bool:
    """Whether a statement is known to mean an AWS service (its principal, `<name>.amazonaws.com`), or everybody.

    `{"AWS": "*"}` means everybody that is a principal of an account, and no service.
    """
    found = any(_is_service(principal, service) for principal in statement.principals)
    return found != statement.everybody_but


# In China a service's principal is written with the partition's own suffix or with the general one (provider's look-up
# getServicePrincipal; what IAM itself takes there was not seen by us). Elsewhere nobody's ends with it.
_CHINA = ".cn"


def _is_service(principal: Principal, service: str) -> bool:
    if principal.value is UNKNOWN or principal.kind not in ("service", "*"):
        return False
    pattern = patterns.read(principal.value.lower().removesuffix(_CHINA))
    return not pattern.holes and pattern.reaches(patterns.one(service.removesuffix(_CHINA)))


def aws_principals(statement: Statement) -> list[str]:
    """The principals of kind AWS that a statement writes: ARNs, account ids or `*`."""
    return [it.value for it in statement.principals if it.kind in ("aws", "*") and it.value is not UNKNOWN]


def services(statement: Statement) -> list[str]:
    """The AWS services that a statement writes, by their principals."""
    return [it.value for it in statement.principals if it.kind == "service" and it.value is not UNKNOWN]


_KINDS = {"service": "Service", "federated": "Federated", "canonicaluser": "CanonicalUser"}


def other_principals(statement: Statement) -> Iterator[str]:
    """The principals of other kinds, each with its kind before it."""
    for principal in statement.principals:
        if principal.kind not in ("aws", "*"):
            yield f"{_KINDS.get(principal.kind, principal.kind)} {principal.value}"


def is_account(principal: str) -> bool:
    """Whether a principal is a whole account, written as its id or as its root user."""
    return is_account_id(principal) or principal.endswith(":root")


def _not_named(statement: Statement, arn: str | None, session: str | None) -> Named | None:
    if statement.allow is not False:  # IAM refuses it for most services; for the others it is everybody else
        return Named.UNCLEAR
    if arn is None:
        return Named.EVERYBODY
    concerned = any(
        it == arn or _is_session(it, arn, session) or account_of(it) == account_of(arn)
        for it in aws_principals(statement)
    )
    # A denial spares a session only if its role, its session and its account are all listed.
    return Named.UNCLEAR if concerned else Named.EVERYBODY


def _is_session(principal: str, arn: str, session: str | None) -> bool:
    if session is not None:
        return principal == session
    _, _, written = principal.partition(":assumed-role/")
    same = written.split("/")[0] == arn.rpartition("/")[2] and account_of(principal) == account_of(arn)
    return bool(written) and ":role/" in arn and same
