"""The VPC that an agent's runtime or a tool's function is put into."""

from collections.abc import Sequence
from typing import Any, TypedDict

import pulumi

from toolgate.components.checks import arguments, identifiers
from toolgate.components.checks.identifiers import Identifier

# botocore bedrock-agentcore-control Subnets, SecurityGroups; lambda SubnetIds, SecurityGroupIds
MOST = 16
MOST_GROUPS_OF_FUNCTION = 5


class Network(TypedDict):
    """Where in a VPC network interfaces are, and what they may reach."""

    subnets: list[pulumi.Input[str]]
    """Ids of 1 to 16 private subnets; an agent's in Availability Zones that AgentCore supports."""
    security_groups: list[pulumi.Input[str]]
    """Ids of 1 to 16 security groups; of a function at most 5."""


def check(network: Network | None, where: str, most_groups: int = MOST) -> None:
    """Check a network before anything is made.

    Raises:
        UsageError: There are too few or too many ids, or one is no id.
    """
    if network is not None:
        check_ids(identifiers.SUBNET, network["subnets"], f"{where}.subnets")
        check_ids(identifiers.SECURITY_GROUP, network["security_groups"], f"{where}.security_groups", most_groups)


def check_ids(kind: Identifier, ids: Sequence[Any], where: str, most: int = MOST) -> None:
    """Check the ids of one kind.

    Raises:
        UsageError: There are too few or too many of them, or one is no id.
    """
    arguments.within(len(ids), 1, most, f"{where}: number of ids")
    for index, value in enumerate(ids):
        identifiers.check(kind, value, f"{where}[{index}]")


def configuration(network: Network | None) -> dict[str, Any]:
    """The runtime's network configuration; without a network the internet."""
    if network is None:
        return {"network_mode": "PUBLIC"}
    return {"network_mode": "VPC", "network_mode_config": dict(network)}
