"""What an interceptor changed, for logs and records: names, never values.

Told are, each only where there is something to tell: `arguments` (names), `tool` and `method` (the new one), `headers`
(names), `message` (something else of the request); of an answer `status` (the new one), `result`, `error`, and of lists
how many entries less there are.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

_LISTS = ("tools", "prompts", "resources", "resourceTemplates")
_MOST_NAMES, _LONGEST = 50, 256  # as in the access log: they may be anybody's


def of_request(before: Any, after: Any) -> dict[str, Any]:
    """What of a message was changed; `message` where it is none, or was none."""
    if _text(before) == _text(after):
        return {}
    one, other = _object(before), _object(after)
    was, now = _object(one.get("params")), _object(other.get("params"))
    given, got = _object(was.get("arguments")), _object(now.get("arguments"))
    arguments = sorted(
        name for name in given.keys() | got.keys() if _text(given.get(name, _NONE)) != _text(got.get(name, _NONE))
    )
    found: dict[str, Any] = {"arguments": _names(arguments)}
    if one.get("method") != other.get("method"):
        found["method"] = _short(other.get("method"))
    if was.get("name") != now.get("name"):
        found["tool"] = _short(now.get("name"))
    told = {name: it for name, it in found.items() if it}
    rest = [
        {**message, "method": "", "params": {**params, "name": "", "arguments": {}}}
        for message, params in ((one, was), (other, now))
    ]
    both = isinstance(before, dict) and isinstance(after, dict)
    return told if both and told and _text(rest[0]) == _text(rest[1]) else {**told, "message": True}


def of_headers(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, Any]:
    """Which headers have another value, or are new."""
    known = {name.lower(): value for name, value in before.items()}
    others = sorted(name.lower() for name, value in after.items() if known.get(name.lower()) != value)
    return {"headers": _names(others)} if others else {}


def of_answer(before: Any, after: Any) -> dict[str, Any]:
    """What of an answer's body was changed."""
    if _text(before) == _text(after):
        return {}
    was, now = _object(before), _object(after)
    result, new = _object(was.get("result")), _object(now.get("result"))
    less = dict(_fewer(result, new)) if result and new else {}
    if "result" in now and "result" in was:
        part = {} if less and _same_but_lists(result, new) else {"result": True}
    else:
        part = {"error": True} if "error" in now else {"result": True}
    return {**less, **part}


def _fewer(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Of each list how many entries less; a search has its list in the structured content."""
    for name in _LISTS:
        was, now = _list(before, name), _list(after, name)
        if was is not None and now is not None and len(now) < len(was):
            yield name, len(was) - len(now)


def _list(result: Mapping[str, Any], name: str) -> list[Any] | None:
    found = result.get(name, _object(result.get("structuredContent")).get(name))
    return found if isinstance(found, list) else None


def _same_but_lists(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether nothing but entries was taken out; the text of a search follows its list."""
    for name in _LISTS:
        was, now = _list(before, name) or [], _list(after, name) or []
        if not {_text(it) for it in now} <= {_text(it) for it in was}:
            return False
    left = ("content", "structuredContent") if _object(before.get("structuredContent")) else ()
    drop = {*_LISTS, *left}
    rests = [{key: it for key, it in result.items() if key not in drop} for result in (before, after)]
    return _text(rests[0]) == _text(rests[1])


def words(changed: Mapping[str, Any]) -> str:
    """The same in words."""
    return ", ".join(_word(key, value) for key, value in changed.items())


def _word(key: str, value: Any) -> str:
    if key in _LISTS:
        return f"{value} {key if value != 1 else key.removesuffix('s')} less"
    if key in ("arguments", "headers"):
        return f"{key if len(value) > 1 else key.removesuffix('s')} {', '.join(value)}"
    return f"the {key}" if value is True else f"the {key}, now {value}"


_NONE = object()


def _text(value: Any) -> str:
    """A value that compares as JSON does: Python takes 1 and true for the same."""
    return "" if value is _NONE else json.dumps(value, sort_keys=True)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _short(value: Any) -> str:
    return value[:_LONGEST] if isinstance(value, str) else "?"


def _names(names: list[str]) -> list[str]:
    return [_short(name) for name in names[:_MOST_NAMES]]
