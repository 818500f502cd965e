"""The Python files of a target's folder, read and never run: what a name in them means."""

import ast
import builtins
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from toolgate.components.checks.arguments import UsageError

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class SourceFile:
    """One file.

    Attributes:
        path: Where it is, for messages.
        name: The name by which the function's files import it.
        body: Its top-level statements; those under `if` and `try` among them.
        imports: What its imported names stand for, dotted: `D` -> `decimal.Decimal`.
        stars: The modules of which it imports every name.
        classes: Its classes.
        values: What its other names are assigned, aliases of types among them.
    """

    path: Path
    name: str
    body: Sequence[ast.stmt]
    imports: Mapping[str, str]
    stars: Sequence[str]
    classes: Mapping[str, ast.ClassDef]
    values: Mapping[str, ast.expr]


@dataclass(frozen=True)
class Class:
    """A class of the folder."""

    file: SourceFile
    node: ast.ClassDef

    @property
    def path(self) -> str:
        """How the running function finds it: `module:name`."""
        return f"{self.file.name}:{self.node.name}"


@dataclass(frozen=True)
class Value:
    """What a name of the folder is assigned: the alias of a type, or a constant."""

    file: SourceFile
    node: ast.expr


type Meaning = Class | Value | str | None
"""What a name means: something of the folder; the dotted name of something that is not, such as `datetime.date`, or the
plain one of a builtin; None where nothing of that name is known."""


@dataclass(frozen=True)
class Sources:
    """The files of one folder, each read when it is asked for."""

    folder: Path
    _read: dict[str, SourceFile | None] = field(default_factory=dict)

    def file(self, name: str) -> SourceFile | None:
        """The file that `import name` finds in the folder, if there is one.

        Raises:
            UsageError: It cannot be read, or is no Python.
        """
        if name not in self._read:
            parts = name.split(".")
            found = [self.folder.joinpath(*parts).with_suffix(".py"), self.folder.joinpath(*parts, "__init__.py")]
            path = next((it for it in found if all(parts) and it.is_file()), None)
            self._read[name] = _source_file(path, name) if path else None
        return self._read[name]

    def meaning(self, node: ast.expr, file: SourceFile) -> Meaning:
        """What a name, or a dotted one, means where it stands."""
        dotted = _dotted(node)
        return self._named(file, dotted, ()) if dotted else None

    def _named(self, file: SourceFile, dotted: str, asked: tuple[tuple[str, str], ...]) -> Meaning:
        first, _, rest = dotted.partition(".")
        if (file.name, dotted) in asked:
            return None
        asked = (*asked, (file.name, dotted))
        if not rest and first in file.classes:
            return Class(file, file.classes[first])
        if not rest and first in file.values:
            return Value(file, file.values[first])
        if first in file.imports:
            return self._imported(".".join(filter(None, (file.imports[first], rest))), asked)
        for module in file.stars:
            found = self._imported(f"{module}.{dotted}", asked)
            if found is not None and (not isinstance(found, str) or not hasattr(builtins, first)):
                return found
        return dotted if hasattr(builtins, first) or first == "None" else None

    def _imported(self, dotted: str, asked: tuple[tuple[str, str], ...]) -> Meaning:
        parts = dotted.split(".")
        for count in range(len(parts), 0, -1):
            file = self.file(".".join(parts[:count]))
            if file is not None:
                rest = ".".join(parts[count:])
                return self._named(file, rest, asked) if rest else None
        return dotted


def opened(path: Path) -> tuple[Sources, SourceFile]:
    """A file, and its folder's others.

    Raises:
        UsageError: It cannot be read, or is no Python.
    """
    file = _source_file(path, path.stem)
    return Sources(path.parent, {path.stem: file}), file


def parsed(path: Path) -> ast.Module:
    """The file's syntax tree.

    Raises:
        UsageError: It cannot be read, or is no Python.
    """
    try:
        # Bytes: Python itself takes a byte order mark and a line that names the encoding.
        return ast.parse(path.read_bytes(), filename=str(path))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error}). A target is a folder with a tools.py.") from error
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:  # the last two: nested too deeply
        line = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        text = error.msg if isinstance(error, SyntaxError) else str(error) or "it is nested too deeply"
        hint = " Save it as UTF-8." if "null bytes" in text or "utf-8" in text else ""
        raise UsageError(f"{path}{line}: is not valid Python: {text}.{hint}") from error


def is_type_checking(test: ast.expr) -> bool:
    """Whether what stands under `if <test>:` is for type checkers only."""
    return _dotted(test).rpartition(".")[2] == "TYPE_CHECKING"


def _source_file(path: Path, name: str) -> SourceFile:
    body = list(_statements(parsed(path).body))
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    imports: dict[str, str] = {}
    stars: list[str] = []
    for statement in body:
        if isinstance(statement, ast.Import):
            for it in statement.names:
                top = it.name.partition(".")[0]
                imports[it.asname or top] = it.name if it.asname else top
        elif isinstance(statement, ast.ImportFrom):
            module = _absolute(statement, package)
            stars += [module for it in statement.names if it.name == "*"]
            imports |= {it.asname or it.name: f"{module}.{it.name}".lstrip(".") for it in statement.names}
    classes = {it.name: it for it in body if isinstance(it, ast.ClassDef)}
    return SourceFile(path, name, body, imports, stars, classes, dict(_values(body)))


def _absolute(statement: ast.ImportFrom, package: str) -> str:
    if not statement.level:
        return statement.module or ""
    parts = package.split(".")
    above = parts[: len(parts) - statement.level + 1]
    return ".".join(filter(None, (*above, statement.module)))


def _statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        yield statement
        if isinstance(statement, ast.If | ast.Try):
            yield from _statements(statement.body)
            yield from _statements(statement.orelse)


def _values(body: Sequence[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    for statement in body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            yield statement.targets[0].id, statement.value
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
            yield statement.target.id, statement.value
        elif isinstance(statement, ast.TypeAlias) and not statement.type_params:
            yield statement.name.id, statement.value


def _dotted(node: ast.expr) -> str:
    """`a.b.c` of such an expression, "None" for None, "" for any other."""
    if isinstance(node, ast.Constant) and node.value is None:
        return "None"
    if isinstance(node, ast.Attribute):
        before = _dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return node.id if isinstance(node, ast.Name) else ""
