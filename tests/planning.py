"""The sample that the tests stand on, and its plans, each made once for all tests and processes.

The sample's program, agent, dispatcher and pack are the project's own. Its tools, interceptors and stacks are frozen:
whatever is put into the project's `lambdas/`, `interceptors/` and `Pulumi.<stack>.yaml` turns no test red.
"""

import fcntl
import functools
import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from toolgate.local.plan import Plan, Violation, plan, write

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = Path(__file__).resolve().parent / "sample"
CACHE = ROOT / ".cache" / "plans"
PROJECT = (
    *(
        "access",
        "agent",
        "cli",
        "components",
        "console",
        "deployer",
        "local",
        "policy",
        "requirements",
        "review",
        "servers",
        "src",
    ),
    *("__main__.py", "ask.py"),
)
"""What a copy of the project holds, beside the sample's tools and stacks."""
_DECIDE_NOTHING = {"bench", "dist", "docs", "examples", "interceptors", "lambdas", "tests"}
"""Folders of the project that no plan of the sample is made from."""


def planned(stack: str = "dev", config: Mapping[str, str] | None = None, *, preview: bool = False) -> Plan:
    """The sample's plan: from the cache if nothing that it is made from has changed; the caller may change it."""
    key = json.dumps([stack, sorted((config or {}).items()), preview])
    folder = CACHE / _digest()
    file = folder / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"
    if not _whole(file):
        folder.mkdir(parents=True, exist_ok=True)
        with _only_here(file.with_suffix(".lock")):
            if not _whole(file):
                made = plan(stack, config=config, preview=preview, root=SAMPLE)
                write({"deployment": made.deployment, "violations": [asdict(it) for it in made.violations]}, file)
    read = json.loads(file.read_text(encoding="utf-8"))
    return Plan(read["deployment"], tuple(Violation(**it) for it in read["violations"]))


def _whole(file: Path) -> bool:
    """Whether a plan is there, and the agent's zip that it names."""
    return file.exists() and all(
        (SAMPLE / zipped).exists() for zipped in re.findall(r"dist/[\w-]+\.zip", file.read_text())
    )


def copy_project(folder: Path) -> Path:
    """Copy the project into a new folder, with the sample's tools and stacks."""
    copied = folder / "project"
    for name in ("interceptors", "lambdas"):
        shutil.copytree(SAMPLE / name, copied / name, ignore=_UNCOMPILED)
    for file in SAMPLE.glob("Pulumi*.yaml"):
        shutil.copy(file, copied)
    for name in PROJECT:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copied / name, symlinks=True, ignore=_UNFINISHED)
        else:
            shutil.copy(source, copied / name)
    return copied


_UNCOMPILED = shutil.ignore_patterns("__pycache__")
# The bytecode holds for the copies, too. What another process is just writing does not.
_UNFINISHED = shutil.ignore_patterns("*.pyc.*", ".venv")


@functools.cache
def _digest() -> str:
    """What the plans are made from; the plans of an earlier state are thrown away."""
    digest = hashlib.sha256()
    for file in sorted(_sources()):
        digest.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes() + b"\0")
    current = digest.hexdigest()[:16]
    for other in CACHE.glob("*"):
        if other.name != current:
            shutil.rmtree(other, ignore_errors=True)
    return current


def _sources() -> Iterator[Path]:
    yield from ROOT.glob("*.py")
    yield from (file for file in SAMPLE.rglob("*.*") if file.is_file())
    for folder in ("interceptors", "lambdas"):
        yield from (ROOT / folder).glob("*.py")
    for every in ROOT.iterdir():
        if every.is_dir() and every.name[0] != "." and every.name not in _DECIDE_NOTHING:
            yield from (file for file in every.rglob("*.*") if file.is_file() and file.suffix not in {".pyc", ".svg"})


@contextmanager
def _only_here(lock: Path) -> Iterator[None]:
    """While the block runs, no other process is in a block with the same lock."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
