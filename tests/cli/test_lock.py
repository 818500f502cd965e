"""`toolgate lock` knows the folders of tools, of interceptors, of servers and of agents."""

from pathlib import Path

import pytest

from toolgate.cli import lock as command
from toolgate.cli.main import main
from toolgate.components.runtime import function_package

FOLDERS = (*map(Path, ("lambdas/shop", "interceptors/limits", "servers/stock", "research", "agents/clerk")),)
AGENTS = FOLDERS[3:]


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that were locked; in each something is asked for, and one folder asks for nothing."""
    monkeypatch.chdir(tmp_path)
    for folder in FOLDERS:
        folder.mkdir(parents=True)
        (folder / "requirements.in").write_text("six\n")
    Path("lambdas/math").mkdir()
    for agent in (*AGENTS, Path("plain"), Path("tests/fake"), Path(".venv/fake")):
        agent.mkdir(parents=True, exist_ok=True)
        (agent / "main.py").touch()
    for nothing in (Path("tests/fake"), Path(".venv/fake"), Path("docs")):
        nothing.mkdir(parents=True, exist_ok=True)
        (nothing / "requirements.in").touch()
    found: list[Path] = []
    monkeypatch.setattr(function_package, "lock", lambda folder, **_: found.append(folder))
    monkeypatch.setattr(command, "_fetch", lambda _folders: None)
    return found


def test_without_names_it_locks_all_that_ask_for_something(locked: list[Path]) -> None:
    assert main(["lock"]) == 0
    assert sorted(locked) == sorted(FOLDERS)


@pytest.mark.parametrize(("name", "folder"), [("shop", FOLDERS[0]), *((it.as_posix(), it) for it in FOLDERS[1:])])
def test_one_is_named(locked: list[Path], name: str, folder: Path) -> None:
    assert main(["lock", name]) == 0
    assert locked == [folder]


def test_a_name_that_is_none(locked: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lock", "limits"]) == 2
    assert "lambdas/limits/requirements.in is missing" in capsys.readouterr().err
    assert locked == []


def test_an_agent_that_asks_for_nothing(locked: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lock", "plain"]) == 2
    assert "plain/requirements.in is missing" in capsys.readouterr().err
    assert locked == []
