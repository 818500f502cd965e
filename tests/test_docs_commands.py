"""The pages' commands that need neither AWS nor a server, run one after the other as a reader would."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]
RUNS = re.compile(
    r"\.venv/bin/(toolgate plan --stack|toolgate access|toolgate deployer|python -m tests\.aws\.permissions) [^#\n]*"
)
DIFFERENCE = {0, 1, 3}


def commands(page: Path) -> Iterator[str]:
    for block in re.findall(r"^```(?:sh)?\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            if match := RUNS.match(line):
                yield match[0].strip()


# A command that several pages have is run once, where it comes first.
COMMANDS = list(dict.fromkeys(command for page in PAGES for command in commands(page)))


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks like this one, and keeps what commands write."""
    folder = tmp_path_factory.mktemp("clone")
    for entry in ROOT.iterdir():
        if entry.name not in {".local", ".git", "dist"}:
            (folder / entry.name).symlink_to(entry)
    return folder


def test_there_are_commands_of_each_kind() -> None:
    assert {match[1] for command in COMMANDS if (match := RUNS.match(command))} == {
        *("toolgate plan --stack", "toolgate access", "toolgate deployer", "python -m tests.aws.permissions"),
    }
    assert len(COMMANDS) > 12


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_does_what_the_page_says(clone: Path, command: str) -> None:
    done = subprocess.run(["sh", "-c", command], cwd=clone, capture_output=True, text=True, check=False)
    assert done.returncode in (DIFFERENCE if " access diff " in command else {0}), done.stderr
    for written in re.findall(r"(?:--out|--folder|>) (\S+)", command):
        assert (clone / written).exists()
    assert done.stdout or re.search(r"--out|>", command)
