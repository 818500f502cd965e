"""The agent as AgentCore runs it: a process of its own, told by its environment, ended by SIGTERM."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.agent import fake_bedrock
from tests.agent.conftest import AGENT
from tests.agent.fake_bedrock import FakeBedrock
from tests.agent.fake_gateway import FakeGateway

CALL = {"prompt": "call math___add_numbers"}


class AgentProcess:
    def __init__(self, environment: dict[str, str]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{free.getsockname()[1]}"
        port = self.url.rpartition(":")[2]
        self.process = subprocess.Popen(
            [sys.executable, str(AGENT / "main.py")],
            env={**environment, "PORT": port},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        with httpx.Client(transport=httpx.HTTPTransport(retries=0)) as client:
            while self.process.poll() is None:
                try:
                    client.get(self.url + "/ping", timeout=None)
                except httpx.ConnectError:
                    threading.Event().wait(0.02)
                else:
                    return
        raise AssertionError(self.process.communicate()[0])

    def ask(self, document: dict[str, Any]) -> httpx.Response:
        return httpx.post(self.url + "/invocations", json=document, timeout=None)

    def end(self) -> list[dict[str, Any]]:
        """Tell it to end; return the lines of its log."""
        self.process.send_signal(signal.SIGTERM)
        output, _ = self.process.communicate()
        assert self.process.returncode == -signal.SIGTERM
        return [json.loads(line) for line in output.splitlines()]


@pytest.fixture
def environment(gateway: FakeGateway, bedrock: FakeBedrock) -> dict[str, str]:
    return variables(gateway, bedrock)


def variables(gateway: FakeGateway, bedrock: FakeBedrock) -> dict[str, str]:
    return {
        "PATH": os.defpath,
        "HOST": "127.0.0.1",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": bedrock.url,
        "BEDROCK_MODEL_ID": "us.anthropic.claude-haiku-4-5-20251001-v1:0",
        "GATEWAY_URL": gateway.url,
        "AGENT_SHUTDOWN_SECONDS": "1",
    }


@pytest.fixture
def start(environment: dict[str, str]) -> Iterator[Callable[[], AgentProcess]]:
    started: list[AgentProcess] = []

    def start_() -> AgentProcess:
        started.append(AgentProcess(environment))
        return started[-1]

    yield start_
    for agent in started:
        if agent.process.poll() is None:
            agent.process.kill()
            agent.process.communicate()


@pytest.fixture(scope="module")
def lasting_process(running_gateway: FakeGateway, running_bedrock: FakeBedrock) -> Iterator[AgentProcess]:
    """One process for what leaves it as it was."""
    agent = AgentProcess(variables(running_gateway, running_bedrock))
    yield agent
    agent.process.kill()
    agent.process.communicate()


def test_serves_from_before_the_gateway_is_up_and_logs_json_lines(
    start: Callable[[], AgentProcess], gateway: FakeGateway
) -> None:
    gateway.server.stop()
    agent = start()
    try:
        assert agent.ask(CALL).status_code == 503
    finally:
        gateway.server.start()
    assert agent.ask(CALL).json()["response"] == 'The tool said: {"result": 112}'
    assert agent.ask({"prompt": "call math___fail_secretly"}).status_code == 200
    log = agent.end()
    assert [line["status"] for line in log if line["event"] == "invocation"] == [503, 200, 200]
    assert {"time", "level", "event", "request_id"} <= log[-1].keys()
    assert {line["event"] for line in log} == {"gateway_call_failed", "invocation"}
    text = json.dumps(log)
    for content in ("hunter2", "The tool said", "call math", 'secret"', "AKID"):
        assert content not in text


@pytest.mark.parametrize(
    ("level", "events"),
    [
        ("debug", {"gateway_call", "gateway_call_failed", "invocation", "tools_listed"}),
        # info: what there is without a level, in the test above
        ("warning", {"gateway_call_failed", "invocation"}),
        ("error", set()),
    ],
)
def test_the_level_decides_which_lines_there_are_and_none_shows_content(
    level: str,
    events: set[str],
    start: Callable[[], AgentProcess],
    environment: dict[str, str],
    gateway: FakeGateway,
) -> None:
    environment["AGENT_LOG_LEVEL"] = level
    gateway.server.stop()
    agent = start()
    try:
        assert agent.ask(CALL).status_code == 503
    finally:
        gateway.server.start()
    for prompt in ("call math___add_numbers", "call math___fail_secretly"):
        assert agent.ask({"prompt": prompt}).status_code == 200
    log = agent.end()
    assert {line["event"] for line in log} == events
    statuses = {"debug": [503, 200, 200], "warning": [503], "error": []}[level]
    assert [line["status"] for line in log if line["event"] == "invocation"] == statuses
    text = json.dumps(log)
    for content in ("hunter2", "The tool said", "call math", 'secret"', "AKID"):
        assert content not in text


def test_sigterm_lets_a_running_request_finish(
    start: Callable[[], AgentProcess], gateway: FakeGateway, bedrock: FakeBedrock
) -> None:
    agent = start()
    agent.ask(CALL)
    held, release = threading.Event(), threading.Event()

    async def slow(events: list[fake_bedrock.Event]) -> Any:
        held.set()
        while not release.is_set():
            await asyncio.sleep(0.01)
        return await fake_bedrock.whole(events)

    bedrock.inject(slow)
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(agent.ask, {"prompt": "hello"})
        assert held.wait()
        agent.process.send_signal(signal.SIGTERM)
        refuses_connections(agent.url)
        release.set()
        assert answer.result().json() == {
            "status": "success",
            "response": "You said: hello",
            "stop_reason": "end_turn",
        }
    assert agent.process.wait() == -signal.SIGTERM


def test_sigterm_ends_what_does_not_finish(start: Callable[[], AgentProcess], bedrock: FakeBedrock) -> None:
    agent = start()
    agent.ask(CALL)
    bedrock.reached.clear()
    bedrock.inject(fake_bedrock.silence)
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(agent.ask, {"prompt": "hello"})
        assert bedrock.reached.wait()
        agent.process.send_signal(signal.SIGTERM)
        assert (answer.result().status_code, answer.result().json()["error"]["code"]) == (503, "shutting_down")
    assert agent.process.wait() == -signal.SIGTERM


def test_sigterm_gives_a_task_its_last_seconds_too(start: Callable[[], AgentProcess], bedrock: FakeBedrock) -> None:
    agent = start()
    bedrock.reached.clear()
    held, release = asyncio.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def hold(events: list[fake_bedrock.Event]) -> Any:
        loops.append(asyncio.get_running_loop())
        held.set()
        await release.wait()
        return await fake_bedrock.whole(events)

    bedrock.inject(hold)
    bedrock.inject(fake_bedrock.silence)
    for number in (1, 2):
        bedrock.reached.clear()
        session = {"X-Amzn-Bedrock-AgentCore-Runtime-Session-Id": f"s{number}"}
        body = {"prompt": "hello", "background": True}
        assert httpx.post(agent.url + "/invocations", json=body, headers=session, timeout=None).status_code == 200
        assert bedrock.reached.wait()
    agent.process.send_signal(signal.SIGTERM)
    refuses_connections(agent.url)
    loops[0].call_soon_threadsafe(release.set)
    output, _ = agent.process.communicate()
    lines = [json.loads(line) for line in output.splitlines()]
    assert [line["code"] for line in lines if line["event"] == "invocation"] == ["success", "shutting_down"]
    assert agent.process.returncode == -signal.SIGTERM


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_caller_that_only_reads_gets_its_answer(
    lasting_process: AgentProcess, gateway: FakeGateway, bedrock: FakeBedrock, version: str, stream: bool
) -> None:
    peer = connected(lasting_process)
    body = json.dumps({**CALL, "stream": stream})
    peer.sendall(f"POST /invocations HTTP/{version}\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
    peer.shutdown(socket.SHUT_WR)
    answer = heard(peer)
    assert b'"status": "success"' in answer or b'"status":"success"' in answer
    assert (b"chunked" in answer.lower()) == (stream and version == "1.1")


def test_a_header_without_end_is_refused(lasting_process: AgentProcess) -> None:
    peer = connected(lasting_process)
    with contextlib.suppress(ConnectionError):
        peer.sendall(b"GET /ping HTTP/1.1\r\nX: ")
        for _ in range(40):
            peer.sendall(b"a" * 65536)
    assert heard(peer).startswith(b"HTTP/1.1 431 ")


def connected(agent: AgentProcess) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(agent.url.rpartition(":")[2])))


def heard(peer: socket.socket) -> bytes:
    """Everything until the end of the connection."""
    answer = b""
    with peer, contextlib.suppress(ConnectionError):
        while data := peer.recv(65536):
            answer += data
    return answer


def refuses_connections(url: str) -> None:
    while True:
        try:
            httpx.get(url + "/ping")
        except httpx.TransportError:
            return
        threading.Event().wait(0.02)


def test_a_bad_environment_ends_it_with_what_to_write(environment: dict[str, str]) -> None:
    ended = subprocess.run(
        [sys.executable, str(AGENT / "main.py")],
        check=False,
        env={**environment, "AWS_REGION": "", "GATEWAY_URL": "http://gateway.example/mcp"},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert [line.split()[0] for line in ended.stderr.splitlines()] == ["AWS_REGION", "GATEWAY_URL"]


def test_import_makes_nothing_perishable(environment: dict[str, str], gateway: FakeGateway) -> None:
    """Runtime V2 may take its snapshot after import: no thread, no socket, no credentials may be in it."""
    probe = (
        "import sys, threading, os; sys.path.insert(0, sys.argv[1]); import server, settings, boto3;"
        "wanted = settings.read(os.environ); server.build_app(server.build_service(wanted), wanted);"
        "print(threading.active_count(), 'fastmcp' in sys.modules,"
        "sum(os.readlink(f'/proc/self/fd/{d}').startswith('socket') for d in os.listdir('/proc/self/fd')"
        " if os.path.exists(f'/proc/self/fd/{d}')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe, str(AGENT)],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["1", "False", "0"], done.stderr
    assert gateway.requests == []


# Imports that wait until they are told to go on: the test then knows what is answered before them.
HELD = """
import importlib.abc, os, runpy, sys
class Hold(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "server":
            print("importing", flush=True)
            sys.stdin.readline()
            if os.environ.get("BROKEN"):
                raise ImportError("broken")
sys.meta_path.insert(0, Hold())
sys.path.insert(0, os.path.dirname(sys.argv[1]))
runpy.run_path(sys.argv[1], run_name="__main__")
"""


@pytest.fixture
def held(environment: dict[str, str]) -> Iterator[Callable[..., tuple[subprocess.Popen[str], str]]]:
    processes: list[subprocess.Popen[str]] = []

    def held_(**more: str) -> tuple[subprocess.Popen[str], str]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        process = subprocess.Popen(
            [sys.executable, "-c", HELD, str(AGENT / "main.py")],
            env={**environment, "PORT": port, **more},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        assert process.stdout
        assert process.stdout.readline() == "importing\n"
        return process, f"http://127.0.0.1:{port}"

    yield held_
    for process in processes:
        process.kill()
        process.communicate()


def go_on(process: subprocess.Popen[str]) -> None:
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()


def test_it_answers_pings_before_it_is_imported_and_invocations_once_it_is(
    held: Callable[..., tuple[subprocess.Popen[str], str]],
) -> None:
    process, url = held()
    before = httpx.get(url + "/ping", timeout=None)
    assert before.headers["content-type"] == "application/json"
    with ThreadPoolExecutor(2) as threads:
        answers = [threads.submit(httpx.post, url + "/invocations", json=CALL, timeout=None) for _ in range(2)]
        assert httpx.get(url + "/ping", timeout=None).json() == before.json()
        assert not any(answer.done() for answer in answers)
        go_on(process)
        assert [answer.result().json()["status"] for answer in answers] == ["success"] * 2
    after = httpx.get(url + "/ping", timeout=None).json()
    assert (before.json()["status"], after["status"]) == ("Healthy", "Healthy")
    assert before.json()["time_of_last_update"] <= after["time_of_last_update"]


def test_a_signal_during_the_imports_ends_it_after_them(
    held: Callable[..., tuple[subprocess.Popen[str], str]],
) -> None:
    process, url = held()
    process.send_signal(signal.SIGTERM)
    assert httpx.get(url + "/ping", timeout=None).status_code == 200
    go_on(process)
    assert process.wait() == -signal.SIGTERM


def test_imports_that_fail_end_it(held: Callable[..., tuple[subprocess.Popen[str], str]]) -> None:
    process, url = held(BROKEN="1")
    assert httpx.get(url + "/ping", timeout=None).status_code == 200
    go_on(process)
    assert process.stderr
    assert "ImportError: broken" in process.stderr.read()
    assert process.wait() == 1


def test_a_port_that_is_taken_ends_it_with_a_line(environment: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = subprocess.run(
            [sys.executable, str(AGENT / "main.py")],
            check=False,
            env={**environment, "PORT": str(taken.getsockname()[1])},
            capture_output=True,
            text=True,
        )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("HOST and PORT: 127.0.0.1:")
    assert len(ended.stderr.splitlines()) == 1
