"""What the agent says of its health: AgentCore keeps a session's machine while it is busy, and goes by the stamp."""

import json
import time
from collections.abc import Callable


class Health:
    """The process's health; all but `tasks` is for one thread at a time.

    A machine that says that it is busy and gives no time is taken for an idle one, and one that gives a new time with
    each answer is never let go (measured on AWS: fastagent-sh/fastagent#314,
    Boise-State-Development/agentcore-public-stack#827). So the time is that of the last change, and of nothing else.

    Attributes:
        tasks: Whether work goes on that outlives its request.

    Args:
        clock: Seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.tasks: Callable[[], bool] = lambda: False
        self._clock = clock
        self._invocations = 0
        self._busy = False
        self._since = int(clock())

    def begin(self) -> None:
        """An invocation begins."""
        self._invocations += 1
        self._look()

    def end(self) -> None:
        """An invocation has ended."""
        self._invocations -= 1
        self._look()

    def answer(self) -> bytes:
        """The body of an answer to `/ping`."""
        self._look()
        status = "HealthyBusy" if self._busy else "Healthy"
        return json.dumps({"status": status, "time_of_last_update": self._since}).encode()

    def _look(self) -> None:
        busy = self._invocations > 0 or self.tasks()
        if busy != self._busy:
            self._busy, self._since = busy, int(self._clock())
