"""Python source -> tool schemas. Tool code is read, never run.

The public top-level functions of a target's `tools.py` are its tools: the first paragraph of the docstring is the
description, its parameters' section describes the parameters, the annotations give their types, a default makes one
optional.
"""

import ast
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NotRequired, TypedDict

from toolgate.components.checks.arguments import UsageError
from toolgate.components.runtime import function_package
from toolgate.components.runtime.function_package import Packages
from toolgate.components.tools import annotations, docstrings, imports, listed_schema, tool_check, tool_types
from toolgate.components.tools.annotations import Place
from toolgate.components.tools.listed_schema import ToolSchema
from toolgate.components.tools.source_files import Function, SourceFile, opened
from toolgate.components.tools.tool_types import Schema

__all__ = ["CheckedTool", "Target", "ToolSchema", "read_target", "read_targets", "read_tools"]


class CheckedTool(TypedDict):
    """One tool as the function checks and converts it, in JSON Schema; see `tool_types.py`."""

    name: str
    """The tool's own name."""
    description: str
    """What it does."""
    inputSchema: Schema
    """Its arguments."""
    outputSchema: NotRequired[Schema]
    """Its result, where it says what that is."""


_NAME_REFUSED = "its name is refused by models. Write 1 to 64 of a-z, A-Z, 0-9 and _."


@dataclass(frozen=True)
class Target:
    """What a target's files say.

    Attributes:
        tools: Its tools as the gateway lists them.
        checked: The same tools as the function checks them.
        warnings: What its author should know, each with file and line.
        packages: What it locks.
    """

    tools: list[ToolSchema]
    checked: list[CheckedTool]
    warnings: list[str]
    packages: Packages | None


def read_tools(path: Path, modules: Collection[str] | None = None) -> list[ToolSchema]:
    """The tools of one target, as the gateway lists them; `read_target` has more of them."""
    return read_target(path, modules).tools


def read_target(path: Path, modules: Collection[str] | None = None) -> Target:
    """What the files of one target say.

    Args:
        path: The target's `tools.py`.
        modules: The top-level modules of its packages; those of what it locks when left out.

    Raises:
        UsageError: The file is missing, is no Python, has no tool, or has one that AgentCore's schema cannot express,
            a file of the folder imports what Lambda will not have, or what it locks cannot be installed. Each mistake
            is on a line of its own.
    """
    mistakes: dict[str, str] = {}
    warnings: list[str] = []
    tools: list[CheckedTool] = []
    try:
        sources, file = opened(path)
        place = Place(sources, file, "", problems=mistakes)
        tools = [_tool(function, place, warnings) for function in _functions(file)]
    except UsageError as error:
        mistakes[str(error)] = str(error)
    needed = None
    try:
        needed = function_package.packages(path.parent) if modules is None else None
        found = imports.missing(path.parent, modules or (needed.modules if needed else ()))
        mistakes |= {str(mistake): str(mistake) for mistake in found}
    except UsageError as error:
        mistakes[str(error)] = str(error)
    if mistakes:
        raise UsageError("\n".join(sorted(dict.fromkeys(mistakes.values()), key=_file_and_line)))
    shown: list[ToolSchema] = [
        {"name": it["name"], "description": it["description"], "inputSchema": listed_schema.listed(it["inputSchema"])}
        for it in tools
    ]
    tool_check.check(shown, str(path))
    return Target(shown, tools, warnings, needed)


def read_targets(lambdas: Path) -> dict[str, list[ToolSchema]]:
    """The tools of every target of a program by target name; a target is a folder with a `tools.py`, and named for it.

    Args:
        lambdas: The folder with the targets' folders.

    Raises:
        UsageError: There is no target, or a tool cannot be expressed. Each mistake of every file is on a line of its
            own.
    """
    folders = sorted(path.parent for path in lambdas.glob("*/tools.py"))
    if not folders:
        raise UsageError(f"{lambdas}: has no target. A target is a folder with a tools.py.")
    targets: dict[str, list[ToolSchema]] = {}
    mistakes: list[str] = []
    for folder in folders:
        try:
            targets[folder.name] = read_tools(folder / "tools.py")
        except UsageError as error:
            mistakes.append(str(error))
    if mistakes:
        raise UsageError("\n".join(mistakes))
    return targets


def _file_and_line(mistake: str) -> tuple[str, int]:
    file, _, rest = mistake.partition(".py:")
    line = rest.partition(":")[0]
    return file, int(line) if line.isdecimal() else 0


def _functions(file: SourceFile) -> list[Function]:
    top_level = [node for node in file.body if node.col_offset == 0]
    found = [node for node in top_level if isinstance(node, Function) and not node.name.startswith("_")]
    if not found:
        raise UsageError(f"{file.path}: has no tool. Write a public function with type annotations and a docstring.")
    lines: dict[str, int] = {}
    for function in found:
        first = lines.setdefault(function.name, function.lineno)
        if first != function.lineno:
            text = f"tool {function.name!r} is there already (line {first}). Rename one."
            raise UsageError(f"{file.path}:{function.lineno}: {text}")
    return found


def _tool(function: Function, place: Place, warnings: list[str]) -> CheckedTool:
    """The tool; its mistakes are noted."""
    name, here = function.name, replace(place, owner=f"tool {function.name!r}")
    said = docstrings.read(ast.get_docstring(function))
    if not said.summary:
        text = "has no docstring. Write one: its first paragraph tells the model what the tool does."
        here.note(UsageError(f"{place.file.path}:{function.lineno}: tool {name!r} {text}"))
    if not tool_check.NAME.fullmatch(name):
        here.note(here.error(function.lineno, _NAME_REFUSED))
    inputs = _input_schema(function, said.parameters, place, warnings)
    tool: CheckedTool = {"name": name, "description": said.summary, "inputSchema": inputs}
    declared = {argument.arg for argument, _ in _with_defaults(function.args)}
    for other in sorted(said.parameters.keys() - declared - _starred(function.args)):
        text = f"its docstring describes {other!r}, which is no parameter. Correct the docstring."
        here.note(here.error(function.lineno, text))
    output = _output_schema(function, place, warnings)
    return tool if output is None else {**tool, "outputSchema": output}


def _input_schema(function: Function, said: Mapping[str, str], place: Place, warnings: list[str]) -> Schema:
    def at(name: str) -> Place:
        return replace(place, owner=f"{function.name} parameter {name!r}")

    arguments = function.args
    for refused, sign in ((arguments.vararg, "*"), (arguments.kwarg, "**")):
        if refused:
            here = at(f"{sign}{refused.arg}")
            text = "cannot be expressed in AgentCore's tool schema. Name each parameter."
            here.note(here.error(refused.lineno, text))
    for refused in arguments.posonlyargs:
        here = at(refused.arg)
        here.note(here.error(refused.lineno, "is positional only; tools are called by name. Remove the `/`."))
    properties: dict[str, Schema] = {}
    required: list[str] = []
    for argument, default in _with_defaults(arguments):
        here = at(argument.arg)
        try:
            properties[argument.arg], is_required = _parameter(argument, default, said.get(argument.arg, ""), here)
        except UsageError as error:
            here.note(error)
            continue
        required += [argument.arg] if is_required else []
        if "description" not in properties[argument.arg]:
            text = "has no description, and the model reads nothing else. Write one into the docstring."
            warnings.append(str(here.error(argument.lineno, text)))
    if not properties:
        return {"type": "object"}
    return {"type": "object", "properties": properties, "required": required}


def _parameter(argument: ast.arg, default: ast.expr | None, said: str, place: Place) -> tuple[Schema, bool]:
    """The parameter's schema, and whether it must be given."""
    if argument.annotation is None:
        raise place.error(argument.lineno, f"has no type. Write `{argument.arg}: <type>`.")
    if not tool_check.PROPERTY_KEY.fullmatch(argument.arg):
        raise place.error(argument.lineno, _NAME_REFUSED)
    it = annotations.declared(argument.annotation, place)
    it.take_default(default)
    tool_types.check_null(it, default is not None, argument.lineno, place)
    return tool_types.place_schema(it, [said, *it.texts]), default is None


def _output_schema(function: Function, place: Place, warnings: list[str]) -> Schema | None:
    here = replace(place, owner=f"{function.name} result", is_result=True)
    if function.returns is None:
        text = "has no type: that it can be sent is not known before it is called. Write `-> <type>`."
        warnings.append(str(here.error(function.lineno, text)))
        return None
    try:
        return tool_types.schema(function.returns, here)
    except UsageError as error:
        here.note(error)
        return None


def _with_defaults(arguments: ast.arguments) -> list[tuple[ast.arg, ast.expr | None]]:
    without = len(arguments.args) + len(arguments.posonlyargs) - len(arguments.defaults)
    defaults = [*[None] * without, *arguments.defaults][len(arguments.posonlyargs) :]
    positional = zip(arguments.args, defaults, strict=True)
    return [*positional, *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]


def _starred(arguments: ast.arguments) -> set[str]:
    """Parameters that are refused already."""
    return {it.arg for it in (arguments.vararg, arguments.kwarg, *arguments.posonlyargs) if it}
