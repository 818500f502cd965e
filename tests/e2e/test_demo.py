"""`make demo` as a newcomer runs it: what it shows, and that nothing of it is left."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.record import STACKS, recorded, without_times
from toolgate.local.demo import main as demo

EVERY_TOOL = (
    "toolgate:index:ToolGateway",
    "0 mandatory",
    'math___add_numbers {"a": 100, "b": 12}',
    "The result is 112.",
    "The result is 42.",
    "Hello, Alice!",
    "x_amz_bedrock_agentcore_search {",
    "Missing Authentication Token",
)
OWN_TOOLS = (
    "aws:bedrock:AgentcorePolicyEngine",
    "0 mandatory",
    "The result is 112.",
    "Hello, Alice!",
    "I have no tool for greetings",
    "I have no tool for this calculation",
    "-32002 Tool Execution Denied",
    "Missing Authentication Token",
)


OWN_GATEWAYS = (
    "greetings-gateway",
    "0 mandatory",
    "The result is 112.",
    "Hello, Alice!",
    "I have no tool for greetings",
    "I have no tool for this calculation",
    "refused  the role of greeter calling math___add_numbers\n            HTTP 403 AccessDeniedException",
    "refused  the role of calculator calling math___greeting\n            HTTP 403 AccessDeniedException",
    "Missing Authentication Token",
)
OWN_TOOLS_BY_TOKEN = (
    "aws:cognito:UserPool",
    "0 mandatory",
    "Who may be which client of an issuer",
    "The result is 112.",
    "Hello, Alice!",
    "I have no tool for greetings",
    "I have no tool for this calculation",
    "refused  the role of greeter calling math___add_numbers\n            -32002 Tool Execution Denied",
    "refused  the role of calculator searching for math___greeting",
    "refused  the role of greeter searching for math___add_numbers and math___multiply_numbers",
    "refused  nobody (a request without a token)\n            HTTP 401: Missing Bearer token",
    "refused  a client whose token has expired\n            HTTP 401: Invalid Bearer token",
    "refused  a client of the same issuer without this gateway's scope\n            HTTP 403: Insufficient scope",
)


@pytest.mark.parametrize(
    ("stack", "expected", "refusals"),
    [("dev", EVERY_TOOL, 3), ("agents", OWN_TOOLS, 6), ("gateways", OWN_GATEWAYS, 6), ("jwt", OWN_TOOLS_BY_TOKEN, 8)],
)
def test_the_demo_shows_everything_and_ends_by_itself(
    project: Path, stack: str, expected: tuple[str, ...], refusals: int
) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "toolgate.cli", "demo", "--stack", stack],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment | {"MARK": str(os.getpid())},
    )
    shown, waited_for = process.communicate()
    assert process.returncode == 0, shown + waited_for
    for words in expected:
        assert words in shown
    assert shown.count("refused  ") == refusals
    assert "LET IN" not in shown
    assert left_of(os.getpid()) == []
    assert without_times(shown) == without_times(recorded(STACKS[stack])), "docs/demo.md is behind: make record"


SHOP = '''"""A shop."""


def find(query: str, limit: int | None = None) -> list[str]:
    """Find what is sold."""
    return [query]


def refund(order: str) -> str:
    """Refund an order."""
    return f"{order} is refunded"
'''
AGENTS = """config:
  aws:region: us-east-1
  toolgate:authorization: tool
  toolgate:agents:
    clerk: {tools: [shop___refund]}
    guest: {tools: []}
"""


def test_the_demo_of_other_tools_asks_what_they_can_answer(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "lambdas" / "math").rename(project / "lambdas" / "shop")
    (project / "lambdas" / "shop" / "tools.py").write_text(SHOP)
    (project / "Pulumi.agents.yaml").write_text(AGENTS)
    code = demo("agents", project)
    shown = capsys.readouterr().out
    assert code == 0, shown
    for words in (
        '> Call shop___refund with {"order": "example"}   (clerk)\n     tool   shop___refund {"order": "example"}',
        "example is refunded",
        '> Call shop___refund with {"order": "example"}   (guest)\n     I have no tool shop___refund. I have no tools.',
        "refused  the role of clerk calling shop___find\n            -32002 Tool Execution Denied",
        "refused  the role of guest calling shop___find\n            HTTP 403 AccessDeniedException",
        "refused  the agent 'clerk', its grant pointed at another gateway",
    ):
        assert words in shown
    assert "LET IN" not in shown


def left_of(mark: int) -> list[str]:
    """Processes that still carry the mark in their environment."""
    found: list[str] = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"MARK={mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append((folder / "cmdline").read_text())
        except OSError:
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_a_process_that_is_left_is_seen() -> None:
    sleeper = subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"MARK": f"{os.getpid()}0"},
    )
    assert sleeper.stdout
    sleeper.stdout.readline()  # it runs: before that its environment may not be there yet
    try:
        assert len(left_of(os.getpid() * 10)) == 1
    finally:
        sleeper.kill()
        sleeper.wait()
