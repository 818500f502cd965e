"""A log file that stays small: its owner's only, and never larger than a bound; the piece before it is kept."""

import os
import threading
from contextlib import suppress
from pathlib import Path

MOST_BYTES = 5 * 2**20
"""Size at which a log is put aside as `<name>.1`; with the piece before it, a log takes at most twice this."""


class BoundedFile:
    """Appends bytes to a file that is made anew; may be used from any thread.

    What one call writes stands in one of the `pieces`, unless it is larger than the bound. Where nothing more can be
    written (the disk is full, the folder gone) the log ends: it is not worth a failure of what it tells of.
    """

    def __init__(self, path: Path, most: int = MOST_BYTES) -> None:
        """Make the file; an older one, and the piece put aside from it, are deleted.

        Args:
            path: The file; its folder is made when it is not there.
            most: Its largest size in bytes.
        """
        self.path = path
        self._most = most
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        for piece in pieces(path):
            piece.unlink(missing_ok=True)
        self._file, self._size = self._open(), 0

    def write(self, data: bytes) -> None:
        """Append; what the file has no room for begins the next piece."""
        with self._lock:
            if self._size and self._size + len(data) > self._most:
                self._put_aside()
            while len(data) > self._most:
                self._append(data[: self._most])
                self._put_aside()
                data = data[self._most :]
            self._append(data)

    def close(self) -> None:
        """Close the file; nothing is written any more."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
            self._file = -1

    def _append(self, data: bytes) -> None:
        if self._file >= 0:  # a process may still write while everything ends
            with suppress(OSError):
                self._size += os.write(self._file, data)

    def _put_aside(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file, self._size = -1, 0
            with suppress(OSError):
                self.path.replace(pieces(self.path)[1])
                self._file = self._open()

    def _open(self) -> int:
        # Exclusively: a link that somebody put there is not followed.
        return os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)


def pieces(path: Path) -> tuple[Path, Path]:
    """The files of a log: the newest piece, and the one before it."""
    return path, path.with_name(f"{path.name}.1")
