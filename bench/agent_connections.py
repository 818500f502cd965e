"""Figures of the agent's connections: how long `/ping` waits while two hundred others do their worst."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from bench.agent_figures import Figure
from bench.agent_hostile import CONNECTIONS, KINDS
from bench.agent_processes import PROJECT, serving

PINGS = 300
SECONDS = 0.01
"""Between two pings."""
REQUEST = b"GET /ping HTTP/1.1\r\nHost: a\r\n\r\n"


def figures() -> Iterator[Figure]:
    """Measure; each kind of connections has an idle agent's reference just before it."""
    with serving([sys.executable, str(PROJECT / "agent" / "main.py")]) as (url, _):
        port = urlsplit(url).port or 0
        for kind in KINDS:
            idle = slowest(port)
            command = [sys.executable, "-m", "bench.agent_hostile", str(port), kind, "120"]
            with subprocess.Popen(command, cwd=PROJECT, stderr=subprocess.DEVNULL) as others:
                try:
                    time.sleep(2)
                    loaded = slowest(port)
                finally:
                    others.kill()
            what = f"p99 of /ping beside {CONNECTIONS} connections of {kind.replace('_', ' ')} / idle"
            yield Figure(what, loaded, idle, "ms", 50, difference=True)
            time.sleep(2.5)  # what was refused lingers for two seconds


def slowest(port: int) -> float:
    """Milliseconds that 99 of 100 pings take at most; each has a connection of its own, as a new caller's has."""
    taken = []
    for _ in range(PINGS):
        started = time.perf_counter()
        with socket.create_connection(("127.0.0.1", port)) as peer:
            peer.sendall(REQUEST)
            if not peer.recv(4096).startswith(b"HTTP/1.1 200 "):
                raise RuntimeError("no answer to /ping")
        taken.append((time.perf_counter() - started) * 1000)
        time.sleep(SECONDS)
    return sorted(taken)[PINGS * 99 // 100]
