"""The set-up of foreign clients: what is installed is what the lock says, and what cannot be is said."""

from pathlib import Path

import pytest

from scripts import clients

INSTALLS = "mkdir -p node_modules/.bin && touch node_modules/.bin/node"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one lock for npm and one for Python, and programs that install nothing."""
    (tmp_path / "package.json").write_text("{}")
    (tmp_path / "package-lock.json").write_text("{}")
    (tmp_path / "some.txt").write_text("some==1")
    monkeypatch.setattr(clients, "INSTALLED", tmp_path / ".clients")
    monkeypatch.setattr(clients, "LOCKS", {"node": tmp_path / "package-lock.json", "some": tmp_path / "some.txt"})
    monkeypatch.setattr(clients, "UV", program(tmp_path / "bin" / "uv", "exit 0"))
    program(tmp_path / "bin" / "npm", INSTALLS)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return tmp_path


def program(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return file


def test_what_is_not_installed_is_skipped_with_the_way_to_get_it(project: Path) -> None:
    assert clients.missing("node") == "the clients `node` are not installed: run `make clients`"
    assert clients.main() == 0
    assert clients.missing("node") is clients.missing("some") is None


def test_another_lock_takes_another_installation(project: Path) -> None:
    clients.main()
    (project / "some.txt").write_text("some==2")
    assert clients.missing("some") == "the lock of the clients `some` is newer: run `make clients`"
    assert clients.missing("node") is None
    (left := project / ".clients" / "some" / "left").touch()
    assert clients.main() == 0
    assert not left.exists()
    assert clients.missing("some") is None


def test_what_is_installed_is_left_alone(project: Path) -> None:
    clients.main()
    (left := project / ".clients" / "some" / "left").touch()
    assert clients.main() == 0
    assert left.exists()


@pytest.mark.parametrize(
    ("npm", "says"),
    [
        (None, "there is no `npm` here"),
        ("exit 1", "`npm` failed; the lines above say why"),
        ("exit 0", "npm has no node 22 for this machine"),
    ],
)
def test_one_kind_that_cannot_be_had_leaves_the_others(
    project: Path, npm: str | None, says: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    if npm is None:
        (project / "bin" / "npm").unlink()
        monkeypatch.setenv("PATH", str(project / "bin"))
    else:
        program(project / "bin" / "npm", npm)
    assert clients.main() == 1
    assert f"clients: node could not be installed: {says}" in capfd.readouterr().err
    assert clients.missing("node") is not None
    assert clients.missing("some") is None


def test_every_kind_has_its_lock_and_npm_s_names_no_registry() -> None:
    assert clients.LOCKS.keys() == {"node", "aws", "frameworks", "mcp2"}
    text = clients.LOCKS["node"].read_text()
    assert '"resolved"' not in text
    assert text.count('"integrity": "sha512-') == text.count('"node_modules/')
