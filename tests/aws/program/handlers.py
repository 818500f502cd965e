"""The throw-away program's own Lambda handlers: what no tool of this project does."""

import json
from collections.abc import Mapping
from typing import Any, NoReturn

HIDDEN = {"authorization", "x-amz-security-token"}
"""Headers that an interceptor may be told and that nobody else is to see."""


def broken(_event: Any, _context: Any) -> NoReturn:
    """Fail as a tool does whose author caught nothing."""
    raise RuntimeError("this tool fails on purpose")


def echo(event: Any, _context: Any) -> dict[str, Any]:
    """Answer with the arguments."""
    return {"arguments": event}


def intercept(event: Mapping[str, Any], _context: Any) -> dict[str, Any]:
    """Answer the gateway's caller with what the gateway tells its interceptors, secrets left out."""
    mcp = event["mcp"]
    point = "RESPONSE" if "gatewayResponse" in mcp else "REQUEST"
    told = json.dumps({"interceptor": point, "told": _without_secrets(event)})
    result = {"content": [{"type": "text", "text": told}], "isError": False}
    body = {"jsonrpc": "2.0", "id": mcp["gatewayRequest"]["body"].get("id"), "result": result}
    answer = {"statusCode": 200, "body": body}
    return {"interceptorOutputVersion": "1.0", "mcp": {"transformedGatewayResponse": answer}}


def _without_secrets(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            name: "(left out)" if name.lower() in HIDDEN else _without_secrets(item) for name, item in value.items()
        }
    return [_without_secrets(item) for item in value] if isinstance(value, list) else value
