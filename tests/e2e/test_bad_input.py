"""Bad input, as the person at the command line meets it: one line, what to do, exit code 2, nothing half-made.

One of each kind is a process; the others are the same command in this one.
"""

import contextlib
import json
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.planning import SAMPLE, planned
from toolgate.cli.main import main
from toolgate.local.serve.server import Serving

Run = Callable[..., subprocess.CompletedProcess[str]]
TOOLS = Path("lambdas", "math", "tools.py")


@pytest.fixture
def run_here(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `python -m toolgate.cli ...` in this process, in the folder."""

    def run(*arguments: str, cwd: Path = SAMPLE) -> subprocess.CompletedProcess[str]:
        with contextlib.chdir(cwd):
            code = main(arguments[2:])
        return subprocess.CompletedProcess(arguments, code, *capsys.readouterr())

    return run


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """The one line on standard error of a command that failed, progress aside."""
    lines = [line for line in done.stderr.splitlines() if "waiting for" not in line]
    assert done.returncode == 2, done.stderr
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stdout
    return lines[0]


def add_tool(project: Path, source: str) -> None:
    file = project / TOOLS
    file.write_text(f"{file.read_text()}\n\n{source}\n")


def configure(project: Path, text: str) -> None:
    file = project / "Pulumi.dev.yaml"
    file.write_text(f"{file.read_text()}{text}")


def inexpressible(project: Path) -> None:
    add_tool(project, 'def choose(which: "tuple[int, str]") -> int:\n    """Choose."""\n    return 1')


def same_name(project: Path) -> None:
    add_tool(project, 'def greeting(name: str) -> str:\n    """Greet again."""\n    return name')


def long_tool(project: Path) -> None:
    add_tool(project, f'def {"a" * 58}(b: int) -> int:\n    """Too long a name."""\n    return b')


def refused_name(project: Path) -> None:
    file = project / "Pulumi.yaml"
    # Without the settings that the project declares: only a project's own may have a type.
    file.write_text(f"name: {'toolgate' * 7}\nruntime: python\n")


def unknown_tool(project: Path) -> None:
    configure(project, "  toolgate:agents:\n    assistant:\n      tools: [math___divide]\n")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (same_name, ("tools.py:", "greeting", "Rename")),
        (long_tool, ("64", "math___aaaa", "Shorten")),
        (refused_name, ("gateway", "48", "shorten")),
        (unknown_tool, ("math___divide", "math___add_numbers")),
    ],
)
def test_a_program_that_cannot_be_deployed(
    project: Path, run_here: Run, spoil: Callable[[Path], None], says: tuple[str, ...]
) -> None:
    spoil(project)
    says_what_is_wrong(project, run_here, says)


def test_a_program_that_cannot_be_deployed_in_a_process(project: Path, run: Run) -> None:
    inexpressible(project)
    says_what_is_wrong(project, run, ("tools.py:", "choose", "which", "TypedDict"))


def says_what_is_wrong(project: Path, run: Run, says: tuple[str, ...]) -> None:
    line = refused(run("-m", "toolgate.cli", "plan", "--out", "planned.json", cwd=project))
    for words in says:
        assert words.lower() in line.lower()
    assert not (project / "planned.json").exists()


def test_the_demo_of_a_program_that_cannot_be_deployed(project: Path, run: Run) -> None:
    same_name(project)
    assert "Rename" in refused(run("-m", "toolgate.cli", "demo", cwd=project))


def test_a_port_in_use(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "planned.json"
    file.write_text(json.dumps(planned().deployment))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        (tmp_path / "Pulumi.yaml").write_text("name: p\n")  # no other `up` has this folder
        up = ("up", "--deployment", str(file), "--program", str(tmp_path))
        line = refused(run("-m", "toolgate.cli", *up, "--port", port))
    assert port in line
    assert "in use" in line


UP, MATRIX = ("up", "--deployment"), ("access", "matrix")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"version": 2}', '{"version": 3, "deployment": {}}'])
@pytest.mark.parametrize("command", [UP, MATRIX])
def test_a_file_that_is_no_deployment(run_here: Run, tmp_path: Path, command: tuple[str, ...], content: str) -> None:
    says_that_it_is_none(run_here, tmp_path, command, content)


@pytest.mark.parametrize("command", [UP, MATRIX])
def test_a_file_that_is_no_deployment_in_a_process(run: Run, tmp_path: Path, command: tuple[str, ...]) -> None:
    says_that_it_is_none(run, tmp_path, command, "not JSON")


def says_that_it_is_none(run: Run, tmp_path: Path, command: tuple[str, ...], content: str) -> None:
    file = tmp_path / "other.json"
    file.write_text(content)
    line = refused(run("-m", "toolgate.cli", *command, str(file)))
    assert "other.json" in line
    assert "pulumi stack export" in line


def test_a_file_that_is_not_there(run_here: Run) -> None:
    assert "nowhere.json" in refused(run_here("-m", "toolgate.cli", "up", "--deployment", "nowhere.json"))


@pytest.mark.parametrize("prompt", ["", "   ", 7, None, ["x"], {"toolUse": {}}, "x" * 2_000_000])
def test_a_prompt_that_is_none(serving: Serving, prompt: Any) -> None:
    """The service tells the caller only that the agent refused; what it said is covered by the agent's own tests."""
    environment = serving.environment
    client = boto3.client(
        "bedrock-agentcore",
        endpoint_url=serving.url,
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=environment["AWS_SESSION_TOKEN"],
    )
    made = len(serving.calls)
    with pytest.raises(ClientError, match=r"Received error \(400\) from runtime"):
        client.invoke_agent_runtime(
            agentRuntimeArn=serving.agents["assistant"],
            runtimeSessionId="a-session-of-at-least-33-characters",
            payload=json.dumps({"prompt": prompt}).encode(),
        )
    assert len(serving.calls) == made
