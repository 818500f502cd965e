"""The set-up: what it says when it cannot go on, and that it does nothing when nothing changed."""

from pathlib import Path

import pytest

from scripts import setup


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of its own with everything that the environment is made from."""
    for name in ("project.txt", "uv.txt", "pyproject.toml"):
        (tmp_path / name).write_text(name)
    (tmp_path / ".python-version").write_text("3.99\n")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    program(tmp_path / ".venv" / "bin" / "python", f'echo "${{1##*/}}" >> {tmp_path}/done')
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    monkeypatch.setattr(setup, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(setup, "UV_VENV", tmp_path / ".uv")
    monkeypatch.setattr(setup, "LOCK", tmp_path / "project.txt")
    monkeypatch.setattr(setup, "UV_LOCK", tmp_path / "uv.txt")
    monkeypatch.setattr(setup, "PYTHON_VERSION", tmp_path / ".python-version")
    monkeypatch.setattr(setup, "PROJECT", tmp_path / "pyproject.toml")
    monkeypatch.setattr(setup, "VERSION", tmp_path / "version.py")
    (tmp_path / "version.py").write_text("1")
    monkeypatch.setattr(setup, "STAMP", tmp_path / ".venv" / ".toolgate")
    return tmp_path


def program(file: Path, script: str) -> None:
    """A program that does what the shell script says."""
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def uv(folder: Path, script: str) -> None:
    """A uv that does what the shell script says."""
    (folder / ".uv" / "bin").mkdir(parents=True)
    program(folder / ".uv" / "bin" / "uv", script)


def test_a_missing_interpreter_is_said_with_the_way_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    uv(folder, "exit 2")
    assert setup.main() == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert "Python 3.99 was not found" in said[0]
    assert "uv python install 3.99" in said[0]
    assert not (folder / ".venv" / ".toolgate").exists()


def test_a_package_that_cannot_be_had_leaves_the_set_up_undone(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uv(folder, '[ "$1" = venv ]')
    assert setup.main() == 1
    assert "could not finish: the locked packages" in capsys.readouterr().err
    assert not (folder / ".venv" / ".toolgate").exists()


def test_an_old_python_is_told_what_to_run(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.version_info", (3, 9, 1))
    assert setup.main() == 1
    assert "setup needs Python >= 3.11, this is 3.9" in capsys.readouterr().err


@pytest.mark.parametrize("changed", ["project.txt", "uv.txt", ".python-version", "pyproject.toml", "version.py"])
def test_it_works_again_only_when_something_changed(folder: Path, changed: str) -> None:
    uv(folder, f'echo "$1" >> {folder}/done')
    assert setup.main() == setup.main() == 0
    assert (folder / "done").read_text().split() == ["venv", "pip", "compile_used.py", "pip"]
    (folder / changed).write_text("other")
    assert setup.main() == 0
    assert (folder / "done").read_text().split() == ["venv", "pip", "compile_used.py", "pip"] * 2


def test_packages_of_a_tool_are_fetched_and_nothing_else_is_made_anew(folder: Path) -> None:
    uv(folder, f'echo "$1" >> {folder}/done')
    program(folder / ".venv" / "bin" / "toolgate", f'echo "$1" >> {folder}/fetched')
    assert setup.main() == 0
    before = (folder / "done").read_text()
    (folder / "lambdas" / "shop").mkdir(parents=True)
    (folder / "lambdas" / "shop" / "requirements.txt").write_text("x")
    assert setup.main() == setup.main() == 0
    assert (folder / "fetched").read_text() == "fetch\n"
    assert (folder / "done").read_text() == before
