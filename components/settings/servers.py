"""The program's MCP servers, which are folders of `servers/`, and what `toolgate:targets` says of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NotRequired

import pulumi

from toolgate.components.checks import names
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants.tool_grants import Available
from toolgate.components.runtime import network
from toolgate.components.servers import listing, server_folder, tool_schemas
from toolgate.components.servers.server_settings import ServerSettings
from toolgate.components.settings import places, targets
from toolgate.components.settings.gateways import Gateways
from toolgate.components.settings.values import NAMESPACE
from toolgate.components.tools.listed_schema import ToolSchema

FOLDERS = Path("servers")
# In a stack's configuration -> of McpServer.
_KEYS = {"environment": "environment", "secrets": "secrets", "roleArn": "role_arn"}
_TAKEN = (*_KEYS, "network")


class StackServer(ServerSettings):
    """What a stack says of a server: what its `target.py` may say, and its role."""

    role_arn: NotRequired[str]
    """ARN of an existing role."""


def read_servers() -> dict[str, list[ToolSchema]]:
    """The tools of every MCP server of the program by target name; a server is a folder, and named for it.

    Raises:
        UsageError: One cannot be read, or lists what cannot be handed to agents. Each mistake of every one is on a line
            of its own.
    """
    folders = {name: server_folder.read(path) for name, path in server_folder.folders(FOLDERS).items()}
    found: dict[str, list[ToolSchema]] = {}
    wrong: list[str] = []
    for name, read in listing.read_all(folders).items():
        try:
            found[name] = tool_schemas.listed(read.tools, name, str(FOLDERS / name / server_folder.SERVER))
        except UsageError as error:
            wrong.append(str(error))
    if wrong:
        raise UsageError("\n".join(wrong))
    return found


def settings(config: Mapping[str, Any], servers: Available, others: Available) -> dict[str, StackServer]:
    """What the stack says of its MCP servers.

    Args:
        config: The stack's configuration.
        servers: The servers' tools.
        others: Those of targets of another kind.

    Raises:
        UsageError: A server has the name of another target, AWS would refuse its runtime's name, or a key is not for a
            server.
    """
    targets.check_names(FOLDERS, servers, others)
    for name in servers:
        names.runtime(pulumi.get_project(), pulumi.get_stack(), name)
    found: dict[str, StackServer] = {}
    for name, entry in config.get("targets", {}).items():
        where = f"{NAMESPACE}:targets.{name}"
        if name not in servers:
            continue
        if of_others := sorted(entry.keys() - {*_TAKEN}):
            raise UsageError(f"{where}: {', '.join(of_others)} is not for an MCP server. It takes {', '.join(_TAKEN)}.")
        said: dict[str, Any] = {ours: entry[key] for key, ours in _KEYS.items() if key in entry}
        if place := places.read(entry, f"{where}.network", network.MOST):
            said["network"] = place
        found[name] = said  # type: ignore[assignment]  # by its keys, which the table has
    return found


def check_place(servers: Available, gateways: Gateways) -> None:
    """Check that each server is behind one gateway, whose role alone reaches it.

    Raises:
        UsageError: One is behind several.
    """
    for name in servers:
        behind = [gateway for gateway, it in gateways.by_name.items() if name in it.available]
        if len(behind) > 1:
            raise UsageError(
                f"{NAMESPACE}:gateways: the MCP server {name!r} is behind {' and '.join(map(repr, behind))}, and only "
                "one gateway's role may reach it. Name each gateway's targets, and the server in one of them; another "
                "gateway gets a second folder with the same server."
            )


def check_names(servers: Available, agents: Mapping[str, Any]) -> None:
    """Check that no server's runtime has an agent's name.

    Raises:
        UsageError: One has.
    """
    project, stack = pulumi.get_project(), pulumi.get_stack()
    made = {names.runtime(project, stack, agent): agent for agent in agents}
    for server in servers:
        if (name := names.runtime(project, stack, server)) in made:
            raise UsageError(
                f"{FOLDERS / server}: gets the same runtime name {name!r} as the agent {made[name]!r}. Rename one."
            )
