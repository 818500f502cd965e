"""Conversations in a bucket, laid out as strands' S3SessionManager lays them out: any strands agent can read them.

That class itself is not used: it makes a client for each session, asks for objects that need not be there (which S3
answers with 403 to whom it does not take for somebody who may list), and writes a turn message by message, so that a
turn that fails half way is read as if it had been said. Here the agent's own object is written last, and says how many
messages there are.
"""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from strands.types.session import Session, SessionAgent, SessionMessage, SessionType

from memory_settings import BucketMemory

from . import keys, window
from .keys import Key
from .memory import Stored, told
from .window import Turn, Window

# strands' default of an Agent's id, and of its conversation manager, whose state a reader wants to find.
_AGENT = "default"
_MANAGER = "SlidingWindowConversationManager"
_STATE = "toolgate_messages"
_MESSAGE = re.compile(r"messages/message_([0-9]+)\.json")
_AT_ONCE = 8
# A message takes more room in its object than in the window: each character in ASCII, and what strands notes beside it.
_ROOM = 4
_ROOM_BESIDES = 100_000


class Bucket:
    """The memory.

    Args:
        client: boto3's client of S3.
        settings: Bucket and folder.
        bounds: Bounds of what is read.
    """

    def __init__(self, client: Any, settings: BucketMemory, bounds: Window) -> None:
        self.recalls = False
        self._client = client
        self._bucket = settings.bucket
        self._own = settings.prefix
        self._bounds = bounds
        self._threads = ThreadPoolExecutor(_AT_ONCE, "bucket")

    def load(self, key: Key) -> Stored:
        """Read a conversation, from the first message that is still in its window."""
        with told(bucket=self._bucket, call="load"):
            session, agent = _paths(self._own, key)
            sizes = self._sizes(session)
            if agent + "agent.json" not in sizes:
                return Stored()
            found = SessionAgent.from_dict(self._read(agent + "agent.json"))
            if session + "session.json" not in sizes:  # it ends before the others, as it is written but once
                self._write(session + "session.json", _session(key))
            # The session may have other agents of strands beside this one.
            own = (_MESSAGE.fullmatch(name.removeprefix(agent)) for name in sizes)
            indices = sorted(int(match[1]) for match in own if match)
            place = int(found.state.get(_STATE, indices[-1] + 1 if indices else 0))
            first = int(found.conversation_manager_state.get("removed_message_count", 0))
            room = _ROOM * self._bounds.size + _ROOM_BESIDES
            names: list[str] = []
            for index in reversed([index for index in indices if first <= index < place]):
                name = _message(agent, index)
                room -= sizes[name]
                if room < 0:
                    break
                names.append(name)
            read = self._threads.map(self._read, reversed(names))
            messages: list[Any] = [SessionMessage.from_dict(document).to_message() for document in read]
            return Stored(window.turns(map(window.plain, messages)), place)

    def append(self, key: Key, turn: Turn, place: int, before: int) -> int:
        """Write the turn's messages, and then that they are there."""
        with told(bucket=self._bucket, call="append"):
            session, agent = _paths(self._own, key)
            written: dict[str, Any] = {} if place else {session + "session.json": _session(key)}
            for index, message in enumerate(turn, place):
                known: Any = message
                written[_message(agent, index)] = SessionMessage.from_message(known, index).to_dict()
            list(self._threads.map(self._write, written, written.values()))
            after = place + len(turn)
            state = {"__name__": _MANAGER, "removed_message_count": place - before, "model_call_count": 0}
            self._write(agent + "agent.json", SessionAgent(_AGENT, {_STATE: after}, state).to_dict())
            return after

    def recall(self, key: Key, prompt: str) -> list[str]:
        """Nothing: there are no long-term records."""
        return []

    def _sizes(self, folder: str) -> dict[str, int]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=folder)
        return {found["Key"]: found["Size"] for page in pages for found in page.get("Contents", [])}

    def _read(self, name: str) -> dict[str, Any]:
        body = self._client.get_object(Bucket=self._bucket, Key=name)["Body"]
        document: dict[str, Any] = json.loads(body.read())
        return document

    def _write(self, name: str, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self._client.put_object(Bucket=self._bucket, Key=name, Body=body, ContentType="application/json")


def _paths(own: str, key: Key) -> tuple[str, str]:
    session = f"{keys.folder(own, key)}session_{keys.session(key)}/"
    return session, f"{session}agents/agent_{_AGENT}/"


def _message(agent: str, index: int) -> str:
    return f"{agent}messages/message_{index}.json"


def _session(key: Key) -> dict[str, Any]:
    return Session(keys.session(key), SessionType.AGENT).to_dict()
