"""Python type annotations -> JSON Schema, by reading the syntax tree.

The schema says all that the annotation does: enumerations, formats, bounds, defaults; and under `python` which type the
running function makes of a value (`module:name`). What of it AgentCore can be told, and how, is in `listed_schema.py`;
`lambdas/dispatch.py` checks and converts by the whole of it. A type that has no such schema is an error that says what
to write.
"""

import ast
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from toolgate.components.checks.arguments import UsageError
from toolgate.components.tools import annotations, docstrings
from toolgate.components.tools.annotations import Declared, Place, declared
from toolgate.components.tools.source_files import Class, Sources

type Schema = dict[str, Any]
"""A value's schema, in JSON Schema's words."""

_PLAIN: Mapping[str, Schema] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "dict": {"type": "object"},
    "decimal.Decimal": {"type": "number", "python": "decimal:Decimal"},
    "datetime.date": {"type": "string", "format": "date", "python": "datetime:date"},
    "datetime.datetime": {"type": "string", "format": "date-time", "python": "datetime:datetime"},
    "datetime.time": {"type": "string", "format": "time", "python": "datetime:time"},
    "uuid.UUID": {"type": "string", "format": "uuid", "python": "uuid:UUID"},
    "pydantic.PositiveInt": {"type": "integer", "exclusiveMinimum": 0},
    "pydantic.NonNegativeInt": {"type": "integer", "minimum": 0},
    "pydantic.PositiveFloat": {"type": "number", "exclusiveMinimum": 0},
    "pydantic.NonNegativeFloat": {"type": "number", "minimum": 0},
}
_LISTS = {"list", "Sequence", "MutableSequence", "Iterable", "Collection", "List"}
_MAPS = {"dict", "Mapping", "MutableMapping", "Dict", "OrderedDict", "defaultdict"}
_SETS = {"set": "set", "Set": "set", "MutableSet": "set", "AbstractSet": "set"}
_SETS |= {"frozenset": "frozenset", "FrozenSet": "frozenset"}
_TUPLES = {"tuple", "Tuple"}
_JSON_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (str, "string"),
)

_INSTEAD = {
    "Union": "one of its types, or one tool per type",
    "Any": "the type that is meant; `dict` takes any object",
    "object": "the type that is meant; `dict` takes any object",
    "bytes": "`str`, base64-encoded",
    "bytearray": "`str`, base64-encoded",
    "complex": "`list[float]`",
    "timedelta": "`float`, with the unit named in the description",
    "Path": "`str`",
    "PurePath": "`str`",
    "TypedDict": "a class: `class Item(TypedDict): ...`",
    "None": "a type of its own; a parameter that may be left out is `T | None = None`",
    "Iterator": "`list[T]`",
    "Generator": "`list[T]`",
    "AsyncIterator": "`list[T]`",
    "AsyncGenerator": "`list[T]`",
    "HttpUrl": "`str`",
    "AnyUrl": "`str`",
    "EmailStr": "`str`",
}
_EXPRESSIBLE = "str, int, float, bool, dict, list[T], Literal, or a TypedDict, dataclass or Enum of this folder"
_ANYTHING = {"None", "object", "Any", "Never", "NoReturn"}
"""What a result may be, and a parameter may not."""
_NO_NULL = "AgentCore's schema has no null."


def schema(annotation: ast.expr, place: Place) -> Schema:
    """The schema of a value of the annotated type that must be there.

    Raises:
        UsageError: The type cannot be expressed.
    """
    it = declared(annotation, place)
    if it.is_nullable and not place.is_result:
        raise place.error(annotation.lineno, f"`{ast.unparse(annotation)}`: {_NO_NULL} Drop `None`.")
    return place_schema(it, it.texts)


def place_schema(it: Declared, texts: Sequence[str]) -> Schema:
    """The schema of a parameter or a field, with what is said of it.

    Args:
        it: Its annotation, taken apart.
        texts: What is said of it, wherever; where nothing is, the type speaks for itself.

    Raises:
        UsageError: It cannot be expressed.
    """
    found = _schema(it.type, it.place)
    for name, value in it.bounds.items():
        key = annotations.BOUNDS[name]
        key = key if isinstance(key, str) else key.get(found.get("type", ""), "")
        found |= {key: value} if key else {}
    if it.is_nullable and it.place.is_result:
        found = {"anyOf": [found, {"type": "null"}]}
    said = list(dict.fromkeys(filter(None, texts)))
    if said:
        found["description"] = " ".join([*map(docstrings.sentence, said[:-1]), said[-1]])
    return found | _default(it)


def check_null(it: Declared, may_be_missing: bool, line: int, place: Place) -> None:
    """Refuse None where it is not what leaving the value out comes to: a null is taken for a value left out.

    Raises:
        UsageError: It may be None all the same.
    """
    if not it.is_nullable or place.is_result:
        return
    if may_be_missing and (it.default is None or annotations.is_none(it.default)):
        return
    instead = "NotRequired[T]" if " field " in place.owner and not it.has_default else "T | None = None"
    raise place.error(line, f"may be None, but {_NO_NULL} Write `{instead}`, or drop `None`.")


def _default(it: Declared) -> Schema:
    """What the default is, where it can be read and says anything."""
    if it.default is None or annotations.is_none(it.default):
        return {}
    try:
        return {"default": json.loads(json.dumps(annotations.constant(it.default, it.place), allow_nan=False))}
    except (UsageError, TypeError, ValueError):
        return {}


def _schema(node: ast.expr, place: Place) -> Schema:  # noqa: PLR0911 one line for each kind of type
    if parts := annotations.union(node, place):
        return _any_of(parts, node, place)
    base, arguments = annotations.subscript(node, place)
    if base == "Literal":
        return _enumerated([annotations.constant(it, place) for it in _literals(arguments, place)], node, place)
    if base in _MAPS:
        return _map(arguments, place)
    if (arguments or place.is_result) and base in _TUPLES:
        return _tuple(arguments, node, place)
    if (arguments or place.is_result) and base in {*_LISTS, *_SETS} and not (place.is_result and base == "Iterable"):
        return _array(base, arguments, place)
    named = place.meaning(node)
    if isinstance(named, Class):
        return _class(named, node, place)
    if isinstance(named, str) and named in _PLAIN:
        return dict(_PLAIN[named])
    if place.is_result and base in _ANYTHING:
        return {"type": "null"} if base == "None" else {}
    if place.is_result and isinstance(named, str) and _is_of_a_package(named):
        return {}
    raise place.error(node.lineno, _refusal(node, base, place))


def _array(base: str, arguments: Sequence[ast.expr], place: Place) -> Schema:
    items = schema(arguments[0], place) if arguments else {}
    found: Schema = {"type": "array", **({"items": items} if arguments else {})}
    if base not in _SETS:
        return found
    if items.get("type") in ("object", "array") and not place.is_result:
        raise place.error(arguments[0].lineno, f"`{ast.unparse(arguments[0])}` cannot be in a set. Write `list[T]`.")
    return found | {"python": f"builtins:{_SETS[base]}"}


def _map(arguments: Sequence[ast.expr], place: Place) -> Schema:
    if len(arguments) != 2:
        return {"type": "object"}
    key, value = arguments
    keys = schema(key, place)
    if keys.get("type") != "string" and not place.is_result:
        raise place.error(key.lineno, f"JSON's keys are strings, not `{ast.unparse(key)}`. Write `dict[str, T]`.")
    named = {"propertyNames": keys} if keys != {"type": "string"} and not place.is_result else {}
    if place.meaning(value) in ("typing.Any", "object"):
        return {"type": "object", **named}
    return {"type": "object", **named, "additionalProperties": schema(value, place)}


def _tuple(arguments: Sequence[ast.expr], node: ast.expr, place: Place) -> Schema:
    if len(arguments) == 2 and isinstance(arguments[1], ast.Constant) and arguments[1].value is ...:
        return {"type": "array", "items": schema(arguments[0], place), "python": "builtins:tuple"}
    items = [schema(it, place) for it in arguments]
    if items and all(it == items[0] for it in items):
        bounds = {"minItems": len(items), "maxItems": len(items)}
        return {"type": "array", "items": items[0], **bounds, "python": "builtins:tuple"}
    if place.is_result:
        return {"type": "array"}
    text = f"the places of `{ast.unparse(node)}` differ; those of AgentCore's arrays cannot. Write a TypedDict."
    raise place.error(node.lineno, text)


def _literals(arguments: Sequence[ast.expr], place: Place) -> Iterator[ast.expr]:
    """The values of a Literal, those of the Literals in it among them."""
    for it in arguments:
        base, inner = annotations.subscript(it, place)
        if base == "Literal":
            yield from _literals(inner, place)
        else:
            yield it


def _enumerated(values: Sequence[Any], node: ast.expr | ast.stmt, place: Place) -> Schema:
    kinds = {next((word for kind, word in _JSON_TYPES if type(value) is kind), "") for value in values}
    values = list(dict.fromkeys(values))
    if "" not in kinds and (len(kinds) == 1 or kinds == {"integer", "number"}):
        return {"type": kinds.pop() if len(kinds) == 1 else "number", "enum": values}
    if "" not in kinds and place.is_result:
        return {"enum": values}
    listed = ", ".join(map(repr, values))
    raise place.error(node.lineno, f"{listed} are not all strings, all numbers or all bools. Write values of one type.")


def _any_of(parts: Sequence[ast.expr], node: ast.expr, place: Place) -> Schema:
    """What several types come to: numbers, or values written out; a result may be any of them."""
    schemas = [schema(part, place) for part in parts]
    if place.is_result:
        return {"anyOf": schemas}
    kinds = {it["type"] for it in schemas}
    if kinds == {"integer", "number"} and all(set(it) == {"type"} for it in schemas):
        return {"type": "number"}
    if len(kinds) == 1 and all(set(it) == {"type", "enum"} for it in schemas):
        return {"type": kinds.pop(), "enum": list(dict.fromkeys(value for it in schemas for value in it["enum"]))}
    raise place.error(node.lineno, _refusal(node, "Union", place))


def _class(named: Class, node: ast.expr, place: Place) -> Schema:
    cls = named.node
    here = replace(place, file=named.file, owner=f"class {cls.name!r}", inside=(*place.inside, named.path))
    if named.path in place.inside:
        if place.is_result:
            return {"type": "object"}
        raise place.error(node.lineno, f"{cls.name} contains itself; AgentCore's schema cannot. Write `dict` there.")
    if cls.type_params:
        raise place.error(node.lineno, f"{cls.name} is generic, which cannot be read. Write a class for each use.")
    text = docstrings.read(ast.get_docstring(cls)).summary
    described = {"description": text} if text else {}
    if annotations.is_enum(named, place.sources):
        found = _enumerated([value for _, value in annotations.members(named, here)], cls, here)
        return {**found, "python": named.path, **described}
    if kind := _record_kind(named, place.sources):
        return {**_record(named, kind, here), **described}
    text = f"{cls.name} is a class whose fields cannot be read. Make it a dataclass, or write a TypedDict."
    raise place.error(node.lineno, text)


def _record(named: Class, kind: str, place: Place) -> Schema:
    before = len(place.problems)
    fields = {name: (found, is_needed) for name, found, is_needed in _fields(named, kind, place)}
    if not fields and len(place.problems) == before:
        raise place.error(named.node.lineno, "has no fields. Give it some, or write `dict` for any object.")
    if place.is_result and kind == "BaseModel":
        # It checks itself, and writes its fields under names of its own choice.
        return {"type": "object"}
    properties = {name: found for name, (found, _) in fields.items()}
    required = [name for name, (_, is_needed) in fields.items() if is_needed]
    python = {} if kind == "TypedDict" else {"python": named.path}
    return {"type": "object", "properties": properties, "required": required, **python}


def _fields(named: Class, kind: str, place: Place) -> Iterator[tuple[str, Schema, bool]]:
    cls = named.node
    for base in cls.bases:
        yield from _inherited(base, place)
    total = not any(it.arg == "total" and getattr(it.value, "value", True) is False for it in cls.keywords)
    described = docstrings.read(ast.get_docstring(cls)).attributes
    for statement, after in zip(cls.body, [*cls.body[1:], None], strict=True):
        if kind == "BaseModel" and isinstance(statement, ast.Assign) and "alias_generator" in ast.unparse(statement):
            place.note(place.error(statement.lineno, "makes its fields' names by an alias_generator. Write `alias=`."))
        if not (isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)):
            continue
        name = statement.target.id
        here = replace(place, owner=f"{cls.name} field {name!r}")
        try:
            it = declared(statement.annotation, here)
            if not _is_field(name, it, statement.value, kind):
                continue
            needed = not it.has_default
            if kind == "TypedDict":
                needed = total if it.is_required is None else it.is_required
            check_null(it, not needed, statement.lineno, here)
            yield it.alias or name, place_schema(it, [_text_under(after), *it.texts, described.get(name, "")]), needed
        except UsageError as error:
            here.note(error)


def _inherited(base: ast.expr, place: Place) -> Iterator[tuple[str, Schema, bool]]:
    meaning = place.meaning(base.value if isinstance(base, ast.Subscript) else base)
    if isinstance(meaning, Class):
        if kind := _record_kind(meaning, place.sources):
            yield from _fields(meaning, kind, replace(place, file=meaning.file))
    elif not isinstance(meaning, str) or (_is_of_a_package(meaning) and not annotations.is_pydantic(meaning)):
        text = f"its base `{ast.unparse(base)}` cannot be read: it is not of this folder. Write its fields out."
        raise place.error(base.lineno, text)


def _is_field(name: str, it: Declared, value: ast.expr | None, kind: str) -> bool:
    """Whether a class's annotation is a field that its maker gives; takes what stands behind the `=`."""
    base, _ = annotations.subscript(it.type, it.place)
    if base in ("ClassVar", "KW_ONLY") or (kind == "BaseModel" and name.startswith("_")):
        return False
    called = it.place.meaning(value.func) if isinstance(value, ast.Call) else None
    if isinstance(value, ast.Call) and called == "dataclasses.field":
        given = {keyword.arg: keyword.value for keyword in value.keywords}
        it.take_default(given.get("default"))
        it.has_default |= "default_factory" in given
        return not (isinstance(init := given.get("init"), ast.Constant) and init.value is False)
    if isinstance(value, ast.Call) and isinstance(called, str) and annotations.is_pydantic(called):
        it.take_default(value.args[0] if value.args else None)
        annotations.take_metadata(value, it)
    else:
        it.take_default(value)
    return True


def _record_kind(named: Class, sources: Sources) -> str:
    """What a class with readable fields is: TypedDict, NamedTuple, dataclass or BaseModel; "" for any other."""
    for decorator in named.node.decorator_list:
        made_by = sources.meaning(decorator.func if isinstance(decorator, ast.Call) else decorator, named.file)
        if made_by in ("dataclasses.dataclass", "pydantic.dataclasses.dataclass"):
            return "dataclass"
    for base in named.node.bases:
        meaning = sources.meaning(base, named.file)
        if isinstance(meaning, Class):
            kind = _record_kind(meaning, sources)
            if kind in ("TypedDict", "BaseModel"):
                return kind
        elif meaning in ("typing.TypedDict", "typing_extensions.TypedDict", "typing.NamedTuple"):
            return meaning.rpartition(".")[2]
        elif isinstance(meaning, str) and annotations.is_pydantic(meaning) and meaning.endswith(".BaseModel"):
            return "BaseModel"
    return ""


def _text_under(statement: ast.stmt | None) -> str:
    """The string right under a field describes it."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        text = statement.value.value
        return docstrings.summary(text) if isinstance(text, str) else ""
    return ""


def _refusal(node: ast.expr, base: str, place: Place) -> str:
    text, named = ast.unparse(node), place.meaning(node.value if isinstance(node, ast.Subscript) else node)
    if base in {*_LISTS, *_SETS, *_TUPLES} and not isinstance(node, ast.Subscript):
        return f"`{text}` does not say of what. Write `{base}[T]`."
    if named is None and isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
        return f"`{text}` is not defined in this file. Import it, or write {_EXPRESSIBLE}."
    if isinstance(named, str) and _is_of_a_package(named) and named.rpartition(".")[2] not in _INSTEAD:
        return f"`{text}` comes from a package, which is not read. Write a class of this folder, or {_EXPRESSIBLE}."
    if isinstance(node, ast.Call):
        base = ast.unparse(node.func)
    cannot = "cannot be sent as JSON" if place.is_result else "cannot be expressed in AgentCore's tool schema"
    return f"`{text}` {cannot}. Write {_INSTEAD.get(base.rpartition('.')[2], _EXPRESSIBLE)}."


def _is_of_a_package(named: str) -> bool:
    """Whether a dotted name is neither the standard library's nor a builtin's."""
    return "." in named and named.partition(".")[0] not in sys.stdlib_module_names
