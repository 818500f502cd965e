"""The one reading of an IAM document: JSON text or an object, into statements.

Element names are read without case and a single value like a list of one, as IAM reads them; what IAM would refuse is
`Broken`, with the reason. Nothing here decides anything.

Source: IAM User Guide, "Grammar of the IAM JSON policy language".
"""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toolgate.policy.language import patterns
from toolgate.policy.language.patterns import HOLE
from toolgate.policy.language.unknown import SENTINELS, UNKNOWN, Unknown
from toolgate.policy.messages import quote

type Text = str | Unknown

# IAM user guide, "IAM JSON policy elements: Version": the default, in which `${...}` is no variable.
_WITHOUT_VARIABLES = "2008-10-17"


@dataclass(frozen=True)
class Names:
    """Actions or resources of a statement."""

    values: tuple[Text, ...] = ()
    negated: bool = False
    """NotAction, NotResource."""
    given: bool = False

    @functools.cached_property
    def exact(self) -> frozenset[str]:
        """The values that are one name each, as they stand; hundreds of them are looked up at once."""
        return frozenset(value for value in self.values if value is not UNKNOWN and patterns.is_name(value))

    @functools.cached_property
    def inexact(self) -> tuple[Text, ...]:
        """The other values: with a wildcard or a variable, incomplete, or not known."""
        return tuple(value for value in self.values if value is UNKNOWN or value not in self.exact)


@dataclass(frozen=True)
class Principal:
    """One principal of a statement."""

    kind: str
    """`aws`, `service`, `federated`, `canonicaluser`, or `*` for everybody."""
    value: Text


@dataclass(frozen=True)
class Condition:
    """One key under one operator; both in lower case."""

    operator: str
    key: str
    values: tuple[Text, ...]
    written: tuple[str, str]
    """Operator and key as the document writes them."""


@dataclass(frozen=True)
class Statement:
    """One statement of a document."""

    sid: str | None
    index: int
    allow: bool | Unknown
    actions: Names
    resources: Names
    principals: tuple[Principal, ...]
    everybody_but: bool
    """NotPrincipal: `principals` are the only ones it does not mean."""
    conditions: tuple[Condition, ...] | Unknown
    variables: bool
    """Whether `${...}` is a policy variable in it; before version 2012-10-17 it is plain text."""

    @property
    def names_principals(self) -> bool:
        """Whether it says whom it is about, as statements of a resource's policy do and those of an identity don't."""
        return self.everybody_but or bool(self.principals)

    @property
    def label(self) -> str:
        """How a message names it: by its Sid, or its index."""
        return f"statement {quote(self.sid)}" if self.sid else f"Statement[{self.index}]"


@dataclass(frozen=True)
class Broken:
    """A document that IAM would refuse."""

    reason: str


type Document = tuple[Statement, ...] | Broken | Unknown


class _RefusedError(ValueError):
    """IAM would refuse this; the text says why."""


def read(source: object) -> Document:
    """Reads a document from a resource's plain property."""
    if source is UNKNOWN:
        return UNKNOWN
    if isinstance(source, str):
        return _from_text(source)
    if isinstance(source, dict):
        return _from_object(source)
    return Broken("is neither JSON text nor an object")


# A rule reads the document the rule before it has read: the same text within one request, or in the stack check.
@functools.lru_cache(maxsize=256)
def _from_text(text: str) -> Document:
    try:
        source = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except RecursionError:
        return Broken("is nested too deeply to be read")
    except json.JSONDecodeError as error:
        # Its message says what was expected, never what was found.
        return Broken(f"is not JSON ({error.msg}: line {error.lineno} column {error.colno})")
    except _RefusedError as error:
        return Broken(str(error))
    except ValueError:
        return Broken("is not JSON (a number in it is too long)")
    return _from_object(source) if isinstance(source, dict) else Broken("is not a JSON object")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise _RefusedError("gives a key twice in one object")
    return result


def _no_constant(name: str) -> None:
    raise _RefusedError(f"holds {name}, which is not JSON")


def _from_object(source: Mapping[str, Any]) -> Document:
    try:
        elements = _elements(source)
        statements: object = elements.get("statement")
        if statements is UNKNOWN:
            return UNKNOWN
        if isinstance(statements, dict):
            statements = [statements]
        if not isinstance(statements, list):
            raise _RefusedError("has no Statement list")
        variables = elements.get("version", _WITHOUT_VARIABLES) != _WITHOUT_VARIABLES
        return tuple(_statement(index, statement, variables) for index, statement in enumerate(statements))
    except _RefusedError as error:
        return Broken(str(error))


def _elements(source: Mapping[str, Any]) -> dict[str, Any]:
    elements = {key.lower(): value for key, value in source.items()}
    if len(elements) < len(source):
        raise _RefusedError("gives an element twice")
    return elements


def _statement(index: int, source: object, variables: bool) -> Statement:
    label = f"Statement[{index}]"
    if source is UNKNOWN:
        unknown = Names((UNKNOWN,), given=True)
        return Statement(None, index, UNKNOWN, unknown, unknown, (), False, UNKNOWN, variables)
    if not isinstance(source, dict):
        raise _RefusedError(f"has a {label} that is not an object")
    elements = _elements(source)
    sid = elements.get("sid")
    label = f"statement {quote(sid)}" if isinstance(sid, str) and sid else label
    principals, everybody_but = _principals(elements, label)
    actions = _names(elements, "action", label)
    if not actions.given:
        raise _RefusedError(f"has neither Action nor NotAction in {label}")
    resources = _names(elements, "resource", label)
    conditions = _conditions(elements.get("condition"), label)
    return Statement(
        sid if isinstance(sid, str) and sid else None,
        index,
        _allows(elements.get("effect"), label),
        actions,
        resources,
        principals,
        everybody_but,
        conditions,
        variables,
    )


def _allows(effect: object, label: str) -> bool | Unknown:
    if effect is UNKNOWN:
        return UNKNOWN
    if isinstance(effect, str) and effect.lower() in ("allow", "deny"):
        return effect.lower() == "allow"
    raise _RefusedError(f"has neither Allow nor Deny as Effect of {label}")


def _names(elements: Mapping[str, Any], element: str, label: str) -> Names:
    given = [key for key in (element, f"not{element}") if elements.get(key) is not None]
    if not given:
        return Names()
    if len(given) > 1:
        title = element.capitalize()
        raise _RefusedError(f"has both {title} and Not{title} in {label}")
    return Names(_texts(elements[given[0]], label), negated=given[0] != element, given=True)


def _principals(elements: Mapping[str, Any], label: str) -> tuple[tuple[Principal, ...], bool]:
    source, excluded = elements.get("principal"), elements.get("notprincipal")
    if source is not None and excluded is not None:
        raise _RefusedError(f"has both Principal and NotPrincipal in {label}")
    everybody_but = excluded is not None
    source = excluded if everybody_but else source
    if source is None:
        return (), everybody_but
    if not isinstance(source, dict):
        return tuple(Principal("*", value) for value in _texts(source, label)), everybody_but
    kinds = _elements(source).items()
    return tuple(Principal(kind, value) for kind, values in kinds for value in _texts(values, label)), everybody_but


def _conditions(source: object, label: str) -> tuple[Condition, ...] | Unknown:
    if source is None:
        return ()
    if source is UNKNOWN:
        return UNKNOWN
    if not isinstance(source, dict):
        raise _RefusedError(f"has a Condition that is not an object in {label}")
    found: list[Condition] = []
    for operator, keys in source.items():
        if keys is UNKNOWN:
            continue
        if not isinstance(keys, dict):
            raise _RefusedError(f"has a condition operator without keys in {label}")
        found += [
            Condition(operator.lower(), key.lower(), _texts(values, label), (operator, key))
            for key, values in keys.items()
        ]
    return tuple(found)


def _texts(value: object, label: str) -> tuple[Text, ...]:
    values = value if isinstance(value, list) else [value]
    return tuple(_text(member, label) for member in values)


def _text(value: object, label: str) -> Text:
    if value is UNKNOWN:
        return UNKNOWN
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, (int, float)):
        return str(value)
    if not isinstance(value, str):
        raise _RefusedError(f"has a value that is neither text nor a list of texts in {label}")
    return UNKNOWN if value in SENTINELS else patterns.with_holes(value)


def is_undecided(document: Document) -> bool:
    """Whether part of what the document says cannot be known."""
    if isinstance(document, Broken):
        return False
    return document is UNKNOWN or any(_is_undecided(statement) for statement in document)


def _is_undecided(statement: Statement) -> bool:
    if statement.allow is UNKNOWN or statement.conditions is UNKNOWN:
        return True
    texts = [
        *statement.actions.values,
        *statement.resources.values,
        *(principal.value for principal in statement.principals),
        *(value for condition in statement.conditions for value in condition.values),
    ]
    return any(text is UNKNOWN or HOLE in text for text in texts)
