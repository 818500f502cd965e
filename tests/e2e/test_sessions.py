"""Sessions of a runtime through boto3, with a program behind them that remembers what it should not."""

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.local.serve.memory.conftest import EXPORT
from toolgate.local.serve.server import Serving, serve

# Says which process it is and how often it was asked; it is busy, and since when, as it is told.
PROGRAM = """
import json, os, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

asked, ping = 0, {"status": "Healthy"}

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.reply(ping)

    def do_POST(self):
        global asked, ping
        told = json.loads(self.rfile.read(int(self.headers["content-length"])))
        asked += 1
        ping = told.get("ping", ping)
        if told.get("waits"):
            print("it waits", flush=True)
            time.sleep(3600)
        self.reply({"process": os.getpid(), "asked": asked})

    def reply(self, said):
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
Served = Callable[..., Any]


def session(name: str) -> str:
    return f"{name}-{'x' * 40}"


def deployment(lifecycle: dict[str, int] | None = None, **variables: str) -> dict[str, Any]:
    made: dict[str, Any] = copy.deepcopy(EXPORT)
    for entry in made["deployment"]["resources"]:
        if entry["type"].endswith(":AgentcoreAgentRuntime"):
            for properties in (entry["inputs"], entry["outputs"]):
                properties["lifecycleConfigurations"] = [lifecycle] if lifecycle else None
                properties["environmentVariables"] |= variables
    return made


@pytest.fixture
def served(tmp_path: Path) -> Served:
    """Serve the program; the functions are the other tests' own."""
    project = Path(__file__).parents[1] / "local" / "serve" / "project"
    (tmp_path / "agent").mkdir()
    (tmp_path / "agent" / "main.py").write_text(PROGRAM)
    (tmp_path / "tools").symlink_to(project / "tools")

    @contextmanager
    def run(lifecycle: dict[str, int] | None = None) -> Iterator[Serving]:
        with serve(deployment(lifecycle), root=tmp_path, logs=tmp_path / "logs") as running:
            yield running

    return run


def client_of(serving: Serving) -> Any:
    variables = serving.environment
    return boto3.client(
        "bedrock-agentcore",
        endpoint_url=serving.url,
        region_name="us-east-1",
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=variables["AWS_SESSION_TOKEN"],
        config=Config(retries={"total_max_attempts": 1}),
    )


def ask(serving: Serving, name: str, **told: Any) -> Any:
    named = {"agentRuntimeArn": serving.agents["assistant"], "runtimeSessionId": session(name)}
    answer = client_of(serving).invoke_agent_runtime(**named, payload=json.dumps(told).encode())
    return json.loads(answer["response"].read())


def stop(serving: Serving, name: str) -> None:
    named = {"agentRuntimeArn": serving.agents["assistant"], "runtimeSessionId": session(name)}
    client_of(serving).stop_runtime_session(**named)


def test_a_session_that_was_stopped_meets_a_process_that_has_not_served_it(served: Served) -> None:
    with served() as serving:
        first = ask(serving, "a")
        assert ask(serving, "b") == {"process": first["process"], "asked": 2}
        stop(serving, "a")
        again = ask(serving, "a")
        assert again["process"] != first["process"]
        assert again["asked"] == 1
        assert ask(serving, "b") == {"process": first["process"], "asked": 3}
        stop(serving, "b")
        stop(serving, "a")
        last = ask(serving, "b")
        assert last["process"] not in {first["process"], again["process"]}
        log = serving.logs["assistant"].read_text()
        assert f"toolgate: session {session('a')} has ended: it was stopped" in log


def test_an_agent_that_has_not_changed_keeps_its_sessions_and_another_one_has_none(served: Served) -> None:
    with served() as serving:
        first = ask(serving, "a")
        stop(serving, "a")
        second = ask(serving, "a")
        serving.reload(deployment())
        assert ask(serving, "a") == {"process": second["process"], "asked": 2}
        serving.reload(deployment(EDITED="yes"))
        assert ask(serving, "a")["process"] not in {first["process"], second["process"]}
        serving.reload(deployment({"idleRuntimeSessionTimeout": 60, "maxLifetime": 60}, EDITED="yes"))
        assert ask(serving, "a")["asked"] == 1


def test_the_reaper_asks_and_ends_what_is_idle(served: Served) -> None:
    """With times that AWS would not take, so that the real reaper ends a session within this test."""
    with served({"idleRuntimeSessionTimeout": 0, "maxLifetime": 3600}) as serving:
        busy = ask(serving, "a", ping={"status": "HealthyBusy", "time_of_last_update": 1})
        # It has no answer until it is ended.
        with pytest.raises(ClientError, match="The session has ended: it was idle for more than 0 s") as caught:
            ask(serving, "b", waits=True, ping={"status": "HealthyBusy"})
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 424
        assert caught.value.response["Error"]["Code"] == "RuntimeClientError"
        assert ask(serving, "a")["process"] != busy["process"]
        log = serving.logs["assistant"].read_text()
        assert "HealthyBusy without a time_of_last_update does not keep it." in log


def test_too_many_processes_are_answered_as_throttling(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolgate.local.serve.agents.runtime_sessions.MOST_PROCESSES", 1)
    with served() as serving:
        ask(serving, "stays")
        ask(serving, "a")
        stop(serving, "a")
        with pytest.raises(ClientError, match="at most 1 processes") as caught:
            ask(serving, "a")
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
        assert caught.value.response["Error"]["Code"] == "ThrottlingException"
        assert ask(serving, "stays")["asked"] == 3
