"""OpenApiTools: the operations of an API as tools behind a gateway, by its OpenAPI document."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NotRequired, TypedDict

import pulumi

from toolgate.components.apis import document_file, open_api
from toolgate.components.apis.open_api import Api, Wanted
from toolgate.components.apis.operations import OperationArgs
from toolgate.components.checks import arguments
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants import tool_grants
from toolgate.components.targets import credentials
from toolgate.components.targets.credentials import TargetCredential
from toolgate.components.targets.kinds import GatewayTarget
from toolgate.components.targets.open_api import OpenApi
from toolgate.components.tools import target_settings
from toolgate.components.tools.listed_schema import ToolSchema
from toolgate.components.tools.target_folder import Kind

OPERATIONS = "OPERATIONS"
"""What `api.py` calls the operations that are tools: known before anything is made, so outside of its function."""
API = Kind("openapi.yaml", "api.py", (), OPERATIONS)
"""The files of an API's folder."""


class ApiSettings(TypedDict):
    """What `settings` of an API's own `api.py` says of it; `OpenApiToolsArgs` has the meaning of each key."""

    server: NotRequired[pulumi.Input[str]]
    """Where the API is."""
    credential: NotRequired[TargetCredential]
    """What the gateway signs in with."""


class OpenApiToolsArgs(TypedDict):
    """An API and its tools."""

    directory: str
    """Folder with the API's `openapi.yaml` or `openapi.json`, relative to the program. What its `api.py` says is used
    where an argument does not say otherwise."""
    operations: NotRequired[dict[str, OperationArgs]]
    """The operations that are tools, by operationId. The gateway is told of no other, so it cannot call one. Default:
    `OPERATIONS` of its `api.py`, or every one."""
    server: NotRequired[pulumi.Input[str]]
    """Where the API is: an address that is public, by `https`. Default: the document's one server."""
    credential: NotRequired[TargetCredential]
    """What the gateway signs in with. In another language than Python it is written at the gateway's target. Default:
    nothing."""


@dataclass(frozen=True)
class _Wanted:
    """What the arguments come to, checked: the API, its document as it is sent, what its author should know."""

    api: Api
    document: pulumi.Input[str]
    warnings: list[str]


class OpenApiTools(pulumi.ComponentResource):
    """An API whose operations are tools behind a gateway."""

    document: pulumi.Output[str]
    """Its OpenAPI document as the gateway is told of it, as JSON."""
    tools: list[ToolSchema]
    """The tools it serves."""

    def __init__(self, name: str, args: OpenApiToolsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        args = _with_settings(name, args, opts)
        wanted = _checked(name, args)
        super().__init__("toolgate:index:OpenApiTools", name, arguments.plain(args), opts)
        for warning in wanted.warnings:
            pulumi.warn(warning, self)
        self._document, self._credential = wanted.document, args.get("credential")
        self.document = pulumi.Output.from_input(wanted.document)
        self.tools = wanted.api.tools
        self.register_outputs({"document": self.document, "tools": self.tools})

    @property
    def target(self) -> GatewayTarget:
        """What a ToolGateway takes as one of its targets."""
        api: OpenApi = {"document": self._document}
        if self._credential is not None:
            api["credential"] = self._credential
        return {"open_api": api, "tools": self.tools}


def _with_settings(name: str, args: OpenApiToolsArgs, opts: pulumi.ResourceOptions | None) -> OpenApiToolsArgs:
    """The arguments over what the API's own `api.py` says.

    Raises:
        UsageError: An argument is unknown or of another type, or `api.py` is not as it must be.
    """
    arguments.check(args, OpenApiToolsArgs, f"OpenApiTools {name!r}")
    settings = target_settings.read(Path(args["directory"]), API, ApiSettings)
    return target_settings.overridden(settings(target_settings.beside(opts)), args)


def _checked(name: str, args: OpenApiToolsArgs) -> _Wanted:
    """Derive all that can be wrong, before anything is made.

    Raises:
        UsageError: AgentCore would refuse the document or a name, or a tool cannot be expressed.
    """
    where = f"OpenApiTools {name!r}"
    if "credential" in args:
        credentials.check(args["credential"], f"{where}.credential")
    given = args.get("server")
    api = read(Path(args["directory"]), name, args.get("operations"), any_server=given is not None)
    tool_grants.full_names({name: [tool["name"] for tool in api.tools]}, where)
    document: pulumi.Input[str] = (
        api.text(api.server) if api.server else arguments.derived(given, str, f"{where}.server", api.text)
    )
    warnings = []
    if api.asks_to_sign_in and "credential" not in args:
        warnings.append(
            f"{api.file}: demands that callers sign in ('security'), and the gateway does not. AgentCore reads no "
            "security scheme: write 'credential'."
        )
    return _Wanted(api, document, warnings)


def read(
    directory: Path, name: str, chosen: Mapping[str, OperationArgs] | None = None, *, any_server: bool = False
) -> Api:
    """The API of a folder.

    Args:
        directory: The folder.
        name: The target's name.
        chosen: The operations that are tools. Default: those that its `api.py` chooses, or every one.
        any_server: Whether it does not matter which server the document names.

    Raises:
        UsageError: It has no document, or one that AgentCore would refuse.
    """
    where = str(directory)
    if chosen is None:
        chosen, where = (
            target_settings.constant(directory, API),
            f"{directory / API.settings}: {OPERATIONS}",
        )
        arguments.check(chosen or {}, dict[str, OperationArgs], where)
    if chosen is not None and not chosen:
        raise UsageError(f"{where}: no operation is chosen. Name one, or leave it out for every operation.")
    return open_api.read(document_file.find(directory), Wanted(name, chosen, any_server))
