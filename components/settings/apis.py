"""The program's APIs, which are folders of `apis/`, and what `toolgate:targets` says of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from toolgate.components import open_api_tools
from toolgate.components.apis import document_file
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants.tool_grants import Available
from toolgate.components.open_api_tools import ApiSettings
from toolgate.components.settings import target_credentials, targets
from toolgate.components.settings.values import NAMESPACE
from toolgate.components.tools.listed_schema import ToolSchema

FOLDERS = Path("apis")
_KEYS = ("server", "credential")


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
