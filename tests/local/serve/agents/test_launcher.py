"""Programs that listen where AgentCore Runtime wants them to, each at a port of its own here."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from toolgate.local.serve.agents.agent_process import AgentProcess

SDK = """
from bedrock_agentcore import BedrockAgentCoreApp
app = BedrockAgentCoreApp()
@app.entrypoint
def answer(payload):
    return {"response": "x"}
app.run()
"""
EVERY_INTERFACE = SDK.replace("app.run()", "app.run(host='0.0.0.0')")
UVLOOP = """
import uvicorn
from bedrock_agentcore import BedrockAgentCoreApp
app = BedrockAgentCoreApp()
uvicorn.run(app, host="0.0.0.0", port=8080, loop="uvloop")
"""
HANDMADE = """
from http.server import BaseHTTPRequestHandler, HTTPServer
class Ping(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
HTTPServer(("", 8080), Ping).serve_forever()
"""
OWN_PORT = HANDMADE.replace("8080", "int(__import__('os').environ['PORT'])").replace('""', '"127.0.0.1"')


@pytest.fixture
def start(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[str], AgentProcess]:
    """Starts a program and waits until it answers /ping at the port that it was given."""

    def started(source: str) -> AgentProcess:
        number = len(list(tmp_path.glob("*.py")))
        (tmp_path / f"main{number}.py").write_text(source)
        agent = AgentProcess(f"agent {number}", tmp_path / f"main{number}.py", {}, tmp_path / f"{number}.log")
        request.addfinalizer(agent.stop)
        agent.start()
        agent.wait_ready()
        return agent

    return started


def listens_on_loopback_only(agent: AgentProcess) -> bool:
    """Whether every socket that listens at its port is bound to 127.0.0.1 (proc(5), /proc/net/tcp)."""
    port = f"{agent.port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {row[1] for row in rows if row[1].endswith(f":{port}") and row[3] == "0A"} == {f"0100007F:{port}"}


@pytest.mark.parametrize("source", [SDK, EVERY_INTERFACE, UVLOOP, HANDMADE, OWN_PORT])
def test_an_unchanged_program_listens_at_its_port_on_loopback(
    source: str, start: Callable[[str], AgentProcess]
) -> None:
    assert listens_on_loopback_only(start(source))


def test_several_at_once(start: Callable[[str], AgentProcess]) -> None:
    agents = [start(HANDMADE), start(HANDMADE)]
    assert len({agent.port for agent in agents}) == 2
    with socket.socket() as free:  # nobody took the port of the contract
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", 0))
        assert free.getsockname()[1] not in {agent.port for agent in agents}


def test_the_program_sees_itself_as_if_it_were_started_alone(start: Callable[[str], AgentProcess]) -> None:
    agent = start(f"import sys\nprint(sys.argv, sys.path[0], __name__, __file__, flush=True){HANDMADE}")
    [said] = [line for line in agent.log.read_text().splitlines() if "__main__" in line]
    file = agent.log.with_name("main0.py")
    assert said == f"['{file}'] {file.parent} __main__ {file}"
