"""How a reader is told of a principal and of a gateway."""

from toolgate.access.iam.identities import ANY_CALLER
from toolgate.policy.language.arns import account_of

ANYBODY = "anybody"
"""What a reader is told of `*`."""


def principal_label(arn: str, agent: str | None, gateway: str) -> str:
    """An agent's name, what is no ARN as it is, or what an ARN ends in, with an account that is not the gateway's."""
    if agent is not None or not arn.startswith("arn:"):
        return agent or arn
    account = account_of(arn)
    name = arn.rsplit(":", 1)[-1]
    return name if account in {"", account_of(gateway)} else f"{account}:{name}"


def gateway_label(arn: str) -> str:
    """A gateway's id."""
    return arn.rsplit("/", 1)[-1]


def who(arn: str, agent: str | None, near: str) -> str:
    """The same in a sentence, where `*` would not be understood; `near` is an ARN whose account goes without saying."""
    if arn == ANY_CALLER.name:
        return ANYBODY
    return principal_label(arn, agent, near if account_of(near) else arn)
