"""Imports of a target's files that its machine on AWS will not find, or that find another module than is meant."""

import ast
import csv
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from toolgate.components.checks.arguments import UsageError
from toolgate.components.tools import target_folder
from toolgate.components.tools.source_files import is_type_checking, parsed
from toolgate.components.tools.target_folder import TARGET, Kind

# Lambda developer guide, "Building Lambda functions with Python": the runtime has boto3 and botocore; the others are
# what these two depend on (their `install_requires`).
OF_THE_RUNTIME = frozenset({"boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six"})
# The standard library's parts for windows on a screen and for other systems. That Lambda's Python lacks tkinter is
# widely reported; its machines are servers without a display, as AgentCore Runtime's are.
_NOT_ON_AWS = frozenset(
    ("tkinter", "_tkinter", "turtle", "turtledemo", "idlelib", "msvcrt", "nt", "winreg", "winsound", "_winapi")
)


@dataclass(frozen=True)
class Machine:
    """What a target's files run on.

    Attributes:
        name: Its name, for messages.
        has: Modules that it has besides Python's.
    """

    name: str
    has: frozenset[str]


LAMBDA, AGENTCORE = Machine("Lambda", OF_THE_RUNTIME), Machine("AgentCore Runtime", frozenset())
_MISSING = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


def missing(
    folder: Path, packages: Collection[str], kind: Kind = TARGET, machine: Machine = LAMBDA
) -> Iterator[UsageError]:
    """The imports that fail on AWS, and the files that stand in others' way, each as the error to raise.

    Left out is what a function can do without: imports for type checkers, and those in a `try` that takes an
    ImportError, and what only runs where a file is the program.

    Args:
        folder: The target's folder.
        packages: The top-level names that its requirements can be imported by.
        kind: What is put beside its files.
        machine: What they run on.
    """
    files = [path for path in target_folder.shipped(folder, kind) if path.suffix == ".py"]
    own = {path.relative_to(folder).parts[0].removesuffix(".py") for path in files}
    own |= {path.name.partition(".")[0] for path in folder.glob("*.so")}
    vendored = _vendored(folder)
    there = {*packages, *own, *_beside(kind), *machine.has, *(sys.stdlib_module_names - _NOT_ON_AWS)}
    for path in files:
        if path in vendored:
            continue
        if hides := _hidden_by(path.relative_to(folder), kind, machine):
            yield UsageError(
                f"{path}: has the name of {hides!r}, which is there already: some imports find the one, some the "
                "other. Rename it."
            )
        try:
            found = list(_imports(parsed(path).body))
        except UsageError as error:
            yield error
            continue
        is_in_package = path.parent != folder
        for line, name in found:
            if not name and not is_in_package:
                yield UsageError(
                    f"{path}:{line}: a relative import fails here: the folder is no package. Write `import NAME`."
                )
            elif name and name not in there:
                yield UsageError(f"{path}:{line}: imports {name!r}, {_instead(name, folder, machine)}")


def _beside(kind: Kind) -> set[str]:
    return {name.removesuffix(".py") for name in kind.beside}


def _hidden_by(inside: Path, kind: Kind, machine: Machine) -> str | None:
    """The module of Python's, or of ours, that a file of the folder has the name of; nothing where both can be.

    What Lambda's runtime has imported before is found in its stead by tools, dispatcher and packages; any other not.
    """
    is_package = len(inside.parts) == 2 and inside.name == "__init__.py"
    name = inside.parts[0].partition(".")[0]
    taken = machine.has | (sys.stdlib_module_names - _NOT_ON_AWS)
    if is_package:  # Python takes it before a file of the same name
        taken |= _beside(kind) | {kind.code.removesuffix(".py")}
    return name if (is_package or len(inside.parts) == 1) and name in taken else None


def _instead(name: str, folder: Path, machine: Machine) -> str:
    if name in _NOT_ON_AWS:
        return f"which Python has not on {machine.name}. Remove it."
    return (
        f"which {machine.name} will not have. Add its package to {folder / target_folder.REQUIREMENTS}, then run "
        "`toolgate lock`; or remove the import."
    )


def _vendored(folder: Path) -> set[Path]:
    """Files that a package installer put here: what they import is the package's affair."""
    found: set[Path] = set()
    for record in folder.glob("*.dist-info/RECORD"):
        with record.open(newline="", encoding="utf-8") as file:
            found |= {folder / row[0] for row in csv.reader(file) if row}
    return found


def _imports(body: list[ast.stmt]) -> Iterator[tuple[int, str]]:
    """Line and top-level name of each import that must be found; "" for one that is relative."""
    for statement in body:
        if isinstance(statement, ast.Import):
            yield from ((statement.lineno, it.name.partition(".")[0]) for it in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            yield statement.lineno, "" if statement.level else (statement.module or "").partition(".")[0]
        elif isinstance(statement, ast.If) and _is_never_true(statement.test):
            yield from _imports(statement.orelse)
        elif isinstance(statement, ast.Try | ast.With) and _takes_import_errors(statement):
            rest = [] if isinstance(statement, ast.With) else statement.handlers
            yield from _imports([inner for handler in rest for inner in handler.body])
            if isinstance(statement, ast.Try):
                yield from _imports([*statement.orelse, *statement.finalbody])
        else:
            for inner in ast.iter_child_nodes(statement):
                if isinstance(inner, ast.stmt | ast.ExceptHandler | ast.match_case):
                    yield from _imports(inner.body if not isinstance(inner, ast.stmt) else [inner])


def _is_never_true(test: ast.expr) -> bool:
    """Whether the test fails on AWS: it is for type checkers, or for a file that is run by itself."""
    return is_type_checking(test) or ast.unparse(test) == "__name__ == '__main__'"


def _takes_import_errors(statement: ast.Try | ast.With) -> bool:
    if isinstance(statement, ast.With):
        names = [it.context_expr for it in statement.items]
        return any("suppress" in ast.unparse(it) and _names(it) & _MISSING for it in names)
    return any(handler.type is None or _names(handler.type) & _MISSING for handler in statement.handlers)


def _names(node: ast.expr) -> set[str]:
    return {it.id for it in ast.walk(node) if isinstance(it, ast.Name)}
