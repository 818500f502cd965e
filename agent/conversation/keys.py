"""Whose conversation it is, and what it is named where it is kept: no two users and no two sessions share a name."""

import hashlib
import re
from dataclasses import dataclass

# Of an actor after its colon (botocore's bedrock-agentcore model, shape ActorId), shorter, and without the slash.
_USER = re.compile(r"[A-Za-z0-9_-]{1,128}")
_SESSION = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,99}")  # the same model, shape SessionId
_HASHED = "sha256-"


@dataclass(frozen=True)
class Key:
    """One conversation of the agent.

    Attributes:
        session: AgentCore's session.
        user: AgentCore's runtime user; None for a caller that names none.
    """

    session: str
    user: str | None = None


def key(session: str | None, user: str | None) -> Key | None:
    """The conversation of a request's headers; None for a request that stands alone.

    Args:
        session: Value of the session's header.
        user: Value of the user's header.
    """
    return Key(session, user or None) if session else None


def actor(own: str, key: Key) -> str:
    """The actor of AgentCore Memory.

    Args:
        own: The agent's own actor, without a colon.
        key: The conversation.
    """
    return own if key.user is None else f"{own}:{_named(key.user, _USER)}"


def folder(own: str, key: Key) -> str:
    """The folder of a bucket that has the sessions of a user, with a slash at its end.

    Args:
        own: The agent's own folder, without a slash.
        key: The conversation.
    """
    return f"{own}/own/" if key.user is None else f"{own}/users/{_named(key.user, _USER)}/"


def session(key: Key) -> str:
    """The name of the conversation's session, in a form that each memory takes."""
    return _named(key.session, _SESSION)


def _named(text: str, allowed: re.Pattern[str]) -> str:
    """The text itself, or its hash where it has not the form, or that of a hash."""
    if allowed.fullmatch(text) and not text.startswith(_HASHED):
        return text
    return _HASHED + hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
