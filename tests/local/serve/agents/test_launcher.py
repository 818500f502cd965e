"""Programs that listen where AgentCore Runtime wants them to: here nobody but the server reaches them."""

import socket
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from toolgate.local.serve.agents.agent_process import AgentProcess, AgentStartError, Program

ROOT = Path(__file__).parents[4]

SDK = """
from bedrock_agentcore import BedrockAgentCoreApp
app = BedrockAgentCoreApp()
@app.entrypoint
def answer(payload):
    return {"response": "x"}
app.run()
"""
EVERY_INTERFACE = SDK.replace("app.run()", "app.run(host='0.0.0.0')")
NO_HOST = SDK.replace("app.run()", "import uvicorn; uvicorn.run(app, host=None, port=8080, loop='asyncio')")
LOCALHOST = SDK.replace("app.run()", "import uvicorn; uvicorn.run(app, host='localhost', port=8080, loop='asyncio')")
UVLOOP = SDK.replace("app.run()", "import uvicorn; uvicorn.run(app, host='0.0.0.0', port=8080, loop='uvloop')")
UVLOOP_SOCKET = SDK.replace(
    "app.run()",
    """
import uvicorn
config = uvicorn.Config(app, host="0.0.0.0", port=8080, loop="uvloop")
uvicorn.Server(config).run(sockets=[config.bind_socket()])
""",
)
STARLETTE = """
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
async def answer(request):
    return JSONResponse({"response": "x"})
app = Starlette(routes=[Route("/ping", answer), Route("/invocations", answer, methods=["POST"])])
uvicorn.run(app, host="::", port=8080)
"""
STREAMING = STARLETTE.replace(
    "return JSONResponse", "return StreamingResponse(said()) if request.method == 'POST' else JSONResponse"
).replace(
    "async def answer",
    """
import asyncio
from starlette.responses import StreamingResponse
async def said():
    yield "data: 1\\n\\n"
    await asyncio.sleep(60)
async def answer""",
)
HANDMADE = """
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        # What closes before it has read everything may reset the connection before its answer is read.
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"response": "x"}')
    do_POST = do_GET
HTTPServer(("", 8080), Handler).serve_forever()
"""
THREADED = HANDMADE.replace("HTTPServer((", "ThreadingHTTPServer((")
OWN_PORT = HANDMADE.replace("8080", "int(__import__('os').environ['PORT'])").replace('""', '"127.0.0.1"')
MORE = """
import asyncio, threading
async def more():
    await (await asyncio.start_server(print, *{address})).serve_forever()
def run():
    if "{loop}" == "uvloop":
        import uvloop
        uvloop.run(more())
    asyncio.run(more())
threading.Thread(target=run, daemon=True).start()
import time; time.sleep(0.5)
""" + HANDMADE.replace("{", "{{").replace("}", "}}")


@pytest.fixture
def start(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[str], AgentProcess]:
    """Starts a program and waits until it answers /ping."""

    def started(source: str) -> AgentProcess:
        number = len(list(tmp_path.glob("*.py")))
        (tmp_path / f"main{number}.py").write_text(source)
        agent = AgentProcess(f"agent {number}", Program(tmp_path / f"main{number}.py"), {}, tmp_path / f"{number}.log")
        request.addfinalizer(agent.stop)
        agent.start()
        agent.wait_ready()
        return agent

    return started


def listening(agent: AgentProcess) -> set[str]:
    """Where the process, and all it has started, listens on TCP (proc(5): /proc/net/tcp, /proc/PID/fd)."""
    assert agent._process
    held: set[str] = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            if int(stat.read_text().rpartition(")")[2].split()[2]) == agent._process.pid:
                held |= _open_files(stat.parent / "fd")
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text().splitlines()[1:]]
    return {row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in held}


def _open_files(folder: Path) -> set[str]:
    found = set()
    for descriptor in folder.iterdir():
        with suppress(FileNotFoundError):  # it was closed meanwhile
            found.add(descriptor.readlink().name)
    return found


def post(agent: AgentProcess, body: bytes) -> httpx.Response:
    """What the server does: a request by the process's own socket."""
    with httpx.Client(transport=httpx.HTTPTransport(uds=agent.socket)) as client:
        return client.post("http://127.0.0.1/invocations", content=body)


FOREIGN = [SDK, EVERY_INTERFACE, NO_HOST, LOCALHOST, UVLOOP, UVLOOP_SOCKET, STARLETTE, THREADED, OWN_PORT]


@pytest.mark.parametrize("source", FOREIGN)
def test_an_unchanged_program_is_reached_by_the_server_alone(source: str, start: Callable[[str], AgentProcess]) -> None:
    agent = start(source)
    answer = post(agent, b'{"prompt": "x"}')
    assert (answer.status_code, answer.json()) == (200, {"response": "x"})
    assert listening(agent) == set()
    assert Path(agent.socket).parent.stat().st_mode & 0o777 == 0o700


def test_the_shipped_agent_is_reached_by_the_server_alone(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    own = {"AWS_REGION": "us-east-1", "BEDROCK_MODEL_ID": "us.anthropic.claude-haiku-4-5-20251001-v1:0"}
    agent = AgentProcess("agent x", Program(ROOT / "agent" / "main.py"), own, tmp_path / "x.log")
    request.addfinalizer(agent.stop)
    agent.start()
    agent.wait_ready()
    assert post(agent, b"{}").status_code == 400
    assert listening(agent) == set()


def test_a_streamed_answer_comes_piece_by_piece(start: Callable[[str], AgentProcess]) -> None:
    agent = start(STREAMING)
    with (
        httpx.Client(transport=httpx.HTTPTransport(uds=agent.socket)) as client,
        client.stream("POST", "http://127.0.0.1/invocations") as answer,
    ):
        assert next(answer.iter_bytes()) == b"data: 1\n\n"


def test_several_at_once(start: Callable[[str], AgentProcess]) -> None:
    agents = [start(HANDMADE), start(HANDMADE)]
    assert len({agent.socket for agent in agents}) == 2
    with socket.socket() as free:  # nobody took the port of the contract
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", 8080))


@pytest.mark.parametrize("address", [("", 0), ("0.0.0.0", 0), ("127.0.0.1", 0)])
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_another_port_is_kept_to_loopback_and_told(
    address: tuple[str, int], loop: str, start: Callable[[str], AgentProcess]
) -> None:
    agent = start(MORE.format(address=address, loop=loop))
    places = listening(agent)
    assert places
    for place in places:
        host, _, port = place.rpartition(":")
        assert host in {"0100007F", "00000000000000000000000001000000"}
        assert f":{int(port, 16)} too" in agent.log.read_text()


def test_a_program_that_listens_elsewhere_is_refused(
    start: Callable[[str], AgentProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("toolgate.local.serve.agents.agent_process.START_SECONDS", 2)
    with pytest.raises(AgentStartError, match="It must listen at port 8080 in the process of its entry point"):
        start(HANDMADE.replace("8080", "0"))


def test_a_long_temporary_folder_is_no_hindrance(
    start: Callable[[str], AgentProcess], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    assert post(start(HANDMADE), b"{}").status_code == 200


def test_nothing_is_left_of_the_socket(start: Callable[[str], AgentProcess]) -> None:
    agent = start(HANDMADE)
    folder = Path(agent.socket).parent
    agent.stop()
    assert not folder.exists()


def test_the_program_sees_itself_as_if_it_were_started_alone(start: Callable[[str], AgentProcess]) -> None:
    agent = start(f"import sys\nprint(sys.argv, sys.path[0], __name__, __file__, flush=True){HANDMADE}")
    [said] = [line for line in agent.log.read_text().splitlines() if "__main__" in line]
    file = agent.log.with_name("main0.py")
    assert said == f"['{file}'] {file.parent} __main__ {file}"
