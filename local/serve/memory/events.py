"""The events that memories keep: what one session of one actor has said.

Written by hand: all of it. What was measured on AWS stands in floci-io/floci#3556 (ids of events, newest first, an
unknown actor or session has no events), in aws/bedrock-agentcore-sdk-python#283 (a filter is applied to a page after it
was read) and in the notes that `policy/language/agentcore_memory.py` names (an actor and a session stay when their
events are gone).
"""

import hashlib
import json
import secrets
import time
import uuid
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from typing import Any

from toolgate.local.serve.memory.served_memories import ServedMemory

MOST_KEPT = 64 * 2**20
"""Bytes of all events together: this process has them in its memory."""
EMPTY_SECONDS = 24 * 60 * 60.0
"""A session without events is gone after so long (botocore bedrock-agentcore, ListSessions)."""
_DAY = 24 * 60 * 60.0
MAIN = "main"
"""The branch of an event that names none (AgentCore developer guide, "Memory branching")."""

type Key = tuple[str, str, str]
"""Actor, session, id of an event."""


class NoRoomError(Exception):
    """There is no room for another event."""


class OtherRequestError(Exception):
    """The request's token came with another request before."""


@dataclass(frozen=True)
class Event:
    """An event.

    Attributes:
        said: What the API says of it.
        made: When it was made, in seconds.
        size: Bytes that it takes.
        token: The token that its request came with.
        digest: What tells its request from another one.
    """

    said: Mapping[str, Any] = field(repr=False)
    made: float
    size: int
    token: str | None
    digest: bytes

    @property
    def key(self) -> Key:
        """Its place in its memory."""
        return self.said["actorId"], self.said["sessionId"], self.said["eventId"]


@dataclass
class Session:
    """A session of an actor: when it began, since when it has no events, and its events by their ids."""

    created: float
    emptied: float | None = None
    events: dict[str, Event] = field(default_factory=dict, repr=False)


@dataclass
class _Kept:
    """What one memory keeps; `events` has the oldest first."""

    events: dict[Key, Event] = field(default_factory=dict)
    sessions: dict[tuple[str, str], Session] = field(default_factory=dict)
    by_token: dict[str, Key] = field(default_factory=dict)


class MemoryEvents:
    """The events of all memories; used in one thread."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """Have none yet.

        Args:
            clock: Seconds since 1970, as `time.time`.
        """
        self._clock = clock
        self._memories: dict[str, _Kept] = {}
        self._size = 0

    def keep(self, arns: Container[str]) -> None:
        """Forget the memories with other ARNs than these."""
        for arn in [it for it in self._memories if it not in arns]:
            for key in list(self._memories[arn].events):
                self._drop(self._memories[arn], key)
            del self._memories[arn]

    def create(self, memory: ServedMemory, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Keep another event, or give the one that the same request has made before.

        Args:
            memory: The memory.
            given: The members of CreateEvent, checked; without a session the event gets one of its own.

        Raises:
            NoRoomError: There is no room for it.
            OtherRequestError: Its `clientToken` came with another request.
        """
        kept = self._kept(memory)
        token = given.get("clientToken")
        digest = hashlib.sha256(json.dumps(given, sort_keys=True).encode()).digest()
        if token in kept.by_token:
            before = kept.events[kept.by_token[token]]
            if before.digest != digest:
                raise OtherRequestError
            return before.said
        given = {"sessionId": str(uuid.uuid4()), **given}
        said = _said(memory, given)
        while (said["actorId"], said["sessionId"], said["eventId"]) in kept.events:
            said = _said(memory, given)
        event = Event(said, self._clock(), len(json.dumps(said)), token, digest)
        if self._size + event.size > MOST_KEPT:
            raise NoRoomError
        self._size += event.size
        kept.events[event.key] = event
        actor, session, event_id = event.key
        found = kept.sessions.setdefault((actor, session), Session(event.made))
        found.events[event_id], found.emptied = event, None
        if token is not None:
            kept.by_token[token] = event.key
        return said

    def get(self, memory: ServedMemory, key: Key) -> Mapping[str, Any] | None:
        """An event; None if there is none."""
        event = self._kept(memory).events.get(key)
        return event.said if event else None

    def delete(self, memory: ServedMemory, key: Key) -> bool:
        """Take an event away; False if there is none."""
        kept = self._kept(memory)
        if key not in kept.events:
            return False
        self._drop(kept, key)
        return True

    def of_session(self, memory: ServedMemory, actor: str, session: str) -> list[Mapping[str, Any]]:
        """A session's events, the newest first."""
        found = self._kept(memory).sessions.get((actor, session))
        events = found.events if found else {}
        return [events[event_id].said for event_id in sorted(events, reverse=True)]

    def sessions(self, memory: ServedMemory, actor: str) -> dict[str, Session]:
        """An actor's sessions by their ids, in the order of these."""
        found = self._kept(memory).sessions
        return {session: found[whose, session] for whose, session in sorted(found) if whose == actor}

    def actors(self, memory: ServedMemory) -> list[str]:
        """The actors of whom there is a session, in order."""
        return sorted({actor for actor, _ in self._kept(memory).sessions})

    def _kept(self, memory: ServedMemory) -> _Kept:
        """What a memory keeps now: no event that has expired, no session that has long been empty."""
        kept, now = self._memories.setdefault(memory.arn, _Kept()), self._clock()
        oldest = now - memory.expiry_days * _DAY
        while kept.events and (first := next(iter(kept.events.values()))).made <= oldest:
            self._drop(kept, first.key)
        empty = [
            key for key, it in kept.sessions.items() if it.emptied is not None and it.emptied <= now - EMPTY_SECONDS
        ]
        for key in empty:
            del kept.sessions[key]
        return kept

    def _drop(self, kept: _Kept, key: Key) -> None:
        event = kept.events.pop(key)
        self._size -= event.size
        actor, session, event_id = key
        found = kept.sessions[actor, session]
        del found.events[event_id]
        if not found.events:
            found.emptied = self._clock()
        if event.token is not None:
            del kept.by_token[event.token]


def _said(memory: ServedMemory, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the API says of a new event."""
    milliseconds = round(given["eventTimestamp"] * 1000)
    return {
        "memoryId": memory.id,
        "actorId": given["actorId"],
        "sessionId": given["sessionId"],
        # Events of one millisecond come in an order that nobody chooses; tests/aws asks AWS about it
        # (test_order_of_events_of_one_millisecond).
        "eventId": f"{milliseconds:019}#{secrets.token_hex(4)}",
        "eventTimestamp": given["eventTimestamp"],
        "payload": given["payload"],
        "branch": given.get("branch") or {"name": MAIN},
        **({"metadata": given["metadata"]} if given.get("metadata") else {}),
    }
