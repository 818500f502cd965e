"""`toolgate check`: what a change of one's own program, agent, tools and stacks must pass, in under a minute.

Lint and types of what is one's own, the tests of the tools, and a plan of every stack with the policy pack. The
project's own suite (`make test`) proves components, pack and local deployment instead, and looks at none of these.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from toolgate.local.engine.stack_config import ConfigError, stack_config, stacks_of
from toolgate.local.function_packages import PackagesError, agents, packages
from toolgate.local.plan import PackError, Plan, ProgramError, plan
from toolgate.local.progress import waiting_for
from toolgate.local.terminal import say

LAMBDAS, INTERCEPTORS = "lambdas", "interceptors"
OWN = ("__main__.py", "agent", LAMBDAS, INTERCEPTORS)
CODE = {LAMBDAS: "tools.py", INTERCEPTORS: "interceptor.py"}
"""Where functions have a folder each, and which file makes a folder one of them."""
SHIPPED = Path(__file__).parents[1]
"""Has, by the same names, what is shipped with each function, unless the program has its own beside the folders."""
# That a package, such as boto3, comes without types is no mistake of who imports it, nor is it one to say so.
_MYPY = ("mypy", "--disable-error-code", "import-untyped", "--disable-error-code", "unused-ignore")
_OF_MYPY = frozenset({"mypy_extensions.py", "typing_extensions.py"})
TESTS = "tests"
"""Folder of a function that holds its tests; it is not shipped."""


@dataclass(frozen=True)
class Result:
    """What a check came to.

    Attributes:
        name: What was checked.
        passed: Whether it passed.
        said: What there is to say about it, for a person to read.
    """

    name: str
    passed: bool
    said: str


@dataclass(frozen=True)
class _Running:
    """A check that another program makes, in the meantime; `others` is a folder whose faults are somebody else's."""

    name: str
    process: subprocess.Popen[str]
    others: Path | None = None

    def result(self) -> Result:
        said, _ = self.process.communicate()
        if self.others and self.process.returncode == 1:
            lines = said.splitlines(keepends=True)
            said = "".join(line for line in lines if not line.startswith(str(self.others)))
        passed = self.process.returncode == 0 or (self.process.returncode == 1 and not said)
        return Result(self.name, passed, "" if passed else said)


def main(root: Path) -> int:
    """Check the program in `root`, saying what each check came to; return 1 when one of them did not pass, else 0."""
    passed = True
    for result in results(root):
        passed = passed and result.passed
        lines = result.said.rstrip().splitlines()
        heading = lines.pop(0) if result.passed and lines else ""
        say(f"{'ok    ' if result.passed else 'FAILED'}  {result.name}{heading and f': {heading}'}")
        for line in lines:
            say(f"        {line}")
    return 0 if passed else 1


def results(root: Path) -> Iterator[Result]:
    """The results, as they come; what other programs find out is found out while the plans are made."""
    running = list(_started(root))
    try:
        for stack in stacks_of(root):
            yield _planned(root, stack)
        for check in running:
            if isinstance(check, Result):
                yield check
                continue
            with waiting_for(check.name):
                result = check.result()
            yield result
    finally:
        for check in running:
            if isinstance(check, _Running) and check.process.poll() is None:
                check.process.kill()
                check.process.communicate()


def _started(root: Path) -> Iterator[_Running | Result]:
    apart = _agents_apart(root)
    own = [name for name in dict.fromkeys((*OWN, *apart)) if (root / name).exists()]
    yield _run(root, "lint", "ruff", "check", *own)
    yield _run(root, "layout", "ruff", "format", "--check", "--diff", "--quiet", *own)
    if ours := [name for name in own if name not in (*CODE, *apart)]:
        yield _run(root, "types", *_MYPY, *ours)
    for folder, code in CODE.items():
        for file in sorted(root.glob(f"{folder}/*/{code}")):
            kind = file.parent.parent.name
            name = file.parent.name if kind == LAMBDAS else f"{kind}/{file.parent.name}"
            # As on Lambda the function's files and what is shipped are there under their plain names, nothing of ours.
            yield from _apart(root, name, file.parent, (file.parent.parent, _shipped(root, kind)))
    for folder in apart:
        yield from _apart(root, f"agent {folder}", root / folder, ())


def _agents_apart(root: Path) -> list[str]:
    """The folders of agents that have a program and packages of their own, relative to the program's."""
    return sorted({it.relative_to(root).as_posix() for it in agents(root)} | _named_in_settings(root))


def _named_in_settings(root: Path) -> set[str]:
    """Agents' folders that a stack's settings name; what is wrong in these its plan tells."""
    found: set[str] = set()
    for stack in stacks_of(root):
        with suppress(ConfigError, ValueError, AttributeError):
            entries = json.loads(stack_config(root, stack, {}).values.get("toolgate:agents", "{}")).values()
            found |= {Path(it["code"]).as_posix() for it in entries if "code" in it}
    return {folder for folder in found - {*OWN} if (root / folder / "main.py").is_file()}


def _apart(root: Path, name: str, function: Path, beside: Sequence[Path]) -> Iterator[_Running | Result]:
    """Types and tests of what runs apart from the program.

    Args:
        root: The program's folder.
        name: What it is called.
        function: Its folder.
        beside: Where what is put beside its files is found.
    """
    try:
        found = packages(function, root)
    except PackagesError as error:
        yield Result(f"packages of {name}", False, str(error))
        return
    there = (function, *beside)
    path = os.pathsep.join(map(str, (*there, *([found] if found else []))))
    typed = _for_mypy(found, root) if found else None
    # That such a package comes without types is no mistake of who calls it.
    untyped = ("--disable-error-code", "no-untyped-call") if found else ()
    cache = str(root / ".cache" / "check" / name)
    options = ("--follow-imports", "silent", "--no-error-summary", "--cache-dir", cache)
    types = _run(
        root,
        f"types of {name}",
        *_MYPY,
        *untyped,
        *options,
        str(function),
        MYPYPATH=os.pathsep.join(map(str, (*there, *([typed] if typed else [])))),
    )
    yield replace(types, others=typed and typed.relative_to(root))
    if (function / TESTS).is_dir():
        # What warns in somebody's tool is theirs to judge.
        of_tests = ("-q", "-o", "pythonpath=", "-o", "filterwarnings=")
        yield _run(root, f"tests of {name}", "pytest", *of_tests, str(function / TESTS), PYTHONPATH=path)


def _for_mypy(packages: Path, root: Path) -> Path:
    """Packages where mypy takes them: it ends at a file that is named like a module which it brings itself."""
    folder = root / ".cache" / "check" / "packages" / packages.name
    folder.mkdir(parents=True, exist_ok=True)
    for it in packages.iterdir():
        if it.name not in _OF_MYPY:
            with suppress(FileExistsError):
                (folder / it.name).symlink_to(it.resolve())
    return folder


def _shipped(root: Path, kind: str) -> Path:
    """What is shipped, where mypy takes it: it refuses a path in the folder that packages are installed in."""
    folder = root / ".cache" / "check" / "shipped" / kind
    folder.mkdir(parents=True, exist_ok=True)
    for file in (SHIPPED / kind).glob("*.py"):
        if file.name != "__init__.py":
            shutil.copyfile(file, folder / file.name)
    return folder


def _run(root: Path, name: str, module: str, *words: str, **variables: str) -> _Running:
    # It may wait until somebody reads what it says; nothing waits for it before that.
    process = subprocess.Popen(
        [sys.executable, "-m", module, *words],
        cwd=root,
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return _Running(name, process)


def _planned(root: Path, stack: str) -> Result:
    name = f"plan of {stack}"
    try:
        with waiting_for(f"the {name}"):
            made = plan(stack, root=root)
    except (ProgramError, PackError) as error:
        return Result(name, False, str(error))
    return Result(name, not made.mandatory, _verdict(made))


def _verdict(made: Plan) -> str:
    advisory = len(made.violations) - len(made.mandatory)
    lines = [f"{len(made.mandatory)} mandatory, {advisory} advisory violations"]
    for violation in made.mandatory:
        lines.append(f"{violation.rule}: {violation.urn.rpartition('::')[2]}")
        lines += [f"    {line}" for line in violation.message.splitlines()]
    return "\n".join(lines)
