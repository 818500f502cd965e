"""Python source -> AgentCore tool schema. Tool code is read, never run.

The public top-level functions of a target's `tools.py` are its tools: the first paragraph of the docstring is the
description, `Args:` describes the parameters, the annotations give their types, a default makes one optional.
"""

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypedDict

from toolgate.components.checks.arguments import UsageError
from toolgate.components.tools import docstrings, tool_types
from toolgate.components.tools.tool_types import Position, Schema

Function = ast.FunctionDef | ast.AsyncFunctionDef


class ToolSchema(TypedDict):
    """One tool as the gateway lists it, in the API's form (botocore ToolDefinition)."""

    name: str
    """The tool's own name, without its target."""
    description: str
    """What it does, for the model."""
    inputSchema: dict[str, Any]
    """Its arguments: an object in AgentCore's schema subset, in JSON Schema form."""


def read_tools(path: Path) -> list[ToolSchema]:
    """The tools of one target.

    Args:
        path: The target's `tools.py`.

    Raises:
        UsageError: The file is missing, is no Python, has no tool, or has one that AgentCore's schema cannot express.
    """
    try:
        tree = ast.parse(path.read_text("utf-8"), filename=str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read ({error}). A target is a folder with a tools.py.") from error
    except SyntaxError as error:
        raise UsageError(f"{path}:{error.lineno}: is not valid Python: {error.msg}.") from error
    functions = [node for node in tree.body if isinstance(node, Function) and not node.name.startswith("_")]
    if not functions:
        raise UsageError(f"{path}: has no tool. Write a public function with type annotations and a docstring.")
    _refuse_repeated(functions, path)
    types = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    return [_tool(function, _typed_dicts(types), path) for function in functions]


def read_targets(lambdas: Path) -> dict[str, list[ToolSchema]]:
    """The tools of every target of a program by target name; a target is a folder with a `tools.py`, and named for it.

    Raises:
        UsageError: There is no target, or a tool cannot be expressed.
    """
    folders = sorted(path.parent for path in lambdas.glob("*/tools.py"))
    if not folders:
        raise UsageError(f"{lambdas}: has no target. A target is a folder with a tools.py.")
    return {folder.name: read_tools(folder / "tools.py") for folder in folders}


def _refuse_repeated(functions: Iterable[Function], path: Path) -> None:
    lines: dict[str, int] = {}
    for function in functions:
        if function.name in lines:
            first, second = lines[function.name], function.lineno
            raise UsageError(f"{path}:{second}: tool {function.name!r} is there already (line {first}). Rename one.")
        lines[function.name] = function.lineno


def _typed_dicts(classes: Mapping[str, ast.ClassDef]) -> dict[str, ast.ClassDef]:
    """The classes that are TypedDicts, by inheritance from one or from TypedDict itself."""
    found: dict[str, ast.ClassDef] = {}
    for name, node in classes.items():
        bases = [getattr(base, "attr", getattr(base, "id", "")) for base in node.bases]
        if any(base == "TypedDict" or base in found for base in bases):
            found[name] = node
    return found


def _tool(function: Function, types: Mapping[str, ast.ClassDef], path: Path) -> ToolSchema:
    where = f"{path}:{function.lineno}: tool {function.name!r}"
    if isinstance(function, ast.AsyncFunctionDef):
        raise UsageError(f"{where} is async; the handler calls plain functions. Write `def {function.name}(...)`.")
    text = docstrings.summary(ast.get_docstring(function) or "")
    if not text:
        raise UsageError(
            f"{where} has no docstring. Write one: its first paragraph tells the model what the tool does."
        )
    described = docstrings.parameters(ast.get_docstring(function) or "")
    schema = _input_schema(function, types, str(path))
    for name in described.keys() - schema.get("properties", {}).keys():
        raise UsageError(f"{where}: its docstring describes {name!r}, which is no parameter. Correct `Args:`.")
    for name, description in described.items():
        schema["properties"][name]["description"] = description
    return {"name": function.name, "description": text, "inputSchema": schema}


def _input_schema(function: ast.FunctionDef, types: Mapping[str, ast.ClassDef], file: str) -> Schema:
    arguments = function.args
    for refused, sign in ((arguments.vararg, "*"), (arguments.kwarg, "**")):
        if refused:
            location = Position(file, f"{function.name} parameter", f"{sign}{refused.arg}")
            raise location.error(refused.lineno, "cannot be expressed in AgentCore's tool schema. Name each parameter.")
    for refused in arguments.posonlyargs:
        location = Position(file, f"{function.name} parameter", refused.arg)
        raise location.error(refused.lineno, "is positional only; tools are called by name. Remove the `/`.")
    properties: dict[str, Schema] = {}
    required: list[str] = []
    for argument, default in _with_defaults(arguments):
        location = Position(file, f"{function.name} parameter", argument.arg)
        properties[argument.arg] = _parameter(argument, default, types, location)
        required += [] if default else [argument.arg]
    if not properties:
        return {"type": "object"}
    return {"type": "object", "properties": properties, "required": required}


def _with_defaults(arguments: ast.arguments) -> list[tuple[ast.arg, ast.expr | None]]:
    without = len(arguments.args) - len(arguments.defaults)
    positional = zip(arguments.args, [*[None] * without, *arguments.defaults], strict=True)
    return [*positional, *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]


def _parameter(
    argument: ast.arg, default: ast.expr | None, types: Mapping[str, ast.ClassDef], location: Position
) -> Schema:
    if argument.annotation is None:
        raise location.error(argument.lineno, f"has no type. Write `{argument.arg}: <type>`.")
    annotation, nullable = tool_types.optional(argument.annotation)
    # The handler leaves out an optional argument that is null, so None must be what the function then gets.
    if nullable and not (isinstance(default, ast.Constant) and default.value is None):
        raise location.error(
            argument.lineno, "may be None, but AgentCore's schema has no null. Write `T | None = None`, or drop `None`."
        )
    return tool_types.schema(annotation, types, location)
