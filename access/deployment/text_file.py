"""The one way in which a file of somebody's is read: as their editor or shell wrote it.

PowerShell's `>` writes UTF-16 with a byte order mark, Windows' editors one before UTF-8, and lines that end in CR LF.
"""

import json
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

LEVELS = 100
"""So deep may a value be nested: what looks through it calls itself, and Python stops that at a thousand."""
MOST = 5_000_000
"""So many values may stand on one level of a document; aliases make billions of a few lines of YAML."""
_TOO_DEEP = f"is nested more than {LEVELS} levels deep"


class TextFileError(ValueError):
    """The file cannot be read as what it should be; the text completes the sentence `<file> ...`."""


def read_text(path: Path) -> str:
    r"""A file's text, whichever encoding of Unicode it is in; its lines end in `\n`.

    Raises:
        TextFileError: It cannot be read, or is no text.
    """
    try:
        return text_of(path.read_bytes())
    except OSError as error:
        raise TextFileError(f"cannot be read ({error.strerror})") from error


def text_of(content: bytes) -> str:
    """The same of what has been read already.

    Raises:
        TextFileError: It is no text.
    """
    try:
        # JSON begins with two characters of ASCII, and so does every other file that is read here (RFC 4627, 3).
        text = content.decode(json.detect_encoding(content))
    except UnicodeDecodeError as error:
        raise TextFileError("is no text in UTF-8 or UTF-16") from error
    if "\0" in text:
        raise TextFileError("is no text: it has zero bytes")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_json(path: Path) -> Any:
    """The value in a file of JSON.

    Raises:
        TextFileError: It cannot be read, or is no JSON.
    """
    return json_of(read_text(path))


def json_of(text: str) -> Any:
    """The value of a text in JSON.

    Raises:
        TextFileError: It is none.
    """
    try:
        return checked(json.loads(text))
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}" if text.strip() else "it is empty"
        raise TextFileError(f"is no JSON ({error.msg}: {where})") from error
    except RecursionError as error:
        raise TextFileError(_TOO_DEEP) from error
    except TextFileError:
        raise
    except ValueError as error:  # a number with more digits than Python takes
        raise TextFileError(f"is no JSON that can be read ({error})") from error


def checked[T](value: T) -> T:
    """The value, which is neither nested too deeply nor too large.

    Raises:
        TextFileError: It is.
    """
    level: list[Any] = [value]
    for _ in range(LEVELS):
        level = list(islice((part for it in level for part in _parts(it)), MOST + 1))
        if not level:
            return value
        if len(level) > MOST:
            raise TextFileError(f"has more than {MOST:,} values on one level")
    raise TextFileError(_TOO_DEEP)


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
