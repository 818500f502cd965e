"""Events of a gateway to its interceptors, in the documented shapes.

Sources: AgentCore developer guide, "Types of interceptors"; MCP specification 2025-11-25 for what is in the bodies.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]

SEARCH = "x_amz_bedrock_agentcore_search"
DECLARED: Json = {
    "calls": [],
    "results": [],
    "tools": False,
    "prompts": False,
    "resources": False,
    "headers": False,
    "claims": False,
    "caller": False,
    "inbound": "iam",
    "seconds": 2.0,
    "shown": [],
}
"""What the function's variable says of code that looks at nothing."""


def declared(**given: Any) -> str:
    """The function's variable."""
    return json.dumps(DECLARED | given)


def message(method: str, params: Mapping[str, Any] | None = None, message_id: Any = 1) -> Json:
    """A JSON-RPC request; with the id None a notification."""
    named = {} if message_id is None else {"id": message_id}
    return {"jsonrpc": "2.0", **named, "method": method} | ({} if params is None else {"params": dict(params)})


def call(tool: str, arguments: Mapping[str, Any] | None = None, message_id: Any = 1) -> Json:
    """A call of a tool by its full name."""
    return message("tools/call", {"name": tool, "arguments": dict(arguments or {})}, message_id)


def request(body: Any, headers: Mapping[str, str] | None = None) -> Json:
    """An event at REQUEST; headers only where the gateway passes them."""
    told = {} if headers is None else {"headers": dict(headers)}
    return {
        "interceptorInputVersion": "1.0",
        "mcp": {
            "rawGatewayRequest": {"body": json.dumps(body)},
            "gatewayRequest": {"path": "/mcp", "httpMethod": "POST", **told, "body": body},
        },
    }


def response(
    body: Any, answer: Any, headers: Mapping[str, str] | None = None, *, status: int = 200, streams: bool = False
) -> Json:
    """An event at RESPONSE: the request's body, and the answer to it."""
    event = request(body, headers)
    told = {"isStreamingResponse": True} if streams else {}
    event["mcp"]["gatewayResponse"] = {
        "statusCode": status,
        "headers": {"Content-Type": "application/json"},
        "body": answer,
        **told,
    }
    return event


def result(value: Any, message_id: Any = 1) -> Json:
    """A JSON-RPC answer."""
    return {"jsonrpc": "2.0", "id": message_id, "result": value}


def error(code: int, text: str, message_id: Any = 1, **more: Any) -> Json:
    """A JSON-RPC error."""
    return {"jsonrpc": "2.0", "id": message_id, "error": {"code": code, "message": text, **more}}


def text_result(text: str, *, failed: bool = False, structured: Json | None = None) -> Json:
    """The result of a call, as the gateway makes one of a Lambda function's answer."""
    told = {} if structured is None else {"structuredContent": structured}
    return {"content": [{"type": "text", "text": text}], **told, "isError": failed}


def tool(name: str, description: str = "", schema: Json | None = None) -> Json:
    """A tool as it stands in a list."""
    return {"name": name, "description": description, "inputSchema": schema or {"type": "object"}}


def found(tools: Sequence[Json]) -> Json:
    """The result of a search: the tools twice, as JSON and as its text."""
    return text_result(json.dumps({"tools": list(tools)}), structured={"tools": list(tools)})


def http(body: bytes = b"{}", *, answered: bool = False) -> Json:
    """An event of a gateway with HTTP or inference targets."""
    text = base64.b64encode(body).decode()
    sent: Json = {"path": "/t/invocations", "httpMethod": "POST", "contentType": "application/json", "body": text}
    back = {"statusCode": 200, "contentType": "application/json", "body": text}
    parts = {"gatewayRequest": None, "gatewayResponse": back} if answered else {"gatewayRequest": sent}
    return {"interceptorInputVersion": "1.0", "http": parts}


def bearer(claims: Mapping[str, Any]) -> dict[str, str]:
    """Headers with a token of these claims; its signature is the gateway's to verify."""
    parts = [base64.urlsafe_b64encode(json.dumps(it).encode()).rstrip(b"=").decode() for it in ({"alg": "x"}, claims)]
    return {"Authorization": f"Bearer {'.'.join(parts)}.c2lnbmVk"}
