"""Figures of what ships, each against its reference in the same run: `python -m bench.bundle`.

Builds the zip as it is deployed and once more for this machine, unpacks that one and runs the agent from it, with the
ADOT distro against a collector on loopback. Needs the package registry; takes about a minute on two cores. Prints a
table and ends with 1 if a figure does not hold.
"""

import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx

from bench.agent import services
from bench.agent_figures import Figure, printed
from bench.bundle_collector import Collector
from bench.bundle_process import CONTENT, Process, told
from toolgate.components.observability import configuration
from toolgate.components.runtime import agent_bundle, wheels

LOCK, ASKED = Path("requirements/agent.txt"), Path("requirements/agent.in")
HERE = {"linux": f"{platform.machine()}-manylinux2014", "darwin": "macos"}[sys.platform]
LARGEST_MB, LONGEST_SECONDS = 25, 0.2
TIMES = 5
MEGABYTE = 1_000_000
PLAIN = ["main.py"]


def main() -> int:
    """Measure everything and print it."""
    os.chdir(Path(__file__).resolve().parents[1])
    with tempfile.TemporaryDirectory() as folder:
        return printed(figures(Path(folder)), "agent")


def figures(folder: Path) -> Iterator[Figure]:
    """Every figure, as it is measured."""
    yield from zips(folder)
    built = agent_bundle.build(Path("agent"), LOCK, dist=folder, machine=HERE)
    with services() as url:
        task = unpacked(built.path, folder / "task", bytecode=True)
        bare = unpacked(built.path, folder / "bare", bytecode=False)
        venv.create(folder / "empty", symlinks=True)
        empty = folder / "empty" / "bin"
        yield Figure("start to first answer, with bytecode / without", *starts(empty, url, task, bare), "ms", 0.6)
        yield from observed(empty, url, task)


def zips(folder: Path) -> Iterator[Figure]:
    """The zip's size and what it costs a plan."""
    built = agent_bundle.build(Path("agent"), LOCK, dist=folder)
    started = time.perf_counter()
    agent_bundle.build(Path("agent"), LOCK, dist=folder)
    again = time.perf_counter() - started
    yield Figure("zip / the most it may be", built.size / MEGABYTE, LARGEST_MB, "MB", 1)
    yield Figure("zip / the same requirements the plain way", built.size / MEGABYTE, plain_zip(folder), "MB", 0.5)
    yield Figure("zip for a plan when nothing changed / the most", again * 1000, LONGEST_SECONDS * 1000, "ms", 1)


def plain_zip(folder: Path) -> float:
    """Megabytes of everything that `agent.in` asks for, installed for the same machine, zipped as it is."""
    tree = folder / "plain"
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--only-binary=:all:", "--target", str(tree)]
    machine = ["--python", sys.executable, "--python-platform", wheels.AGENTCORE, "--python-version", "3.13"]
    subprocess.run([*command, *machine, "-r", str(ASKED)], check=True)
    packed = Path(shutil.make_archive(str(tree), "zip", tree))
    return packed.stat().st_size / MEGABYTE


def unpacked(path: Path, folder: Path, *, bytecode: bool) -> Path:
    """The zip as AgentCore Runtime unpacks it."""
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if bytecode or not entry.filename.endswith(".pyc"):
                archive.extract(entry, folder)
                (folder / entry.filename).chmod(entry.external_attr >> 16 & 0o777)
    return folder


def starts(empty: Path, url: str, task: Path, bare: Path) -> tuple[float, float]:
    """Median milliseconds from an agent's start to its first answer with and without bytecode, in turns."""
    measured: dict[Path, list[float]] = {task: [], bare: []}
    for _ in range(TIMES):
        for folder, taken in measured.items():
            started = time.perf_counter()
            with Process(empty, folder, PLAIN, url, {}) as agent:
                agent.ask()
                taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(measured[task]), statistics.median(measured[bare])


def observed(empty: Path, url: str, task: Path) -> Iterator[Figure]:
    """What telemetry costs, and what it tells."""
    with Collector() as collector:
        exports = told(collector.url)
        milliseconds = []
        heard = []
        for start, environment in (
            (configuration.TELEMETRY_ENTRY_POINTS, {**exports, **configuration.TELEMETRY_ENVIRONMENT}),
            (configuration.TELEMETRY_ENTRY_POINTS, exports),
            (PLAIN, {}),
        ):
            started = time.perf_counter()
            with Process(empty, task, start, url, {name: str(value) for name, value in environment.items()}) as agent:
                agent.ask()
                milliseconds.append((time.perf_counter() - started) * 1000)
                if environment:
                    heard.append(collector.spoken("POST /invocations", "invoke_agent", "execute_tool", "gen_ai.choice"))
        ours, unguarded = (text.count(CONTENT) for text in heard)
    yield Figure("start to first answer, with telemetry / without", milliseconds[0], milliseconds[2], "ms", 2.5)
    yield Figure("prompt and tool content in telemetry / by default", ours, unguarded, "times", 0)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except httpx.HTTPError as error:
        sys.exit(f"bench: the agent did not answer: {error}")
