import json
import stat
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from toolgate.local.serve.serving_file import announced


@dataclass
class _Serving:
    environment: dict[str, str] = field(default_factory=lambda: {"AWS_REGION": "us-east-1"})
    agents: dict[str, str] = field(default_factory=lambda: {"assistant": "arn"})


def test_the_file_is_there_while_the_block_runs_and_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / ".local" / "serving.json"
    with announced(_Serving(), file):
        expected = {"environment": {"AWS_REGION": "us-east-1"}, "agents": {"assistant": "arn"}}
        assert json.loads(file.read_text()) == expected
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert list(file.parent.iterdir()) == [file]
    assert not file.exists()


def test_it_goes_when_the_block_fails_and_replaces_an_older_one(tmp_path: Path) -> None:
    file = tmp_path / "serving.json"
    file.write_text("old")
    file.chmod(0o644)

    def serve_and_fail() -> None:
        with announced(_Serving(), file):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        serve_and_fail()
    assert not file.exists()
