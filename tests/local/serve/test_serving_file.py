import json
import stat
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from toolgate.local.serve.serving_file import (
    AlreadyServedError,
    Caller,
    Endpoint,
    NotServedError,
    announced,
    read,
    reserved,
)

SECRETS = {"AWS_ACCESS_KEY_ID": "ASIA1", "AWS_SECRET_ACCESS_KEY": "hush", "AWS_SESSION_TOKEN": "token"}
CALLER = Caller(SECRETS, (Endpoint("tools-abcdefghij", "http://127.0.0.1:1/mcp", "2025-06-18", sessions=False),))


@dataclass
class _Serving:
    environment: dict[str, str] = field(default_factory=lambda: {"AWS_REGION": "us-east-1"})
    agents: dict[str, str] = field(default_factory=lambda: {"assistant": "arn"})
    callers: dict[str, Caller] = field(default_factory=lambda: {"assistant": CALLER})
    access_log: Path = Path("logs/gateway.jsonl")


def test_the_file_is_there_while_the_block_runs_and_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / ".local" / "serving.json"
    with announced(_Serving(), file):
        content = json.loads(file.read_text())
        assert (content["environment"], content["agents"]) == ({"AWS_REGION": "us-east-1"}, {"assistant": "arn"})
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert list(file.parent.iterdir()) == [file]
    assert not file.exists()


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    file = tmp_path / "serving.json"
    with announced(_Serving(), file):
        served = read(file)
    assert (served.callers, served.access_log) == ({"assistant": CALLER}, Path("logs/gateway.jsonl"))
    assert "hush" not in repr(served)


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


def test_one_process_at_a_time_serves_a_program(tmp_path: Path) -> None:
    file = tmp_path / ".local" / "serving.json"
    there = _Serving(environment={"AWS_ENDPOINT_URL": "http://127.0.0.1:7"})
    with reserved(file):
        with (
            pytest.raises(AlreadyServedError, match=r"^this program is served already\. End that first"),
            reserved(file),
        ):
            pass
        with announced(there, file), pytest.raises(AlreadyServedError, match=r"already, at http://127\.0\.0\.1:7\."):
            reserved(file).__enter__()
    with reserved(file):
        assert not file.exists()


def test_nothing_is_served(tmp_path: Path) -> None:
    with pytest.raises(NotServedError, match="Start it with `toolgate up`"):
        read(tmp_path / "serving.json")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"callers": {"a": {}}}', '{"callers": [1]}'])
def test_a_damaged_file(tmp_path: Path, text: str) -> None:
    file = tmp_path / "serving.json"
    file.write_text(text)
    with pytest.raises(NotServedError, match="damaged"):
        read(file)
