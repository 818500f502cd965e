"""The parts of an ARN that documents are asked for."""

import re

ACCOUNT = re.compile(r"[0-9]{12}")
_ARN = re.compile(r"arn:(?P<partition>[^:]*):(?P<service>[^:]*):(?P<region>[^:]*):(?P<account>[^:]*):(?P<resource>.+)")


def is_account_id(text: str | None) -> bool:
    """Whether the text is one account id, exactly."""
    return text is not None and ACCOUNT.fullmatch(text) is not None


def account_in(arn: str) -> str | None:
    """The account an ARN or ARN pattern names exactly, if it does."""
    match = _ARN.match(arn)
    return match["account"] if match and is_account_id(match["account"]) else None


def service_in(arn: str) -> str | None:
    """The service field of an ARN or ARN pattern."""
    match = _ARN.match(arn)
    return match["service"] if match else None


def partition_of(arn: str) -> str:
    """The partition of an ARN; `aws` for a text that is no ARN."""
    match = _ARN.match(arn)
    return match["partition"] if match else "aws"


def region_in(arn: str) -> str | None:
    """The Region of an ARN; None where it has none, or for a text that is no ARN."""
    match = _ARN.match(arn)
    return match["region"] or None if match else None


def account_of(principal: str) -> str:
    """The account of a principal, which is an ARN or an account id; empty where it does not say."""
    return principal if is_account_id(principal) else account_in(principal) or ""
