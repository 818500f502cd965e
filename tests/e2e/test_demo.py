"""`make demo` as a newcomer runs it: what it shows, and that nothing of it is left."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.record import STACKS, recorded, without_times

ROOT = Path(__file__).resolve().parents[2]


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


@pytest.mark.parametrize(("stack", "expected", "refusals"), [("dev", EVERY_TOOL, 3), ("agents", OWN_TOOLS, 6)])
def test_the_demo_shows_everything_and_ends_by_itself(stack: str, expected: tuple[str, ...], refusals: int) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    demo = subprocess.Popen(
        [sys.executable, "-m", "toolgate.cli", "demo", "--stack", stack],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment | {"MARK": str(os.getpid())},
    )
    shown, waited_for = demo.communicate(timeout=100)
    assert demo.returncode == 0, shown + waited_for
    for words in expected:
        assert words in shown
    assert shown.count("refused  ") == refusals
    assert "LET IN" not in shown
    assert left_of(os.getpid()) == []
    assert without_times(shown) == without_times(recorded(STACKS[stack])), "docs/demo.md is behind: make record"


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
