"""Where something stands that a person may change: a setting of a stack's file, a call or a text in a program's source.

Nothing of a program is run: its settings are read by the nodes of the YAML, its source by the syntax tree.
"""

import ast
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from toolgate.access.deployment.text_file import TextFileError, read_text
from toolgate.local.engine import settings_file
from toolgate.local.engine.stack_config import ConfigError, program_folder, project_name
from toolgate.local.engine.stack_config import settings_file as settings_of

NAMESPACE = "toolgate"
_SETTINGS_MODULE = "stack_settings"
"""Of the components: the program that reads it takes what it deploys from the settings `toolgate:`."""
_NOT_OURS = {"node_modules", "tests", "dist", "__pycache__"}
_MOST_FILES = 300


@dataclass(frozen=True)
class Place:
    """A line of a file.

    Attributes:
        file: The file, relative to the program's folder.
        line: The line, from 1; None where it is not known, or the file is empty.
        code: The line's text.
        whole: Whether it is what was looked for; else what that would stand below.
    """

    file: str
    line: int | None = None
    code: str | None = None
    whole: bool = True


def has_settings(program: Path) -> bool:
    """Whether the program takes what it deploys from the settings `toolgate:`, as the one that is shipped does."""
    main = _folder(program) / "__main__.py"
    return any(
        isinstance(node, ast.ImportFrom | ast.Import)
        and (
            any(name.name.endswith(_SETTINGS_MODULE) for name in node.names)
            or (getattr(node, "module", None) or "").endswith(f".{_SETTINGS_MODULE}")
        )
        for node in ast.walk(_tree(main))
    )


def of_setting(program: Path, stack: str, *keys: str) -> Place | None:
    """Where a setting stands in the stack's file, or the nearest key above it where it does not.

    Args:
        program: The folder of the project's file.
        stack: The stack's name.
        keys: The setting without its namespace, and what is below it: `agents`, `greeter`, `tools`.
    """
    try:
        file, project = settings_of(program, stack), project_name(program)
    except ConfigError:
        return None
    if not file.is_file():
        return None
    first = {f"{NAMESPACE}:{keys[0]}", *([keys[0]] if project == NAMESPACE else [])}
    found = settings_file.lines(file, [{"config"}, first, *({key} for key in keys[1:])])
    return _place(program, file, found[-1] if found else None, whole=len(found) > len(keys))


def of_component(program: Path, kind: str, name: str, argument: str = "") -> Place | None:
    """The call that makes a component, or the argument in it.

    Args:
        program: The folder of the project's file.
        kind: The component's class.
        name: The component's name. A single call whose name is none that can be read makes all of them.
        argument: The argument that is looked for.
    """
    calls = [(file, call) for file, call in _calls(program) if _called(call) == kind]
    named = [found for found in calls if _first(found[1]) == name]
    found = named or ([calls[0]] if len(calls) == 1 and _first(calls[0][1]) is None else [])
    if len(found) != 1:
        return None
    [(file, call)] = found
    line = _argument(call, argument)
    return _place(program, file, line or call.lineno, whole=not argument or line is not None)


def of_resource(program: Path, name: str) -> Place | None:
    """The one call that makes a resource of this name."""
    return _only(program, [(file, call.lineno) for file, call in _calls(program) if _first(call) == name])


def of_text(program: Path, text: str) -> Place | None:
    """The one place of the source where this text is written."""
    return _only(
        program,
        [
            (file, node.lineno)
            for file, tree in _sources(program)
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and node.value == text
        ],
    )


def of_function(program: Path, file: Path, name: str) -> Place | None:
    """A function in a file; None where it is not there."""
    lines = [
        node.lineno
        for node in _tree(file).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name
    ]
    return _place(program, file, lines[0]) if lines else None


def variable_of(program: Path, kind: str, name: str) -> str | None:
    """The variable that holds a component."""
    for _, tree in _sources(program):
        for node in ast.walk(tree):
            match node:
                case (
                    ast.Assign(targets=[ast.Name(id=variable)], value=ast.Call() as call)
                    | ast.AnnAssign(target=ast.Name(id=variable), value=ast.Call() as call)
                ):
                    if _called(call) == kind and _first(call) == name:
                        return variable
    return None


def made_as(label: str, suffix: str = "") -> str:
    """The name of the component that made a resource, from the label of that and what its own name ends with."""
    return label.partition("'")[2].removesuffix("'").removesuffix(suffix)


def _only(program: Path, found: Sequence[tuple[Path, int]]) -> Place | None:
    return _place(program, *found[0]) if len(found) == 1 else None


def _place(program: Path, file: Path, line: int | None, *, whole: bool = True) -> Place | None:
    try:
        text = read_text(file).splitlines()
        name = file.resolve().relative_to(program.resolve(), walk_up=True).as_posix()
    except (TextFileError, ValueError):
        return None
    code = text[line - 1] if line and line <= len(text) else None
    return Place(name, line, code, whole)


def _calls(program: Path) -> Iterator[tuple[Path, ast.Call]]:
    for file, tree in _sources(program):
        yield from ((file, node) for node in ast.walk(tree) if isinstance(node, ast.Call))


def _sources(program: Path) -> Iterator[tuple[Path, ast.Module]]:
    """The program's modules, at `__main__.py` and below it; that alone where the settings say all the rest."""
    folder = _folder(program)
    files = [folder / "__main__.py"] if has_settings(program) else islice(_python_files(folder), _MOST_FILES)
    yield from ((file, _tree(file)) for file in files)


def _python_files(folder: Path) -> Iterator[Path]:
    for at, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _of_others(Path(at, name)))
        yield from (Path(at, name) for name in sorted(files) if name.endswith(".py"))


def _of_others(folder: Path) -> bool:
    """Whether it holds what is made or installed: an environment, or what hidden folders are for."""
    return folder.name in _NOT_OURS or folder.name.startswith(".") or (folder / "pyvenv.cfg").exists()


def _folder(program: Path) -> Path:
    with suppress(ConfigError):
        return program_folder(program)
    return program


def _tree(file: Path) -> ast.Module:
    """The syntax tree; an empty one of what cannot be read, as an editor leaves it half written."""
    try:
        return ast.parse(read_text(file))
    except (TextFileError, SyntaxError, ValueError, RecursionError):
        return ast.Module([], [])


def _called(call: ast.Call) -> str | None:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return None


def _first(call: ast.Call) -> str | None:
    match call.args:
        case [ast.Constant(value=str(name)), *_]:
            return name
    return None


def _argument(call: ast.Call, name: str) -> int | None:
    for node in ast.walk(call):
        match node:
            case ast.Dict(keys=keys, values=_):
                for key in keys:
                    if isinstance(key, ast.Constant) and key.value == name:
                        return key.lineno
            case ast.keyword(arg=str(given)) if given == name:
                return node.value.lineno
    return None
