"""Starting and ending: nothing is left running, and what cannot be served is refused."""

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError

from toolgate.access.deployment.stack_export import DeploymentError
from toolgate.local.serve.agents.agent_process import AgentStartError
from toolgate.local.serve.loopback_server import PortInUseError
from toolgate.local.serve.server import Serving, serve

CRASHING = 'import sys\nprint("half a line of wisdom", flush=True)\nsys.exit("no such module: wisdom")\n'
SILENT = "import signal\nsignal.pause()\n"


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _pids(serving: Serving) -> list[int]:
    """The agent's process and the function's."""
    _ask(serving, "What is 1 + 1?")
    (function,) = _children_of(os.getpid(), "_worker.py")
    return [_ask(serving, "environment")["pid"], function]


def _children_of(pid: int, program: str) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((process / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if parent == pid and program in (process / "cmdline").read_text():
                found.append(int(process.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("end", [None, KeyboardInterrupt, RuntimeError, SystemExit])
def test_nothing_is_left_running_however_it_ends(
    handmade: dict[str, Any], project: Path, tmp_path: Path, end: type[BaseException] | None
) -> None:
    seen: list[int] = []
    url = ""

    def run() -> None:
        nonlocal url
        with serve(handmade, root=project, logs=tmp_path) as serving:
            url = serving.url
            seen.extend(_pids(serving))
            assert all(_alive(pid) for pid in seen)
            if end:
                raise end

    if end:
        with pytest.raises(end):
            run()
    else:
        run()
    assert len(seen) == 2
    assert not any(_alive(pid) for pid in seen)
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def _ask(serving: Serving, prompt: str) -> Any:
    keys = {
        "aws_access_key_id": serving.environment["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": serving.environment["AWS_SECRET_ACCESS_KEY"],
        "aws_session_token": serving.environment["AWS_SESSION_TOKEN"],
    }
    client = boto3.client("bedrock-agentcore", endpoint_url=serving.url, region_name="us-east-1", **keys)
    body = json.dumps({"prompt": prompt}).encode()
    answer = client.invoke_agent_runtime(agentRuntimeArn=serving.agents["assistant"], payload=body)
    return json.loads(answer["response"].read())


def test_the_agent_reaches_no_tool_once_its_grant_points_to_another_gateway(
    handmade: dict[str, Any], project: Path, tmp_path: Path
) -> None:
    for entry in handmade["deployment"]["resources"]:
        if entry["urn"].endswith("::assistant-tools"):
            for properties in (entry["inputs"], entry["outputs"]):
                properties["policy"] = properties["policy"].replace("handmade-tools", "handmade-other")
    with serve(handmade, root=project, logs=tmp_path) as serving:
        with pytest.raises(ClientError, match="Received error"):
            _ask(serving, "What is 100 + 12?")
        assert serving.calls == []
    assert "HTTP Error 403" in (tmp_path / "assistant.log").read_text()


def test_a_port_in_use_is_said_in_one_line(handmade: dict[str, Any], project: Path, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortInUseError) as caught, serve(handmade, port=port, root=project, logs=tmp_path):
            pass
    assert str(caught.value) == f"port {port} is in use: choose another one, or 0 for any that is free"


def test_a_given_port_is_used_and_the_agents_output_kept(
    handmade: dict[str, Any], project: Path, tmp_path: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with serve(handmade, port=port, root=project, logs=tmp_path) as serving:
        assert serving.url == f"http://127.0.0.1:{port}"
        assert serving.logs == {"assistant": tmp_path / "assistant.log"}
        endpoints = {name: value for name, value in serving.environment.items() if "ENDPOINT" in name}
        assert endpoints == {"AWS_ENDPOINT_URL": serving.url}
        assert serving.environment["AWS_REGION"] == serving.environment["AWS_DEFAULT_REGION"] == "us-east-1"
        assert not any(value in repr(serving) for name, value in serving.environment.items() if "SECRET" in name)
        with pytest.raises(ValueError, match="not a role's ARN"):
            serving.session("assistant-role")
    assert (tmp_path / "assistant.log").read_text().startswith("the agent is up\n")
    assert (tmp_path / "assistant.log").stat().st_mode & 0o077 == 0


@pytest.fixture
def project_with(tmp_path: Path, project: Path) -> Callable[[str], Path]:
    """A copy of the project with another agent."""

    def make(agent: str) -> Path:
        (tmp_path / "root" / "agent").mkdir(parents=True)
        (tmp_path / "root" / "agent" / "main.py").write_text(agent)
        (tmp_path / "root" / "tools").symlink_to(project / "tools")
        return tmp_path / "root"

    return make


def test_an_agent_that_crashes_at_the_start_is_reported_with_its_last_lines(
    handmade: dict[str, Any], project_with: Callable[[str], Path], tmp_path: Path
) -> None:
    with pytest.raises(AgentStartError) as caught, serve(handmade, root=project_with(CRASHING), logs=tmp_path / "logs"):
        pass
    message = str(caught.value)
    assert message.startswith("agent assistant ended with code 1 before it answered /ping")
    assert "half a line of wisdom" in message
    assert "no such module: wisdom" in message


def test_an_agent_that_never_answers_is_ended(
    handmade: dict[str, Any],
    project_with: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("toolgate.local.serve.agents.agent_process.START_SECONDS", 0.1)
    with (
        pytest.raises(AgentStartError, match="did not answer /ping"),
        serve(handmade, root=project_with(SILENT), logs=tmp_path / "logs"),
    ):
        pass
    assert _children_of(os.getpid(), "main.py") == []


def test_a_missing_entry_point_and_missing_code_are_refused(
    handmade: dict[str, Any], tmp_path: Path, project: Path
) -> None:
    with pytest.raises(DeploymentError, match=r"code agent is not there"), serve(handmade, root=tmp_path):
        pass
    (tmp_path / "agent").mkdir()
    with pytest.raises(DeploymentError, match=r"has no main.py, which is its entry point"), serve(handmade, tmp_path):
        pass
    (tmp_path / "agent").rmdir()
    (tmp_path / "agent").symlink_to(project / "agent")
    with pytest.raises(DeploymentError, match=r"code tools/handler.py is not there"), serve(handmade, root=tmp_path):
        pass
    assert _children_of(os.getpid(), "main.py") == []


@pytest.mark.parametrize("entry_point", ["{outside}/evil.py", "../../../{outside}/evil.py"])
def test_an_entry_point_outside_the_code_is_not_run(
    handmade: dict[str, Any], tmp_path: Path, project: Path, entry_point: str
) -> None:
    (tmp_path / "evil.py").write_text("from pathlib import Path\nPath(__file__).with_name('ran').touch()\n")
    (tmp_path / "root" / "agent").mkdir(parents=True)
    (tmp_path / "root" / "tools").symlink_to(project / "tools")
    for entry in handmade["deployment"]["resources"]:
        for side in ("inputs", "outputs"):
            if artifact := entry[side].get("agentRuntimeArtifact"):
                artifact["codeConfiguration"]["entryPoints"] = [entry_point.format(outside=tmp_path)]
    with (
        pytest.raises(DeploymentError, match="lies outside its folder"),
        serve(handmade, root=tmp_path / "root", logs=tmp_path / "logs"),
    ):
        pass
    assert not (tmp_path / "ran").exists()


def test_a_log_that_is_a_link_is_not_followed(handmade: dict[str, Any], project: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("kept")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "assistant.log").symlink_to(tmp_path / "precious")
    with serve(handmade, root=project, logs=tmp_path / "logs"):
        pass
    assert (tmp_path / "precious").read_text() == "kept"


@pytest.mark.parametrize(
    ("export", "says"),
    [
        ({"version": 3}, "not a deployment"),
        ({"version": 3, "deployment": {"resources": []}}, "there is nothing to serve"),
    ],
)
def test_what_is_no_deployment_is_refused(export: dict[str, Any], says: str) -> None:
    with pytest.raises(DeploymentError, match=says), serve(export):
        pass
