"""What of a conversation is kept: whole turns, the latest, within bounds.

A turn is a prompt and everything up to its answer. Bedrock refuses a conversation that does not begin with its user, or
in which a tool call and its result are not together; whole turns are never either.
"""

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Message = dict[str, Any]
Turn = list[Message]

LEFT_OUT = "The result was too large to be kept in the conversation."


@dataclass(frozen=True)
class Window:
    """The bounds of a conversation.

    Attributes:
        turns: Most turns.
        size: Most bytes of its turns, as JSON.
    """

    turns: int
    size: int


def plain(message: Message) -> Message:
    """The message without what strands notes beside it, and without blank text, which Bedrock refuses."""
    content = [block for block in message["content"] if "text" not in block or block["text"].strip()]
    return {"role": message["role"], "content": content}


def turns(messages: Iterable[Message]) -> list[Turn]:
    """The whole turns of these messages; what is left of others is left out."""
    found: list[Turn] = []
    for message in messages:
        if _is_prompt(message):
            found.append([message])
        elif found:
            found[-1].append(message)
    return [turn for turn in found if is_whole(turn)]


def is_whole(turn: Sequence[Message]) -> bool:
    """Whether it is a prompt, tool calls each with its result, and an answer."""
    if len(turn) % 2 or not turn or not _is_prompt(turn[0]):
        return False
    for place, message in enumerate(turn):
        is_last = place + 1 == len(turn)
        if message["role"] != ("user", "assistant")[place % 2] or not message["content"]:
            return False
        asked = _ids(message, "toolUse")
        if place % 2 and bool(asked) == is_last:  # an answer before the end, or a call at the end
            return False
        if not is_last and sorted(asked) != sorted(_ids(turn[place + 1], "toolResult")):
            return False
    return True


def kept(turn: Turn, most: int) -> Turn | None:
    """The turn as it is kept: without the content of its tools' results where it is larger than `most` bytes.

    Returns:
        None where it is still too large.
    """
    if size(turn) <= most:
        return turn
    shorter = [{**message, "content": [_without_result(block) for block in message["content"]]} for message in turn]
    return shorter if size(shorter) <= most else None


def latest(turns: Sequence[Turn], window: Window) -> list[Turn]:
    """The latest turns that are within the bounds."""
    chosen: list[Turn] = []
    room = window.size
    for turn in reversed(turns[-window.turns :]):
        room -= size(turn)
        if room < 0:
            break
        chosen.append(turn)
    return chosen[::-1]


def size(turn: Sequence[Message]) -> int:
    """Bytes of the turn as JSON."""
    return len(json.dumps(turn, ensure_ascii=False, default=_text).encode(errors="surrogatepass"))


def tool_use_ids(messages: Iterable[Message]) -> set[str]:
    """The ids of all tool calls."""
    return {found for message in messages for found in _ids(message, "toolUse")}


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _is_prompt(message: Message) -> bool:
    return message["role"] == "user" and not any("toolResult" in block for block in message["content"])


def _ids(message: Message, kind: str) -> list[str]:
    return [block[kind]["toolUseId"] for block in message["content"] if kind in block]


def _without_result(block: Message) -> Message:
    if "toolResult" not in block:
        return block
    return {"toolResult": {**block["toolResult"], "content": [{"text": LEFT_OUT}]}}
