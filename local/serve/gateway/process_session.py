"""The processes of a session, whatever groups they are in: what a function leaves behind it is ended by.

A function's process leads a session of its own. What it starts may be in another process group, and an interceptor's
code always is (`interceptors/supervised.py`); on Lambda all of it ends with the execution environment.
"""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")


def end(leader: int) -> None:
    """Kill every process of a session.

    Args:
        leader: The process that leads it, or has: while another one is in the session nobody else gets its number.
    """
    ended: set[int] = set()
    while found := {it for it in _processes() if _is_in(leader, it)} - ended:  # meanwhile one may have started another
        for process in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        ended |= found


def _processes() -> list[int]:
    if (_PROC / "self").exists():
        return [int(it.name) for it in _PROC.iterdir() if it.name.isdigit()]
    listed = subprocess.run(["ps", "-A", "-o", "pid="], stdout=subprocess.PIPE, check=True)  # macOS has no /proc
    return [int(it) for it in listed.stdout.split()]


def _is_in(leader: int, process: int) -> bool:
    with suppress(ProcessLookupError, PermissionError):
        return os.getsid(process) == leader
    return False
