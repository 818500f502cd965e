"""Tell the person who waits what is being waited for, once it takes longer than a second."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

PATIENCE_SECONDS = 1.0


@contextmanager
def waiting_for(what: str, *, out: TextIO | None = None) -> Iterator[None]:
    """Show that something is under way while the block runs; say nothing when it is quick.

    On a terminal the line counts seconds and is wiped at the end; elsewhere (a log) it is written once.

    Args:
        what: What is waited for, as the reader would say it: `the agent to start`.
        out: Where to write; standard error when left out, so that results stay clean.
    """
    stream = out or sys.stderr
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(what, stream, done), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _watch(what: str, stream: TextIO, done: threading.Event) -> None:
    started = time.monotonic()
    if done.wait(PATIENCE_SECONDS):
        return
    if not stream.isatty():
        print(f"   waiting for {what} ...", file=stream, flush=True)
        done.wait()
        return
    while not done.is_set():
        print(f"\r   waiting for {what} ... {time.monotonic() - started:.0f} s", end="", file=stream, flush=True)
        done.wait(PATIENCE_SECONDS)
    print("\r\x1b[K", end="", file=stream, flush=True)
