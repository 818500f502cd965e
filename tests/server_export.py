"""A deployment with an MCP server in AgentCore Runtime behind its gateways, written by hand: no component is in it."""

import copy
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

_EXPORT = json.loads((Path(__file__).parent / "access" / "deployment.json").read_text())
ACCOUNT = "123456789012"
ROLES = f"arn:aws:iam::{ACCOUNT}:role/"
RUNTIME_ARN = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:runtime/handmade_orders-ABCDEFGHIJ"
ENDPOINT_ARN = f"{RUNTIME_ARN}/runtime-endpoint/DEFAULT"
ENDPOINT = (
    "https://bedrock-agentcore.us-east-1.amazonaws.com/runtimes/"
    f"{quote(RUNTIME_ARN, safe='')}/invocations?qualifier=DEFAULT"
)
TOOLS, OTHER = "handmade-tools-abcdefghij", "handmade-other-abcdefghij"
INVOKE = "bedrock-agentcore:InvokeAgentRuntime"
RUNTIME_TYPE = "aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime"
_RESOURCE_POLICY = "aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy"
_TARGET = "aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget"
_ASSET, _ARCHIVE = "c44067f5952c0a294b673a41bacd8c17", "0def7320c3a5731c473e5ecbe6d01bc7"
_SIGNATURE = "4dabf18193072939515e22adb298388d"

ORDERS = """
import os
from mcp.server.fastmcp import FastMCP, Image
from mcp.server.fastmcp.exceptions import ToolError

server = FastMCP("orders", host="0.0.0.0", port=8000, stateless_http=True)

@server.tool()
def add(a: int, b: int) -> int:
    "Add two numbers."
    return a + b

@server.tool(structured_output=False)
def picture() -> Image:
    "Show something."
    return Image(data=b"\\x89PNG", format="png")

@server.tool()
def echo(value: dict) -> dict:
    "Give back what came."
    return value

@server.tool()
def fail() -> str:
    "Say that it cannot be done."
    raise ToolError("no such order")

@server.tool()
def environment() -> dict:
    "What the process has."
    return dict(os.environ)

server.run("streamable-http")
"""
"""A server of FastMCP, as its documentation has one: without sessions, without `/ping`; it answers in events."""

COUNTING = """
from mcp.server.fastmcp import Context, FastMCP

server = FastMCP("counting", host="0.0.0.0", port=8000)
seen = {}

@server.tool()
def count(ctx: Context) -> int:
    "How often this session has called."
    seen[id(ctx.session)] = seen.get(id(ctx.session), 0) + 1
    return seen[id(ctx.session)]

server.run("streamable-http")
"""
"""A server that keeps sessions."""

HOSTILE = """
import json, os, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if message["method"] == "initialize":
            return self.answer({"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {}}, message["id"])
        if "id" not in message:
            return self.send(b"", status=202)
        getattr(self, message.get("params", {}).get("name", "fine"))(message)

    def answer(self, result, number):
        self.send(json.dumps({"jsonrpc": "2.0", "id": number, "result": result}).encode())

    def send(self, body, status=200, kind="application/json"):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def fine(self, message):
        self.answer({"content": [{"type": "text", "text": "fine"}]}, message["id"])

    def crash(self, message):
        os._exit(3)

    def hang(self, message):
        time.sleep(3600)

    def rubbish(self, message):
        self.send(b"<html>secret-of-the-server</html>", kind="text/html")

    def misshapen(self, message):
        self.answer({"content": "secret-of-the-server"}, message["id"])

    def other_id(self, message):
        self.answer({"content": []}, 4711)

    def error(self, message):
        failure = {"code": -32603, "message": "secret-of-the-server"}
        self.send(json.dumps({"jsonrpc": "2.0", "id": message["id"], "error": failure}).encode())

    def refuse(self, message):
        self.send(b"secret-of-the-server", status=500)

    def move(self, message):
        self.send_response(307)
        self.send_header("location", "http://127.0.0.1:1/secret-of-the-server")
        self.send_header("content-length", "0")
        self.end_headers()

    def huge(self, message):
        self.answer({"content": [{"type": "text", "text": "x" * 100_000_000}]}, message["id"])

    def flood(self, message):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        while True:
            self.wfile.write(b": " + b"x" * 65536 + b"\\n\\n")

    def packed(self, message):
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-encoding", "gzip")
        self.send_header("content-length", "0")
        self.end_headers()

    def breaks_off(self, message):
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", "100")
        self.end_headers()
        self.wfile.write(b"{")
        self.close_connection = True

    def log_message(self, *_):
        pass

ThreadingHTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
"""
"""A server that does whatever the called tool's name says, in the worst way."""
FAILURES = (
    *("crash", "hang", "rubbish", "misshapen", "other_id", "error", "refuse", "move", "huge", "flood", "packed"),
    "breaks_off",
)


def tool(name: str, **properties: str) -> dict[str, Any]:
    """A tool as a server lists it."""
    schema = {"type": "object", "properties": {key: {"type": kind} for key, kind in properties.items()}}
    return {"name": name, "description": f"The tool {name}.", "inputSchema": schema}


def export(*, agent: bool = False) -> dict[str, Any]:
    """The hand-made deployment; without its agent where nobody asks it."""
    made = copy.deepcopy(_EXPORT)
    kept = [it for it in made["deployment"]["resources"] if agent or it["type"] != RUNTIME_TYPE]
    made["deployment"]["resources"] = kept
    return dict(made)


def add(deployment: Mapping[str, Any], kind: str, label: str, properties: Mapping[str, Any], **outputs: Any) -> None:
    """Add a resource."""
    resource = {
        "urn": f"urn:pulumi:dev::handmade::{kind}::{label}",
        "custom": True,
        "type": kind,
        "inputs": properties,
        "outputs": {**properties, **outputs},
        "id": label,
    }
    deployment["deployment"]["resources"].append(resource)


def add_role(deployment: Mapping[str, Any], name: str, statements: Sequence[Mapping[str, Any]] = ()) -> str:
    """Add a role; its ARN."""
    trust = {"Effect": "Allow", "Principal": {"Service": "bedrock-agentcore.amazonaws.com"}, "Action": "sts:AssumeRole"}
    properties = {"name": name, "path": "/", "assumeRolePolicy": _document([trust])}
    add(deployment, "aws:iam/role:Role", name, properties, arn=f"{ROLES}{name}")
    if statements:
        grant(deployment, name, "own", statements)
    return f"{ROLES}{name}"


def grant(deployment: Mapping[str, Any], role: str, name: str, statements: Sequence[Mapping[str, Any]]) -> None:
    """Add a policy to a role."""
    properties = {"role": role, "policy": _document(statements)}
    add(deployment, "aws:iam/rolePolicy:RolePolicy", f"{role}-{name}", properties, name=f"{role}-{name}")


def allow(action: str | Sequence[str], *resources: str) -> dict[str, Any]:
    """A statement that allows."""
    return {"Sid": "Allowed", "Effect": "Allow", "Action": action, "Resource": list(resources)}


def add_target(
    deployment: Mapping[str, Any],
    name: str,
    configuration: Mapping[str, Any],
    credentials: Mapping[str, Any] | None = None,
    gateway: str = TOOLS,
) -> None:
    """Add a target to a gateway."""
    properties = {
        "name": name,
        "gatewayIdentifier": gateway,
        "targetConfiguration": {"mcp": configuration},
        **({"credentialProviderConfiguration": credentials} if credentials else {}),
    }
    add(deployment, _TARGET, f"{gateway}-{name}", properties, targetId="TARGETID09")


def mcp_server(endpoint: str, tools: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The configuration of a target that is an MCP server."""
    listed = json.dumps({"tools": list(tools)})
    return {"mcpServer": {"endpoint": endpoint, "mcpToolSchema": {"inlinePayload": {"payload": listed}}}}


SIGNED = {"gatewayIamRole": {"service": "bedrock-agentcore"}}


def with_server(
    code: str | Mapping[str, str],
    tools: Sequence[Mapping[str, Any]],
    *,
    gateways: Sequence[str] = ("tools",),
    permitted: Sequence[str] = ("tools",),
    private: bool = True,
    agent: bool = False,
) -> dict[str, Any]:
    """The deployment with a server.

    Args:
        code: Its program, or all its files by their names; `main.py` is what is started.
        tools: The tools that its target lists.
        gateways: Which gateways have it.
        permitted: Which gateways' roles may invoke it.
        private: Whether its resource policy denies it to everybody but the roles of its gateways.
        agent: Whether the deployment's agent is there, too.
    """
    made = export(agent=agent)
    role = add_role(made, "orders-role")
    files = {"main.py": code} if isinstance(code, str) else code
    assets = {name: {_SIGNATURE: _ASSET, "text": content} for name, content in files.items()}
    source = {_SIGNATURE: _ARCHIVE, "assets": assets}
    add(made, "aws:s3/bucketObjectv2:BucketObjectv2", "orders", {"bucket": "b", "key": "orders", "source": source})
    configuration = {
        "entryPoints": ["main.py"],
        "runtime": "PYTHON_3_13",
        "code": {"s3": {"bucket": "b", "prefix": "orders"}},
    }
    runtime = {
        "agentRuntimeName": "handmade_orders",
        "roleArn": role,
        "networkConfiguration": {"networkMode": "PUBLIC"},
        "protocolConfiguration": {"serverProtocol": "MCP"},
        "agentRuntimeArtifact": {"codeConfiguration": configuration},
    }
    add(made, RUNTIME_TYPE, "orders", runtime, agentRuntimeArn=RUNTIME_ARN, agentRuntimeId=RUNTIME_ARN.split("/")[1])
    for gateway in gateways:
        add_target(made, "orders", mcp_server(ENDPOINT, tools), SIGNED, f"handmade-{gateway}-abcdefghij")
    for gateway in permitted:
        grant(made, f"{gateway}-role", "servers", [allow(INVOKE, RUNTIME_ARN, ENDPOINT_ARN)])
    add_role(made, "admin", [allow("*", "*")])
    if private:
        add_private(made, [f"{ROLES}{gateway}-role" for gateway in gateways])
    return made


def add_private(deployment: Mapping[str, Any], roles: Sequence[str]) -> None:
    """Add the resource policy that denies the server to everybody but these roles."""
    denied = {
        "Sid": "OnlyTheGateway",
        "Effect": "Deny",
        "Principal": "*",
        "Action": INVOKE,
        "Resource": RUNTIME_ARN,
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": list(roles)}},
    }
    add(deployment, _RESOURCE_POLICY, "orders", {"resourceArn": RUNTIME_ARN, "policy": _document([denied])})


def _document(statements: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
