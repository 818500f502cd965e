"""What an MCP server's own `target.py` says about it, as a target's does about its function (`target_settings`)."""

import enum
from pathlib import Path
from typing import NotRequired, TypedDict

import pulumi

from toolgate.components.iam.role_statements import RoleStatement
from toolgate.components.runtime.agentcore_runtime import Lifecycle
from toolgate.components.runtime.network import Network
from toolgate.components.servers.server_folder import FOLDER
from toolgate.components.tools import target_settings
from toolgate.components.tools.target_settings import Settings


class Undecided(enum.Enum):
    """What a server serves besides tools: no policy of a gateway decides who gets it."""

    PROMPTS = "prompts"
    """Its prompts."""
    RESOURCES = "resources"
    """Its resources, and templates of such."""


class ServerSettings(TypedDict):
    """What a server says about itself; `McpServerArgs` has the meaning of each key."""

    description: NotRequired[pulumi.Input[str]]
    """What the server is for."""
    environment: NotRequired[dict[str, pulumi.Input[str]]]
    """Environment variables."""
    statements: NotRequired[list[RoleStatement]]
    """What the server may do."""
    secrets: NotRequired[dict[str, pulumi.Input[str]]]
    """By environment variable: ARN of what may be read."""
    lifecycle: NotRequired[Lifecycle]
    """How long its sessions live."""
    network: NotRequired[Network]
    """The VPC that it reaches things through."""
    undecided: NotRequired[list[Undecided]]
    """What it serves besides tools and is accepted all the same: `prompts`, `resources`."""


def read(directory: Path) -> Settings:
    """The settings of a server, not asked for yet.

    Raises:
        UsageError: `target.py` is not as it must be.
    """
    return target_settings.read(directory, FOLDER, ServerSettings)
