"""`toolgate:targets`: what differs in this stack from a target's own settings, and targets that are there already."""

from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from toolgate.components.checks import identifiers
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants.tool_grants import Available
from toolgate.components.runtime import network
from toolgate.components.settings import places
from toolgate.components.settings.places import NetworkConfig
from toolgate.components.settings.target_credentials import TargetCredentialConfig
from toolgate.components.settings.values import NAMESPACE
from toolgate.components.tools import tools_file
from toolgate.components.tools.listed_schema import ToolSchema
from toolgate.components.tools.target_settings import TargetSettings


class TargetConfig(TypedDict):
    """One entry of `toolgate:targets`: what differs in this stack from what the target's own `target.py` says."""

    memorySize: NotRequired[int]
    """Memory of its function in MB."""
    timeout: NotRequired[int]
    """Longest run in seconds."""
    environment: NotRequired[dict[str, str]]
    """Environment variables; the target's others stay."""
    secrets: NotRequired[dict[str, str]]
    """By environment variable: ARN of what may be read; the target's others stay."""
    network: NotRequired[NetworkConfig]
    """The VPC of its function."""
    reservedConcurrency: NotRequired[int]
    """So many may run at once."""
    roleArn: NotRequired[str]
    """ARN of an existing role."""
    server: NotRequired[str]
    """Where the API is, for a folder of `apis/`."""
    credential: NotRequired[TargetCredentialConfig]
    """What the gateway signs in to the API with; in the place of what its `api.py` says."""
    functionArn: NotRequired[str]
    """ARN of an existing function, for a target that has no folder; with `tools`, and nothing else."""
    tools: NotRequired[str]
    """Path of the JSON file with that function's tools, relative to the program."""


class ExistingTarget(TypedDict):
    """A function that is there already, as a ToolGateway takes it."""

    function_arn: str
    """ARN of the function."""
    tools: list[ToolSchema]
    """The tools it serves."""


# In a stack's configuration -> of LambdaTools.
_KEYS = {
    "memorySize": "memory_size",
    "timeout": "timeout",
    "environment": "environment",
    "secrets": "secrets",
    "reservedConcurrency": "reserved_concurrency",
    "roleArn": "role_arn",
}


def existing(config: Mapping[str, Any], folders: Container[str]) -> dict[str, ExistingTarget]:
    """The targets whose functions are there already.

    Args:
        config: The stack's configuration.
        folders: The targets that have a folder.

    Raises:
        UsageError: One has a folder as well, lacks a key or has one too many, or its tools cannot be read.
    """
    found: dict[str, ExistingTarget] = {}
    for name, entry in config.get("targets", {}).items():
        where = f"{NAMESPACE}:targets.{name}"
        if not {"functionArn", "tools"} & entry.keys():
            continue
        if name in folders:
            raise UsageError(
                f"{where}: has a folder, of which its function is made. Rename it, or remove 'functionArn'."
            )
        for key in ("functionArn", "tools"):
            if key not in entry:
                raise UsageError(f"{where}: missing {key!r}: a function that is there already has both.")
        if others := sorted(entry.keys() - {"functionArn", "tools"}):
            raise UsageError(f"{where}: {', '.join(others)} is for a function that is made here. Remove it.")
        identifiers.check(identifiers.FUNCTION, entry["functionArn"], f"{where}.functionArn")
        tools = tools_file.read(Path(entry["tools"]), f"{where}.tools")
        found[name] = {"function_arn": entry["functionArn"], "tools": tools}
    return found


def of_folders(config: Mapping[str, Any], folders: Available, others: Container[str]) -> dict[str, TargetSettings]:
    """What the stack says of the targets that have a folder.

    Args:
        config: The stack's configuration.
        folders: The targets that have a folder.
        others: Those whose functions are there already.

    Raises:
        UsageError: There is no such target, or its VPC is none.
    """
    settings: dict[str, TargetSettings] = {}
    for name, entry in config.get("targets", {}).items():
        where = f"{NAMESPACE}:targets.{name}"
        if name in others:
            continue
        if name not in folders:
            raise UsageError(
                f"{where}: there is no such target. There are: {', '.join(sorted(folders))}. One whose function is "
                "there already has 'functionArn' and 'tools'."
            )
        said: dict[str, Any] = {ours: entry[key] for key, ours in _KEYS.items() if key in entry}
        if place := places.read(entry, f"{where}.network", network.MOST_GROUPS_OF_FUNCTION):
            said["network"] = place
        settings[name] = said  # type: ignore[assignment]  # by its keys, which the table has
    return settings
