"""The pages' commands that need neither AWS nor a server, run one after the other as a reader would.

The first of each kind is run by a shell, in a copy of the project with the sample's tools and stacks; the others in
this process, where their plans are there already.
"""

import contextlib
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.aws import permissions
from tests.planning import ROOT, copy_project, planned
from toolgate.cli.main import main
from toolgate.local import plan as planning

PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]
KINDS: dict[str, tuple[Callable[[list[str]], int], int]] = {
    "toolgate plan --stack": (main, 1),
    "toolgate access": (main, 1),
    "toolgate deployer": (main, 1),
    "python -m tests.aws.permissions": (permissions.main, 3),
}
"""How a command begins after `.venv/bin/`, what it runs, and how many words come before its arguments."""
RUNS = re.compile(rf"\.venv/bin/({'|'.join(map(re.escape, KINDS))}) [^#\n]*")
DIFFERENCE = {0, 1, 3}


def commands(page: Path) -> Iterator[str]:
    for block in re.findall(r"^```(?:sh)?\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            if match := RUNS.match(line):
                yield match[0].strip()


def kind(command: str) -> str:
    match = RUNS.match(command)
    assert match
    return match[1]


# A command that several pages have is run once, where it comes first.
COMMANDS = list(dict.fromkeys(command for page in PAGES for command in commands(page)))
BY_A_SHELL = {kind(command): command for command in reversed(COMMANDS)}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as a reader has it after the set-up."""
    folder = copy_project(tmp_path_factory.mktemp("clone"))
    for name in (".venv", "docs", "tests"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def test_there_are_commands_of_each_kind() -> None:
    assert BY_A_SHELL.keys() == KINDS.keys()
    assert len(COMMANDS) > 12


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_does_what_the_page_says(
    clone: Path, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if command in BY_A_SHELL.values():
        done = subprocess.run(["sh", "-c", command], cwd=clone, capture_output=True, text=True, check=False)
        code, said, errors = done.returncode, done.stdout, done.stderr
    else:
        monkeypatch.setattr(planning, "plan", lambda stack, **_: planned(stack))
        with contextlib.chdir(clone):
            code = run(command)
        said, errors = capsys.readouterr()
        if file := re.search(r"> (\S+)$", command):
            (clone / file[1]).write_text(said)
    assert code in (DIFFERENCE if " access diff " in command else {0}), errors
    for written in re.findall(r"(?:--out|--folder|>) (\S+)", command):
        assert (clone / written).exists()
    assert said or re.search(r"--out|>", command)


def run(command: str) -> int:
    """Run a command in this process; return its exit code."""
    called, words = KINDS[kind(command)]
    return called(shlex.split(command.partition(" > ")[0])[words:])
