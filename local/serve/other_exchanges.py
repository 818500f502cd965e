"""Exchanges that are in no log: calls of the model, and invocations of runtimes, for whoever watches them.

Their lines have the names of the access log's, as far as they say the same.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from toolgate.local.serve.access_log import DENIED, Entry, Told
from toolgate.local.serve.agents.invoke_api import SESSION

MODEL, INVOCATION = "model", "invocation"


@dataclass(frozen=True)
class Watch:
    """Tells of exchanges.

    Attributes:
        told: Called with each line, in the server's event loop: it must not wait for anything.
        agents: Agents' names by their roles' ARNs.
        runtimes: Agents' and servers' names by their runtimes' ARNs.
        servers: ARNs of the runtimes that are servers: what a gateway asks them is told as a tool call already.
    """

    told: Told
    agents: Mapping[str, str]
    runtimes: Mapping[str, str]
    servers: frozenset[str] = frozenset()

    def model(self, entry: Entry) -> None:
        """Tell of a call of the model."""
        model = unquote(entry.path.get("model") or "")
        self.told(_line(MODEL, entry, agent=self.agents.get(entry.role or ""), model=model), entry)

    def invocation(self, entry: Entry) -> None:
        """Tell of an invocation; what only ends a session is none. Of a server's those that were refused."""
        runtime = unquote(entry.path.get("runtime") or "")
        refused = entry.decision == DENIED
        if entry.path.get("operation") == "invocations" and (refused or runtime not in self.servers):
            asked, session = self.runtimes.get(runtime), entry.headers.get(SESSION)
            self.told(_line(INVOCATION, entry, agent=asked, resource_arn=runtime, session=session), entry)


def recording(watch: Watch | None, of: str) -> Callable[[Entry], None] | None:
    """What a service tells of its exchanges; None where nobody watches.

    Args:
        watch: Who watches.
        of: `MODEL` or `INVOCATION`.
    """
    if watch is None:
        return None
    return watch.model if of == MODEL else watch.invocation


def _line(kind: str, entry: Entry, **facts: Any) -> Mapping[str, Any]:
    line = {
        "kind": kind,
        "event_timestamp": round(entry.started * 1000),
        "request_id": entry.request_id,
        "principal": entry.principal,
        **facts,
        "decision": entry.decision,
        "decided_by": entry.decided_by,
        "http_status": entry.http_status,
        "milliseconds": round(entry.milliseconds, 1),
    }
    return {key: value for key, value in line.items() if value not in (None, "")}
