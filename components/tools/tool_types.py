"""Python type annotations -> AgentCore's schema subset, by reading the syntax tree.

The subset is `type`, `properties`, `required`, `items` and `description` (botocore bedrock-agentcore-control
SchemaDefinition): no enum, union, default, null or map. A type it cannot express is an error that says what to write.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from toolgate.components.checks.arguments import UsageError
from toolgate.components.tools.docstrings import summary

type Schema = dict[str, Any]
"""A value's schema, in the API's form."""

_SCALARS = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}
_INSTEAD = {
    "Literal": "`str`, with the allowed values named in the description",
    "Enum": "`str`, with the allowed values named in the description",
    "Union": "one of its types, or one tool per type",
    "tuple": "`list[T]`, or a TypedDict when the places differ",
    "set": "`list[T]`",
    "frozenset": "`list[T]`",
    "Sequence": "`list[T]`",
    "Mapping": "`dict` for any object, or a TypedDict that names its fields",
    "Any": "the type that is meant; `dict` takes any object",
    "object": "the type that is meant; `dict` takes any object",
    "bytes": "`str`, base64-encoded",
    "datetime": "`str`, with the format named in the description",
    "date": "`str`, with the format named in the description",
    "Decimal": "`float`, or `str` where every digit counts",
    "None": "a type of its own; a parameter that may be left out is `T | None = None`",
}
_EXPRESSIBLE = "str, int, float, bool, list[T], dict, or a TypedDict of the same file"


@dataclass(frozen=True)
class Position:
    """Where a type stands, for messages: `file:line: function parameter 'name'`."""

    file: str
    owner: str
    name: str

    def error(self, line: int, message: str) -> UsageError:
        """The error to raise for what stands at this place."""
        return UsageError(f"{self.file}:{line}: {self.owner} {self.name!r}: {message}")


def optional(annotation: ast.expr) -> tuple[ast.expr, bool]:
    """Split `T | None` and `Optional[T]` into T and whether None was allowed."""
    annotation = _unquoted(annotation)
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        if _name(annotation.right) == "None":
            return annotation.left, True
        if _name(annotation.left) == "None":
            return annotation.right, True
    if isinstance(annotation, ast.Subscript) and _name(annotation.value) == "Optional":
        return annotation.slice, True
    return annotation, False


def schema(annotation: ast.expr, types: Mapping[str, ast.ClassDef], location: Position) -> Schema:
    """The schema of a value of the annotated type.

    Args:
        annotation: The annotation's syntax tree.
        types: TypedDict classes of the file by name.
        location: Where the annotation stands.

    Raises:
        UsageError: The type cannot be expressed.
    """
    return _schema(_unquoted(annotation), types, location, ())


def _schema(node: ast.expr, types: Mapping[str, ast.ClassDef], location: Position, inside: tuple[str, ...]) -> Schema:
    name = _name(node)
    if name in _SCALARS:
        return {"type": _SCALARS[name]}
    if name == "dict":
        return {"type": "object"}
    if name in types:
        if name in inside:
            raise location.error(node.lineno, f"{name} contains itself; AgentCore's schema cannot. Write `dict` there.")
        return _typed_dict(types[name], types, location, (*inside, name))
    if isinstance(node, ast.Subscript) and _name(node.value) == "list":
        return {"type": "array", "items": _schema(_unquoted(node.slice), types, location, inside)}
    raise location.error(node.lineno, _refusal(node))


def _typed_dict(
    cls: ast.ClassDef, types: Mapping[str, ast.ClassDef], location: Position, inside: tuple[str, ...]
) -> Schema:
    properties: dict[str, Schema] = {}
    required: list[str] = []
    total = not any(k.arg == "total" and getattr(k.value, "value", True) is False for k in cls.keywords)
    for base in cls.bases:
        if _name(base) in types:
            inherited = _typed_dict(types[_name(base)], types, location, inside)
            properties |= inherited.get("properties", {})
            required += inherited.get("required", [])
    for statement, after in zip(cls.body, [*cls.body[1:], None], strict=True):
        if not (isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)):
            continue
        field = statement.target.id
        here = replace(location, owner=f"{cls.name} field", name=field)
        properties[field], needed = _field(statement.annotation, types, here, inside, total)
        properties[field] |= _text(after)
        required += [field] if needed else []
    if not properties:
        raise location.error(cls.lineno, f"{cls.name} has no fields. Give it some, or write `dict` for any object.")
    described = {"description": summary(doc)} if (doc := ast.get_docstring(cls)) else {}
    return {"type": "object", "properties": properties, "required": required, **described}


def _field(
    node: ast.expr, types: Mapping[str, ast.ClassDef], location: Position, inside: tuple[str, ...], total: bool
) -> tuple[Schema, bool]:
    inner, required = _unquoted(node), total
    if isinstance(inner, ast.Subscript) and _name(inner.value) in ("NotRequired", "Required"):
        required = _name(inner.value) == "Required"
        inner = inner.slice
    inner, nullable = optional(inner)
    if nullable and required:
        raise location.error(node.lineno, "AgentCore's schema has no null. Write `NotRequired[T]`, or drop `None`.")
    return _schema(_unquoted(inner), types, location, inside), required


def _text(statement: ast.stmt | None) -> dict[str, str]:
    """The string right under a field describes it."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        text = statement.value.value
        return {"description": summary(text)} if isinstance(text, str) else {}
    return {}


def _refusal(node: ast.expr) -> str:
    text = ast.unparse(node)
    name = _name(node.value) if isinstance(node, ast.Subscript) else _name(node)
    if isinstance(node, ast.BinOp):
        name = "Union"
    if name == "list":
        return "`list` does not say of what. Write `list[T]`."
    if name == "dict":
        return f"`{text}` names no fields. Write `dict` for any object, or a TypedDict that names its fields."
    if name == "Optional":
        return f"`{text}`: AgentCore's schema has no null. Only a parameter that may be left out may be None."
    instead = _INSTEAD.get(name, f"{_EXPRESSIBLE}")
    return f"`{text}` cannot be expressed in AgentCore's tool schema. Write {instead}."


def _unquoted(node: ast.expr) -> ast.expr:
    """A quoted annotation is the expression in the quotes."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return ast.copy_location(ast.parse(node.value, mode="eval").body, node)
    return node


def _name(node: ast.expr) -> str:
    """The last part of a dotted name; "None" for None, "" for anything else."""
    if isinstance(node, ast.Constant) and node.value is None:
        return "None"
    return getattr(node, "attr", getattr(node, "id", ""))
