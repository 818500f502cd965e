"""Wait for what AWS does in its own time: until it is so, and never for ever."""

import time
from collections.abc import Callable

BETWEEN = 2.0
"""Seconds from one try to the next."""

clock = time.monotonic
sleep = time.sleep


def until[T](what: str, seen: Callable[[], T | None], seconds: float, *, between: float = BETWEEN) -> T:
    """What `seen` gives as soon as it gives something.

    Args:
        what: What is waited for, for the message.
        seen: Looks once; a false value means not yet.
        seconds: The longest wait.
        between: Seconds from one look to the next.

    Raises:
        TimeoutError: It did not come.
    """
    deadline = clock() + seconds
    while not (value := seen()):
        if clock() > deadline:
            raise TimeoutError(f"{what}: not in {seconds:.0f} s")
        sleep(between)
    return value
