"""Figures of who writes tools: calling one, changing one, packing one. `python -m bench.tools`.

Everything is done with a copy of `examples/orders`, which is served by `toolgate up`. Each figure stands beside a
reference from the same run; the exit code is 1 if one does not hold. Takes about a minute on two cores.
"""

import contextlib
import json
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pulumi

from bench import handler
from bench.agent_figures import Figure, printed
from bench.handler import Alone
from toolgate.access.deployment.deployment import read
from toolgate.components.runtime import function_package, wheels
from toolgate.components.tools import target_folder
from toolgate.local.gateway_client import GatewayClient
from toolgate.local.serve import serving_file
from toolgate.local.watch import SETTLED_SECONDS

PROJECT = Path(__file__).resolve().parents[1]
TOOLGATE = [sys.executable, "-m", "toolgate.cli"]
TIMES = 5
TOOL, QUERY = "orders___find_products", {"query": "brass lamp"}
FOUND = "LAMP-1"
LONGEST_RELOAD = 1000.0
"""Milliseconds from a save to the next answer."""
PATIENCE_SECONDS = 60.0
# What is edited: the tool's answer says which edit it comes from, and its schema has another default.
RESULT, DEFAULT = "return [_products()[sku] for _, _, sku in found]", "limit: int = 3"


def main() -> int:
    """Measure everything and print it."""
    with tempfile.TemporaryDirectory() as folder:
        return printed(figures(Path(folder)))


def figures(folder: Path) -> Iterator[Figure]:
    """Every figure, as it is measured."""
    shop = copied(folder)
    deployment = folder / "deployment.json"
    plan = [*TOOLGATE, "plan", "--program", str(shop), "--out", str(deployment)]
    run(plan)
    code = folder / "code"
    code.mkdir()
    alone = handler.alone(read(deployment), shop, code, TOOL, QUERY)
    expect(alone.call())
    with served(shop) as ask:
        yield from calls(shop, ask, alone)
        yield from reloads(shop / "lambdas" / "orders" / "tools.py", ask, alone, lambda: run(plan))
    yield from zips(shop / "lambdas" / "orders", folder)


def calls(shop: Path, ask: Callable[[], Any], alone: Alone) -> Iterator[Figure]:
    """A call from the terminal: its process lists the tools of each agent, calls, and looks up what was decided."""
    expect(ask())  # the function's process starts with its first call
    command = [*TOOLGATE, "call", TOOL, json.dumps(QUERY), "--program", str(shop)]
    ours, reference = medians(lambda: expect(json.loads(run(command))), lambda: expect(alone.call()))
    yield Figure("`toolgate call`, warm / the bare handler in a process of its own", ours, reference, "ms", 1.5)
    request = statistics.median(milliseconds(ask) for _ in range(200))
    yield Figure("its request, warm / the bare handler, warm", request, alone.warm_milliseconds(), "ms", 300)


def reloads(tools: Path, ask: Callable[[], Any], alone: Alone, plan: Callable[[], Any]) -> Iterator[Figure]:
    """From a save to the first answer that comes from it, asked for all the time."""
    source = tools.read_text("utf-8")
    assert RESULT in source
    assert DEFAULT in source
    edits = 0

    def save(*, schema: bool) -> Callable[[], None]:
        def work() -> None:
            nonlocal edits
            edits += 1
            result = RESULT.replace("_products()[sku]", f'_products()[sku] | {{"name": "edit {edits}"}}')
            default = f"limit: int = {3 + edits}" if schema else DEFAULT
            tools.write_text(source.replace(RESULT, result).replace(DEFAULT, default), "utf-8")
            deadline = time.monotonic() + PATIENCE_SECONDS
            while (answer := ask())[0]["name"] != f"edit {edits}":
                if time.monotonic() > deadline:
                    raise RuntimeError(f"edit {edits} of {tools} is not answered from: {answer}")
                time.sleep(0.005)

        return work

    planned = statistics.median(milliseconds(plan) for _ in range(3))
    bodies, agains, alones = [], [], []
    for _ in range(TIMES):
        bodies.append(milliseconds(save(schema=False)))
        agains.append(milliseconds(save(schema=False)))
        alones.append(milliseconds(lambda: expect(alone.call())))
        time.sleep(SETTLED_SECONDS + 1.5 * planned / 1000)  # the plan that follows is over
    body, again = statistics.median(bodies), statistics.median(agains)
    yield Figure("save of a body to the next answer / the most", body, LONGEST_RELOAD, "ms", 1)
    yield Figure("the same / the bare handler in a process of its own", body, statistics.median(alones), "ms", 2.5)
    yield Figure("saved again at that answer / the most", again, LONGEST_RELOAD, "ms", 1)
    schema = statistics.median(milliseconds(save(schema=True)) for _ in range(3))
    yield Figure("save of a schema to the next answer / `toolgate plan`", schema, planned, "ms", 1.5)


def zips(target: Path, folder: Path) -> Iterator[Figure]:
    """The function's zip, with one package that is locked; its wheel has been downloaded before."""
    sources = {path.relative_to(target).as_posix(): path for path in target_folder.shipped(target)}
    files = {place: pulumi.FileAsset(str(path)) for place, path in sources.items()}

    def ours(place: Path) -> Path:
        place.mkdir(exist_ok=True)
        with contextlib.chdir(place):
            archive = function_package.code(target.name, files, function_package.packages(target))
            assert isinstance(archive, pulumi.FileArchive)
            return Path(archive.path).resolve()

    def plainly(place: Path) -> Path:
        command = [
            sys.executable,
            "-m",
            "uv",
            "pip",
            "install",
            "--quiet",
            "--offline",
            "--require-hashes",
            "--no-deps",
        ]
        machine = ["--python", sys.executable, "--python-platform", wheels.LAMBDA, "--python-version", wheels.PYTHON]
        subprocess.run([*command, *machine, "--target", place, "-r", target / target_folder.LOCK], check=True)
        for name, path in sources.items():
            shutil.copy(path, place / name)
        return Path(shutil.make_archive(str(place), "zip", place))

    taken = []
    for turn in range(TIMES):
        mine, plain = folder / f"zip-{turn}", folder / f"plain-{turn}"
        works = (partial(ours, mine), partial(plainly, plain), partial(ours, mine))
        taken.append([milliseconds(work) for work in works])
    first, plainly_made, again = map(statistics.median, zip(*taken, strict=True))
    size, plain_size = (path.stat().st_size / 1e6 for path in (ours(folder / "zip-0"), folder / "plain-0.zip"))
    yield Figure("zip with one package / installed and zipped plainly", first, plainly_made, "ms", 3)
    yield Figure("the same, nothing changed / the first time", again, first, "ms", 0.1)
    yield Figure("its size, with bytecode / plain, without", size, plain_size, "MB", 1.25)


def copied(folder: Path) -> Path:
    """The example in a folder of its own, beside the agent and the lock that it takes from the project."""
    shop = folder / "examples" / "orders"
    shutil.copytree(PROJECT / "examples" / "orders", shop, ignore=shutil.ignore_patterns(".local", "__pycache__"))
    for name in ("agent", "requirements"):
        (folder / name).symlink_to(PROJECT / name)
    return shop


@contextmanager
def served(shop: Path) -> Iterator[Callable[[], Any]]:
    """Let `toolgate up` serve the program; gives what calls the tool, as an agent that may."""
    command = [*TOOLGATE, "up", "--program", str(shop)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout
            if not any("Ctrl-C ends it" in line for line in process.stdout):
                raise RuntimeError("`toolgate up` did not come up")
            said = serving_file.read(serving_file.serving_file(shop))
            caller = said.callers["shopper"]
            client = GatewayClient(caller.gateways[0], caller.credentials, said.environment["AWS_REGION"])

            def ask() -> Any:
                answer = client.ask("tools/call", {"name": TOOL, "arguments": QUERY})
                if "result" not in answer.message:
                    raise RuntimeError(f"{answer.status}: {answer.message}")
                return json.loads(answer.message["result"]["content"][0]["text"])

            yield ask
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()


def medians(*works: Callable[[], object]) -> list[float]:
    """Milliseconds of each, measured in turns so that all see the same machine."""
    turns = [[milliseconds(work) for work in works] for _ in range(TIMES)]
    return [statistics.median(taken) for taken in zip(*turns, strict=True)]


def milliseconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def run(command: list[str]) -> str:
    """What a command prints."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def expect(result: Any) -> None:
    """A figure of something that does not work would be none."""
    if [it["sku"] for it in result] != [FOUND]:
        raise RuntimeError(f"not what {TOOL} finds: {result}")


if __name__ == "__main__":
    sys.exit(main())
