"""Write the bytecode of what this project uses of its packages: 2,000 modules of 9,000, a minute less.

Which those are is read from the project's own sources: every import, and every service that is named `aws.<service>`.
Importing them writes the bytecode, also where the shell says that Python should write none (PYTHONDONTWRITEBYTECODE):
without it every start of the program takes twice as long. The rest is compiled by whoever imports it first.
"""

import ast
import importlib
import sys
import warnings
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from io import StringIO
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def imported(source: str) -> Iterator[str]:
    """The modules that a Python source imports, wherever in it, and the services of AWS that it names."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "aws":
            yield f"pulumi_aws.{node.attr}"


def sources(root: Path) -> Iterator[Path]:
    """The project's Python files, without its environments and what was built."""
    for entry in root.iterdir():
        if entry.is_dir() and not entry.name.startswith(".") and entry.name != "dist":
            yield from (path for path in entry.rglob("*.py") if ".venv" not in path.parts)
        elif entry.suffix == ".py":
            yield entry


def main(root: Path = ROOT) -> int:
    """Import what the project in `root` imports; return 0: what cannot be imported here is compiled another time."""
    sys.dont_write_bytecode = False
    found = {name for path in sources(root) for name in imported(path.read_text(encoding="utf-8"))}
    ours = {path.stem for path in root.iterdir()} | {path.stem for path in (root / "agent").glob("*")}
    warnings.simplefilter("ignore")
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        for name in sorted(found):
            if name.partition(".")[0] not in ours | {"__main__", "__future__"}:
                with suppress(Exception):
                    importlib.import_module(name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
