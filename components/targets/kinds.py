"""Every kind of target that there is, and a gateway's target as a program writes it."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

import pulumi

from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants.tool_grants import GatewayTools
from toolgate.components.targets import (
    api_gateway,
    connector,
    inner_gateway,
    lambda_function,
    mcp_server,
    open_api,
    remote_server,
)
from toolgate.components.targets.api_gateway import ApiGatewayStage
from toolgate.components.targets.connector import Connector
from toolgate.components.targets.kind import Kind
from toolgate.components.targets.mcp_server import McpServerTarget
from toolgate.components.targets.open_api import OpenApi
from toolgate.components.targets.remote_server import RemoteServer
from toolgate.components.tools.listed_schema import ToolSchema

KINDS: tuple[Kind, ...] = (
    lambda_function.KIND,
    mcp_server.KIND,
    open_api.KIND,
    api_gateway.KIND,
    remote_server.KIND,
    inner_gateway.KIND,
    connector.KIND,
)


class GatewayTarget(TypedDict):
    """What is behind the gateway, and the tools it serves. Of the keys besides `tools` it has exactly one."""

    function_arn: NotRequired[pulumi.Input[str]]
    """ARN of a Lambda function."""
    mcp_server: NotRequired[McpServerTarget]
    """An MCP server; that of an McpServer is in its `target`."""
    open_api: NotRequired[OpenApi]
    """An API with an OpenAPI document; in Python the `target` of an OpenApiTools."""
    api_gateway: NotRequired[ApiGatewayStage]
    """A stage of a REST API in API Gateway; in Python the `target` of an ApiGatewayTools."""
    remote_server: NotRequired[RemoteServer]
    """An MCP server of others. In Python `recorded_server("recorded/<name>.json")` is such a target."""
    gateway: NotRequired[GatewayTools]
    """Tools of another gateway. In Python the other one's `target(...)` is such a target."""
    connector: NotRequired[Connector]
    """A tool of AWS's own. In Python `web_search()` and `knowledge_base(...)` are such targets."""
    tools: pulumi.Input[list[ToolSchema]]
    """The tools it serves; those of a LambdaTools or an McpServer are its `tools`."""


def check(targets: Mapping[str, GatewayTarget], where: str) -> None:
    """Check that each target is of one kind, and what that kind asks of it.

    Args:
        targets: The targets by name, of the right type.
        where: Their place, for messages.

    Raises:
        UsageError: One is of none or of several, or its kind refuses it.
    """
    for name, target in targets.items():
        kind_of(target, f"{where}.{name}").check(target, f"{where}.{name}")


def kind_of(target: Mapping[str, Any], where: str = "a target") -> Kind:
    """The kind of a target.

    Raises:
        UsageError: It is of none or of several.
    """
    found = [kind for kind in KINDS if kind.key in target]
    if len(found) == 1:
        return found[0]
    keys = " or ".join(f"{kind.key!r} for {kind.what}" for kind in KINDS)
    if not found:
        raise UsageError(f"{where}: does not say what is behind it. Write {keys}.")
    both = ", ".join(repr(kind.key) for kind in found)
    raise UsageError(f"{where}: has {both}; it can be only one of them. Write each as a target of its own.")


def by_kind(targets: Mapping[str, GatewayTarget]) -> list[tuple[Kind, Mapping[str, GatewayTarget]]]:
    """The kinds that there are among these targets, each with its own."""
    kinds = [(kind, {name: it for name, it in targets.items() if kind_of(it) is kind}) for kind in KINDS]
    return [(kind, its) for kind, its in kinds if its]
