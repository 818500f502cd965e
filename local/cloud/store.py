"""Where the stand-in account keeps what exists: in memory for one plan, or in a file between runs of an engine."""

import fcntl
import json
import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

type Account = dict[str, dict[str, Any]]
"""`resources`: record by `type|id`. `made`: how often a resource of a type and name has been made."""


class Store(Protocol):
    """Keeps an account."""

    def transaction(self) -> AbstractContextManager[Account]:
        """The account, to read and change by one caller at a time; kept when the block ends without an exception."""
        ...


class MemoryStore:
    """An account that lives as long as this object."""

    def __init__(self) -> None:
        self._account: Account = _empty()
        self._lock = threading.Lock()

    @contextmanager
    def transaction(self) -> Iterator[Account]:
        """See `Store`. What a failed block changed stays: nothing reads an account after a failure."""
        with self._lock:
            yield self._account


class FileStore:
    """An account in a JSON file; safe between threads and processes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def transaction(self) -> Iterator[Account]:
        """See `Store`."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # The lock is a file of its own because the account's file is replaced whole.
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            account: Account = json.loads(self._path.read_text()) if self._path.exists() else _empty()
            yield account
            self._write(account)

    def _write(self, account: Account) -> None:
        draft = self._path.with_suffix(".new")
        # Secrets given to resources are in it in clear, as they are in the account.
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(account, file, indent=1)
        draft.replace(self._path)


def _empty() -> Account:
    return {"resources": {}, "made": {}}
