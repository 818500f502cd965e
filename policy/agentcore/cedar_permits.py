"""Whom the permits of a Cedar statement name.

A caller is named where the permit holds for that caller only, whatever else its conditions say: by `==` or `in` in the
scope, or by a comparison with one text that a condition cannot do without.
"""

from collections.abc import Iterator

from toolgate.policy.agentcore.cedar_names import literal
from toolgate.policy.agentcore.cedar_syntax import Node, Permit
from toolgate.policy.language import patterns

type Claims = frozenset[str]


def names_caller(permit: Permit, claims: Claims) -> bool:
    """Whether it holds for callers only that it names, by their id or by one of these claims."""
    scoped = permit.principal[1:2] == ("==",) or "in" in permit.principal
    return (
        scoped
        or any(_pins(it, claims, holds=True) for it in permit.when)
        or any(_pins(it, claims, holds=False) for it in permit.unless)
    )


def compared_in_parts(permit: Permit, claims: Claims) -> Iterator[str]:
    """The claims, of these, that it compares with a pattern that a part of a word can match."""
    for node in (*permit.when, *permit.unless):
        yield from _in_parts(node, claims)


def _pins(node: Node, claims: Claims, *, holds: bool) -> bool:
    """Whether the condition, or its contrary, holds for named callers only."""
    kind, parts = node.kind, node.parts
    if kind == "!":
        return _pins(parts[0], claims, holds=not holds)
    if kind in ("&&", "||"):
        some = (kind == "&&") is holds
        return (any if some else all)(_pins(it, claims, holds=holds) for it in parts)
    if kind == "if":
        asked, then, other = parts
        return (_pins(asked, claims, holds=True) or _pins(then, claims, holds=holds)) and (
            _pins(asked, claims, holds=False) or _pins(other, claims, holds=holds)
        )
    if kind == "!=" and not holds:
        return _compares(Node("==", parts=parts), claims)
    return holds and _compares(node, claims)


def _compares(node: Node, claims: Claims) -> bool:
    """Whether it holds where the caller is one of those that stand there."""
    kind, parts = node.kind, node.parts
    if kind == "==":
        return any(_is_caller(a, claims) and _is_name(b) for a, b in (parts, parts[::-1]))
    if kind == "in":
        return parts[0].kind == "principal" and _is_name(parts[1])
    if kind == "like":
        return _is_caller(parts[0], claims) and parts[1].kind == "text" and not _wild(parts[1]) and _is_name(parts[1])
    listed = kind == "call" and node.text == "contains" and len(parts) == 2 and parts[0].kind == "set"
    return listed and _is_name(parts[0]) and _is_caller(parts[1], claims)


def _is_caller(node: Node, claims: Claims) -> bool:
    return node.kind in ("principal", "id") or (node.kind == "tag" and node.text in claims)


def _is_name(node: Node) -> bool:
    if node.kind == "set":
        return bool(node.parts) and all(map(_is_name, node.parts))
    return node.kind == "entity" or (node.kind == "text" and node.text != "")


def _wild(node: Node) -> bool:
    return literal(node.text, wild=True).wild


def _in_parts(node: Node, claims: Claims) -> Iterator[str]:
    if (
        node.kind == "like"
        and node.parts[0].kind == "tag"
        and node.parts[0].text in claims
        and _in_words(node.parts[1])
    ):
        yield node.parts[0].text
    for part in node.parts:
        yield from _in_parts(part, claims)


def _in_words(pattern: Node) -> bool:
    """Whether a wildcard stands beside part of a word: scopes are separated by blanks (RFC 6749, section 3.3)."""
    tokens = literal(pattern.text, wild=True).tokens
    wild = [place for place, token in enumerate(tokens) if token == (patterns.ANY_RUN, True)]
    beside = (tokens[it] for place in wild for it in (place - 1, place + 1) if 0 <= it < len(tokens))
    return (
        any(token not in ((" ", False), (patterns.ANY_RUN, True)) for token in beside) or len(tokens) == len(wild) > 0
    )
