"""IAM's wildcard patterns, and whether one can reach a name of a family.

A family is the set of all ARNs of a kind (every gateway, every function); one action or one ARN is a family of one. A
pattern is followed through the family's characters with one bit per position, so the time is linear in the pattern
whatever it holds; a regular expression made from the same pattern can take exponential time.

Sources: IAM User Guide, "IAM JSON policy elements: Resource" (`*`, `?`, incomplete ARNs), "IAM policy elements:
Variables and tags" (`${...}`), "IAM JSON policy elements: Action".
"""

import functools
import itertools
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from toolgate.policy.language.unknown import SENTINELS

# Stands for unknown text inside a known one. Private use: it means nothing in an ARN.
HOLE = "\ue000"

# Stands for a policy variable among a pattern's tokens.
VARIABLE = "\ue001"

ANY_ONE = "?"
ANY_RUN = "*"
ARN_FIELDS = 6


@dataclass(frozen=True)
class Some:
    """One or more of these characters, in a family's name."""

    chars: str
    samples: tuple[str, str]
    """A shortest text and another that has no character in common with it."""
    count: int | None = None
    """How many, where that is fixed."""


@dataclass(frozen=True)
class Chain:
    """The names of one shape. Bit n of a state: the first n parts of the name have been passed."""

    length: int
    steps: Mapping[str, int]
    """Per character the positions from which it leads to the next."""
    stays: Mapping[str, int]
    """Per character the positions that it does not leave."""
    loops: int
    """All positions that some character does not leave."""
    samples: tuple[str, str]

    def reached_by(self, tokens: Iterable[tuple[str, bool]]) -> bool:
        """Whether some name of this shape matches the pattern with these tokens."""
        everything = (1 << (self.length + 1)) - 1
        state = 1
        for char, special in tokens:
            if not special:
                state = ((state & self.steps.get(char, 0)) << 1) | (state & self.stays.get(char, 0))
            elif char == ANY_ONE:
                state = ((state << 1) & everything) | (state & self.loops)
            else:
                # No part is empty, so from the earliest position a run of any characters reaches every later one.
                state = everything & -(state & -state)
            if not state:
                return False
        return bool(state >> self.length)


def chain(*parts: str | Some) -> Chain:
    """The names made of these literal texts and runs of characters."""
    steps: dict[str, int] = {}
    stays: dict[str, int] = {}
    length = loops = 0
    for part in parts:
        run = isinstance(part, Some) and part.count is None
        for chars in [part.chars] * (part.count or 1) if isinstance(part, Some) else part:
            for char in chars:
                steps[char] = steps.get(char, 0) | (1 << length)
                if run:
                    stays[char] = stays.get(char, 0) | (1 << (length + 1))
            length += 1
            loops |= (1 << length) if run else 0
    samples = ["".join(part.samples[i] if isinstance(part, Some) else part for part in parts) for i in (0, 1)]
    return Chain(length, steps, stays, loops, (samples[0], samples[1]))


@dataclass(frozen=True)
class Pattern:
    """A pattern of an IAM document, read."""

    text: str
    tokens: tuple[tuple[str, bool], ...]
    """Characters; True with `*` and `?` where they are wildcards."""
    wild: bool
    """Whether it can match more than one name: a wildcard, a policy variable or an incomplete ARN."""
    holes: bool
    """Whether part of its text is unknown."""
    completed: tuple[tuple[str, bool], ...] = field(default=())
    """An ARN with fewer than six fields, as IAM completes it: with `*` for each that is missing."""

    def reaches(self, family: Iterable[Chain]) -> bool:
        """Whether the pattern matches any name of the family."""
        return any(
            chain.reached_by(self.tokens) or bool(self.completed and chain.reached_by(self.completed))
            for chain in family
        )

    def covers(self, family: Iterable[Chain]) -> bool:
        """Whether the pattern is known to match every name of the family.

        It never is with a policy variable or with unknown text: either may stand for one name only. Else it is decided
        on two names per shape that share no character in their variable parts: what matches both has no literal there.
        """
        if self.holes or (VARIABLE, True) in self.tokens:
            return False
        return all(self.matches(sample) for chain in family for sample in chain.samples)

    @property
    def beginning(self) -> str:
        """The characters before the first wildcard, policy variable or unknown text."""
        return "".join(char for char, _ in itertools.takewhile(lambda token: not token[1], self.tokens))

    def matches(self, name: str) -> bool:
        """Whether the pattern matches this name, case and all."""
        return self.reaches(one(name))

    def like(self, text: str) -> bool:
        """Whether the pattern matches this text, which need be no ARN: an incomplete ARN is not completed."""
        return one(text)[0].reached_by(self.tokens)

    @functools.cached_property
    def head(self) -> str:
        """What every name that it matches begins with: its text before the first wildcard."""
        return "".join(char for char, _ in itertools.takewhile(lambda token: not token[1], self.tokens))

    def fields(self) -> list[tuple[tuple[str, bool], ...]]:
        """The pattern cut at its first five colons, as an ARN is."""
        cut = [position for position, token in enumerate(self.tokens) if token == (":", False)][: ARN_FIELDS - 1]
        starts = [0, *(position + 1 for position in cut)]
        return [self.tokens[start:end] for start, end in zip(starts, [*cut, len(self.tokens)], strict=True)]

    def within_fields(self, arn: str) -> bool:
        """Whether the pattern matches this ARN though no wildcard leaves its field, but for a `*` at a field's end.

        IAM user guide, "IAM JSON policy elements: Resource": wildcards stand "within the individual segments of an
        ARN"; "if the * wildcard is the last character of a resource ARN segment, it can expand to match beyond the
        colon boundaries".
        """
        if not self._leaves_fields:
            return self.matches(arn)
        return any(_within_fields(tokens, one(arn)[0]) for tokens in (self.tokens, self.completed) if tokens)

    @functools.cached_property
    def _leaves_fields(self) -> bool:
        """Whether any wildcard could match a colon that it should not."""
        inside = [field for field in self.fields()[: ARN_FIELDS - 1] if any(special for _, special in field)]
        return any(special for field in inside for _, special in field[:-1]) or any(
            field[-1] == (ANY_ONE, True) for field in inside
        )


def _within_fields(tokens: tuple[tuple[str, bool], ...], arn: Chain) -> bool:
    everything = (1 << (arn.length + 1)) - 1
    inside = everything & ~arn.steps.get(":", 0)
    state, colons = 1, 0
    for position, (char, special) in enumerate(tokens):
        following = tokens[position + 1] if position + 1 < len(tokens) else (":", False)
        free = colons >= ARN_FIELDS - 1
        if not special:
            colons += char == ":"
            state = (state & arn.steps.get(char, 0)) << 1
        elif char == ANY_ONE:
            state = ((state if free else state & inside) << 1) & everything
        elif free or following == (":", False):
            state = everything & -(state & -state)
        else:
            state = _spread(state, inside, arn.length)
    return bool(state >> arn.length)


def _spread(state: int, inside: int, length: int) -> int:
    """All positions that are reached from one of these by characters that are `inside`."""
    step = 1
    while step <= length:
        state |= (state & inside) << step
        inside &= inside >> step
        step *= 2
    return state


@functools.lru_cache(maxsize=512)
def one(name: str) -> tuple[Chain, ...]:
    """The family of one name."""
    return (chain(name),)


def is_name(text: str) -> bool:
    """Whether a text means itself alone: no wildcard, no variable, nothing to complete, nothing unknown."""
    return "$" not in text and HOLE not in text and not read(text).wild


def with_holes(text: str) -> str:
    """The text with a hole for each unknown value in it."""
    for sentinel in SENTINELS:
        text = text.replace(sentinel, HOLE) if sentinel in text else text
    return text


@functools.lru_cache(maxsize=4096)
def read(text: str) -> Pattern:
    """Reads a pattern as IAM does; a policy variable is a run of any characters."""
    tokens = tuple(_tokens(text))
    colons = sum(1 for token in tokens if token == (":", False))
    missing = ARN_FIELDS - 1 - colons if text.startswith("arn:") else 0
    completed = tokens + ((":", False), (ANY_RUN, True)) * missing if missing > 0 else ()
    wild = bool(completed) or any(special for char, special in tokens if char != HOLE)
    return Pattern(text, tokens, wild, HOLE in text, completed)


def _tokens(text: str) -> Iterable[tuple[str, bool]]:
    last_brace = text.rfind("}")
    position = 0
    while position < len(text):
        char = text[position]
        if char == "$" and text[position + 1 : position + 2] == "{" and position < last_brace:
            end = text.index("}", position)
            name = text[position + 2 : end]
            # `${*}`, `${?}` and `${$}` are the characters themselves.
            yield (name, False) if name in ("*", "?", "$") else (VARIABLE, True)
            position = end + 1
            continue
        yield char, char in (ANY_ONE, ANY_RUN, HOLE)
        position += 1


LOWER = string.ascii_lowercase
DIGITS = string.digits
NAME = string.ascii_letters + DIGITS + "-_"

# Only `aws` as a sample: a role cannot leave its partition, so what covers its partition covers everything it reaches.
PARTITION = Some(LOWER + "-", ("aws", "aws"))
REGION = Some(LOWER + DIGITS + "-", ("-", "zzz"))
ACCOUNT = Some(DIGITS, ("0", "999"))
ACCOUNT_ID = Some(DIGITS, ("0" * 12, "9" * 12), count=12)
ID = Some(NAME, ("-", "zzz"))
