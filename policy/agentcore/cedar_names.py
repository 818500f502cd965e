r"""What a Cedar statement names: entities, what `principal.id` is compared with, and whether it names nothing at all.

Read word by word in one pass, so that no text takes long or fails; whether the statement is valid, and what else it
allows, is decided elsewhere.

Source: Cedar policy language reference, "Grammar specification for Cedar policies" (names, strings, comments) and
"Operators and functions", `like` (`*` is any run of characters, `\*` an asterisk).
"""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from toolgate.policy.language import patterns
from toolgate.policy.language.patterns import ANY_RUN, HOLE, Pattern

# Nothing is given back once it is read (possessive), so the time is linear whatever the text holds.
_GAP = r"(?:\s|//[^\r\n]*+)*+"
_NAME = r"[A-Za-z_][A-Za-z0-9_]*+"
_INSIDE = r'[^"\\]*+(?:\\.[^"\\]*+)*+'
_WORD = re.compile(
    rf"""//[^\r\n]*+
    |\.{_GAP}{_NAME}
    |principal{_GAP}\.{_GAP}id{_GAP}(?P<operator>==|!=|like){_GAP}"(?P<compared>{_INSIDE})"
    |(?P<type>{_NAME}(?:{_GAP}::{_GAP}{_NAME})*+)(?:{_GAP}::{_GAP}"(?P<id>{_INSIDE})")?+
    |"{_INSIDE}"?+
    """,
    re.VERBOSE | re.DOTALL,
)
_SPACE = re.compile(r"(?:\s|//[^\r\n]*+)++")
_CHARACTER = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u\{([0-9A-Fa-f]{1,6})\}|(.))|(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}

# AgentCore developer guide, "Policy scope": the groups that hold every tool.
EVERY_TOOL = ("CallTool", "Mcp")
_COMMENT = re.compile(rf'"{_INSIDE}"?+|(?P<comment>//[^\r\n]*+)', re.DOTALL)
_PART = rf'(?:"{_INSIDE}"|\[[^\]]*+\]|[^,"\[\]()])*+'
# A condition that is no limit is `true` itself; any other is taken for one.
_PERMIT = re.compile(
    rf"""permit\s*\((?P<principal>{_PART}),(?P<action>{_PART}),{_PART}\)\s*(?:when\s*\{{\s*true\s*\}}\s*)*+;
    |"{_INSIDE}"?+
    """,
    re.VERBOSE | re.DOTALL,
)
_ANYBODY = re.compile(r"principal(?:is[\w:]+)?")


@dataclass(frozen=True)
class Entity:
    """An entity that a statement names: `Type::"id"`."""

    type: str
    """With its namespace: `AgentCore::Action`."""
    id: Pattern


@dataclass(frozen=True)
class NamedEntities:
    """What a statement names."""

    types: frozenset[str]
    """Types of entities and every other word outside of strings."""
    entities: tuple[Entity, ...]
    principal_ids: tuple[Pattern, ...]
    """What `principal.id` is compared with, by `==`, `!=` or `like`. Each once, like the entities."""


@functools.lru_cache(maxsize=1024)
def read(statement: str) -> NamedEntities:
    """Reads a statement; an unknown value in it is a hole."""
    types: set[str] = set()
    entities: list[Entity] = []
    principal_ids: list[Pattern] = []
    for word in _WORD.finditer(patterns.with_holes(statement)):
        if word["compared"] is not None:
            principal_ids.append(literal(word["compared"], wild=word["operator"] == "like"))
        elif word["type"] is not None:
            kind = _SPACE.sub("", word["type"])
            types.add(kind)
            if word["id"] is not None:
                entities.append(Entity(kind, literal(word["id"], wild=False)))
    return NamedEntities(frozenset(types), tuple(dict.fromkeys(entities)), tuple(dict.fromkeys(principal_ids)))


def permits_everything(statement: str) -> bool:
    """Whether a statement is known to permit every caller, of a kind at least, every tool of a gateway."""
    text = _COMMENT.sub(lambda found: " " if found["comment"] else found[0], patterns.with_holes(statement))
    return any(_is_open(found["principal"], found["action"]) for found in _PERMIT.finditer(text) if found["action"])


def _is_open(principal: str, action: str) -> bool:
    principal, action = _SPACE.sub("", principal), _SPACE.sub("", action)
    every = action == "action" or any(f'::"{group}"' in action for group in EVERY_TOOL)
    return every and _ANYBODY.fullmatch(principal) is not None


def literal(inside: str, *, wild: bool) -> Pattern:
    """What stands between the quotes of a string; `wild`: behind `like`, where `*` is any run of characters."""
    tokens = tuple(
        (char, char == HOLE or (wild and char == ANY_RUN and not escaped)) for char, escaped in _characters(inside)
    )
    text = "".join(char for char, _ in tokens)
    return Pattern(text, tokens, wild=any(special and char != HOLE for char, special in tokens), holes=HOLE in text)


def _characters(inside: str) -> Iterator[tuple[str, bool]]:
    """The characters of a string literal, and whether each stood behind a backslash."""
    for found in _CHARACTER.finditer(inside):
        byte, point, escaped, plain = found.groups()
        code = int(byte or point or "0", 16)
        if plain is not None:
            yield plain, False
        elif escaped is not None:
            yield _ESCAPES.get(escaped, escaped), True
        else:
            yield chr(min(code, 0x10FFFF)), True
