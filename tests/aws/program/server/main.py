"""An MCP server of one tool, by the standard library alone, so that its zip is one file."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

VERSION = "2025-06-18"


class Handler(BaseHTTPRequestHandler):
    """`POST /mcp`, without sessions."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer one message."""
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "id" not in message:
            self._answer(202, b"")
            return
        reply = {"jsonrpc": "2.0", "id": message["id"], "result": result(message["method"])}
        self._answer(200, json.dumps(reply).encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_its: Any) -> None:
        """Say nothing of requests."""


def result(method: str) -> dict[str, Any]:
    """What the server says to a method."""
    if method == "initialize":
        server = {"name": "probe", "version": "1"}
        return {"protocolVersion": VERSION, "capabilities": {"tools": {}}, "serverInfo": server}
    if method == "tools/list":
        who = {"name": "who", "description": "Say who answers.", "inputSchema": {"type": "object", "properties": {}}}
        return {"tools": [who]}
    if method == "tools/call":
        return {"content": [{"type": "text", "text": "the server"}]}
    return {}


if __name__ == "__main__":
    # AgentCore developer guide, "Deploy MCP servers in AgentCore Runtime": every interface, port 8000.
    ThreadingHTTPServer(("0.0.0.0", int(os.environ.get("PORT", "8000"))), Handler).serve_forever()
