"""Other agents as tools."""

from .asked_agents import AskedAgent, Asking, handed

__all__ = ["AskedAgent", "Asking", "handed"]
