"""A request's body as JSON: what is none, or more than anybody here can carry on, is the caller's mistake."""

import json
import math
from typing import Any, NoReturn

DEEPEST = 200
"""Lists and objects within each other. AWS's bounds are not documented; DynamoDB's is 32."""


class NotJsonError(ValueError):
    """The body cannot be taken; the text says why, and nothing of what the body holds."""


def read_json(body: bytes) -> Any:
    """The document in a body.

    Raises:
        NotJsonError: It is no JSON in UTF-8; or it is nested too deeply, or holds a number of thousands of digits, one
            beyond a double or half a surrogate pair, which nothing here could pass on.
    """
    try:
        document = json.loads(body.decode("utf-8-sig"), parse_constant=_no_constant, parse_float=_finite)
    except RecursionError:
        raise NotJsonError(_TOO_DEEP) from None
    except UnicodeError:
        raise NotJsonError("The body is not UTF-8 text") from None
    except ValueError:
        raise NotJsonError("The body is not JSON") from None
    check(document)
    return document


def check(document: Any) -> None:
    """Check that what Python has read is JSON that anybody can carry on.

    Raises:
        NotJsonError: It is nested too deeply, or holds NaN, an infinity or half a surrogate pair.
    """
    try:
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()  # half a pair is no text
    except RecursionError:
        raise NotJsonError(_TOO_DEEP) from None
    except UnicodeError:
        raise NotJsonError("The body is not UTF-8 text") from None
    except ValueError:
        raise NotJsonError("The body is not JSON") from None
    if _deeper(document, DEEPEST):
        raise NotJsonError(_TOO_DEEP)


_TOO_DEEP = f"The body is nested more than {DEEPEST} levels deep"


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and Infinity are Python's, not JSON's


def _finite(text: str) -> float:
    """A number with a fraction or an exponent: one like 1e400 would be read as an infinity, and written as no JSON."""
    number = float(text)
    if math.isinf(number):
        raise ValueError(text)
    return number


def _deeper(document: Any, most: int) -> bool:
    level = [document]
    for _ in range(most + 1):
        level = [item for it in level if isinstance(it, dict | list) for item in _items(it)]
        if not level:
            return False
    return True


def _items(of: Any) -> Any:
    return of.values() if isinstance(of, dict) else of


def compact(document: Any) -> bytes:
    """A document as JSON without blanks."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
