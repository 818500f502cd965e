"""An agent's grants on gateways that are there already."""

from collections.abc import Mapping, Sequence
from typing import TypedDict

from toolgate.components.checks import identifiers, names
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants.tool_grants import GatewayTools


class OtherGatewayConfig(TypedDict):
    """One entry of an agent's `gateways`: tools of a gateway that is there already. This is the grant."""

    arn: str
    """ARN of the gateway."""
    url: str
    """Its MCP endpoint."""
    tools: list[str]
    """Full names of the tools that are meant."""


def read(given: Sequence[OtherGatewayConfig], own: Mapping[str, str], where: str) -> list[GatewayTools]:
    """The grants.

    Args:
        given: They, as configured.
        own: The tools that the agent is handed besides, and of which gateway.
        where: Their place, for messages.

    Raises:
        UsageError: An ARN is none or there twice, a URL is another gateway's, or a tool is none or handed over twice.
    """
    seen = dict(own)
    arns: set[str] = set()
    for index, entry in enumerate(given):
        here, arn = f"{where}[{index}]", entry["arn"]
        identifiers.check(identifiers.GATEWAY, arn, f"{here}.arn")
        if arn in arns:
            raise UsageError(f"{here}.arn: {arn} is there twice. Write its tools into one entry.")
        arns.add(arn)
        if entry["url"] != (its_own := endpoint(arn)):
            raise UsageError(f"{here}.url: {entry['url']!r} is not the endpoint of {arn}. Write {its_own!r}.")
        if not entry["tools"]:
            raise UsageError(f"{here}.tools: is empty. Name the tools that are meant, or leave the entry out.")
        for tool in entry["tools"]:
            names.checked(names.FULL_TOOL, tool, advice=f"{here}.tools: write a full name, '<target>___<tool>'.")
            if tool in seen:
                raise UsageError(f"{here}.tools: {tool} is handed over by {seen[tool]} as well. Name it once.")
            seen[tool] = arn
    return [{"gateway_arn": it["arn"], "gateway_url": it["url"], "tools": [*it["tools"]]} for it in given]


def endpoint(gateway_arn: str) -> str:
    """The MCP endpoint of a gateway: its host is made of id and Region (AgentCore developer guide, its examples).

    What is signed for one gateway must not be sent anywhere else.
    """
    _, partition, _, region, _, resource = gateway_arn.split(":")
    suffix = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
    return f"https://{resource.removeprefix('gateway/')}.gateway.bedrock-agentcore.{region}.{suffix}/mcp"
