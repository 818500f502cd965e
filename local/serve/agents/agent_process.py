"""A runtime's agent or MCP server: the process that AgentCore Runtime would run in a microVM."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from toolgate.local.serve.agents.launcher import CONTRACT_PORTS
from toolgate.local.serve.agents.ping import Ping, read_ping
from toolgate.local.serve.agents.process_guard import LastWill

START_SECONDS = 30.0
STOP_SECONDS = 5.0
_POLL_SECONDS = 0.02
_PING_SECONDS = 1.0
_LONGEST_PING = 64 * 1024
_LOG_LINES = 12
_LONGEST_FOLDER = 90
"""Bytes; a Unix socket's whole path has room for 104 on macOS and 108 on Linux (unix(4), unix(7))."""
_LISTEN = (
    "It must listen at port {} in the process of its entry point, by Python's sockets: no other listener can be closed"
    " to everybody else on this machine"
)
_MCP_PING = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"})
_MCP_HEADERS = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
LAUNCHER = Path(__file__).with_name("launcher.py")


class AgentStartError(Exception):
    """The agent did not come up; the text says why and ends with the last lines of its log."""


@dataclass(frozen=True)
class Program:
    """What an agent's process runs.

    Attributes:
        entry_point: The file.
        alone: Whether nothing of this environment's packages is there for it, as it has its own beside it.
        protocol: `HTTP` of an agent, `MCP` of a server.
    """

    entry_point: Path
    alone: bool = False
    protocol: str = "HTTP"

    @property
    def port(self) -> int:
        """Where the service contract has it listen."""
        return CONTRACT_PORTS[self.protocol]


class AgentProcess:
    """An agent's program with its own environment; nothing of it outlives `stop`, or us.

    It listens at a Unix socket in a folder of ours (`launcher`): it takes whatever it is sent, so that no other user of
    this machine, and no web page, may reach it.
    """

    def __init__(self, name: str, program: Program, environment: Mapping[str, str], log: Path) -> None:
        """Describe the process; `start` starts it.

        Args:
            name: The agent's name, for messages.
            program: The program.
            environment: Its whole environment, but for HOST and PORT, which are the service contract's.
            log: Where its output goes, behind what is there.
        """
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        self.program = program
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._will: LastWill | None = None
        self._reviving = threading.Lock()
        self._changing = threading.Lock()
        self._ending = threading.Lock()
        self._over = False
        self._speaks = False
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @property
    def socket(self) -> str:
        """The path of the Unix socket where the process listens, once it is started."""
        return f"{self._folder.name}/agent" if self._folder else ""

    def start(self) -> None:
        """Start the process; `wait_ready` waits until it answers.

        Raises:
            AgentStartError: It was stopped for good.
        """
        with self._changing:
            if self._over:
                raise AgentStartError(f"{self.name} was stopped")
            self._start()

    def _start(self) -> None:
        self._folder = self._folder or _private_folder()
        entry_point = self.program.entry_point
        alone, port = ("-S",) if self.program.alone else (), str(self.program.port)
        with self._open_log() as log, socket.socket(socket.AF_UNIX) as listener:
            Path(self.socket).unlink(missing_ok=True)
            listener.bind(self.socket)
            self._process = subprocess.Popen(
                [sys.executable, "-u", *alone, str(LAUNCHER), str(entry_point), str(listener.fileno()), port],
                cwd=entry_point.parent,
                env={**self._environment, "HOST": "127.0.0.1", "PORT": port},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(listener.fileno(),),
                start_new_session=True,  # Ctrl-C is for us; we end the agent, and whatever it started
            )
        self._will = LastWill(self._process.pid)
        self._speaks = False

    def wait_ready(self) -> None:
        """Wait until the agent answers `GET /ping`.

        Raises:
            AgentStartError: It ended, or did not answer in `START_SECONDS`.
        """
        deadline = time.monotonic() + START_SECONDS
        while not self.ping():
            if self.ended_within(_POLL_SECONDS):
                code = self._process.returncode if self._process else None
                raise AgentStartError(f"{self.name} ended with code {code} before it answered /ping{self._tail()}")
            if time.monotonic() > deadline:
                listen = _LISTEN.format(self.program.port)
                raise AgentStartError(
                    f"{self.name} did not answer /ping in {START_SECONDS:.0f} s. {listen}{self._tail()}"
                )

    def ended_within(self, seconds: float) -> bool:
        """Whether the process ends before so many seconds have passed."""
        process = self._process
        if process is None:
            return True
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            return True
        return False

    def revive(self) -> None:
        """Start the process again, unless it answers after all; several callers may ask for it at once.

        Raises:
            AgentStartError: See `wait_ready`.
        """
        with self._reviving:
            if not self.ping():
                self._end()
                self.start()
                self.wait_ready()

    def stop(self) -> None:
        """End the process and everything that it started for good: politely, and after `STOP_SECONDS` by force."""
        with self._changing:
            self._over = True
        with self._ending:  # whoever comes second waits for the end, too
            try:
                self._end()
            finally:
                folder, self._folder = self._folder, None
                if folder:
                    folder.cleanup()

    def ping(self) -> Ping | None:
        """What the agent says at `GET /ping`; None if it does not answer with 200.

        AgentCore documents no `/ping` of an MCP server: one that has none is up once it answers at `/mcp` at all.
        """
        status, body = self._asked("GET", "/ping")
        if status == 200:
            return read_ping(body)
        if not status or self.program.protocol != "MCP":
            return None
        # Once only: a server may take each for the beginning of a session.
        self._speaks = self._speaks or bool(self._asked("POST", "/mcp", _MCP_PING)[0])
        return Ping() if self._speaks else None

    def _asked(self, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
        """The status of an answer, and its beginning; 0 where there is none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.program.port)
        with socket.socket(socket.AF_UNIX) as connection.sock:
            connection.sock.settimeout(_PING_SECONDS)
            try:
                connection.sock.connect(self.socket)
                connection.request(method, path, body, _MCP_HEADERS if body else {})
                answer = connection.getresponse()
                return answer.status, answer.read(_LONGEST_PING)
            except (OSError, http.client.HTTPException):
                return 0, b""

    def tell(self, line: str) -> None:
        """Write a line of ours into the agent's log."""
        with suppress(OSError), self._open_log() as log:
            log.write(f"toolgate: {line}\n".encode())

    def _open_log(self) -> BinaryIO:
        how = os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW  # a link that somebody put there is not followed
        return os.fdopen(os.open(self.log, how, 0o600), "ab")

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        try:
            self._signal(process, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
        finally:  # also when Ctrl-C is pressed once more while we wait
            self._signal(process, signal.SIGKILL)
            if self._will:
                self._will.revoke()
            process.wait()

    @staticmethod
    def _signal(process: subprocess.Popen[bytes], number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):  # the group is gone, or only zombies are left of it
            os.killpg(process.pid, number)

    def _tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
        return f"; its log ({self.log}) ends with:\n" + "\n".join(f"  {line}" for line in lines)


def _private_folder() -> tempfile.TemporaryDirectory[str]:
    """An empty folder that is ours alone, of a path that leaves room for a socket's name."""
    short = len(os.fsencode(tempfile.gettempdir())) <= _LONGEST_FOLDER - len("/toolgate-xxxxxxxx")
    return tempfile.TemporaryDirectory(prefix="toolgate-", dir=None if short else "/tmp")  # noqa: S108  # made 0700
