"""What the sessions of the agent have said: kept in the process, and where it is set in a memory that outlives it."""

from functools import partial
from typing import TYPE_CHECKING

import boto3

from settings import Settings

from .keys import Key, key
from .memory import Memory, client
from .store import Conversations, Turn
from .window import Window, tool_use_ids

if TYPE_CHECKING:
    from memory_settings import MemorySettings

__all__ = ["Conversations", "Key", "Turn", "Window", "kept", "key", "tool_use_ids"]


def kept(session: boto3.Session, wanted: Settings) -> Conversations:
    """The conversations of the settings; nothing is imported, opened or asked for yet.

    Args:
        session: Where credentials come from.
        wanted: The memory and the bounds.
    """
    bounds = Window(wanted.conversation_turns, wanted.conversation_bytes)
    build = partial(_memory, session, wanted, wanted.memory, bounds) if wanted.memory else None
    return Conversations(bounds, wanted.sessions, build)


def _memory(session: boto3.Session, wanted: Settings, memory: "MemorySettings", bounds: Window) -> Memory:
    """The memory of the settings. Each is imported where it is set: most agents have none."""
    if memory.kind == "s3":
        from .s3 import Bucket  # noqa: PLC0415 - see above

        return Bucket(client(session, "s3", wanted), memory, bounds)
    from .agentcore import Events  # noqa: PLC0415 - see above

    return Events(client(session, "bedrock-agentcore", wanted), memory, bounds)
