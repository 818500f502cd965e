"""The permits of a Cedar statement: who their scope is about, and their conditions as a tree.

Read as far as it takes to see whom a permit names (`cedar_permits`), and no further; whether a statement is valid is
decided elsewhere.

Source: Cedar policy language reference, "Grammar specification for Cedar policies".
"""

import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from toolgate.policy.agentcore.cedar_names import literal
from toolgate.policy.language import patterns

# Nothing is given back once it is read (possessive), so the time is linear whatever the text holds.
_TOKEN = re.compile(
    r"""\s++|//[^\r\n]*+
    |(?P<text>"[^"\\]*+(?:\\.[^"\\]*+)*+")
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*+|[0-9]++)
    |(?P<sign>==|!=|<=|>=|&&|\|\||::|[()\[\]{},;:.<>!+*@?-])
    """,
    re.VERBOSE | re.DOTALL,
)
_DEEPEST = 50
_RELATIONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "in", "like", "has"})
_ARITHMETIC = frozenset("+-*")
_OPEN, _CLOSED = {"(": ")", "[": "]", "{": "}"}, frozenset(")]}")


class _UnreadableError(ValueError):
    """It is no Cedar statement, or one too deep to be read."""


@dataclass(frozen=True)
class Node:
    """A part of a condition: an operator or a kind of value, what it is about, and its parts."""

    kind: str
    text: str = ""
    parts: tuple["Node", ...] = ()


@dataclass(frozen=True)
class Permit:
    """One `permit` of a statement."""

    principal: tuple[str, ...]
    """The words of the scope's first part, as they stand."""
    when: tuple[Node, ...] = ()
    unless: tuple[Node, ...] = ()


@functools.lru_cache(maxsize=1024)
def permits(statement: str) -> tuple[Permit, ...] | None:
    """The permits of a statement; None where it cannot be read: it is no Cedar, or nested too deeply."""
    try:
        return tuple(_Reader(list(_tokens(patterns.with_holes(statement)))).permits())
    except _UnreadableError:
        return None


def _tokens(text: str) -> Iterator[str]:
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise _UnreadableError
        place = found.end()
        if found.lastgroup:
            yield found[0]


@dataclass
class _Reader:
    words: list[str]
    place: int = 0
    depth: int = 0

    def permits(self) -> Iterator[Permit]:
        while self.place < len(self.words):
            while self._next("@"):
                self._take()
                if self._next("("):
                    self._inside("(")
            effect = self._take()
            if effect not in ("permit", "forbid"):
                raise _UnreadableError
            principal = self._scope()
            conditions: dict[str, list[Node]] = {"when": [], "unless": []}
            while not self._next(";"):
                kind = self._take()
                if kind not in conditions:
                    raise _UnreadableError
                self._want("{")
                conditions[kind].append(self._expression())
                self._want("}")
            if effect == "permit":
                yield Permit(principal, tuple(conditions["when"]), tuple(conditions["unless"]))

    def _scope(self) -> tuple[str, ...]:
        """The words of a scope's first part."""
        self._want("(")
        inside = self._inside("(")
        depth = 0
        for place, word in enumerate(inside):
            depth += (word in _OPEN) - (word in _CLOSED)
            if word == "," and not depth:
                inside = inside[:place]
                break
        if inside[:1] != ["principal"]:
            raise _UnreadableError
        return tuple(inside)

    def _inside(self, opened: str) -> list[str]:
        """What stands until the bracket that was opened is closed."""
        begun, waiting = self.place, [_OPEN[opened]]
        while waiting:
            word = self._take()
            if word in _OPEN:
                waiting.append(_OPEN[word])
            elif word in _CLOSED and waiting.pop() != word:
                raise _UnreadableError
        return self.words[begun : self.place - 1]

    def _expression(self) -> Node:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _UnreadableError
        try:
            if self._next("if"):
                asked = self._expression()
                self._want("then")
                then = self._expression()
                self._want("else")
                return Node("if", parts=(asked, then, self._expression()))
            return self._joined("||", lambda: self._joined("&&", self._relation))
        finally:
            self.depth -= 1

    def _joined(self, sign: str, part: Callable[[], Node]) -> Node:
        parts = [part()]
        while self._next(sign):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Node(sign, parts=tuple(parts))

    def _relation(self) -> Node:
        left = self._sum()
        sign = self._peek()
        if sign == "is":
            self._take()
            self._path()
            return Node("is", parts=(left, self._sum()) if self._next("in") else (left,))
        if sign in _RELATIONS:
            return Node(self._take(), parts=(left, self._sum()))
        return left

    def _sum(self) -> Node:
        parts = [self._unary()]
        while self._peek() in _ARITHMETIC:
            self._take()
            parts.append(self._unary())
        return parts[0] if len(parts) == 1 else Node("other", parts=tuple(parts))

    def _unary(self) -> Node:
        turned = False
        while self._peek() in ("!", "-"):
            turned ^= self._take() == "!"
        node = self._primary()
        while self._peek() in (".", "["):
            node = self._member(node)
        return Node("!", parts=(node,)) if turned else node

    def _member(self, of: Node) -> Node:
        if self._next("["):
            name = self._take()
            self._want("]")
        else:
            self._want(".")
            name = f'"{self._take()}"'
            if self._next("("):
                return self._call(of, name[1:-1], self._listed(")"))
        return Node("id" if (of.kind, name) == ("principal", '"id"') else "other", parts=(of,))

    def _call(self, of: Node, name: str, given: tuple[Node, ...]) -> Node:
        if (of.kind, name) == ("principal", "getTag") and [it.kind for it in given] == ["text"]:
            return Node("tag", literal(given[0].text, wild=False).text)
        return Node("call", name, (of, *given))

    def _primary(self) -> Node:
        word = self._take()
        if word == "(":
            node = self._expression()
            self._want(")")
            return node
        if word == "[":
            return Node("set", parts=self._listed("]"))
        if word == "{":
            self._inside("{")
            return Node("other")
        if word.startswith('"'):
            return Node("text", word[1:-1])
        if not word[0].isalnum() and word[0] not in "_?":
            raise _UnreadableError
        self.place -= word != "?"
        kind = self._path()
        if kind == "entity" or not self._next("("):
            return Node(kind)
        return Node("other", parts=self._listed(")"))

    def _path(self) -> str:
        """Reads a name, or an entity's; says which of the kinds of value it is."""
        first = self._take()
        while self._next("::"):
            if self._take().startswith('"'):
                return "entity"
        return "principal" if first == "principal" else "other"

    def _listed(self, closing: str) -> tuple[Node, ...]:
        parts: list[Node] = []
        while not self._next(closing):
            parts.append(self._expression())
            if not self._next(","):
                self._want(closing)
                break
        return tuple(parts)

    def _peek(self) -> str:
        return self.words[self.place] if self.place < len(self.words) else ""

    def _take(self) -> str:
        word = self._peek()
        if not word:
            raise _UnreadableError
        self.place += 1
        return word

    def _next(self, word: str) -> bool:
        """Whether this word follows; then it is taken."""
        follows = self._peek() == word
        self.place += follows
        return follows

    def _want(self, word: str) -> None:
        if self._take() != word:
            raise _UnreadableError
