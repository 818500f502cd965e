"""What is known of a request: its condition keys, and the policy variables that stand for them.

Source: IAM user guide, "IAM policy elements: Variables and tags".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from toolgate.policy.language.unknown import UNKNOWN, Unknown


class Unnamed(Enum):
    """The type of `UNNAMED`."""

    UNNAMED = "unnamed"


UNNAMED: Final = Unnamed.UNNAMED
"""A value of which nothing is known but that no document names it: the ARN of somebody."""

type Fact = str | tuple[str, ...] | Unnamed | None
"""The value of a condition key in a request, all values of one with several, None for a key that is absent."""


@dataclass(frozen=True)
class Facts:
    """The condition keys of a request.

    Attributes:
        values: The keys, in lower case, and their values.
        complete: Whether any other key is absent from the request; without it, another key's value is not known.
    """

    values: Mapping[str, Fact]
    complete: bool = False

    def of(self, key: str) -> Fact | Unknown:
        """The value of a key, in any case."""
        return self.values.get(key.lower(), None if self.complete else UNKNOWN)


class Absent(Enum):
    """The type of `ABSENT`."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT
"""A text with a policy variable that has no value: it is equal to nothing, and like nothing."""

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_NAMED = re.compile(r"(?P<key>[^,']+?)(?:, ?'(?P<default>[^']*)')?")
_CHARACTER = re.compile(r"\$\{([*?$])\}")
_CHARACTERS = ("*", "?", "$")


def resolved(text: str, facts: Facts, *, variables: bool = True) -> str | Unknown | Absent:
    """A text of a document with its policy variables replaced; `${*}`, `${?}` and `${$}` stay.

    Args:
        text: The text.
        facts: The request's keys.
        variables: Whether the document has policy variables at all.
    """
    if "${" not in text:
        return text
    if not variables:
        return text.replace("${", "${$}{")
    # What follows the last brace holds no variable; so each one is read in one go.
    head, brace, tail = text.rpartition("}")
    parts = _VARIABLE.split(head + brace)
    values = [_value(name, facts) for name in parts[1::2]]
    if ABSENT in values:
        return ABSENT
    if UNKNOWN in values:
        return UNKNOWN
    parts[1::2] = [str(value) for value in values]
    return "".join(parts) + tail


def _value(name: str, facts: Facts) -> str | Unknown | Absent:
    if name in _CHARACTERS:
        return f"${{{name}}}"
    found = _NAMED.fullmatch(name)
    if found is None:
        return UNKNOWN
    value = facts.of(found["key"])
    if value is None:
        value = found["default"]
        return ABSENT if value is None else _escaped(value)
    # Whether AWS takes a wildcard in a variable's value for one, it does not say.
    return UNKNOWN if not isinstance(value, str) or {"*", "?"} & set(value) else _escaped(value)


def _escaped(value: str) -> str:
    return value.replace("$", "${$}")


def plain(text: str) -> str:
    """A resolved text, for operators without wildcards: the characters that it stands for."""
    return _CHARACTER.sub(r"\1", text)
