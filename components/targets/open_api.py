"""An API behind a gateway, described by an OpenAPI document."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict
from urllib.parse import urlsplit

import pulumi

from toolgate.components.apis import document_file, open_api
from toolgate.components.apis.open_api import Api, Wanted
from toolgate.components.apis.operations import OperationArgs
from toolgate.components.checks import arguments
from toolgate.components.iam.iam_documents import Statement
from toolgate.components.targets import credentials
from toolgate.components.targets.credentials import IamService, TargetCredential
from toolgate.components.targets.kind import GatewayRole, Kind
from toolgate.components.tools.listed_schema import ToolSchema

KEY = "open_api"
# An API's own host in API Gateway, whose first part of the path is the stage (API Gateway developer guide, "Invoke REST
# APIs in API Gateway").
_OF_API_GATEWAY = re.compile(r"[a-z0-9]+\.execute-api\..+")


class OpenApi(TypedDict):
    """An API, and how the gateway signs in to it."""

    document: pulumi.Input[str]
    """Its OpenAPI document as JSON; that of an OpenApiTools is its `document`."""
    credential: NotRequired[TargetCredential]
    """What the gateway signs in with. Default: nothing."""


def _check(target: Mapping[str, Any], where: str) -> None:
    given, tools = target[KEY], target["tools"]
    if "credential" in given:
        credentials.check(given["credential"], f"{where}.{KEY}.credential")
    if isinstance(document := given["document"], str):
        _served(document, None if isinstance(tools, pulumi.Output) else tools, f"{where}.{KEY}.document")


def _served(document: str, tools: Sequence[Any] | None, where: str = f"{KEY}.document") -> Api:
    """The part of a document that the gateway is told of: the operations that are its tools.

    Args:
        document: The document.
        tools: The tools; None for every operation.
        where: The document's place, for messages.

    Raises:
        UsageError: AgentCore would refuse the document, or a tool is no operation of it.
    """
    value = document_file.parsed(document, where)
    chosen: dict[str, OperationArgs] | None = None
    if tools is not None:
        chosen = {it["name"]: {} for it in tools if isinstance(it, Mapping) and isinstance(it.get("name"), str)}
    return open_api.of_value(value, where, Wanted("", chosen))


def _configuration(target: Mapping[str, Any], tools: Sequence[ToolSchema]) -> dict[str, Any]:
    def sent(document: str) -> str:
        api = _served(document, tools)
        return api.text(str(api.server))  # which a document without another server has

    payload = arguments.derived(target[KEY]["document"], str, f"{KEY}.document", sent)
    return {"open_api_schema": {"inline_payload": {"payload": payload}}}


def _credentials(target: Mapping[str, Any]) -> dict[str, Any] | None:
    return credentials.configuration(target[KEY].get("credential"))


def _grants(targets: Mapping[str, Mapping[str, Any]], role: GatewayRole) -> list[Statement]:
    given = [_of_its_methods(target) for target in targets.values() if "credential" in target[KEY]]
    return credentials.grants(given, role, "OfApis")


def _of_its_methods(target: Mapping[str, Any]) -> Mapping[str, Any]:
    """The target's credential, which says of a stage which of its methods the tools call."""
    credential: Mapping[str, Any] = target[KEY]["credential"]
    if "iam" not in credential or IamService(credential["iam"]["service"]) is not IamService.EXECUTE_API:
        return credential
    given = {"document": target[KEY]["document"], "tools": target["tools"], "resources": credential["iam"]["resources"]}
    methods = arguments.derived(given, dict[str, Any], f"{KEY}.credential", lambda it: [*_methods(**it)])
    return {"iam": {**credential["iam"], "resources": methods}}


def _methods(document: str, tools: Sequence[Mapping[str, Any]], resources: Sequence[str]) -> list[str]:
    """ARNs of methods, those of a stage one for each tool.

    A parameter's value is not known before the call, hence the `*` in its place; IAM's matches slashes as well.
    """
    api = _served(document, tools)
    server, base = urlsplit(str(api.server)), ""
    if _OF_API_GATEWAY.fullmatch(server.hostname or ""):
        base = "".join(f"/{part}" for part in server.path.split("/")[2:] if part)
    called = [f"{it.method}{base}{re.sub(r'{[^{}]*}', '*', it.path)}" for it in api.operations]
    return [
        full
        for arn in resources
        for full in ([arn] if arn.partition("/")[2].count("/") else [f"{arn}/{method}" for method in called])
    ]


KIND = Kind(
    key=KEY,
    what="an API with an OpenAPI document",
    configuration=_configuration,
    credentials=_credentials,
    grants=_grants,
    check=_check,
)
