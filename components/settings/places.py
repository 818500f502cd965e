"""The VPC of agents, or of a target's function."""

from typing import Any, TypedDict

from toolgate.components.checks import identifiers
from toolgate.components.runtime import network
from toolgate.components.runtime.network import Network


class NetworkConfig(TypedDict):
    """`toolgate:network`, and a target's `network`."""

    subnets: list[str]
    """Ids of private subnets."""
    securityGroups: list[str]
    """Ids of security groups."""


def read(entry: Any, where: str, most_groups: int = network.MOST) -> Network | None:
    """The VPC; None where the entry names none.

    Args:
        entry: What may have the key `network`.
        where: Its place, for messages.
        most_groups: How many security groups AWS takes there.

    Raises:
        UsageError: An id is none, or there are too many.
    """
    if "network" not in entry:
        return None
    subnets, groups = entry["network"]["subnets"], entry["network"]["securityGroups"]
    network.check_ids(identifiers.SUBNET, subnets, f"{where}.subnets")
    network.check_ids(identifiers.SECURITY_GROUP, groups, f"{where}.securityGroups", most_groups)
    return {"subnets": subnets, "security_groups": groups}
