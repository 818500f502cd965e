"""Short names for people: of principals and gateways."""

from toolgate.policy.language.arns import account_of


def principal(arn: str, agent: str | None, gateway: str) -> str:
    """An agent's name, `*`, or else what the ARN ends in; with the account where it is not the gateway's."""
    if agent is not None or ":" not in arn:
        return agent or arn
    account = account_of(arn)
    name = arn.rsplit(":", 1)[-1]
    return name if account == account_of(gateway) else f"{account}:{name}"


def gateway(arn: str) -> str:
    """A gateway's id."""
    return arn.rsplit("/", 1)[-1]
