"""The throw-away program's own Lambda handlers: what no tool of this project does."""

import json
import re
import time
from collections.abc import Mapping
from typing import Any, NoReturn

REQUEST, RESPONSE = "REQUEST", "RESPONSE"
INSTRUCTION = re.compile(r"probe=([\w-]+)/([\w-]+)")
"""What `act` is to do at REQUEST and at RESPONSE; stands anywhere in what the client sends."""
MARK = "passed at RESPONSE"
"""What `act` writes into each answer that it passes on."""
OTHER_ID = 2
SLEEP_SECONDS = 30
"""Longer than any timeout that the program gives."""
SEARCH = {
    "name": "x_amz_bedrock_agentcore_search",
    "description": "Find tools.",
    "inputSchema": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
}
_SECRET = re.compile("auth|cookie|credential|signature|token", re.IGNORECASE)
"""Names of what an interceptor may be told and nobody else is to see."""


def broken(_event: Any, _context: Any) -> NoReturn:
    """Fail as a tool does whose author caught nothing."""
    raise RuntimeError("this tool fails on purpose")


def echo(event: Any, _context: Any) -> dict[str, Any]:
    """Answer with the arguments."""
    return {"arguments": event}


def act(event: Mapping[str, Any], context: Any) -> Any:
    """Do as an interceptor what the client's request says, which is asked of the gateway; without a word pass all on.

    - `sleep`, `raise`: fail.
    - `nothing`, `version`, `unknown`, `text`: answer in a wrong shape; `empty`: without anything.
    - `tell`: answer the client with what the gateway tells its interceptor.
    - `to-N`: make N of the argument `a`; `id`: change the message's id; `add`: show the search tool in a list.
    """
    mcp = event["mcp"]
    point = REQUEST if mcp.get("gatewayResponse") is None else RESPONSE
    found = INSTRUCTION.search(json.dumps(event))
    does = found[1 if point == REQUEST else 2] if found else "pass"
    if does == "sleep":
        time.sleep(SLEEP_SECONDS)
    if does == "raise":
        raise RuntimeError("this interceptor fails on purpose")
    if does == "nothing":
        return None
    answer = _told(point, event, context) if does == "tell" else _written(point, does, mcp)
    return {"interceptorOutputVersion": "2.0" if does == "version" else "1.0", "mcp": answer}


def _written(point: str, does: str, mcp: Mapping[str, Any]) -> dict[str, Any]:
    if does in {"empty", "unknown"}:
        return {} if does == "empty" else {"probe": {}}
    if point == REQUEST:
        return {"transformedGatewayRequest": {"body": _changed(does, mcp["gatewayRequest"]["body"])}}
    response = mcp["gatewayResponse"]
    body = _changed(does, _marked(response.get("body")))
    return {"transformedGatewayResponse": {"statusCode": response.get("statusCode", 200), "body": body}}


def _changed(does: str, body: Any) -> Any:
    if does == "text":
        return json.dumps(body)
    if not isinstance(body, dict):
        return body
    if does == "id":
        return {**body, "id": OTHER_ID}
    if does == "add" and isinstance(body.get("result"), dict):
        result = body["result"]
        return {**body, "result": {**result, "tools": [SEARCH, *result.get("tools", [])]}}
    if does.startswith("to-"):
        params = body["params"]
        arguments = {**params["arguments"], "a": int(does.removeprefix("to-"))}
        return {**body, "params": {**params, "arguments": arguments}}
    return body


def _marked(body: Any) -> Any:
    """The answer with a mark where JSON-RPC and MCP have room for it."""
    if not isinstance(body, dict):
        return body
    if isinstance(body.get("error"), dict):
        return {**body, "error": {**body["error"], "data": MARK}}
    return {**body, "result": {**body["result"], "_meta": {"probe": MARK}}} if "result" in body else body


def _told(point: str, event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    custom = getattr(getattr(context, "client_context", None), "custom", None) or {}
    told = {"interceptor": point, "told": _without_secrets(event), "context": sorted(custom)}
    result = {"content": [{"type": "text", "text": json.dumps(told)}], "isError": False}
    body = {"jsonrpc": "2.0", "id": _id((event["mcp"].get("gatewayRequest") or {}).get("body")), "result": result}
    return {"transformedGatewayResponse": {"statusCode": 200, "body": body}}


def _id(body: Any) -> Any:
    first = body[0] if isinstance(body, list) and body else body
    return first.get("id") if isinstance(first, dict) else None


def _without_secrets(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: "(left out)" if _SECRET.search(name) else _without_secrets(item) for name, item in value.items()}
    return [_without_secrets(item) for item in value] if isinstance(value, list) else value
