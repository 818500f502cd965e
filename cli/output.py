"""What a command says and where it goes: nothing of anybody's text is a command to the terminal.

Whoever prints (a command, the program that it runs, a library), what becomes of it is decided here, at the descriptors.
"""

import codecs
import io
import json
import logging
import os
import sys
from collections.abc import Buffer, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from toolgate.local.terminal import readable, say

__all__ = ["ClosedOutputError", "Descriptor", "keep_logs_readable", "say", "standard_streams"]

_ENCODED = "toolgate.json"


def keep_logs_readable() -> None:
    """Let what is logged, and nobody handles, be printed in the same way."""
    if logging.lastResort:
        logging.lastResort.setFormatter(_Readable())


class _Readable(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return readable(super().format(record))


class ClosedOutputError(Exception):
    """Whoever read standard output has seen enough."""


class Descriptor(io.FileIO):
    """A standard stream's descriptor, which remembers why it took nothing more; what comes after that is dropped.

    Attributes:
        failure: Why it took nothing more.
    """

    def __init__(self, stream: TextIO, *, fails: bool) -> None:
        super().__init__(stream.fileno(), "wb", closefd=False)
        self.failure: OSError | None = None
        self._fails = fails

    def write(self, content: Buffer, /) -> int:
        """Write; raise the first failure, if somebody is to learn of it."""
        if self.failure is None:
            try:
                return super().write(content)
            except OSError as error:
                self.failure = error
                if self._fails:
                    raise
        return memoryview(content).nbytes


@contextmanager
def standard_streams() -> Iterator[Descriptor | None]:
    r"""While the block runs, writing to standard output fails once, and to standard error never.

    What a stream's encoding has no letter for is written as JSON writes it (`\u00e9`). The block gets standard output's
    descriptor; None where it is not the process's own, as in a test that captures it.
    """
    _open_what_is_closed()
    before = sys.stdout, sys.stderr
    output = _replaced("stdout", fails=True)
    _replaced("stderr", fails=False)
    try:
        yield output
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
        sys.stdout, sys.stderr = before


def _replaced(name: str, *, fails: bool) -> Descriptor | None:
    stream: TextIO = getattr(sys, name)
    if stream is not getattr(sys, f"__{name}__"):
        return None
    with suppress(OSError):
        stream.flush()
    codecs.register_error(_ENCODED, _as_json)
    descriptor = Descriptor(stream, fails=fails)
    ours = io.TextIOWrapper(
        io.BufferedWriter(descriptor), stream.encoding, _ENCODED, line_buffering=stream.isatty() or not fails
    )
    setattr(sys, name, ours)
    return descriptor


def _as_json(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


def _open_what_is_closed() -> None:
    """Nothing that is opened later becomes a standard stream, and is written into, because one was closed."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it gets the lowest number that is free
        if getattr(sys, name) is None:
            stream = open(number, "w" if number else "r", encoding="utf-8", closefd=False)  # noqa: SIM115  # for good, and no path
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
