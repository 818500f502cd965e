"""Plans of two source trees, each made in a process of its own by that tree's own code."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from toolgate.local.engine import pack_config
from toolgate.local.engine.pack_config import PackConfig, PackConfigError
from toolgate.local.engine.pack_process import Violation
from toolgate.local.engine.stack_config import stacks_of

IN_TREE = Path(__file__).with_name("plan_worker.py")
LONGEST_SECONDS = 600
_LAST_LINES = 15


@dataclass(frozen=True)
class Planned:
    """What a stack comes to.

    Attributes:
        deployment: As `pulumi stack export` would print it (version 3).
        violations: What the tree's policy pack has against it.
        rules: How the pack was configured; None where there is no such stack.
    """

    deployment: Mapping[str, Any]
    violations: tuple[Violation, ...] = ()
    rules: PackConfig | None = field(default_factory=dict)


@dataclass(frozen=True)
class Failed:
    """A stack that could not be planned, and why."""

    reason: str


type Outcome = Planned | Failed

NOTHING = Planned({"version": 3, "deployment": {"manifest": {}, "resources": []}}, rules=None)
"""A stack that the tree does not have."""


def plan_trees(
    trees: Sequence[Path], stacks: Sequence[str], scratch: Path, rules: Sequence[Path | None] | None = None
) -> list[dict[str, Outcome]]:
    """Plan the same stacks in each tree, all trees at the same time.

    Args:
        trees: Source trees of this project.
        stacks: Names of stacks; one that a tree has no settings for comes to `NOTHING` there.
        scratch: A folder for files in between.
        rules: For each tree a configuration of its policy pack in the place of those that it keeps for its stacks. A
            tree whose planner takes none is planned without.

    Returns:
        For each tree, what each stack comes to.
    """
    outcomes: list[dict[str, Outcome]] = []
    with ExitStack() as running:
        children = [
            running.enter_context(_child(tree, stacks, scratch / str(n), config))
            for n, (tree, config) in enumerate(zip(trees, rules or [None] * len(trees), strict=True))
        ]
        for child in children:
            planned = child.outcomes()
            outcomes.append({stack: planned.get(stack, NOTHING) for stack in stacks})
    return outcomes


@dataclass(frozen=True)
class _Child:
    process: subprocess.Popen[bytes]
    tree: Path
    stacks: Sequence[str]
    out: Path
    log: Path
    rules: Path | None

    def outcomes(self) -> dict[str, Outcome]:
        try:
            code = self.process.wait(LONGEST_SECONDS)
        except subprocess.TimeoutExpired:
            return self._all_failed(f"planning did not end within {LONGEST_SECONDS} seconds")
        if code != 0:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:]
            return self._all_failed("\n".join([f"planning ended with code {code}; its last words:", *lines]))
        return {stack: self._read(stack, found) for stack, found in json.loads(self.out.read_bytes()).items()}

    def _read(self, stack: str, found: Mapping[str, Any]) -> Outcome:
        if "failure" in found:
            return self._failed(found["failure"])
        try:
            rules = pack_config.load(self.rules) if self.rules else pack_config.of_stack(self.tree, stack)
        except PackConfigError as error:  # what another revision's planner took
            return self._failed(str(error))
        return Planned(found["deployment"], tuple(Violation(**violation) for violation in found["violations"]), rules)

    def _all_failed(self, reason: str) -> dict[str, Outcome]:
        return dict.fromkeys(self.stacks, self._failed(reason))

    def _failed(self, reason: str) -> Failed:
        return Failed(reason.replace(f"{self.tree}{os.sep}", "").replace(str(self.tree), "."))


@contextmanager
def _child(tree: Path, stacks: Sequence[str], scratch: Path, rules: Path | None) -> Iterator[_Child]:
    known = [stack for stack in stacks if stack in stacks_of(tree)]
    scratch.mkdir()
    out, log = scratch / "outcomes.json", scratch / "log.txt"
    with log.open("wb") as words:
        process = subprocess.Popen(
            [sys.executable, "-P", IN_TREE, out, rules or "", *known],
            cwd=tree,
            env=os.environ | {"PYTHONPATH": f"{tree / 'src'}{os.pathsep}{tree}", "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
        )
    try:
        yield _Child(process, tree, known, out, log, rules)
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
