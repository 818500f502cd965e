"""Waiting for what another thread or process does: not for a time, but until it is so."""

import time
from collections.abc import Callable


def wait_until(holds: Callable[[], object], seconds: float = 30) -> None:
    """Wait until `holds` does.

    Args:
        holds: What is waited for.
        seconds: After so many it will not come any more, on however slow a machine.
    """
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)
