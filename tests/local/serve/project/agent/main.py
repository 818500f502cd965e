"""The smallest agent that keeps the contract: asks the model, calls the tools it wants, until it answers.

It signs with botocore and speaks JSON-RPC itself, so that the tests of the local deployment depend on no agent library.
"""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.request import Request, urlopen

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

SESSION = boto3.Session()


def rpc(method: str, params: dict[str, Any]) -> dict[str, Any]:
    """One signed request to the gateway."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    headers = {"content-type": "application/json", "mcp-protocol-version": "2025-11-25"}
    signed = AWSRequest("POST", os.environ["GATEWAY_URL"], data=body, headers=headers)
    credentials = SESSION.get_credentials()
    assert credentials
    SigV4Auth(credentials, "bedrock-agentcore", SESSION.region_name).add_auth(signed)
    with urlopen(Request(signed.url, body.encode(), dict(signed.headers), method="POST")) as answer:
        result: dict[str, Any] = json.load(answer)["result"]
        return result


def answer(prompt: str) -> str:
    """Ask the model and call tools until it says something."""
    tools = [
        {"toolSpec": {"name": t["name"], "description": t["description"], "inputSchema": {"json": t["inputSchema"]}}}
        for t in rpc("tools/list", {})["tools"]
    ]
    client = SESSION.client("bedrock-runtime")
    messages: list[dict[str, Any]] = [{"role": "user", "content": [{"text": prompt}]}]
    while True:
        said = client.converse(modelId=os.environ["BEDROCK_MODEL_ID"], messages=messages, toolConfig={"tools": tools})[
            "output"
        ]["message"]
        use = next((block["toolUse"] for block in said["content"] if "toolUse" in block), None)
        if use is None:
            return str(said["content"][0]["text"])
        called = rpc("tools/call", {"name": use["name"], "arguments": use["input"]})
        result = {"toolUseId": use["toolUseId"], "content": [{"text": called["content"][0]["text"]}]}
        messages += [said, {"role": "user", "content": [{"toolResult": result}]}]


class Handler(BaseHTTPRequestHandler):
    """`GET /ping` and `POST /invocations`."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Say that the agent is there."""
        self.reply(200, b'{"status": "Healthy"}')

    def do_POST(self) -> None:
        """Answer a prompt; a few prompts make the agent misbehave, others show its environment."""
        prompt = json.loads(self.rfile.read(int(self.headers["content-length"])))["prompt"]
        if prompt == "die":
            os._exit(3)
        if prompt == "fail":
            self.reply(502, b'{"status": "error"}')
        elif prompt == "environment":
            self.reply(200, json.dumps({"pid": os.getpid(), **os.environ}).encode())
        elif prompt == "type":
            self.reply(200, b"", "text/\u20ac".encode().decode("latin-1"))
        elif prompt == "wait":
            print("waits", flush=True)
            self.connection.recv(1)  # until the connection ends
            print("is left", flush=True)
            self.close_connection = True
        elif prompt == "session":
            self.reply(200, json.dumps({k.lower(): v for k, v in self.headers.items()}).encode())
        else:
            self.reply(200, json.dumps({"status": "success", "response": answer(prompt)}).encode())

    def reply(self, status: int, body: bytes, content_type: str = "application/json") -> None:
        """Send an answer, of JSON unless another type is said."""
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    print("the agent is up", flush=True)
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
