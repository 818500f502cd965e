"""An MCP server in AgentCore Runtime behind a gateway, whose role is the only one that reaches it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict
from weakref import WeakKeyDictionary

import pulumi
import pulumi_aws as aws
from pulumi.runtime import settings

from toolgate.components.checks import arguments
from toolgate.components.checks.arguments import UsageError
from toolgate.components.iam import iam_documents
from toolgate.components.iam.iam_documents import Statement
from toolgate.components.servers.server_settings import Undecided
from toolgate.components.targets import listed_tools
from toolgate.components.targets.kind import Beside, GatewayRole, Kind
from toolgate.components.tools.listed_schema import ToolSchema

KEY = "mcp_server"
SERVICE = "bedrock-agentcore"
"""What requests to AgentCore Runtime are signed for."""


class McpServerTarget(TypedDict):
    """An MCP server in AgentCore Runtime. In Python made by an McpServer's `target`."""

    endpoint: pulumi.Input[str]
    """Its URL."""
    runtime_arn: pulumi.Input[str]
    """ARN of its runtime."""
    listing: pulumi.Input[str]
    """Its tools as it lists them, with their whole schemas: MCP's answer to `tools/list`, as JSON."""
    undecided: NotRequired[list[Undecided]]
    """What else it serves that was accepted, as its McpServer has it: the local gateway passes nothing besides."""


# By the engine that is asked, which is another one in each run of a program: behind what each runtime stands. A runtime
# is known by its ARN, and by the Output of that as long as the ARN is not; an Output that is kept stays the same one.
_behind: WeakKeyDictionary[object, dict[object, tuple[object, str]]] = WeakKeyDictionary()


def _configuration(target: Mapping[str, Any], tools: Sequence[ToolSchema]) -> dict[str, Any]:
    server, named = target[KEY], [tool["name"] for tool in tools]
    # With a schema the gateway does not ask the server when the target is made, and there is nothing to synchronize
    # (AgentCore developer guide, "MCP server targets").
    payload = pulumi.Output.from_input(server["listing"]).apply(lambda listing: _of(listing, named))
    return {
        "mcp_server": {
            "endpoint": server["endpoint"],
            "mcp_tool_schema": {"inline_payload": {"payload": payload}},
        }
    }


def _of(listing: str, named: Sequence[str]) -> str:
    """The listing of these tools alone: a gateway may have some of a server's."""
    listed = {tool["name"]: tool for tool in json.loads(listing)["tools"]}
    if missing := [name for name in named if name not in listed]:
        raise UsageError(f"{KEY}.listing: has no tool {missing[0]!r}, which `tools` has. Hand over a server's own.")
    if len(listed) == len(named):
        return listing
    return listed_tools.payload([tool for name, tool in listed.items() if name in named])


def _credentials(_target: Mapping[str, Any]) -> dict[str, Any]:
    return {"gateway_iam_role": {"service": SERVICE}}


def _grants(targets: Mapping[str, Mapping[str, Any]], _role: GatewayRole) -> list[Statement]:
    return iam_documents.invoke_runtimes("InvokeServers", [it[KEY]["runtime_arn"] for it in targets.values()])


def _check(target: Mapping[str, Any], where: str) -> None:
    """Check that no other gateway has the server: a runtime has one resource policy, which names one gateway's role."""

    def claim(key: object, kept: object) -> None:
        known = _behind.setdefault(settings.get_monitor(), {})
        _, owner = known.setdefault(key, (kept, where))
        if owner != where:
            raise UsageError(
                f"{where}: the server is {owner} as well, and only one gateway's role may reach it. Make a second "
                "McpServer of the same folder."
            )

    given = target[KEY]["runtime_arn"]
    if isinstance(given, pulumi.Output):
        claim(id(given), given)
    arguments.derived(given, str, f"{where}.{KEY}.runtime_arn", lambda arn: claim(arn, arn))


def _make(target: Mapping[str, Any], beside: Beside) -> list[pulumi.Resource]:
    arn = target[KEY]["runtime_arn"]
    policy = iam_documents.only_by(beside.role.arn, arn)
    return [
        aws.bedrock.AgentcoreResourcePolicy(
            f"{beside.name}-policy", resource_arn=arn, policy=pulumi.Output.json_dumps(policy), opts=beside.opts
        )
    ]


KIND = Kind(
    key=KEY,
    what="an MCP server",
    configuration=_configuration,
    credentials=_credentials,
    grants=_grants,
    check=_check,
    make=_make,
)
