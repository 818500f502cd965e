import hashlib
import json
from pathlib import Path

import pytest

from toolgate.cli.main import main


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program with an agent that needs no package."""
    for name, content in {
        "Pulumi.yaml": "name: p\n",
        "agent/main.py": "print('up')\n",
        "requirements/agent.txt": "",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_last_line_says_what_was_built(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["bundle"]) == 0
    said = capfd.readouterr()
    built = json.loads(said.out.splitlines()[-1])
    path = project / built["path"]
    assert built == {
        "path": f"dist/{path.name}",
        "bytes": path.stat().st_size,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    assert "compiling" in said.err


def test_what_is_missing_is_one_line(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (project / "agent/main.py").unlink()
    assert main(["bundle"]) == 2
    assert capfd.readouterr().err == "error: agent/main.py: is missing. It is what AgentCore Runtime starts.\n"
