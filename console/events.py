"""What happened, as the page shows it: an exchange with a gateway, a call of the model, an invocation of an agent.

Here, and only here, stand values: what a tool was given, and what the model read of its answer. They go to the page of
who has started the deployment, and into no file.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from toolgate.console.live import Made
from toolgate.local.serve.access_log import DENIED, Entry, why
from toolgate.local.serve.callers import SESSION
from toolgate.local.serve.gateway.json_rpc import CALL_TOOL
from toolgate.local.serve.json_body import NotJsonError

TOOL = "tool"
LONGEST = 4_096
"""Characters of a value as JSON, or of a text."""
_MOST_RESULTS = 20


def of_gateway(line: Mapping[str, Any], entry: Entry) -> dict[str, Any] | None:
    """An exchange with a gateway; None for what a person's commands ask beside a call: which tools there are.

    Args:
        line: Its line of the access log.
        entry: What that was made from.
    """
    method, denied = line.get("method"), line["decision"] == DENIED
    if not denied and method != CALL_TOOL and (line.get("principal") or "").endswith(f"/{SESSION}"):
        return None
    event = {"kind": TOOL, **line, "why": why(line.get("decided_by", ()))}
    if method == CALL_TOOL:
        event |= _given(entry)
    if entry.last_words:
        event["last_words"] = entry.last_words[:LONGEST]
    return event


def _given(entry: Entry) -> dict[str, Any]:
    try:
        given = entry.document["params"]["arguments"]
    except (NotJsonError, KeyError, TypeError):
        return {}
    text = json.dumps(given)
    if len(text) <= LONGEST:
        return {"arguments_given": given}
    return {"arguments_given": f"{text[:LONGEST]}...", "arguments_cut": True}


def of_model(line: Mapping[str, Any], entry: Entry) -> dict[str, Any]:
    """A call of the model.

    Args:
        line: What is known of it (`toolgate.local.serve.other_exchanges`).
        entry: What that was made from.
    """
    messages = _messages(entry)
    results = list(_results(messages))
    said = {"why": why(line.get("decided_by", ())), "turn": len(messages), "results": results}
    return {**line, **said, "prompt": bool(messages) and not results}


def of_invocation(line: Mapping[str, Any], _entry: Entry) -> Made:
    """An invocation of an agent; arguments as of `of_model`."""
    return {**line, "why": why(line.get("decided_by", ()))}


def _messages(entry: Entry) -> Sequence[Any]:
    try:
        document = entry.document
    except NotJsonError:
        return ()
    messages = document.get("messages") if isinstance(document, dict) else None
    return messages if isinstance(messages, list) else ()


def _results(messages: Sequence[Any]) -> Iterator[Mapping[str, Any]]:
    """What tools answered, that the last message tells the model; of a request that the model refuses, nothing."""
    names: dict[str, Any] = {}
    found: list[Mapping[str, Any]] = []
    for message in messages[-2:]:
        for block in _blocks(message):
            use, result = block.get("toolUse"), block.get("toolResult")
            if isinstance(use, dict):
                names[str(use.get("toolUseId"))] = use.get("name")
            if isinstance(result, dict) and message is messages[-1]:
                found.append(result)
    for result in found[:_MOST_RESULTS]:
        text = "\n".join(map(_said, _list(result.get("content"))))
        tool = names.get(str(result.get("toolUseId")))
        yield {"tool": tool, "status": result.get("status", "success"), "text": text[:LONGEST]}


def _blocks(message: Any) -> list[dict[str, Any]]:
    content = message.get("content") if isinstance(message, dict) else None
    return [it for it in _list(content) if isinstance(it, dict)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _said(part: Any) -> str:
    if isinstance(part, dict) and isinstance(part.get("text"), str):
        return str(part["text"])
    if isinstance(part, dict) and "json" in part:
        return json.dumps(part["json"])
    return f"({', '.join(part)})" if isinstance(part, dict) else ""
