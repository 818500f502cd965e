"""The VPC that an agent's runtime is put into."""

from typing import Any, TypedDict

import pulumi

from components import arguments, identifiers

# botocore bedrock-agentcore-control Subnets, SecurityGroups
MOST = 16


class Network(TypedDict):
    """Where in a VPC an agent's network interfaces are, and what they may reach."""

    subnets: list[pulumi.Input[str]]
    """Ids of 1 to 16 private subnets, in Availability Zones that AgentCore supports."""
    security_groups: list[pulumi.Input[str]]
    """Ids of 1 to 16 security groups."""


def check(network: Network | None, where: str) -> None:
    """Check a network before anything is made.

    Raises:
        UsageError: There are too few or too many ids, or one is no id.
    """
    if network is None:
        return
    for key, kind in (("subnets", identifiers.SUBNET), ("security_groups", identifiers.SECURITY_GROUP)):
        ids: list[Any] = network[key]  # type: ignore[literal-required]
        arguments.within(len(ids), 1, MOST, f"{where}.{key}: number of ids")
        for index, value in enumerate(ids):
            identifiers.check(kind, value, f"{where}.{key}[{index}]")


def configuration(network: Network | None) -> dict[str, Any]:
    """The runtime's network configuration; without a network the internet."""
    if network is None:
        return {"network_mode": "PUBLIC"}
    return {"network_mode": "VPC", "network_mode_config": dict(network)}
