"""The command itself: help, completion, and how it ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from toolgate.cli import options
from toolgate.cli.main import _COMMANDS, main
from toolgate.local.plan import Plan

TOOLGATE = Path(sys.executable).with_name("toolgate")

STACK = {"urn": "urn:pulumi:dev::p::pulumi:pulumi:Stack::p-dev", "type": "pulumi:pulumi:Stack", "custom": False}


def test_each_sub_command_has_its_line_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for name in (*_COMMANDS, "completion"):
        assert f"\n  {name} " in shown


def test_without_a_sub_command_the_help_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "Commands:" in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert "_TOOLGATE_COMPLETE=" in capsys.readouterr().out


def test_a_shell_is_told_how_a_word_goes_on() -> None:
    asked = {"_TOOLGATE_COMPLETE": "bash_complete", "COMP_WORDS": "toolgate access m", "COMP_CWORD": "2"}
    done = subprocess.run([TOOLGATE], env=os.environ | asked, capture_output=True, text=True, check=False)
    assert done.stdout == "plain,matrix\n"


@pytest.mark.parametrize("words", [["plna"], ["plan", "--stak", "dev"], ["access", "matrix"]])
def test_a_slip_is_one_line(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")


def test_a_folder_without_a_program_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--program", str(tmp_path)]) == 2
    said = f"error: {tmp_path} has no Pulumi.yaml; name a Pulumi program's folder by --program\n"
    assert capsys.readouterr().err == said


def test_the_nearest_program_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: p\n")
    below = tmp_path / "lambdas" / "shop"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    meant: list[Path] = []

    def planned(program: Path, *_: object) -> Plan:
        meant.append(program)
        return Plan({"deployment": {"resources": [STACK]}}, ())

    monkeypatch.setattr(options, "planned", planned)
    assert main(["plan"]) == 0
    assert meant == [tmp_path]


def test_a_reader_who_has_seen_enough_gets_no_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([TOOLGATE, "--help"], stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")
