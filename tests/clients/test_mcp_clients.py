"""MCP clients and agents' frameworks at the local gateway: each lists, calls and is refused as the table says."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts import clients
from tests.clients.conftest import Gateway
from tests.clients.mcp_table import CALLS, CLIENTS, NOBODY, TOOLS, Client

PROGRAMS = Path(__file__).parent / "programs"
MODULES = clients.INSTALLED / "node" / "node_modules"
CELLS = [(session, check) for session, calls in CALLS.items() for check in calls]

Answers = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def sessions(dev: Gateway, agents: Gateway) -> dict[str, Any]:
    """What a client's program is asked, by stack and role."""
    gateways = {"dev": dev, "agents": agents}
    asked = {}
    for session, calls in CALLS.items():
        stack, role = session.split("/")
        signer = gateways[stack].signers[role]
        led = {"url": signer.url, "environment": dict(signer.environment), "proxy": gateways[stack].proxies[role]}
        asked[session] = {**led, "calls": calls}
    return asked


@pytest.fixture(scope="module", params=CLIENTS)
def client(request: pytest.FixtureRequest) -> Client:
    return CLIENTS[request.param]


@pytest.fixture(scope="module")
def answers(client: Client, sessions: dict[str, Any]) -> Answers:
    """What the client's program answers: one process for all that is asked of it."""
    if client.kind != "venv" and (why := clients.missing(client.kind)):
        pytest.skip(why)
    words = [*_interpreter(client.kind), str(PROGRAMS / client.program)]
    # Nothing of the developer's own AWS configuration, and where the programs of Node find their packages.
    own = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    environment = {**own, "CLIENTS": str(MODULES.parent / "package.json")}
    done = subprocess.run(
        words, input=json.dumps(sessions), env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: Answers = json.loads(done.stdout)
    return found


def _interpreter(kind: str) -> list[str]:
    if kind == "node":
        return [str(MODULES / ".bin" / "node")]
    return [sys.executable if kind == "venv" else str(clients.INSTALLED / kind / "bin" / "python")]


@pytest.mark.parametrize("session", TOOLS)
def test_a_role_is_shown_exactly_its_tools(answers: Answers, session: str) -> None:
    assert answers[session].get("refused") is None
    assert sorted(answers[session]["tools"]) == sorted(TOOLS[session])


@pytest.mark.parametrize(("session", "check"), CELLS, ids=[f"{session}-{check}" for session, check in CELLS])
def test_a_call_ends_as_the_table_says(client: Client, answers: Answers, session: str, check: str) -> None:
    ends, text = answers[session]["calls"][check]
    assert ends == client.ends(session, check), text
    assert client.says(session, check) in text


def test_a_role_without_a_grant_is_refused_with_what_the_client_can_show(client: Client, answers: Answers) -> None:
    assert answers[NOBODY].keys() == {"refused"}
    assert client.refused in answers[NOBODY]["refused"]


def test_every_program_is_in_the_table() -> None:
    programs = {
        it.name
        for it in PROGRAMS.iterdir()
        if it.suffix in {".py", ".mjs"} and it.stem not in {"asked", "signed"} and not it.stem.startswith("aws_")
    }
    assert programs == {client.program for client in CLIENTS.values()}
