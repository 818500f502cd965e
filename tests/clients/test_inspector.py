"""MCP's Inspector on the command line: through a proxy that signs, and as `toolgate credentials` prints it."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts import clients
from tests.clients.conftest import Gateway, needs
from tests.clients.mcp_table import ADD, SEARCH, TOOLS
from toolgate.cli.credentials import client_lines

pytestmark = needs("node")

MODULES = clients.INSTALLED / "node" / "node_modules"
INSPECTOR = [
    str(MODULES / ".bin" / "node"),
    str(MODULES / "@modelcontextprotocol/inspector/clients/launcher/build/index.js"),
]
CALL = ("--method", "tools/call", "--tool-name")
NO_SUCH_TOOL, NOT_ALLOWED = 5, 3  # its exit codes


@pytest.fixture
def inspect(tmp_path: Path) -> Any:
    """Run the Inspector, which keeps its own files below the home folder."""

    def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **variables}
        command = [*INSPECTOR, "--cli", *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return run


def test_it_lists(dev: Gateway, inspect: Any) -> None:
    done = inspect(dev.proxies["assistant"], "--method", "tools/list")
    assert {tool["name"] for tool in json.loads(done.stdout)["tools"]} == TOOLS["dev/assistant"], done.stderr


@pytest.mark.parametrize(
    ("tool", "arguments", "says"),
    [
        (ADD, ["a=100", "b=12"], "112"),
        # It makes the schema's number of it, which is none, and sends null.
        (ADD, ["a=x", "b=12"], "add_numbers.a: expected number, got null"),
        (ADD, ["a=100"], "add_numbers: missing 'b'"),
        (SEARCH, ["query=add"], ADD),
    ],
)
def test_it_calls(dev: Gateway, inspect: Any, tool: str, arguments: list[str], says: str) -> None:
    done = inspect(dev.proxies["assistant"], *CALL, tool, "--tool-arg", *arguments)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["isError"] is False
    assert says in result["content"][0]["text"]


def test_it_knows_what_was_listed(dev: Gateway, inspect: Any) -> None:
    done = inspect(dev.proxies["assistant"], *CALL, "math___nope")
    assert (done.returncode, json.loads(done.stderr)["error"]["code"]) == (NO_SUCH_TOOL, "tool_not_found")


def test_a_role_without_a_grant_is_refused_with_the_reason(dev: Gateway, inspect: Any) -> None:
    done = inspect(dev.proxies["nobody"], "--method", "tools/list")
    assert done.returncode == NOT_ALLOWED
    assert "is not authorized to perform: bedrock-agentcore:InvokeGateway" in done.stderr


def test_the_line_that_credentials_prints(dev: Gateway, inspect: Any) -> None:
    """The words after `npx @modelcontextprotocol/inspector`, with this environment's proxy in the place of `uvx`'s."""
    signer = dev.signers["assistant"]
    [line] = [it for it in client_lines([signer.url], "us-east-1") if it.startswith("# Inspector: ")]
    printed = subprocess.run(
        ["bash", "-c", f'printf "%s\\n" {line.partition("inspector ")[2]}'],
        env=dict(signer.environment),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    at = printed.index("uvx")
    proxy = str(Path(sys.executable).with_name("mcp-proxy-for-aws"))
    words = [*printed[:at], proxy, *printed[at + 2 :], "--method", "tools/list"]
    done = inspect(*words, **signer.environment)
    assert {tool["name"] for tool in json.loads(done.stdout)["tools"]} == TOOLS["dev/assistant"], shlex.join(words)
