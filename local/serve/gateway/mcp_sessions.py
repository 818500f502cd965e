"""The MCP sessions of a gateway: each is its own caller's, and ends a fixed time after it began, used or not.

Source: AgentCore developer guide, "Use MCP sessions with gateways". Whose a session is goes here by the caller's role,
which outlasts its credentials, or by issuer, subject and client, which outlast a token; what AWS goes by, and whether
it minds at all, was not seen by us.
"""

import asyncio
import time
import uuid
from dataclasses import dataclass, field

MOST = 2_500
"""Sessions that are open at once. AgentCore's quotas tell a number for runtimes, and none for gateways."""


@dataclass(frozen=True)
class McpSession:
    """One session: its id, whose it is, when it began, and what is set when it has ended."""

    id: str
    owner: str
    began: float
    over: asyncio.Event = field(default_factory=asyncio.Event)


class McpSessions:
    """The open sessions.

    Args:
        seconds: How long one lasts.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._open: dict[str, McpSession] = {}

    def begin(self, owner: str) -> McpSession:
        """Begin a session; where there are too many, the oldest one ends."""
        now = time.monotonic()
        for session in list(self._open.values()):  # oldest first
            if len(self._open) < MOST and not self._has_ended(session, now):
                break
            self.end(session)
        session = McpSession(uuid.uuid4().hex, owner, now)
        self._open[session.id] = session
        return session

    def find(self, session_id: str, owner: str) -> McpSession | None:
        """The session of an owner, if it has this one."""
        session = self._open.get(session_id)
        if session and self._has_ended(session, time.monotonic()):
            self.end(session)
            return None
        return session if session and session.owner == owner else None

    def end(self, session: McpSession) -> None:
        """End a session, and the stream that waits in it."""
        self._open.pop(session.id, None)
        session.over.set()

    def _has_ended(self, session: McpSession, now: float) -> bool:
        return now - session.began >= self._seconds
