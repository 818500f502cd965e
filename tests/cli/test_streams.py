"""Standard streams that are closed, that nobody reads any more, on a full disk, or without the letters for a text."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli import commands
from tests.planning import planned
from toolgate.access.deployment.stack_export import write

TOOLGATE = Path(sys.executable).with_name("toolgate")
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's deployment in a file, and beside it a program whose stack fails after printing a lot."""
    folder = tmp_path_factory.mktemp("streams")
    write(planned().deployment, folder / "deployment.json")
    (folder / "Pulumi.yaml").write_text("name: p\n")
    (folder / "Pulumi.dev.yaml").write_text("config:\n  aws:region: us-east-1\n")
    (folder / "__main__.py").write_text("print('many words ' * 10000)\n")
    return folder / "deployment.json"


HELP = [[*words, "--help"] for words, _ in commands.every()]


def lines(deployment: Path) -> list[list[str]]:
    """Command lines that say something without waiting: what `say` prints, click, and a program."""
    file = str(deployment)
    return [
        ["access", "matrix", file],
        ["access", "scan", "--print-policy"],
        ["plan", "--program", str(deployment.parent)],
        ["completion", "bash"],
        ["--version"],
    ]


def run(given: Sequence[Sequence[str]], how: str) -> list[tuple[int, str]]:
    """Exit code and standard error of each line."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.cli.run_lines", how],
        cwd=ROOT,
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
    )
    assert done.returncode == 0, done.stderr
    return [(code, _errors(said)) for code, said in json.loads(done.stdout)]


def _errors(said: str) -> str:
    """What is said on standard error, but that something is waited for: a busy machine is slow."""
    return "".join(line for line in said.splitlines(keepends=True) if not line.startswith("   waiting for "))


def test_a_reader_who_has_seen_enough_ends_each_command_without_a_word(deployment: Path) -> None:
    given = lines(deployment)
    assert {
        " ".join(line): it for line, it in zip(given, run(given, "out=unread"), strict=True) if it != (141, "")
    } == {}


def test_a_full_disk_is_one_line(deployment: Path) -> None:
    said = "error: standard output cannot be written (No space left on device); let it go elsewhere\n"
    given = lines(deployment)
    assert {" ".join(line): it for line, it in zip(given, run(given, "out=full"), strict=True) if it != (2, said)} == {}


@pytest.mark.parametrize("how", ["out=closed", "in=closed out=closed err=closed"])
def test_a_closed_stream_is_nothing_to_complain_of(how: str, deployment: Path) -> None:
    given = lines(deployment)
    assert {it for it in run(given, how) if it != (0, "")} == set()


@pytest.mark.parametrize("how", ["err=closed", "err=unread", "err=full"])
def test_an_error_that_nobody_can_read_is_an_error(how: str, deployment: Path) -> None:
    file = str(deployment)
    given = [["plna"], ["access", "matrix", "nowhere"], ["plan", "--program", file], ["access", "matrix", file]]
    assert [code for code, _ in run(given, how)] == [2, 2, 2, 0]


def test_nothing_that_is_opened_becomes_a_closed_stream(deployment: Path, tmp_path: Path) -> None:
    """The descriptor that was free would be the file's, and whoever prints would write into it."""
    out = tmp_path / "policies"
    [ended] = run([["deployer", "--deployment", str(deployment), "--folder", str(out)]], "in=closed out=closed")
    assert ended[0] == 0
    assert [json.loads(it.read_text())["Version"] for it in out.iterdir()]


@pytest.mark.parametrize(
    "variables", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
)
def test_a_terminal_without_the_letters_gets_them_as_json_writes_them(
    variables: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: p\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  aws:region: us-east-1\n")
    (tmp_path / "__main__.py").write_text("print('größe 👩', flush=True)\n")
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG"))}
    command = [str(TOOLGATE), "plan", "--program", str(tmp_path)]
    done = subprocess.run(command, env=clean | variables, capture_output=True, check=False)
    assert (done.returncode, _errors(done.stderr.decode())) == (0, "")
    first, second, *_ = done.stdout.decode("ascii").splitlines()
    assert json.loads(f'"{first}"') == "größe 👩"
    assert second.startswith("pulumi:pulumi:Stack")
