"""An MCP server of one tool, one prompt and one resource, and of tools that fail, each in another way.

By the standard library alone, so that its zip is one file.
"""

import json
import os
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

VERSION = "2025-06-18"
PROMPT, RESOURCE = "ask", "probe://who"
SECRET = "a sentence of the server's own"  # to be found where it should not be
BY_STATUS = ("fails_with_404", "fails_with_500")
FAILING = ("fails_as_a_tool", "fails_in_json_rpc", *BY_STATUS)


class Handler(BaseHTTPRequestHandler):
    """`POST /mcp`, without sessions."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer one message."""
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "id" not in message:
            self._answer(202, b"")
            return
        method, params = message["method"], message.get("params") or {}
        tool = params.get("name") if method == "tools/call" else None
        said: dict[str, Any] = {"result": result(method, params)}
        if tool == "fails_in_json_rpc":
            said = {"error": {"code": -32000, "message": SECRET}}
        status = int(tool.rpartition("_")[2]) if tool in BY_STATUS else 200
        self._answer(status, json.dumps({"jsonrpc": "2.0", "id": message["id"], **said}).encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_its: Any) -> None:
        """Say nothing of requests."""


def result(method: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """What the server says to a method."""
    text = {"type": "text", "text": "the server"}
    if method == "initialize":
        more: dict[str, Any] = {"tools": {}, "prompts": {}, "resources": {}}
        return {"protocolVersion": VERSION, "capabilities": more, "serverInfo": {"name": "probe", "version": "1"}}
    if method == "tools/call" and params.get("name") == "fails_as_a_tool":
        return {"content": [{**text, "text": SECRET}], "isError": True}
    read = {"contents": [{"uri": RESOURCE, "text": "the server"}]}
    said: Mapping[str, dict[str, Any]] = {
        "tools/list": {"tools": [tool(name) for name in ("who", *FAILING)]},
        "tools/call": {"content": [text]},
        "prompts/list": {"prompts": [{"name": PROMPT, "description": "Ask who answers."}]},
        "prompts/get": {"messages": [{"role": "user", "content": text}]},
        "resources/list": {"resources": [{"uri": RESOURCE, "name": "who"}]},
        "resources/templates/list": {"resourceTemplates": []},
        "resources/read": read,
    }
    return said.get(method, {})


def tool(name: str) -> dict[str, Any]:
    """A tool as the server lists it."""
    words = "Fail on purpose." if name in FAILING else "Say who answers."
    return {"name": name, "description": words, "inputSchema": {"type": "object", "properties": {}}}


if __name__ == "__main__":
    # AgentCore developer guide, "Deploy MCP servers in AgentCore Runtime": every interface, port 8000.
    ThreadingHTTPServer(("0.0.0.0", int(os.environ.get("PORT", "8000"))), Handler).serve_forever()
