"""Annotations taken apart: what stands around a type, and what names and constants in it mean. Nothing is run."""

import ast
import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from toolgate.components.checks.arguments import UsageError
from toolgate.components.tools import docstrings
from toolgate.components.tools.source_files import Class, Meaning, SourceFile, Sources, Value

# Where the names that this module knows come from: the last part of such a name says it all.
_KNOWN = {"", "typing", "typing_extensions", "collections", "collections.abc", "dataclasses", "enum"}
_MARKS = {"NotRequired": False, "Required": True, "ReadOnly": None, "Final": None, "InitVar": None}
_ENUMS = {"Enum", "StrEnum", "IntEnum", "ReprEnum"}
BOUNDS: Mapping[str, str | Mapping[str, str]] = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "multiple_of": "multipleOf",
    "pattern": "pattern",
    "min_length": {"string": "minLength", "array": "minItems", "object": "minProperties"},
    "max_length": {"string": "maxLength", "array": "maxItems", "object": "maxProperties"},
}
"""pydantic's Field -> JSON Schema; a length has a word for each type."""
_ANNOTATED_TYPES: Mapping[str, tuple[str, ...]] = {
    "Ge": ("ge",),
    "Gt": ("gt",),
    "Le": ("le",),
    "Lt": ("lt",),
    "Interval": (),
    "MultipleOf": ("multiple_of",),
    "MinLen": ("min_length",),
    "MaxLen": ("max_length",),
    "Len": ("min_length", "max_length"),
}
"""The classes of annotated_types, with the names of what they take in order."""


@dataclass(frozen=True)
class Place:
    """Where a type stands.

    Attributes:
        sources: The folder's files.
        file: The file that it stands in.
        owner: Whose it is, for messages: `f parameter 'x'`.
        is_result: Whether it is what a tool gives back: JSON has a word for more than AgentCore's schema does.
        problems: Mistakes found so far, by place; a field's is noted here, so that one does not hide the next.
        inside: The classes around it.
    """

    sources: Sources
    file: SourceFile
    owner: str
    is_result: bool = False
    problems: dict[str, str] = field(default_factory=dict)
    inside: tuple[str, ...] = ()

    def error(self, line: int, message: str) -> UsageError:
        """The error to raise for what stands at this place."""
        return UsageError(f"{self.file.path}:{line}: {self.owner}: {message}")

    def note(self, error: UsageError) -> None:
        """Keep a mistake, the first at its place, and read on."""
        self.problems.setdefault(": ".join(str(error).split(": ", 2)[:2]), str(error))

    def meaning(self, node: ast.expr) -> Meaning:
        """What a name means here."""
        return self.sources.meaning(node, self.file)


@dataclass
class Declared:
    """An annotation taken apart, and what a default or `Field(...)` adds to it.

    Attributes:
        type: The type itself.
        place: Where it stands; in another file where an alias led there.
        is_nullable: Whether it may be None.
        is_required: What `Required` or `NotRequired` says.
        texts: What it says of the value, in words.
        bounds: What it says of the value, in the words of pydantic's Field.
        default: The default's expression, if there is one that can be read.
        has_default: Whether it may be left out; what a factory makes nobody can read.
        alias: The name that JSON has for it.
    """

    type: ast.expr
    place: Place
    is_nullable: bool = False
    is_required: bool | None = None
    texts: list[str] = field(default_factory=list)
    bounds: dict[str, Any] = field(default_factory=dict)
    default: ast.expr | None = None
    has_default: bool = False
    alias: str | None = None

    def take_default(self, value: ast.expr | None) -> None:
        """Take what stands behind the `=`; pydantic's `...` means that there is none."""
        if value is not None and not (isinstance(value, ast.Constant) and value.value is ...):
            self.default, self.has_default = value, True


def declared(annotation: ast.expr, place: Place) -> Declared:
    """Take `Annotated[T, ...]`, `T | None`, `NotRequired[T]` and aliases of these apart.

    Raises:
        UsageError: What is written there cannot be read.
    """
    it = Declared(annotation, place)
    while True:
        it.type = _unquoted(it.type, it.place)
        named = it.place.meaning(it.type)
        base, arguments = subscript(it.type, it.place)
        parts = union(it.type, it.place)
        others = [part for part in parts if not is_none(part)]
        if isinstance(named, Value):
            _follow(named, it)
        elif base == "Annotated" and arguments:
            it.type = arguments[0]
            for metadata in arguments[1:]:
                take_metadata(metadata, it)
        elif base in _MARKS and arguments:
            it.type, mark = arguments[0], _MARKS[base]
            it.is_required = it.is_required if mark is None else mark
        elif others and len(others) < len(parts):
            it.type, it.is_nullable = others[0], True
            for other in others[1:]:
                it.type = ast.copy_location(ast.BinOp(it.type, ast.BitOr(), other), other)
        else:
            return it


def _follow(alias: Value, it: Declared) -> None:
    """Take an alias for what it stands for; one that contains itself has no end."""
    mark, place = f"alias {id(alias.node)}", it.place
    if mark not in place.inside:
        it.type, it.place = _aliased(alias), replace(place, file=alias.file, inside=(*place.inside, mark))
    elif place.is_result:
        it.type = ast.copy_location(ast.Name("object"), it.type)
    else:
        text = f"`{ast.unparse(it.type)}` contains itself; AgentCore's schema cannot. Write `dict` there."
        raise place.error(it.type.lineno, text)


def take_metadata(node: ast.expr, it: Declared) -> None:
    """Take what stands beside a type in Annotated: a text, pydantic's Field, bounds of annotated_types.

    Raises:
        UsageError: A bound has to be run to know it.
    """
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        it.texts.append(docstrings.summary(node.value))
    called = it.place.meaning(node.func) if isinstance(node, ast.Call) else None
    if not isinstance(node, ast.Call) or not isinstance(called, str):
        return
    module, _, name = called.rpartition(".")
    known = is_pydantic(called) or module == "annotated_types"
    if name in ("Doc", "Field") and (texts := [*node.args[: name == "Doc"], *_keyword(node, "description")]):
        it.texts.append(docstrings.summary(str(constant(texts[0], it.place))))
    for bound, value in zip(_ANNOTATED_TYPES.get(name, ()), node.args, strict=False):
        it.bounds[bound] = constant(value, it.place)
    for keyword in node.keywords:
        if known and keyword.arg is not None and keyword.arg in BOUNDS:
            it.bounds[keyword.arg] = constant(keyword.value, it.place)
    _check_pattern(node, it)
    if name == "Field":
        for alias in (*_keyword(node, "alias"), *_keyword(node, "validation_alias")):
            it.alias = str(constant(alias, it.place))
        it.take_default(next(iter(_keyword(node, "default")), None))
        it.has_default |= bool(_keyword(node, "default_factory"))


def _check_pattern(node: ast.expr, it: Declared) -> None:
    try:
        re.compile(it.bounds.get("pattern", ""))
    except (re.error, TypeError) as error:
        raise it.place.error(node.lineno, f"its pattern is no regular expression: {error}.") from error


def _keyword(call: ast.Call, name: str) -> list[ast.expr]:
    return [it.value for it in call.keywords if it.arg == name]


def constant(node: ast.expr, place: Place) -> Any:
    """The value of an expression that need not be run: a literal, a constant of the folder, a member of an Enum.

    Raises:
        UsageError: It is none.
    """
    with contextlib.suppress(ValueError, TypeError):
        return ast.literal_eval(node)
    named = place.meaning(node)
    if isinstance(named, Value) and (mark := f"constant {id(named.node)}") not in place.inside:
        return constant(named.node, replace(place, file=named.file, inside=(*place.inside, mark)))
    if isinstance(node, ast.Attribute) and isinstance(owner := place.meaning(node.value), Class):
        known = dict(members(owner, replace(place, file=owner.file)))
        if node.attr in known:
            return known[node.attr]
    if isinstance(node, ast.Call) and place.meaning(node.func) == "decimal.Decimal" and len(node.args) == 1:
        return float(constant(node.args[0], place))
    raise place.error(node.lineno, f"`{ast.unparse(node)}` has to be run to know its value. Write the value itself.")


def is_enum(named: Class, sources: Sources) -> bool:
    """Whether a class is an Enum whose members are single values."""
    bases = [sources.meaning(base, named.file) for base in named.node.bases]
    return any(
        is_enum(base, sources) if isinstance(base, Class) else base in {f"enum.{it}" for it in _ENUMS} for base in bases
    )


def members(named: Class, place: Place) -> Iterator[tuple[str, Any]]:
    """The members of an Enum with their values (enum's documentation, `auto`)."""
    is_text = any(place.sources.meaning(base, named.file) == "enum.StrEnum" for base in named.node.bases)
    last = 0
    for statement in named.node.body:
        if not (isinstance(statement, ast.Assign) and isinstance(target := statement.targets[0], ast.Name)):
            continue
        called = place.meaning(statement.value.func) if isinstance(statement.value, ast.Call) else None
        if target.id.startswith("_") or called == "enum.nonmember":
            continue
        if called == "enum.auto":
            value: Any = target.id.lower() if is_text else last + 1
        else:
            value = constant(statement.value, place)
        last = max(last, value) if isinstance(value, int) else last
        yield target.id, value


def _aliased(named: Value) -> ast.expr:
    """What an alias stands for; a NewType is its base to JSON."""
    value = named.node
    if isinstance(value, ast.Call) and len(value.args) == 2:
        called = getattr(value.func, "attr", getattr(value.func, "id", ""))
        return value.args[1] if called == "NewType" else value
    return value


def _unquoted(node: ast.expr, place: Place) -> ast.expr:
    """A quoted annotation is the expression in the quotes."""
    if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        return node
    try:
        inner = ast.parse(node.value.strip(), mode="eval").body
    except SyntaxError as error:
        raise place.error(node.lineno, f"{node.value!r} is no type.") from error
    for part in ast.walk(inner):
        ast.copy_location(part, node)
    return inner


def union(node: ast.expr, place: Place) -> list[ast.expr]:
    """The types of `A | B`, `Union[A, B]` or `Optional[A]`; none for any other."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        sides = [_unquoted(side, place) for side in (node.left, node.right)]
        return [part for side in sides for part in union(side, place) or [side]]
    base, arguments = subscript(node, place)
    if base == "Optional" and arguments:
        return [*arguments, ast.copy_location(ast.Constant(None), node)]
    if base == "Union":
        return [part for it in arguments for part in union(it, place) or [it]]
    return []


def subscript(node: ast.expr, place: Place) -> tuple[str, Sequence[ast.expr]]:
    """The name of a type that is not of this folder, its last part if that says enough, and what stands in brackets."""
    named = place.meaning(node.value if isinstance(node, ast.Subscript) else node)
    if not isinstance(named, str):
        return "", ()
    module, _, last = named.rpartition(".")
    base = last if module in _KNOWN else named
    if not isinstance(node, ast.Subscript):
        return base, ()
    return base, node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]


def is_none(node: ast.expr) -> bool:
    """Whether None is written there."""
    return isinstance(node, ast.Constant) and node.value is None


def is_pydantic(named: str) -> bool:
    """Whether a dotted name is one of pydantic's."""
    return named.partition(".")[0] == "pydantic"
