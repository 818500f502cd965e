"""Which tools the gateways that are served here offer to whom: each caller is asked for, in its own place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from toolgate.local.gateway_client import GatewayClient
from toolgate.local.serve.serving_file import Caller, Endpoint


@dataclass(frozen=True)
class Offer:
    """A tool as a gateway offers it to an agent.

    Attributes:
        agent: The agent or client.
        gateway: The gateway as that reaches it.
        tool: The tool as `tools/list` has it.
    """

    agent: str
    gateway: Endpoint
    tool: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The tool's full name."""
        return str(self.tool["name"])

    @property
    def description(self) -> str:
        """What the model is told of it."""
        return self.tool.get("description") or ""


def offers(callers: Mapping[str, Caller], region: str) -> Iterator[Offer]:
    """What each caller is offered by each of its gateways.

    Args:
        callers: The agents and clients by their names.
        region: The Region to sign for.

    Raises:
        UnreachableError: A gateway does not answer.
    """
    for agent, caller in callers.items():
        for gateway in caller.gateways:
            answer = GatewayClient(gateway, caller.credentials, region).ask("tools/list", {})
            for tool in (answer.message.get("result") or {}).get("tools", ()):
                yield Offer(agent, gateway, tool)
