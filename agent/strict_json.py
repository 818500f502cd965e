"""JSON as RFC 8259 has it: Python's own reader also takes NaN, repeated names and numbers that become infinite."""

import json
import math
from typing import Any, NoReturn


def loads(text: str) -> Any:
    """Read a JSON text.

    Raises:
        ValueError: If it is none; the message goes on from "the text ...".
    """
    try:
        return json.loads(text, parse_constant=_constant, parse_float=_float, parse_int=_int, object_pairs_hook=_object)
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    except json.JSONDecodeError:
        raise ValueError("is not valid JSON") from None


def _constant(name: str) -> NoReturn:
    raise ValueError(f"has {name}, which is no JSON number")


def _float(digits: str) -> float:
    if math.isinf(number := float(digits)):
        raise ValueError("has a number that is too large")
    return number


def _int(digits: str) -> int:
    try:
        return int(digits)
    except ValueError:  # more digits than Python reads (sys.int_info.default_max_str_digits)
        raise ValueError("has a number that is too large") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("has a name twice in one object")
    return members
