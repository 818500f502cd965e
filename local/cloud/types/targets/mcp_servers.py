"""MCP servers as targets.

Source: AgentCore developer guide, "MCP servers targets"; botocore bedrock-agentcore-control,
McpServerTargetConfiguration. What is refused of an endpoint of AgentCore Runtime and of a list of tools is what cannot
work; whether AWS says so when the target is made, and its words, nobody here has seen.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from toolgate.local.cloud.api_requests import Member, Table, same
from toolgate.local.cloud.failures import NotReproducedError
from toolgate.local.cloud.types.targets.target_kind import (
    API_KEY,
    NOTHING,
    OAUTH,
    ROLE,
    TargetKind,
    inline_payload,
    payload_of,
    size_faults,
)

MEMBER = "mcpServer"
REPORTED = {"listingMode": "DEFAULT", "resourcePriority": 1000}
"""What AWS reports of a target that says nothing of it (pulumi_aws 7.51, AgentcoreGatewayTarget)."""
_TABLE: Table = {
    **same("endpoint", "listingMode", "resourcePriority"),
    "mcpToolSchema": Member("mcpToolSchema", {"inlinePayload": Member("inlinePayload", inline_payload)}),
}
_RUNTIME_HOST = "bedrock-agentcore."
# botocore bedrock-agentcore-control, RuntimeArn.
_RUNTIME_ARN = re.compile(
    r"arn:aws(-[^:]+)?:bedrock-agentcore:[a-z0-9-]+:[0-9]{12}:runtime/[a-zA-Z][a-zA-Z0-9_]{0,47}-[a-zA-Z0-9]{10}"
)


def _faults(server: Mapping[str, Any]) -> Iterator[str]:
    # In mode DYNAMIC tools are asked for when somebody lists them, and with a schema never (developer guide).
    if server.get("mcpToolSchema") is None and server.get("listingMode") in (None, "DEFAULT"):
        raise NotReproducedError(
            f"targetConfiguration.mcp.{MEMBER} without mcpToolSchema: AWS asks the server for its tools; write "
            "mcp_tool_schema"
        )
    endpoint = server.get("endpoint")
    if isinstance(endpoint, str):
        yield from _endpoint_faults(endpoint)
    payload = payload_of(server.get("mcpToolSchema"))
    if payload is not None:
        yield from size_faults(payload, "mcpToolSchema")
        yield from _tool_faults(payload)


def _endpoint_faults(endpoint: str) -> Iterator[str]:
    """An ARN that is not encoded is the commonest mistake (hashicorp/terraform-provider-aws#47457)."""
    try:
        url = urlsplit(endpoint)
        host = url.hostname or ""
    except ValueError:
        yield f"endpoint {endpoint!r} is no URL"
        return
    if not host:
        yield f"endpoint {endpoint!r} names no host"
    if not host.startswith(_RUNTIME_HOST):
        return
    before, _, rest = url.path.removeprefix("/").partition("/")
    encoded, _, last = rest.partition("/")
    if (before, last) != ("runtimes", "invocations") or not _RUNTIME_ARN.fullmatch(unquote(encoded)) or ":" in encoded:
        yield (
            f"endpoint {endpoint!r} is none of AgentCore Runtime: write "
            "https://bedrock-agentcore.<region>.amazonaws.com/runtimes/<URL-encoded ARN>/invocations?qualifier=DEFAULT"
        )


def _tool_faults(payload: str) -> Iterator[str]:
    """What is wrong in a list of tools: MCP's answer to tools/list, or its tools alone.

    Which of the two AWS takes is unproved.
    """
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        yield "mcpToolSchema.inlinePayload is no JSON"
        return
    tools = document.get("tools") if isinstance(document, Mapping) else document
    if not isinstance(tools, list) or not all(
        isinstance(it, Mapping) and isinstance(it.get("name"), str) for it in tools
    ):
        yield "mcpToolSchema.inlinePayload has no list of tools, each with a name"
        return
    names = [tool["name"] for tool in tools]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"duplicate tool name '{name}' in mcpToolSchema"
    for tool in tools:
        schema = tool.get("inputSchema")
        # MCP, "Tools": each has one, and it is of an object.
        if not isinstance(schema, Mapping) or schema.get("type") != "object":
            yield f"inputSchema of tool '{tool['name']}' must be of type object"


KIND = TargetKind(
    member=MEMBER,
    what="MCP server",
    table=_TABLE,
    sign_ins=frozenset({NOTHING, ROLE, API_KEY, OAUTH}),
    names_service=True,
    faults=_faults,
)
