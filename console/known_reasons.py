"""Reasons of refused calls, each found once for a while: a caller that is refused again and again is told the same.

To find one reads the program and takes tens of milliseconds, in which the data plane has less of the processor.
"""

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from toolgate.access.deployment.deployment import Deployment
from toolgate.console import reasons
from toolgate.console.reasons import Reason
from toolgate.local.serve.access_log import DENIED

SECONDS = 2.0
"""So long one holds: the lines that it names may be edited without anything being served anew."""
MOST = 256
_OF_ONE_CALL = frozenset({"event_timestamp", "request_id", "trace_id", "agent_request_id", "id", "milliseconds"})
_NOT_MADE = frozenset({"unknown_tool", "invalid_arguments"})


class KnownReasons:
    """Finds reasons; may be asked from any thread."""

    def __init__(self, program: Path | None) -> None:
        """Know none.

        Args:
            program: The folder of the program that is served; None of a deployment file.
        """
        self._program = program
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[int, str], tuple[float, Deployment, Reason | None]] = OrderedDict()

    def of(self, deployment: Deployment, line: Mapping[str, Any]) -> Reason | None:
        """Why a call was denied, or not made as it was written; None where it was, or nobody can say.

        Args:
            deployment: What is served.
            line: The exchange's line of the access log.
        """
        if line["decision"] != DENIED and line.get("status") not in _NOT_MADE:
            return None
        asked = {name: value for name, value in line.items() if name not in _OF_ONE_CALL}
        key = (id(deployment), json.dumps(asked, sort_keys=True))  # it is held below: no other one gets its id
        with self._lock:
            found = self._known.get(key)
        if found and time.monotonic() - found[0] < SECONDS:
            return found[2]
        reason = reasons.reason(deployment, line, self._program)
        with self._lock:
            self._known[key] = (time.monotonic(), deployment, reason)
            self._known.move_to_end(key)
            while len(self._known) > MOST:
                self._known.popitem(last=False)
        return reason
