"""The gateways whose tools the agent was handed: a session kept with each, its tools, their calls and results."""

from .gateway import Gateway, Gateways, GatewayTool

__all__ = ["Gateway", "GatewayTool", "Gateways"]
