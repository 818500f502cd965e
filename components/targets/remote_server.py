"""Somebody else's MCP server behind a gateway: where it is, and what tools it lists."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi

from toolgate.components.checks.arguments import UsageError
from toolgate.components.iam.iam_documents import Statement
from toolgate.components.targets import listed_tools
from toolgate.components.targets.kind import GatewayRole, Kind
from toolgate.components.tools.listed_schema import ToolSchema

# botocore bedrock-agentcore-control McpServerTargetConfigurationEndpointString; a host without an account's name or key
# in it, which would stand in every plan.
_ENDPOINT = re.compile(r"https://[^\s/?#@\\\"]+(/[^\s#\\\"]*)?")
_OF_AGENTCORE = re.compile(r"https://([^/]+\.gateway\.)?bedrock-agentcore\.[^/]+(/.*)?")
EXAMPLE = "https://mcp.example.com/mcp"


class RemoteServer(TypedDict):
    """An MCP server that is there already, reached by its URL."""

    endpoint: pulumi.Input[str]
    """Its endpoint, by `https`: streamable HTTP."""
    listing: NotRequired[list[dict[str, Any]]]
    """Its tools as it lists them, which the gateway lists so. Default: the target's `tools` as they stand."""


def check_endpoint(endpoint: Any, where: str) -> None:
    """Check where a server is. An Output's value comes later.

    Raises:
        UsageError: AWS would refuse it, it holds what nobody may read, or it is a server that has a kind of its own.
    """
    if isinstance(endpoint, pulumi.Output):
        return
    if not isinstance(endpoint, str) or not _ENDPOINT.fullmatch(endpoint):
        raise UsageError(
            f"{where}: {endpoint!r} is no endpoint. Write one like {EXAMPLE}: by https, without user name or fragment."
        )
    if _OF_AGENTCORE.fullmatch(endpoint):
        raise UsageError(
            f"{where}: {endpoint!r} is AgentCore's own, which takes signed requests. A gateway is handed over by "
            "`inner.target(...)`, or as 'gateway'."
        )


def _check(target: Mapping[str, Any], where: str) -> None:
    server = target["remote_server"]
    check_endpoint(server["endpoint"], f"{where}.remote_server.endpoint")
    if "listing" not in server:
        return
    listed_tools.check(server["listing"], f"{where}.remote_server.listing")
    if isinstance(target["tools"], pulumi.Output):
        return
    known = {tool["name"] for tool in server["listing"]}
    for tool in target["tools"]:
        if isinstance(tool, Mapping) and tool.get("name", "") not in known:
            raise UsageError(f"{where}.tools: {tool['name']!r} is not in 'listing'. Take the tools from it.")


def _configuration(target: Mapping[str, Any], tools: Sequence[ToolSchema]) -> dict[str, Any]:
    server = target["remote_server"]
    return listed_tools.configuration(server["endpoint"], server.get("listing", tools), tools)


def _credentials(_target: Mapping[str, Any]) -> None:
    return None


def _grants(_targets: Mapping[str, Mapping[str, Any]], _role: GatewayRole) -> list[Statement]:
    return []


KIND = Kind(
    key="remote_server",
    what="an MCP server of others",
    configuration=_configuration,
    credentials=_credentials,
    grants=_grants,
    check=_check,
)
