"""Figures of the agent's process: how long it takes to start, and what it holds on to."""

import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from bench.agent_figures import Figure
from bench.agent_price import Used, per_thousand
from tests.shipped import shipped

PROJECT = Path(__file__).resolve().parents[1]
TIMES = 7
PROMPT = 'call math___add_numbers {"a": 100, "b": 12}'
# Python as it finds an environment that uv installed: packages without bytecode, Python's own modules with.
AS_INSTALLED = """
import importlib._bootstrap_external as external, sys
cached = external.cache_from_source
def uncached(path, *arguments, **options):
    if "site-packages" in path:
        raise NotImplementedError
    return cached(path, *arguments, **options)
external.cache_from_source = uncached
"""
# What ministack alone brings into this environment, and httpcore would import if it were there.
WITHOUT_H2 = "import sys; sys.modules['h2'] = None; "
RUN_PLAIN = WITHOUT_H2 + "import runpy; runpy.run_module('bench.agent_plain', None, '__main__')"
PLAIN = [sys.executable, "-c", RUN_PLAIN]
IMPORT = "import sys; sys.path.insert(0, sys.argv[1]); import main, lazy; lazy.install(); import server"
MOST_TO_PING = 200.0
INVOCATIONS = 1_000
TURNS = 10


def starts() -> Iterator[Figure]:
    """Measure how long the agent takes to import, to be there and to answer, against the first plain style."""
    with shipped_agent() as ours:
        importing = [*ours[:-1], "-c", IMPORT, str(Path(ours[-1]).parent)]
        imports = alternating(run, importing, [*PLAIN[:2], AS_INSTALLED + WITHOUT_H2 + "import bench.agent_plain"])
        yield Figure("import of the agent", *imports, "ms", 0.22)
        compiled = alternating(run, importing, [*PLAIN[:2], WITHOUT_H2 + "import bench.agent_plain"])
        yield Figure("the same / with bytecode", *compiled, "ms", 0.48)
        pings = alternating(first_ping, ours, PLAIN)
        yield Figure("process start to the first answer to /ping / the most", pings[0], MOST_TO_PING, "ms", 1)
        yield Figure("process start to the first answer to /ping", *pings, "ms", 0.3)
        plain = [*PLAIN[:2], AS_INSTALLED + RUN_PLAIN]
        answers = alternating(first_answer, ours, plain)
        yield Figure("process start to first answer / without bytecode", *answers, "ms", 0.4)
        yield Figure("process start to first answer", *alternating(first_answer, ours, PLAIN), "ms", 0.42)


def costs() -> Iterator[Figure]:
    """Measure what AgentCore bills of an invocation, against the first plain style."""
    with shipped_agent() as command:
        (ours, took), (plain, plain_took) = used(command, PLAIN)
        yield Figure("warm invocation over HTTP with ConverseStream", took, plain_took, "ms", 0.14)
        yield Figure("CPU of one invocation", ours.milliseconds, plain.milliseconds, "ms", 0.14)
        yield Figure("memory after 1,000 invocations", ours.megabytes, plain.megabytes, "MB", 0.8)
        yield Figure("price of 1,000 invocations", per_thousand(ours), per_thousand(plain), "USD", 0.8)
        yield Figure("memory after 5,000 invocations / after 1,000", *memory(command), "MB", 2, difference=True)


def alternating(measure: Callable[[list[str]], float], ours: list[str], plain: list[str]) -> tuple[float, float]:
    """Median milliseconds of both, measured in turns so that both see the same machine."""
    pairs = [(measure(ours), measure(plain)) for _ in range(TIMES)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


@contextmanager
def shipped_agent() -> Iterator[list[str]]:
    """The agent as it ships, with no other package in sight; gives the command that serves it."""
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty"
        venv.create(empty, symlinks=True)
        yield [str(empty / "bin" / "python"), str(shipped(Path(folder)) / "main.py")]


def run(command: list[str]) -> float:
    """Milliseconds a command takes."""
    started = time.perf_counter()
    subprocess.run(command, check=True, cwd=PROJECT)
    return (time.perf_counter() - started) * 1000


def first_answer(command: list[str]) -> float:
    """Milliseconds from the start of an agent to its first answer."""
    with httpx.Client(timeout=60, trust_env=False) as client:
        started = time.perf_counter()
        with serving(command) as (url, _):
            ask(client, url)
            return (time.perf_counter() - started) * 1000


def first_ping(command: list[str]) -> float:
    """Milliseconds from the start of an agent to its first answer to `/ping`."""
    started = time.perf_counter()
    with serving(command) as (url, _), httpx.Client(trust_env=False) as client:
        client.get(f"{url}/ping").raise_for_status()
        return (time.perf_counter() - started) * 1000


def memory(command: list[str]) -> tuple[float, float]:
    """Resident megabytes after 5,000 invocations, and after 1,000; one that fails ends the bench."""
    with serving(command) as (url, process), httpx.Client(trust_env=False) as client:
        sizes = []
        for count in (1_000, 4_000):
            for _ in range(count):
                ask(client, url)
            sizes.append(resident(process))
    return sizes[1], sizes[0]


def used(*commands: list[str]) -> list[tuple[Used, float]]:
    """What each process uses for an invocation once it is warm, and the median milliseconds until its answer.

    They are asked in turns. An invocation that fails ends the bench.
    """
    with ExitStack() as stack:
        client = stack.enter_context(httpx.Client(timeout=60, trust_env=False))
        serve = [stack.enter_context(serving(command)) for command in commands]
        spent = dict.fromkeys(serve, 0.0)
        took: dict[tuple[str, int], list[float]] = {one: [] for one in serve}
        for turn in range(TURNS + 1):
            for url, process in serve:
                before = processor(process)
                times = [timed(client, url) for _ in range(INVOCATIONS // TURNS)]
                if turn:  # the first one warms up
                    spent[url, process] += processor(process) - before
                    took[url, process] += times
        return [
            (Used(spent[one] * 1000 / INVOCATIONS, resident(one[1])), statistics.median(took[one])) for one in serve
        ]


def timed(client: httpx.Client, url: str) -> float:
    """Milliseconds of one invocation."""
    started = time.perf_counter()
    ask(client, url)
    return (time.perf_counter() - started) * 1000


def resident(process: int) -> float:
    """Megabytes that a process holds."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) / 1024


def processor(process: int) -> float:
    """Seconds of CPU that a process has taken."""
    # proc(5): the fields after the name, which is in parentheses and may hold anything; utime and stime are 14 and 15.
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(command: list[str]) -> Iterator[tuple[str, int]]:
    """An agent's process, once it listens; gives its address and process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "PORT": str(port), "HOST": "127.0.0.1"}
    with subprocess.Popen(
        command, cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            while process.poll() is None:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.005)
            yield f"http://127.0.0.1:{port}", process.pid
        finally:
            process.kill()


def ask(client: httpx.Client, url: str) -> None:
    """One invocation."""
    answer = client.post(f"{url}/invocations", json={"prompt": PROMPT})
    if answer.status_code != 200 or "112" not in answer.text:
        raise RuntimeError(f"{answer.status_code}: {answer.text}")
