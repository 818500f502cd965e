"""An MCP server in a runtime, behind a target of a case's gateway, and what the documents around it say."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

ACCOUNT = "123456789012"
SERVER = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:runtime/stock-abcdefghij"
GATE = f"arn:aws:iam::{ACCOUNT}:role/gate"
OF_SERVER = f"arn:aws:iam::{ACCOUNT}:role/stock"
INVOKE_RUNTIME = "bedrock-agentcore:InvokeAgentRuntime"

type Part = tuple[str, str, Mapping[str, Any]]

TOOL = {"name": "count", "description": "Counts.", "inputSchema": {"type": "object", "properties": {}}}


def allow(action: str | Sequence[str], *resources: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": list(resources), **more}


def document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def role(arn: str, *statements: Mapping[str, Any], trust: Any = None) -> list[Part]:
    name = arn.rpartition("/")[2]
    let_in = {"Effect": "Allow", "Principal": trust or SERVICE, "Action": "sts:AssumeRole"}
    policy = {"role": name, "name": f"{name}-grants", "policy": document(*statements)}
    made: list[Part] = [("aws:iam/role:Role", name, {"name": name, "arn": arn, "assumeRolePolicy": document(let_in)})]
    return [*made, ("aws:iam/rolePolicy:RolePolicy", f"{name}-grants", policy)] if statements else made


SERVICE = {"Service": "bedrock-agentcore.amazonaws.com"}
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"
MAY_INVOKE = allow("lambda:InvokeFunction", FUNCTION)
"""The function that stands behind the other target of a case's gateway."""
MAY_DECIDE = allow("bedrock-agentcore:AuthorizeAction", "*")
"""What a gateway's role needs where a policy engine decides."""
MAY_SERVE = allow(INVOKE_RUNTIME, SERVER, f"{SERVER}/*")


def endpoint(arn: str) -> str:
    place = f"https://bedrock-agentcore.us-east-1.amazonaws.com/runtimes/{quote(arn, safe='')}"
    return f"{place}/invocations?qualifier=DEFAULT"


def target(
    at: str = "", tools: Sequence[Mapping[str, Any]] | None = (TOOL,), sign_in: Mapping[str, Any] | None = None
) -> Part:
    """A target of the case's gateway that is an MCP server."""
    server: dict[str, Any] = {"endpoint": at or endpoint(SERVER)}
    if tools is not None:
        server["mcpToolSchema"] = {"inlinePayload": {"payload": json.dumps({"tools": tools})}}
    made = {
        "name": "stock",
        "targetId": "T9",
        "gatewayIdentifier": "tools-abcdefghij",
        "targetConfiguration": {"mcp": {"mcpServer": server}},
        "credentialProviderConfiguration": sign_in or {"gatewayIamRole": {"service": "bedrock-agentcore"}},
    }
    return "aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget", "stock", made


def runtime() -> Part:
    made = {
        "agentRuntimeName": "stock",
        "agentRuntimeArn": SERVER,
        "agentRuntimeId": SERVER.rpartition("/")[2],
        "roleArn": OF_SERVER,
        "protocolConfiguration": {"serverProtocol": "MCP"},
    }
    return "aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime", "stock", made


def only(*principals: str, on: str = SERVER) -> dict[str, Any]:
    """A statement that denies the server to all but these."""
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "bedrock-agentcore:*",
        "Resource": on,
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": list(principals)}},
    }


def resource_policy(*statements: Mapping[str, Any], on: str = SERVER) -> Part:
    given = {"resourceArn": on, "policy": document(*statements)}
    return "aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy", f"policy-{on[-7:]}", given


def served(*statements: Mapping[str, Any], private: bool = True) -> list[Part]:
    """The server with its gateway's role, that target, and the policy that keeps others out."""
    parts = [target(), runtime(), *role(OF_SERVER), *role(GATE, MAY_INVOKE, MAY_DECIDE, *(statements or (MAY_SERVE,)))]
    return [*parts, resource_policy(only(GATE))] if private else parts
