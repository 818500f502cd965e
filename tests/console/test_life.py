"""The console from its start to its end: beside `toolgate up`, over a reload, and for a stack on AWS."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.console.conftest import client_of
from tests.console.pretended_runtime import ARN, SESSION, Runtime
from tests.planning import SAMPLE, planned
from tests.waiting import wait_until
from toolgate.console.served import Program, Served, Told
from toolgate.console.server import Console, console
from toolgate.console.stack import UNAVAILABLE
from toolgate.local.serve.server import serve

ADD = "math___add_numbers"


@dataclass(frozen=True)
class Command:
    """A command that runs until it is told to end."""

    process: subprocess.Popen[str]
    lines: list[str]
    console: Console
    opened: Path
    said: list[str] = field(default_factory=list)

    def end(self) -> int:
        """End it by Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=120)
        self.said.extend([*out.splitlines(), *err.splitlines()])
        return self.process.returncode


@contextmanager
def running(folder: Path, *words: str, variables: Mapping[str, str] | None = None) -> Iterator[Command]:
    """Run a command until the block ends; what it opens in the browser is written into a file."""
    opened, browser = folder / "opened", folder / "browser"
    browser.write_text(f"#!/bin/sh\nprintf %s \"$1\" > '{opened}'\n")
    browser.chmod(0o755)
    environment = {**os.environ, "BROWSER": f"{browser} %s", **(variables or {})}
    process = subprocess.Popen(
        [sys.executable, "-m", "toolgate.cli", *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line.rstrip())
            if "Ctrl-C ends it" in line:
                break
        [address] = [line.removeprefix("# console: ") for line in lines if line.startswith("# console: ")]
        url, _, token = address.partition("/#token=")
        yield Command(process, lines, Console(url, token), opened)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A folder of a program, of which a deployment file is served."""
    (tmp_path / "Pulumi.yaml").write_text("name: p\nruntime: python\n")
    return tmp_path


@pytest.fixture
def deployment(program: Path) -> Path:
    """The stack without agents' processes: its gateways alone."""
    document = planned("agents").deployment
    kept = [it for it in document["deployment"]["resources"] if "agentRuntime" not in it["type"]]
    file = program / "deployment.json"
    file.write_text(json.dumps({**document, "deployment": {**document["deployment"], "resources": kept}}))
    for name in ("lambdas", "interceptors", "dist", "agent"):
        if (SAMPLE / name).exists():
            (program / name).symlink_to(SAMPLE / name)
    return file


def test_up_serves_it_opens_it_and_ends_it(program: Path, deployment: Path) -> None:
    words = ["up", "--deployment", str(deployment), "--program", str(program), "--open"]
    with running(program, *words) as command, client_of(command.console) as client:
        wait_until(lambda: command.opened.exists() and command.opened.read_text())
        assert command.opened.read_text() == command.console.address
        overview = client.get("/api/overview").json()
        [gateway] = overview["gateways"]
        assert overview["live"] is True
        assert "what-if" in overview["unavailable"]  # a deployment file is served
        answer = client.post("/api/what-if", json={"give": [{"agent": "greeter", "tool": ADD}]})
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "unavailable")
        with client.stream("GET", "/api/events") as events:  # an open stream holds nothing up
            assert client.post(
                "/api/tools/call", json={"tool": ADD, "gateway": gateway["id"], "arguments": {}, "as": ""}
            ).json()["refusal"]
            for line in events.iter_lines():
                if line.startswith("data:"):
                    break
            assert command.end() == 0
        assert any("denied" in line for line in command.said)
        everything = command.said + [it.read_text() for it in (program / ".local").rglob("*") if it.is_file()]
        assert not [text for text in everything if command.console.token in text]
        with pytest.raises(httpx.ConnectError):
            client.get("/")


def test_up_says_where_it_cannot_serve_it(program: Path, deployment: Path) -> None:
    with console(_source_of_nothing()) as other:
        port = other.url.rpartition(":")[2]
        words = ["up", "--deployment", str(deployment), "--program", str(program), "--console-port", port]
        done = subprocess.run(
            [sys.executable, "-m", "toolgate.cli", *words], capture_output=True, text=True, check=False, timeout=120
        )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(f"error: port {port} is in use")


def _source_of_nothing() -> Any:
    class Nothing:
        live = None

    return Nothing()


def test_it_stays_over_a_reload_and_leaves_no_thread(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    told = Told(Program(SAMPLE, "agents"))
    with serve(planned("agents").deployment, SAMPLE, logs=tmp_path, told=told.tell, watched=told.watch) as serving:
        source = Served(serving, told)
        with console(source) as page, client_of(page) as client:
            first = client.get("/api/overview").json()
            matrix = client.get("/api/access").text
            assert len(client.get("/api/tools").json()) == 3
            serving.reload(planned("dev").deployment)
            source.reloaded()
            with client.stream("GET", "/api/events") as events:
                data = next(line for line in events.iter_lines() if line.startswith("data:") and "reloaded" in line)
            assert json.loads(data[5:])["generation"] == first["generation"] + 1
            second = client.get("/api/overview").json()
            assert second["generation"] == first["generation"] + 1
            assert [it["name"] for it in second["agents"]] == ["assistant"]
            assert client.get("/api/access").text != matrix
            assert {name for it in client.get("/api/tools").json() for name in it["offered_to"]} == {"assistant"}
    left = [it.name for it in set(threading.enumerate()) - before if it.name.startswith(("console", "local-depl"))]
    assert left == []


def pulumi(folder: Path, outputs: Any, export: Any) -> str:
    """The PATH with a `pulumi` that has one stack."""
    for name, document in (("output", outputs), ("export", export)):
        (folder / f"{name}.json").write_text(json.dumps(document))
    file = folder / "bin" / "pulumi"
    file.parent.mkdir()
    file.write_text(f"#!/bin/sh\ncat '{folder}'/$2.json\n")
    file.chmod(0o755)
    return f"{file.parent}:{os.environ['PATH']}"


def test_the_console_of_a_stack_asks_its_agents_and_nothing_else(program: Path, runtime: Runtime) -> None:
    runtime.answers = [b'data: {"text": "112"}\n\n', b'data: {"status": "success", "stop_reason": "end_turn"}\n\n']
    variables = {
        "PATH": pulumi(program, {"agents": {"calculator": {"runtime_arn": ARN}}}, planned("agents").deployment),
        "AWS_ENDPOINT_URL": runtime.server.url,
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "my-own-secret",
    }
    words = ["console", "--stack", "agents", "--program", str(program), "--open"]
    with running(program, *words, variables=variables) as command, client_of(command.console) as client:
        wait_until(lambda: command.opened.exists() and command.opened.read_text())
        assert command.opened.read_text() == command.console.address
        overview = client.get("/api/overview").json()
        assert (overview["live"], overview["stack"], overview["region"]) == (False, "agents", "us-east-1")
        assert overview["unavailable"] == UNAVAILABLE
        assert {it["name"]: it["tools"] for it in overview["agents"]} == {"calculator": 2, "greeter": 1}
        assert "allow" in client.get("/api/access").text
        assert client.get("/api/access/picture").text.startswith("<svg")
        offered = {it["tool"]: it["offered_to"] for it in client.get("/api/tools").json()}
        assert offered[ADD] == ["calculator"]
        answer = client.post("/api/ask", json={"agent": "calculator", "prompt": "x", "session": SESSION}).text
        assert [json.loads(it[6:]) for it in answer.splitlines() if it][1:] == [
            {"text": "112"},
            {"status": "success", "stop_reason": "end_turn"},
        ]
        call = {"tool": ADD, "gateway": "x", "arguments": {}, "as": ""}
        for refused in (
            client.get("/api/events"),
            client.get("/api/logs", params={"of": "calculator"}),
            client.get("/api/calls", params={"tool": ADD}),
            client.post("/api/tools/call", json=call),
        ):
            assert refused.status_code == 409
            assert refused.json()["error"]["message"] in UNAVAILABLE.values()
        everything = [client.get(f"/api/{it}").text for it in ("overview", "access", "tools")]
        assert not [text for text in everything if "my-own-secret" in text]
        assert command.end() == 0


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo 'error: no stack named dev' >&2; exit 255", "error: stack dev cannot be read: no stack named dev"),
        ("echo '{}'", "error: stack dev has no agents in its outputs. Deploy it with `pulumi up --stack dev`."),
        ("case $2 in output) echo '{\"agents\": {}}';; *) echo '[]';; esac", "error: stack dev cannot be read: "),
        ("case $2 in output) echo '{\"agents\": {}}';; *) echo '{}';; esac", "error: "),
        (None, "error: `pulumi` is not on PATH, so the stack cannot be read. Install it."),
    ],
)
def test_a_stack_that_cannot_be_read_is_one_line(program: Path, script: str | None, says: str) -> None:
    folder = program / "bin"
    folder.mkdir()
    if script is not None:
        (folder / "pulumi").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "pulumi").chmod(0o755)
    command = [sys.executable, "-m", "toolgate.cli", "console", "--program", str(program)]
    variables = {**os.environ, "PATH": str(folder)}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.startswith(says)
