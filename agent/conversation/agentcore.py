"""Conversations as events of an AgentCore Memory: one event a turn, in the format of AgentCore's SDK.

The SDK's own session manager makes four clients for each session, writes an event for each message, and goes on as if
nothing was stored where it is denied.
"""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import batched
from typing import Any

from bedrock_agentcore.memory.integrations.strands.bedrock_converter import AgentCoreMemoryConverter
from strands.types.session import SessionMessage

import logs
from memory_settings import EventMemory

from . import keys, window
from .keys import Key
from .memory import Stored, told
from .window import Turn, Window

_MESSAGES_PER_EVENT = 100  # botocore's bedrock-agentcore model, shape PayloadTypeList
_EVENTS_PER_PAGE = 20
_PAGES = 60  # an empty page may have another behind it
_RECORDS = 5
_QUERY_CHARACTERS = 10_000  # the same model, SearchCriteria.searchQuery


class Events:
    """The memory.

    Args:
        client: boto3's client of `bedrock-agentcore`.
        settings: Memory, actor, and namespaces that are recalled.
        bounds: Bounds of what is read.
    """

    def __init__(self, client: Any, settings: EventMemory, bounds: Window) -> None:
        self.recalls = bool(settings.recall)
        self._client = client
        self._settings = settings
        self._bounds = bounds

    def load(self, key: Key) -> Stored:
        """Read the latest turns; AWS lists events newest first."""
        with told(memory_id=self._settings.memory_id, call="load"):
            messages: list[Any] = []
            place = room = 0
            for event in self._listed(key):
                place = place or round(event["eventTimestamp"].timestamp() * 1000)
                messages[:0] = _read(event)
                found = window.turns(messages)
                room = sum(map(window.size, found))
                if len(found) >= self._bounds.turns or room >= self._bounds.size:
                    break
            return Stored(window.turns(messages), place)

    def append(self, key: Key, turn: Turn, place: int, before: int) -> int:
        """Write the turn; its time is behind the last one's, also where this machine's clock is not."""
        with told(memory_id=self._settings.memory_id, call="append"):
            numbered = enumerate(turn)
            for messages in batched(numbered, _MESSAGES_PER_EVENT, strict=False):
                place = max(place + 1, round(time.time() * 1000))
                self._client.create_event(
                    **self._whose(key),
                    eventTimestamp=datetime.fromtimestamp(place / 1000, UTC),
                    payload=[payload for index, message in messages for payload in _payloads(message, index)],
                )
            return place

    def recall(self, key: Key, prompt: str) -> list[str]:
        """Read the records of the actor's own namespaces that fit best."""
        with told(memory_id=self._settings.memory_id, call="recall"):
            actor = keys.actor(self._settings.actor, key)
            found: list[str] = []
            for namespace in self._settings.recall:
                answer = self._client.retrieve_memory_records(
                    memoryId=self._settings.memory_id,
                    namespacePath=namespace.replace("{actorId}", actor),
                    searchCriteria={"searchQuery": prompt[:_QUERY_CHARACTERS], "topK": _RECORDS},
                    maxResults=_RECORDS,
                )
                found += [record["content"]["text"] for record in answer["memoryRecordSummaries"][:_RECORDS]]
            return found

    def _whose(self, key: Key) -> dict[str, str]:
        actor, session = keys.actor(self._settings.actor, key), keys.session(key)
        return {"memoryId": self._settings.memory_id, "actorId": actor, "sessionId": session}

    def _listed(self, key: Key) -> Iterator[dict[str, Any]]:
        # Without a filter: filtered lists lack what was written just now (aws/bedrock-agentcore-sdk-python#564).
        asked = {**self._whose(key), "maxResults": min(self._bounds.turns, _EVENTS_PER_PAGE), "includePayloads": True}
        for _ in range(_PAGES):
            page = self._client.list_events(**asked)
            yield from page["events"]
            if not page.get("nextToken"):
                return
            asked["nextToken"] = page["nextToken"]


def _payloads(message: Any, index: int) -> Iterator[dict[str, Any]]:
    for one in AgentCoreMemoryConverter.message_to_payload(SessionMessage.from_message(message, index)):
        if AgentCoreMemoryConverter.exceeds_conversational_limit(one):
            yield {"blob": json.dumps(one)}
        else:
            yield {"conversational": {"content": {"text": one[0]}, "role": one[1].upper()}}


def _read(event: dict[str, Any]) -> list[Any]:
    """The messages of an event; none of one that others wrote in another format."""
    try:
        read = AgentCoreMemoryConverter.events_to_messages([event])
        return [window.plain(dict(message.to_message())) for message in read]
    except Exception as error:
        logs.event("event_left_out", event_id=event.get("eventId"), **logs.origin(error))
        return []
