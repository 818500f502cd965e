"""What stacks have in common: a text that is the same in several of them is said once."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from toolgate.review.markdown import code


@dataclass(frozen=True)
class Shared:
    """A text of one or more stacks.

    Attributes:
        text: As the only stack writes it, or all alike; else with a mark where the stacks' names and made-up ids are.
        stacks: Their names.
        key: `masked` of it.
    """

    text: str
    stacks: tuple[str, ...]
    key: str

    def __str__(self) -> str:
        return f"{self.text} ({listed(self.stacks)})"


def shared(told: Mapping[str, Iterable[str]]) -> list[Shared]:
    """The texts of all stacks, each once, with the stacks that have it.

    Args:
        told: By stack.
    """
    found: dict[str, dict[str, str]] = {}
    for stack, texts in told.items():
        for text in texts:
            found.setdefault(masked(text, stack), {})[stack] = text
    return [
        Shared(next(iter(texts.values())) if len({*texts.values()}) == 1 else key, tuple(texts), key)
        for key, texts in found.items()
    ]


_MADE_UP = re.compile(r"-(?:[0-9a-f]{7}|(?=[a-z]*[0-9])[a-z0-9]{10})\b")
"""What Pulumi and AWS put after a name, and the stand-in makes up."""


def masked(text: str, stack: str) -> str:
    """A text without what is another in every stack."""
    named = re.sub(rf"(?<![A-Za-z0-9]){re.escape(stack)}(?![A-Za-z0-9])", "{stack}", text)
    return _MADE_UP.sub("-{id}", named)


def listed(stacks: Iterable[str]) -> str:
    """Names of stacks as Markdown."""
    return ", ".join(map(code, stacks))
