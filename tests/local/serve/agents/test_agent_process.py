import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from toolgate.local.serve.agents.agent_process import AgentProcess, AgentStartError, Program

ROOT = Path(__file__).parents[4]
# Ignores SIGTERM like its child, and answers /ping once the child is there.
STUBBORN = """
import os, signal, subprocess, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
print(os.getpid(), child.pid, flush=True)
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


def ended(pidfd: int, seconds: float) -> bool:
    """Whether a process ends in time: its pidfd can be read then."""
    waiting = select.poll()
    waiting.register(pidfd, select.POLLIN)
    return bool(waiting.poll(seconds * 1000))


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AgentProcess]:
    monkeypatch.setattr("toolgate.local.serve.agents.agent_process.STOP_SECONDS", 0.1)
    (tmp_path / "main.py").write_text(STUBBORN)
    process = AgentProcess(
        "agent x", Program(tmp_path / "main.py"), {"PATH": os.environ["PATH"]}, tmp_path / "logs" / "x.log"
    )
    yield process
    process.stop()


def _starts(agent: AgentProcess) -> list[str]:
    return [line for line in agent.log.read_text().splitlines() if line.replace(" ", "").isdigit()]


def _pids(agent: AgentProcess) -> list[int]:
    return [int(pid) for pid in _starts(agent)[-1].split()]


def test_whatever_ignores_a_polite_end_is_ended_with_all_it_started(agent: AgentProcess) -> None:
    agent.start()
    agent.wait_ready()
    ends = [os.pidfd_open(pid) for pid in _pids(agent)]
    assert len(ends) == 2
    assert not any(ended(end, 0) for end in ends)
    agent.stop()
    assert all(ended(end, 10) for end in ends)
    agent.stop()


def test_reviving_leaves_a_living_agent_alone_and_starts_a_dead_one_once(agent: AgentProcess) -> None:
    agent.start()
    agent.wait_ready()
    before = _pids(agent)
    agent.revive()
    assert _pids(agent) == before
    end = os.pidfd_open(before[0])
    os.killpg(before[0], signal.SIGKILL)
    assert ended(end, 10)
    with ThreadPoolExecutor(4) as callers:
        list(callers.map(lambda _: agent.revive(), range(4)))
    assert len(_starts(agent)) == 2


def test_what_was_stopped_is_not_started_again(agent: AgentProcess) -> None:
    agent.start()
    agent.stop()
    with pytest.raises(AgentStartError, match="was stopped"):
        agent.revive()
    assert agent.ended_within(0)


SERVER = """
import os, sys
from pathlib import Path
from toolgate.local.serve.agents.agent_process import AgentProcess, Program
folder = Path(sys.argv[1])
agent = AgentProcess("agent x", Program(folder / "main.py"), {"PATH": os.environ["PATH"]}, folder / "killed.log")
agent.start()
agent.wait_ready()
print(agent._will._heir.pid, flush=True)
input()
"""


def test_nothing_outlives_a_server_that_is_killed(agent: AgentProcess, tmp_path: Path) -> None:
    command = [sys.executable, "-c", SERVER, str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True, start_new_session=True) as server:
        assert server.stdout
        heir = int(server.stdout.readline())
        started = [*map(int, (tmp_path / "killed.log").read_text().splitlines()[0].split()), heir]
        ends = [os.pidfd_open(pid) for pid in started]
        assert not any(ended(end, 0) for end in ends)
        os.killpg(server.pid, signal.SIGKILL)
    assert [pid for pid, end in zip(started, ends, strict=True) if not ended(end, 120)] == []


def test_a_stopped_agent_leaves_no_will(agent: AgentProcess) -> None:
    agent.start()
    assert agent._will
    heir = os.pidfd_open(agent._will._heir.pid)
    agent.wait_ready()
    agent.stop()
    assert ended(heir, 120)
