"""Registrations of an MCP server in a runtime behind a target, and of an API behind another."""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from tests.policy import making
from tests.policy.driver import Registration
from tests.policy.making import ACCOUNT, document

SERVER = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:runtime/stock-abcdefghij"
OTHER = SERVER.replace("stock", "other")
GATE = f"arn:aws:iam::{ACCOUNT}:role/gateway"
CALL = "bedrock-agentcore:InvokeAgentRuntime"
RUNTIME = "aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime"
POLICY = "aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy"


def endpoint(arn: str = SERVER) -> str:
    place = f"https://bedrock-agentcore.us-east-1.amazonaws.com/runtimes/{quote(arn, safe='')}"
    return f"{place}/invocations?qualifier=DEFAULT"


def runtime(name: str = "stock", arn: str = SERVER, **inputs: Any) -> Registration:
    props = {
        "agentRuntimeName": name,
        "roleArn": f"arn:aws:iam::{ACCOUNT}:role/{name}",
        "protocolConfiguration": {"serverProtocol": "MCP"},
        **inputs,
    }
    return Registration(RUNTIME, name, props, {"agentRuntimeArn": arn})


def mcp_target(at: Any = None, tools: Sequence[str] | None = ("count",), **dependencies: list[str]) -> Registration:
    server: dict[str, Any] = {"endpoint": at or endpoint()}
    if tools is not None:
        listed = [{"name": name, "inputSchema": {"type": "object"}} for name in tools]
        server["mcpToolSchema"] = {"inlinePayload": {"payload": json.dumps({"tools": listed})}}
    return _target("stock", {"mcpServer": server}, dependencies)


def api_target(*operations: str) -> Registration:
    paths = {f"/{name}": {"get": {"operationId": name}} for name in operations}
    return _target("shop", {"openApiSchema": {"inlinePayload": {"payload": json.dumps({"paths": paths})}}}, {})


def _target(name: str, mcp: Any, dependencies: dict[str, list[str]]) -> Registration:
    kind = "aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget"
    identifier = making.GATEWAY.rpartition("/")[2]
    props = {"name": name, "gatewayIdentifier": identifier, "targetConfiguration": {"mcp": mcp}}
    return Registration(kind, name, props, {"targetId": "T1"}, property_dependencies=dependencies)


def denial(*spared: str, actions: Any = "bedrock-agentcore:*", operator: str = "ArnNotEquals") -> dict[str, Any]:
    """A statement that denies the server to all but these."""
    condition = {operator: {"aws:PrincipalArn": list(spared)}}
    return {"Effect": "Deny", "Principal": "*", "Action": actions, "Resource": SERVER, "Condition": condition}


def resource_policy(*statements: Any, on: Any = SERVER, policy: Any = None) -> Registration:
    return Registration(POLICY, "private", {"resourceArn": on, "policy": policy or document(*statements)})


def stack(*parts: Registration) -> list[Registration]:
    """A gateway and its role, an MCP server and its target, and these."""
    return [making.role("gateway"), making.role("stock"), making.gateway(), runtime(), mcp_target(), *parts]
