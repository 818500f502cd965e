"""Figures of targets that are no function: calls of an MCP server, plans of every kind. `python -m bench.targets`.

A call goes through gateway and AgentCore Runtime, each with a signature and a decision of IAM; the reference is the
same server asked directly, by the same client in the same turns: a call alone where the gateway has sessions, and where
it has none with the introduction that the gateway makes before each. A plan runs the policy pack in a process of its
own. Ends with 1 if a figure does not hold. Takes two minutes on two cores; say nothing of a busy machine by it.
"""

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bench.agent_figures import Figure, printed
from toolgate.components.servers import listing, server_folder
from toolgate.local.plan import plan
from toolgate.local.serve.server import Serving, serve

PROJECT = Path(__file__).resolve().parents[1]
WARM_UP, TURNS = 20, 200
TIMES = 3
HEADERS = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
ARGUMENTS = {"a": 100, "b": 12}
SETTINGS = "config:\n  aws:region: us-east-1\n"
SERVER_ALONE = """
from mcp.server.fastmcp import FastMCP

server = FastMCP("numbers")
"""
SERVER = f'''{SERVER_ALONE}

@server.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b
'''
PROGRAM = """
from toolgate import AgentRuntime, McpServer, ToolGateway, agent_code

numbers = McpServer("numbers", {"directory": "servers/numbers"})
gateway = ToolGateway("tools", {"targets": {"numbers": numbers.target}})
model = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
AgentRuntime("agent", {"code": agent_code("agent"), "model_id": model, "tools": [gateway.tools()]})
"""
TOOL = '''

@server.tool()
def {kind}_{number}(amount: int, note: str = "") -> str:
    """Do thing {number}."""
    return note
'''
KINDS = """
import json
from toolgate import ApiGatewayTools, LambdaTools, McpServer, OpenApiTools, ToolGateway, recorded_server

document = open("stage.json").read()
schema = {"type": "object", "properties": {"amount": {"type": "integer", "description": "How much."}}}
arn = "arn:aws:lambda:us-east-1:123456789012:function:there"


def listed(kind):
    return [{"name": f"{kind}_{it}", "description": f"Do thing {it}.", "inputSchema": schema} for it in range(100)]


inner = ToolGateway("inner", {"targets": {"it": {"function_arn": arn, "tools": listed("inner")}}})
targets = {"inner": inner.target(), "there": {"function_arn": arn, "tools": listed("there")}}
targets |= {name: LambdaTools(name, {"directory": f"lambdas/{name}"}).target for name in ("typed", "typed2")}
targets |= {name: McpServer(name, {"directory": f"servers/{name}"}).target for name in ("served", "served2")}
targets |= {name: OpenApiTools(name, {"directory": f"apis/{name}"}).target for name in ("api", "api2")}
stage = {"rest_api_id": "a1b2c3d4e5", "stage": "prod", "document": document}
targets |= {"stage": ApiGatewayTools("stage", stage).target, "recorded": recorded_server("recorded.json")}
ToolGateway("tools", {"targets": targets, "search": False})
"""


def main() -> int:
    """Measure everything and print it."""
    return printed(figure for part in (calls, plans) for figure in part())


def calls() -> Iterator[Figure]:
    """A call through gateway and Runtime, with the gateway's sessions and without."""
    with tempfile.TemporaryDirectory() as folder:
        program = _program(Path(folder), PROGRAM, {"servers/numbers/server.py": SERVER})
        (program / "agent").symlink_to(PROJECT / "agent")
        made = plan("dev", root=program).deployment
        with _directly(program / "servers" / "numbers") as there:
            for sessions in (True, False):
                with serve(_with_sessions(made) if sessions else made, root=program, logs=program / "logs") as serving:
                    ours, reference = _through(serving, sessions=sessions), _reference(there, introduced=sessions)
                    value, direct = _medians(ours, reference)
                what = "in the gateway's sessions / the server's call" if sessions else "alone / introduction and call"
                yield Figure(f"tools/call through gateway and Runtime, {what}", value, direct, "ms", 2.5)


def plans() -> Iterator[Figure]:
    """How long servers take to be read, and a plan of ten targets with a hundred tools each."""
    with tempfile.TemporaryDirectory() as folder:
        program = _program(Path(folder), KINDS, dict(_hundreds()))
        servers = {name: server_folder.read(path) for name, path in server_folder.folders(program / "servers").items()}
        taken = []
        for _ in range(TIMES):
            shutil.rmtree(program / "dist", ignore_errors=True)
            taken.append(_in(program, lambda: listing.read_all(servers)) / 1000)
        yield Figure("reading two servers of 100 tools / each", statistics.median(taken), len(servers), "s", 1.5)
        again = [_in(program, lambda: listing.read_all(servers)) / 1000 for _ in range(TIMES)]
        yield Figure("the same once more / each", statistics.median(again), len(servers), "s", 0.05)
        command = [sys.executable, "-m", "toolgate.cli", "plan", "--program", str(program)]
        whole = [_timed(command) for _ in range(TIMES)]
        yield Figure(
            "plan of 10 targets of 6 kinds, 100 tools each, with the pack / a second",
            statistics.median(whole),
            1,
            "s",
            8,
        )


def _program(folder: Path, program: str, files: Mapping[str, str]) -> Path:
    every = {"Pulumi.yaml": "name: bench\nruntime: python\n", "Pulumi.dev.yaml": SETTINGS, "__main__.py": program}
    for name, text in {**every, **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def _hundreds() -> Iterator[tuple[str, str]]:
    """Files of what has a hundred tools."""
    numbers = range(100)
    for suffix in ("", "2"):
        typed = '"""Things."""\n'
        for number in numbers:
            text = f"Do thing {number}.\n\n    Args:\n        amount: How much.\n    "
            typed += f'\n\ndef typed{suffix}_{number}(amount: int) -> int:\n    """{text}"""\n    return amount\n'
        yield f"lambdas/typed{suffix}/tools.py", typed
        served = (TOOL.format(number=number, kind=f"served{suffix}") for number in numbers)
        yield f"servers/served{suffix}/server.py", SERVER_ALONE + "".join(served)
        yield f"apis/api{suffix}/openapi.json", json.dumps(_document(f"api{suffix}"))
    yield "stage.json", json.dumps(_document("stage"))
    schema = {"type": "object", "properties": {"amount": {"type": "integer"}}}
    tools = [{"name": f"recorded_{number}", "description": "A thing.", "inputSchema": schema} for number in numbers]
    yield "recorded.json", json.dumps({"endpoint": "https://mcp.example.com/mcp", "tools": tools})


def _document(kind: str) -> dict[str, Any]:
    parameter = {"name": "amount", "in": "path", "required": True, "schema": {"type": "integer"}}
    return {
        "openapi": "3.0.3",
        "info": {"title": "Things", "version": "1"},
        "servers": [{"url": "https://things.example.com"}],
        "paths": {
            f"/things{number}/{{amount}}": {
                "get": {
                    "operationId": f"{kind}_{number}",
                    "summary": f"Do thing {number}.",
                    "parameters": [parameter],
                    "responses": {"200": {"description": "It."}},
                }
            }
            for number in range(100)
        },
    }


def _with_sessions(deployment: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(deployment))
    for resource in made["deployment"]["resources"]:
        if resource["type"].endswith(":AgentcoreGateway"):
            for part in ("inputs", "outputs"):
                mcp = resource[part]["protocolConfiguration"]["mcp"]
                mcp["sessionConfiguration"] = {"sessionTimeoutInSeconds": 900}
    return made


@contextmanager
def _directly(folder: Path) -> Iterator[str]:
    """The server itself, at a port of loopback."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    shutil.copy(PROJECT / "servers" / "serve.py", folder)
    own = {**os.environ, "HOST": "127.0.0.1", "PORT": str(port)}
    with subprocess.Popen([sys.executable, "serve.py"], cwd=folder, env=own, stderr=subprocess.DEVNULL) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            while process.poll() is None:
                try:
                    httpx.get(f"{url}/ping", trust_env=False).raise_for_status()
                    break
                except httpx.TransportError:
                    time.sleep(0.05)
            yield f"{url}/mcp"
        finally:
            process.kill()


type Call = Callable[[int], float]
"""Makes a call with this number as its id; gives its milliseconds."""


def _through(serving: Serving, *, sessions: bool) -> Call:
    [gateway], [agent] = serving.deployment.gateways, serving.deployment.agents
    url, client = serving.gateway_url(gateway.id), httpx.Client(trust_env=False, timeout=60)
    of_agent = serving.session(agent.role_arn)
    own = Credentials(of_agent.access_key_id, of_agent.secret_access_key, of_agent.session_token)

    def sent(message: dict[str, Any], **headers: str) -> tuple[httpx.Response, float]:
        signed = AWSRequest("POST", url, data=json.dumps(message), headers={**HEADERS, **headers})
        SigV4Auth(own, "bedrock-agentcore", "us-east-1").add_auth(signed)
        started = time.perf_counter()
        answer = client.post(url, content=signed.data, headers=dict(signed.headers))
        return answer, (time.perf_counter() - started) * 1000

    in_session: dict[str, str] = {}
    if sessions:
        answer, _ = sent(_message(0, "initialize", HELLO))
        in_session = {"mcp-session-id": answer.headers["mcp-session-id"]}

    def call(number: int) -> float:
        answer, taken = sent(_message(number, "tools/call", _named("numbers___add")), **in_session)
        _expect(answer)
        return taken

    return call


def _reference(url: str, *, introduced: bool) -> Call:
    client = httpx.Client(trust_env=False, timeout=60, headers=HEADERS)

    def call(number: int) -> float:
        started = time.perf_counter()
        if not introduced:
            client.post(url, json=_message(number, "initialize", HELLO)).raise_for_status()
            client.post(url, json={"jsonrpc": "2.0", "method": "notifications/initialized"}).raise_for_status()
        answer = client.post(url, json=_message(number, "tools/call", _named("add")))
        taken = (time.perf_counter() - started) * 1000
        _expect(answer)
        return taken

    return call


def _named(tool: str) -> dict[str, Any]:
    return {"name": tool, "arguments": ARGUMENTS}


def _message(number: int, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def _expect(answer: httpx.Response) -> None:
    """A figure of something that does not work would be none."""
    if answer.status_code != 200 or "112" not in answer.text or '"isError":true' in answer.text.replace(" ", ""):
        raise RuntimeError(f"{answer.status_code}: {answer.text}")


def _medians(*calls: Call) -> list[float]:
    """Milliseconds each takes once warm; they are made in turns, so that all see the same machine."""
    taken: list[list[float]] = [[] for _ in calls]
    for turn in range(WARM_UP + TURNS):
        for index, call in enumerate(calls):
            milliseconds = call(turn + 1)
            if turn >= WARM_UP:
                taken[index].append(milliseconds)
    return [statistics.median(values) for values in taken]


def _in(folder: Path, run: Callable[[], object]) -> float:
    """Milliseconds that something takes in a folder."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        started = time.perf_counter()
        run()
        return (time.perf_counter() - started) * 1000
    finally:
        os.chdir(before)


def _timed(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
