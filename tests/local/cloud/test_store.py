import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from toolgate.local.cloud.store import FileStore


def test_an_account_outlives_the_store(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "account.json"
    with FileStore(file).transaction() as account:
        account["made"]["a"] = 1
    with FileStore(file).transaction() as account:
        assert account["made"] == {"a": 1}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_failed_change_is_not_kept(tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    with FileStore(file).transaction() as account:
        account["made"]["a"] = 1

    def fail() -> None:
        with FileStore(file).transaction() as account:
            account["made"]["a"] = 2
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert json.loads(file.read_text())["made"] == {"a": 1}


def test_changes_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    file = tmp_path / "account.json"

    def count(_: int) -> None:
        with FileStore(file).transaction() as account:
            account["made"]["a"] = account["made"].get("a", 0) + 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(100)))
    assert json.loads(file.read_text())["made"] == {"a": 100}
