"""Somebody else's MCP server behind a gateway: where it is, and what tools it lists."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi

from toolgate.components.checks.arguments import UsageError
from toolgate.components.iam.iam_documents import Statement
from toolgate.components.servers.server_settings import Undecided
from toolgate.components.targets import credentials, listed_tools
from toolgate.components.targets.credentials import TargetCredential
from toolgate.components.targets.kind import GatewayRole, Kind
from toolgate.components.tools.listed_schema import ToolSchema

# botocore bedrock-agentcore-control McpServerTargetConfigurationEndpointString; a host without an account's name or key
# in it, which would stand in every plan.
_ENDPOINT = re.compile(r"https://[^\s/?#@\\\"]+(/[^\s#\\\"]*)?")
_OF_AGENTCORE = re.compile(r"https://([^/]+\.gateway\.)?bedrock-agentcore\.[^/]+(/.*)?")
_OF_A_METHOD = 3
"""Slashes at least in the ARN of a method, `<api>/<stage>/<method>/...`."""
KEY = "remote_server"
EXAMPLE = "https://mcp.example.com/mcp"


class RemoteServer(TypedDict):
    """An MCP server that is there already, reached by its URL."""

    endpoint: pulumi.Input[str]
    """Its endpoint, by `https`: streamable HTTP."""
    listing: NotRequired[list[dict[str, Any]]]
    """Its tools as it lists them, which the gateway lists so. Default: the target's `tools` as they stand."""
    credential: NotRequired[TargetCredential]
    """What the gateway signs in with. Default: nothing."""
    undecided: NotRequired[list[Undecided]]
    """What else it serves that whoever comes to the gateway may have: with a policy engine no policy decides it. It is
    a word to readers and to the local gateway, which passes nothing else; AgentCore passes all that there is. Default:
    none."""


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
    server = target[KEY]
    check_endpoint(server["endpoint"], f"{where}.{KEY}.endpoint")
    if "credential" in server:
        _check_credential(server["credential"], f"{where}.{KEY}.credential")
    if "listing" not in server:
        return
    listed_tools.check(server["listing"], f"{where}.{KEY}.listing")
    if isinstance(target["tools"], pulumi.Output):
        return
    known = {tool["name"] for tool in server["listing"]}
    for tool in target["tools"]:
        if isinstance(tool, Mapping) and tool.get("name", "") not in known:
            raise UsageError(f"{where}.tools: {tool['name']!r} is not in 'listing'. Take the tools from it.")


def _check_credential(credential: Mapping[str, Any], where: str) -> None:
    credentials.check(credential, where)
    for arn in credential.get("iam", {}).get("resources", []):
        if isinstance(arn, str) and ":execute-api:" in arn and arn.count("/") < _OF_A_METHOD:
            raise UsageError(f"{where}.iam.resources: {arn} is a stage. Name the method, such as {arn}/POST/mcp.")


def _configuration(target: Mapping[str, Any], tools: Sequence[ToolSchema]) -> dict[str, Any]:
    server = target[KEY]
    return listed_tools.configuration(server["endpoint"], server.get("listing", tools), tools)


def _credentials(target: Mapping[str, Any]) -> dict[str, Any] | None:
    return credentials.configuration(target[KEY].get("credential"))


def _grants(targets: Mapping[str, Mapping[str, Any]], role: GatewayRole) -> list[Statement]:
    given = [target[KEY]["credential"] for target in targets.values() if "credential" in target[KEY]]
    return credentials.grants(given, role, "OfServers")


KIND = Kind(
    key=KEY,
    what="an MCP server of others",
    configuration=_configuration,
    credentials=_credentials,
    grants=_grants,
    check=_check,
)
