"""MCP's official conformance suite at the local gateway, through a proxy that signs as an agent's role."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from scripts import clients
from tests.clients.conformance_table import Row, Verdict, expected, worst
from tests.clients.conftest import Gateway, needs

MODULES = clients.INSTALLED / "node" / "node_modules"
SUITES = {"today": "@modelcontextprotocol/conformance", "next": "conformance-next"}
"""The released suite, and the newest there is: it also compares each message with the specification's schema."""
VERSION = "2025-11-25"
"""The newest version of MCP that the stacks' gateways speak."""


@pytest.fixture(params=["dev", "agents"])
def stack(request: pytest.FixtureRequest) -> str:
    """With search and without; the gateways of the other stacks are one of these two to a client.

    How a client comes by a token, and what it is told without one, is `tests/local/serve`'s to prove.
    """
    return str(request.param)


@pytest.mark.parametrize("suite", SUITES)
@needs("node")
def test_each_scenario_ends_as_the_table_says(
    suite: str, stack: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    gateway: Gateway = request.getfixturevalue(stack)
    agent = "assistant" if stack == "dev" else "calculator"
    found = run(SUITES[suite], gateway.proxies[agent], tmp_path)
    table = expected(stack, suite)
    ended = {name: worst(check["status"] for check in checks) for name, checks in found.items()}
    assert ended == {name: row.verdict for name, row in table.items()}
    other = {name: failures(checks) for name, checks in found.items() if not says(checks, table[name])}
    assert other == {}, "failed as they must, and for another reason"


def run(suite: str, url: str, folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The checks of each scenario of a suite, as it has written them."""
    program = [f"{MODULES}/.bin/node", f"{MODULES}/{suite}/dist/index.js"]
    asked = ["server", "--url", url, "--suite", "all", "--spec-version", VERSION, "--output-dir", str(folder)]
    done = subprocess.run([*program, *asked], capture_output=True, text=True, check=False)
    files = {
        re.sub(r"^server-|-\d{4}-\d\d-\d\dT[\dTZ-]+$", "", it.parent.name): it for it in folder.rglob("checks.json")
    }
    assert files, done.stdout + done.stderr
    return {name: json.loads(file.read_text()) for name, file in files.items()}


def failures(checks: list[dict[str, Any]]) -> list[str]:
    """The messages of the checks that failed."""
    return [str(check.get("errorMessage")) for check in checks if check["status"] == Verdict.FAILED]


def says(checks: list[dict[str, Any]], row: Row) -> bool:
    """Whether whatever fails does so for the row's reason."""
    return all(row.says in message for message in failures(checks))
