"""`toolgate:targets`: what differs in this stack from a target's own settings, and targets that are there already."""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from toolgate.components.apis.rest_api import StageMethodArgs
from toolgate.components.checks import identifiers
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants.tool_grants import Available
from toolgate.components.runtime import network
from toolgate.components.servers.server_settings import Undecided
from toolgate.components.settings import other_gateways, places, target_credentials
from toolgate.components.settings.places import NetworkConfig
from toolgate.components.settings.target_credentials import TargetCredentialConfig
from toolgate.components.settings.values import NAMESPACE
from toolgate.components.targets import connectors, kinds, recorded_server
from toolgate.components.targets.kinds import GatewayTarget
from toolgate.components.tools import tools_file
from toolgate.components.tools.target_settings import TargetSettings


class WebSearchConfig(TypedDict):
    """A target that searches the web."""

    includeDomains: NotRequired[list[str]]
    """Only these are searched; takes version 1.2.0. Default: all."""
    excludeDomains: NotRequired[list[str]]
    """These are not. Default: none."""
    version: NotRequired[str]
    """The connector's. Default: AWS's when the target is made."""


class KnowledgeBaseConfig(TypedDict):
    """A target that asks a managed knowledge base."""

    arn: str
    """Its ARN."""
    agentic: NotRequired[bool]
    """Whether it has the tool `AgenticRetrieveStream` as well. Default: false."""
    results: NotRequired[int]
    """How many passages `Retrieve` gives. Default: AWS's."""
    version: NotRequired[str]
    """The connector's. Default: AWS's when the target is made."""


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
    restApi: NotRequired[str]
    """Id of a REST API that is there already; with `stage`, `document`, and besides them `operations`, `credential`."""
    stage: NotRequired[str]
    """Name of that API's stage."""
    document: NotRequired[str]
    """Path of the OpenAPI document that it is made of, relative to the program."""
    operations: NotRequired[dict[str, StageMethodArgs]]
    """The methods that are tools, by their tools' names. Default: every one."""
    functionArn: NotRequired[str]
    """ARN of an existing function, for a target that has no folder; with `tools`, and nothing else."""
    tools: NotRequired[str]
    """Path of the JSON file with that function's tools, relative to the program."""
    remoteServer: NotRequired[str]
    """Path of the file that `toolgate record` writes of an MCP server of others, relative to the program."""
    undecided: NotRequired[list[Undecided]]
    """What that server may serve besides tools: `prompts`, `resources`."""
    gateway: NotRequired[str]
    """Name of another gateway of this stack, all of whose tools it has; and nothing else."""
    gatewayArn: NotRequired[str]
    """ARN of an existing gateway; with `tools`, whose names are full ones, and nothing else."""
    webSearch: NotRequired[WebSearchConfig]
    """That it searches the web; and nothing else."""
    knowledgeBase: NotRequired[KnowledgeBaseConfig]
    """A knowledge base that Amazon Bedrock manages; and nothing else."""


@dataclass(frozen=True)
class _Form:
    """What a target that has no folder is written with.

    Attributes:
        what: What it is, for messages.
        needs: The keys that it has.
        may: Those that it may have besides.
        read: The target of it.
    """

    what: str
    needs: Sequence[str]
    may: Sequence[str]
    read: Callable[[Mapping[str, Any], str], GatewayTarget]


def _function(entry: Mapping[str, Any], where: str) -> GatewayTarget:
    identifiers.check(identifiers.FUNCTION, entry["functionArn"], f"{where}.functionArn")
    return {"function_arn": entry["functionArn"], "tools": tools_file.read(Path(entry["tools"]), f"{where}.tools")}


def _remote_server(entry: Mapping[str, Any], where: str) -> GatewayTarget:
    target = recorded_server.read(Path(entry["remoteServer"]), f"{where}.remoteServer")
    if "credential" in entry:
        target["remote_server"]["credential"] = target_credentials.read(entry["credential"], f"{where}.credential")
    if "undecided" in entry:
        target["remote_server"]["undecided"] = entry["undecided"]
    return target


def _gateway(entry: Mapping[str, Any], where: str) -> GatewayTarget:
    arn = entry["gatewayArn"]
    identifiers.check(identifiers.GATEWAY, arn, f"{where}.gatewayArn")
    tools = tools_file.read(Path(entry["tools"]), f"{where}.tools")
    named = [tool["name"] for tool in tools]
    return {
        "gateway": {"gateway_arn": arn, "gateway_url": other_gateways.endpoint(arn), "tools": named},
        "tools": tools,
    }


def _web_search(entry: Mapping[str, Any], _where: str) -> GatewayTarget:
    given = entry["webSearch"]
    return connectors.web_search(
        include_domains=given.get("includeDomains", ()),
        exclude_domains=given.get("excludeDomains", ()),
        version=given.get("version"),
    )


def _knowledge_base(entry: Mapping[str, Any], _where: str) -> GatewayTarget:
    return connectors.knowledge_base(**entry["knowledgeBase"])


_FORMS = (
    _Form("an MCP server of others", ("remoteServer",), ("credential", "undecided"), _remote_server),
    _Form("a gateway that is there already", ("gatewayArn", "tools"), (), _gateway),
    _Form("web search", ("webSearch",), (), _web_search),
    _Form("a knowledge base", ("knowledgeBase",), (), _knowledge_base),
    _Form("a function that is there already", ("functionArn", "tools"), (), _function),
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
        form = _form(entry)
        if form is None:
            continue
        if name in folders:
            raise UsageError(f"{where}: has a folder, of which it is made. Rename it, or remove {form.needs[0]!r}.")
        for key in form.needs:
            if key not in entry:
                raise UsageError(f"{where}: missing {key!r}: {form.what} has {' and '.join(form.needs)}.")
        if others := sorted(entry.keys() - {*form.needs, *form.may}):
            raise UsageError(f"{where}: {', '.join(others)} is not for {form.what}. Remove it.")
        target = form.read(entry, where)
        kinds.check({name: target}, f"{NAMESPACE}:targets")
        found[name] = target
    return found


def _form(entry: Mapping[str, Any]) -> _Form | None:
    """What it is written as: by its first key, or by the tools that only a function has alone."""
    first = next((it for it in _FORMS if it.needs[0] in entry), None)
    return _FORMS[-1] if first is None and "tools" in entry else first


def inner_gateways(config: Mapping[str, Any], others: Container[str]) -> dict[str, str]:
    """The targets that are other gateways of the stack, with the gateway's name.

    Args:
        config: The stack's configuration.
        others: The other targets.

    Raises:
        UsageError: One has a folder as well, or says more than which gateway it is.
    """
    found: dict[str, str] = {}
    for name, entry in config.get("targets", {}).items():
        where = f"{NAMESPACE}:targets.{name}"
        if "gateway" not in entry:
            continue
        if name in others:
            raise UsageError(f"{where}: there is another target of this name. Rename it.")
        if more := sorted(entry.keys() - {"gateway"}):
            raise UsageError(f"{where}: {', '.join(more)} is not for another gateway of the stack. Remove it.")
        found[name] = entry["gateway"]
    return found


def check_names(folder: Path, names: Container[str], others: Iterable[str]) -> None:
    """Check that no target of a folder of the program's has the name of another one.

    Args:
        folder: The folder.
        names: Its targets.
        others: Those of other folders, and those that are there already.

    Raises:
        UsageError: One has.
    """
    for name in others:
        if name in names:
            raise UsageError(f"{folder / name}: there is another target of this name. Rename one.")


def of_folders_only(config: Mapping[str, Any], others: Container[str]) -> dict[str, Any]:
    """The configuration without the targets that have no folder."""
    entries = config.get("targets", {})
    return {**config, "targets": {name: entry for name, entry in entries.items() if name not in others}}


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
                f"has: {'; '.join(f'{" and ".join(it.needs)} ({it.what})' for it in _FORMS)}; "
                "restApi, stage and document (a stage of API Gateway)."
            )
        said: dict[str, Any] = {ours: entry[key] for key, ours in _KEYS.items() if key in entry}
        if place := places.read(entry, f"{where}.network", network.MOST_GROUPS_OF_FUNCTION):
            said["network"] = place
        settings[name] = said  # type: ignore[assignment]  # by its keys, which the table has
    return settings
