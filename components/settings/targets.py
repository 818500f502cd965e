"""`toolgate:targets`: what differs in this stack from a target's own settings, and targets that are there already."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
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
from toolgate.components.targets import recorded_server
from toolgate.components.targets.kinds import GatewayTarget
from toolgate.components.tools import tools_file
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
    remoteServer: NotRequired[str]
    """Path of the file that `toolgate record` writes of an MCP server of others, relative to the program."""


@dataclass(frozen=True)
class _Form:
    """What a target that has no folder is written with.

    Attributes:
        what: What it is, for messages.
        needs: The keys that it has.
        read: The target of it.
    """

    what: str
    needs: Sequence[str]
    read: Callable[[Mapping[str, Any], str], GatewayTarget]


def _function(entry: Mapping[str, Any], where: str) -> GatewayTarget:
    identifiers.check(identifiers.FUNCTION, entry["functionArn"], f"{where}.functionArn")
    return {"function_arn": entry["functionArn"], "tools": tools_file.read(Path(entry["tools"]), f"{where}.tools")}


def _remote_server(entry: Mapping[str, Any], where: str) -> GatewayTarget:
    return recorded_server.read(Path(entry["remoteServer"]), f"{where}.remoteServer")


_FORMS = (
    _Form("a function that is there already", ("functionArn", "tools"), _function),
    _Form("an MCP server of others", ("remoteServer",), _remote_server),
)

# In a stack's configuration -> of LambdaTools.
_KEYS = {
    "memorySize": "memory_size",
    "timeout": "timeout",
    "environment": "environment",
    "secrets": "secrets",
    "reservedConcurrency": "reserved_concurrency",
    "roleArn": "role_arn",
}


def existing(config: Mapping[str, Any], folders: Container[str]) -> dict[str, GatewayTarget]:
    """The targets that have no folder: what is behind them is there already.

    Args:
        config: The stack's configuration.
        folders: The targets that have a folder.

    Raises:
        UsageError: One has a folder as well, lacks a key or has one too many, or its tools cannot be read.
    """
    found: dict[str, GatewayTarget] = {}
    for name, entry in config.get("targets", {}).items():
        where = f"{NAMESPACE}:targets.{name}"
        form = next((it for it in _FORMS if entry.keys() & {*it.needs}), None)
        if form is None:
            continue
        if name in folders:
            raise UsageError(f"{where}: has a folder, of which it is made. Rename it, or remove {form.needs[0]!r}.")
        for key in form.needs:
            if key not in entry:
                raise UsageError(f"{where}: missing {key!r}: {form.what} has {' and '.join(form.needs)}.")
        if others := sorted(entry.keys() - {*form.needs}):
            raise UsageError(f"{where}: {', '.join(others)} is not for {form.what}. Remove it.")
        found[name] = form.read(entry, where)
    return found


def of_folders(config: Mapping[str, Any], folders: Available, others: Container[str]) -> dict[str, TargetSettings]:
    """What the stack says of the targets that have a folder.

    Args:
        config: The stack's configuration.
        folders: The targets that have a folder.
        others: Those that have none.

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
                f"{where}: there is no such target. There are: {', '.join(sorted(folders))}. One without a folder "
                f"has: {'; '.join(f'{" and ".join(it.needs)} ({it.what})' for it in _FORMS)}."
            )
        said: dict[str, Any] = {ours: entry[key] for key, ours in _KEYS.items() if key in entry}
        if place := places.read(entry, f"{where}.network", network.MOST_GROUPS_OF_FUNCTION):
            said["network"] = place
        settings[name] = said  # type: ignore[assignment]  # by its keys, which the table has
    return settings
