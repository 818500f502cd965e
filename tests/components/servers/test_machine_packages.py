"""This machine's packages of a lock: where they are, the local deployment looks for them as well."""

from pathlib import Path
from typing import Any

import pytest

from toolgate.components.runtime import machine_packages
from toolgate.local import function_packages


@pytest.mark.parametrize("first", ["plan", "local"])
def test_what_a_plan_has_installed_the_local_deployment_finds_and_the_other_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code = Path("servers/stock")
    code.mkdir(parents=True)
    lock = code / "requirements.txt"
    lock.write_text("six==1.17.0 --hash=sha256:0\n")
    runs: list[Any] = []

    def run(command: list[str], **_: Any) -> Any:
        folder = Path(command[command.index("--target") + 1])
        folder.mkdir(exist_ok=True)
        (folder / "six.py").touch()
        runs.append(command)
        return type("Done", (), {"returncode": 0})

    monkeypatch.setattr("subprocess.run", run)
    ways: dict[str, Any] = {
        "plan": lambda: machine_packages.installed(lock),
        "local": lambda: function_packages.packages(code, tmp_path),
    }
    found = [ways.pop(first)(), *(way() for way in ways.values())]
    assert len(set(found)) == len(runs) == 1
    assert (found[0] / "six.py").is_file()
