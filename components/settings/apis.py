"""The program's APIs: folders of `apis/`, stages of API Gateway, and what `toolgate:targets` says of them."""

import json
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolgate.components import api_gateway_tools, open_api_tools
from toolgate.components.api_gateway_tools import ApiGatewayToolsArgs
from toolgate.components.apis import document_file
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants.tool_grants import Available
from toolgate.components.open_api_tools import ApiSettings
from toolgate.components.settings import target_credentials, targets
from toolgate.components.settings.values import NAMESPACE
from toolgate.components.targets import kinds
from toolgate.components.targets.kinds import GatewayTarget
from toolgate.components.tools.listed_schema import ToolSchema

FOLDERS = Path("apis")
_KEYS = ("server", "credential")
_STAGE = ("restApi", "stage", "document")


def read_apis() -> dict[str, list[ToolSchema]]:
    """The tools of every API of the program by target name; an API is a folder with a document, and named for it.

    Raises:
        UsageError: AgentCore would refuse a document. Each mistake of every one is on a line of its own.
    """
    folders = sorted({path.parent for name in document_file.NAMES for path in FOLDERS.glob(f"*/{name}")})
    found: dict[str, list[ToolSchema]] = {}
    mistakes: list[str] = []
    for folder in folders:
        try:
            found[folder.name] = open_api_tools.read(folder, folder.name, any_server=True).tools
        except UsageError as error:
            mistakes.append(str(error))
    if mistakes:
        raise UsageError("\n".join(mistakes))
    return found


def settings(config: Mapping[str, Any], apis: Available, others: Available) -> dict[str, ApiSettings]:
    """What the stack says of its APIs.

    Args:
        config: The stack's configuration.
        apis: The APIs' tools.
        others: Those of targets of another kind.

    Raises:
        UsageError: An API has the name of another target, a key is not for an API, or one is for APIs only.
    """
    targets.check_names(FOLDERS, apis, others)
    found: dict[str, ApiSettings] = {}
    for name, entry in config.get("targets", {}).items():
        where = f"{NAMESPACE}:targets.{name}"
        if name not in apis:
            if of_apis := sorted(entry.keys() & {*_KEYS}):
                raise UsageError(f"{where}: {', '.join(of_apis)} is for an API, a folder of {FOLDERS}/. Remove it.")
            continue
        if of_others := sorted(entry.keys() - {*_KEYS}):
            raise UsageError(f"{where}: {', '.join(of_others)} is not for an API. It takes {' and '.join(_KEYS)}.")
        said: ApiSettings = {}
        if "server" in entry:
            said["server"] = entry["server"]
        if "credential" in entry:
            said["credential"] = target_credentials.read(entry["credential"], f"{where}.credential")
        found[name] = said
    return found


@dataclass(frozen=True)
class Stage:
    """A target that is a stage of API Gateway: the arguments of its component, and the target that comes of them."""

    args: ApiGatewayToolsArgs
    target: GatewayTarget


def stages(config: Mapping[str, Any], folders: Container[str]) -> dict[str, Stage]:
    """The targets that are stages of API Gateway.

    Args:
        config: The stack's configuration.
        folders: The targets that have a folder.

    Raises:
        UsageError: One has a folder as well, lacks a key or has one too many, or AgentCore would refuse it.
    """
    found: dict[str, Stage] = {}
    for name, entry in config.get("targets", {}).items():
        where = f"{NAMESPACE}:targets.{name}"
        if _STAGE[0] not in entry:
            continue
        if name in folders:
            raise UsageError(f"{where}: has a folder, of which it is made. Rename it, or remove {_STAGE[0]!r}.")
        if missing := [key for key in _STAGE if key not in entry]:
            raise UsageError(f"{where}: missing {missing[0]!r}: a stage of API Gateway has {', '.join(_STAGE)}.")
        if others := sorted(entry.keys() - {*_STAGE, "operations", "credential"}):
            raise UsageError(f"{where}: {', '.join(others)} is not for a stage of API Gateway. Remove it.")
        args: ApiGatewayToolsArgs = {
            "rest_api_id": entry["restApi"],
            "stage": entry["stage"],
            "document": json.dumps(document_file.read(Path(entry["document"]))),
        }
        if "operations" in entry:
            args["operations"] = entry["operations"]
        if "credential" in entry:
            args["credential"] = target_credentials.read(entry["credential"], f"{where}.credential")
        target = api_gateway_tools.read(name, args)
        kinds.check({name: target}, f"{NAMESPACE}:targets")
        found[name] = Stage(args, target)
    return found
