"""What a request of the page says, checked whole before anything is done."""

from collections.abc import Mapping
from typing import Any

from toolgate.console.source import Call, Change, Mistake, Question
from toolgate.local.serve.json_body import NotJsonError, read_json


def number(given: Mapping[str, str], name: str, most: int = 2**53) -> int | None:
    """A whole number of a query; None where it is left out.

    Args:
        given: The query.
        name: Its name.
        most: The largest that is taken; a larger one is that.

    Raises:
        Mistake: It is none.
    """
    text = given.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()) or len(text) > 16:
        raise Mistake(f"`{name}` is a whole number, not {text[:40]!r}")
    return min(int(text), most)


def call_of(body: bytes) -> Call:
    """The tool call that is wanted.

    Raises:
        Mistake: The body describes none.
    """
    document = _object(body)
    arguments = document.get("arguments", {})
    if not isinstance(arguments, dict):
        raise Mistake("`arguments` is an object")
    return Call(_text(document, "tool"), _text(document, "gateway"), arguments, _text(document, "as", empty=True))


def question_of(body: bytes) -> Question:
    """The question for an agent.

    Raises:
        Mistake: The body describes none.
    """
    document = _object(body)
    session, schema = document.get("session"), document.get("schema")
    if session is not None and not isinstance(session, str):
        raise Mistake("`session` is text, or left out for a new one")
    if schema is not None and (not isinstance(schema, dict) or schema.get("type") != "object"):
        raise Mistake('`schema` is the JSON Schema of an object: {"type": "object", "properties": {...}}')
    return Question(_text(document, "agent"), _text(document, "prompt", empty=True), session or None, schema)


def change_of(body: bytes) -> Change:
    """The tools that would be handed over and taken away.

    Raises:
        Mistake: The body describes none.
    """
    document = _object(body)
    change = Change(_pairs(document, "give"), _pairs(document, "take"))
    if not (change.give or change.take):
        raise Mistake("nothing would change: put a pair of agent and tool into `give` or `take`")
    return change


def _pairs(document: Mapping[str, Any], name: str) -> tuple[tuple[str, str], ...]:
    given = document.get(name, [])
    if not isinstance(given, list) or not all(isinstance(it, dict) for it in given):
        raise Mistake(f'`{name}` is a list of {{"agent": ..., "tool": ...}}')
    return tuple((_text(it, "agent"), _text(it, "tool")) for it in given)


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = read_json(body)
    except NotJsonError as error:
        raise Mistake(str(error)) from error
    if not isinstance(document, dict):
        raise Mistake("the body is a JSON object")
    return document


def _text(document: Mapping[str, Any], name: str, *, empty: bool = False) -> str:
    value = document.get(name, "")
    if not isinstance(value, str) or not (value or empty):
        raise Mistake(f"`{name}` is text" + ("" if empty else ", and not empty"))
    return value
