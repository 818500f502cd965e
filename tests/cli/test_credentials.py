"""`toolgate credentials`: each form as its reader takes it."""

import asyncio
import json
import os
import re
import shlex
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.session import Session
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.cli.conftest import TOOLS, Local
from toolgate.cli.main import main
from toolgate.local.serve.serving_file import read, serving_file

Said = pytest.CaptureFixture[str]
PROXY = Path(sys.executable).with_name("mcp-proxy-for-aws")


@pytest.fixture
def said(local: Local, capsys: Said) -> Any:
    def run(*words: str) -> str:
        assert main(local.arguments("credentials", *words)) == 0
        return capsys.readouterr().out

    return run


def of(local: Local, agent: str) -> dict[str, str]:
    return dict(read(serving_file(local.program)).callers[agent].credentials)


def test_a_shell_takes_the_variables(local: Local, said: Any) -> None:
    printed = said("--as", "calculator")
    done = subprocess.run(["bash", "-c", f"{printed}\nenv"], env={}, capture_output=True, text=True, check=True)
    variables = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert variables.items() >= of(local, "calculator").items()
    assert variables["GATEWAY_URL"] == local.serving.gateway_url(TOOLS)
    assert variables["AWS_REGION"] == "us-east-1"
    assert variables["AWS_ENDPOINT_URL"] == local.serving.url
    assert "AWS_SECRET_ACCESS_KEY=" + local.serving.environment["AWS_SECRET_ACCESS_KEY"] not in done.stdout


def test_a_profile_of_its_own_file(local: Local, said: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "new" / "config"
    for _ in range(2):  # what it wrote itself it replaces
        assert said("--as", "greeter", "--format", "profile", "--write", str(file)) == ""
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    session = boto3.Session(profile_name="toolgate-greeter")
    found = session.get_credentials()
    assert found is not None
    assert found.access_key == of(local, "greeter")["AWS_ACCESS_KEY_ID"]
    assert found.token == of(local, "greeter")["AWS_SESSION_TOKEN"]
    assert session.client("bedrock-agentcore").meta.endpoint_url == local.serving.url


def test_a_file_of_somebody_else_is_not_overwritten(local: Local, tmp_path: Path, capsys: Said) -> None:
    file = tmp_path / "config"
    file.write_text("[default]\n")
    words = ("credentials", "--as", "greeter", "--format", "profile", "--write", str(file))
    assert main(local.arguments(*words)) == 2
    assert "is not one that `toolgate credentials` has written" in capsys.readouterr().err
    assert file.read_text() == "[default]\n"


def test_a_process_that_a_profile_names(
    local: Local, said: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "answer.json").write_text(said("--as", "calculator", "--format", "process"))
    config = tmp_path / "config"
    config.write_text(f"[profile p]\ncredential_process = cat {tmp_path / 'answer.json'}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    found = Session(profile="p").get_credentials()
    assert found.get_frozen_credentials().secret_key == of(local, "calculator")["AWS_SECRET_ACCESS_KEY"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "several agents or clients. Name one with --as: calculator, greeter, stranger"),
        (["--as", "x"], "no agent or client 'x'"),
        (["--as", "greeter", "--write", "f"], "--write takes --format profile"),
    ],
)
def test_a_slip_is_one_line(local: Local, capsys: Said, words: list[str], says: str) -> None:
    assert main(local.arguments("credentials", *words)) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert says in line


def test_the_printed_command_is_an_mcp_server_that_lists_and_calls(local: Local, said: Any) -> None:
    """The line for MCP clients, run with what the Inspector's line hands on: many start a server with few variables."""
    printed = said("--as", "calculator").splitlines()
    variables = dict(shlex.split(line)[1].split("=", 1) for line in printed if line.startswith("export "))
    (command,) = [line.removeprefix("# MCP client: ") for line in printed if line.startswith("# MCP client: ")]
    (inspector,) = [line for line in printed if line.startswith("# Inspector: npx ")]
    _uvx, proxy, *arguments = shlex.split(command)
    assert proxy.startswith("mcp-proxy-for-aws@")
    assert inspector.endswith(command)
    handed = {name: variables[name] for name in re.findall(r'-e (\w+)="\$\1"', inspector)}
    home = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    server = StdioServerParameters(command=str(PROXY), args=arguments, env=home | handed)

    async def run() -> tuple[list[str], Any]:
        async with stdio_client(server) as streams, ClientSession(*streams) as session:
            await session.initialize()
            listed = await session.list_tools()
            result = await session.call_tool("math___add_numbers", {"a": 2, "b": 3})
            return [tool.name for tool in listed.tools], result

    names, result = asyncio.run(run())
    assert "math___add_numbers" in names
    assert "math___greeting" not in names
    assert json.loads(result.content[0].text) == {"result": 5}
