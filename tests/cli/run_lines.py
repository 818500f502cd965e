"""Runs command lines, each in a process of its own, with standard streams that take nothing more.

python run_lines.py HOW < lines as JSON: prints, for each, its exit code and what it said on standard error.
"""

import json
import os
import sys
import tempfile
from collections.abc import Sequence

from toolgate.cli.main import main


def _unread() -> int:
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def _apply(how: str) -> None:
    for change in how.split():
        stream, what = change.split("=")
        number = {"in": 0, "out": 1, "err": 2}[stream]
        if what == "closed":
            os.close(number)
            setattr(sys, f"std{stream}", None)  # as Python finds it at its start
        else:
            os.dup2(_unread() if what == "unread" else os.open("/dev/full", os.O_WRONLY), number)


def run(line: Sequence[str], how: str) -> tuple[int, str]:
    """One line's exit code, and what it said on standard error where that is not the stream that fails."""
    with tempfile.TemporaryFile("w+") as said:
        child = os.fork()
        if not child:
            os.dup2(said.fileno(), 2)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            _apply(how)
            # What Python does when it ends is part of it: it flushes, and may complain.
            sys.exit(main(line))
        _, status = os.waitpid(child, 0)
        said.seek(0)
        return os.waitstatus_to_exitcode(status), said.read()


if __name__ == "__main__":
    print(json.dumps([run(line, sys.argv[1]) for line in json.load(sys.stdin)]))
