"""Packages that import their names when these are asked for, and not all of them at once.

The `__init__` of a library's package often does nothing but import every name that the package has: mcp's brings its
servers along, strands' its plugins, sandboxes and stores, and the agent uses none of these. Half of the agent's start
was spent there. Here such an `__init__` is read, and each of its names is imported from where it says, by whoever asks
first: nothing is left out and nothing is put in its place, it only comes later (as PEP 810 has it from Python 3.15 on).

A few modules are run without what some of their imports bring along. Their functions that use it import it when they
come to it. Lines that use it at once wait until somebody asks for one of their names: then the whole module is run.
Others, which their importers know as modules, are run at the first look into them (`importlib.util.LazyLoader`).

An `__init__` that does anything else is run as it is. So a new version of a library can make the agent slower, and
nothing more; tests/agent/test_lazy.py says which of the packages are read so, and that their names are the same.
"""

import ast
import marshal
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import MAGIC_NUMBER, LazyLoader, cache_from_source, resolve_name, source_hash
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

PACKAGES = frozenset(
    {
        "bedrock_agentcore",
        "bedrock_agentcore.config_bundle",
        "bedrock_agentcore.runtime",
        "mcp",
        "strands",
        "strands.experimental",
        "strands.memory",
        "strands.models",
        "strands.plugins",
        "strands.sandbox",
        "strands.session",
        "strands.storage",
        "strands.storage.search",
        "strands.telemetry",
        "strands.tools.mcp",
    }
)
WITHOUT = {
    "botocore.docs": "botocore.docs.service",  # what writes the documentation of a whole service
    "botocore.docs.docstring": "botocore.docs",  # and that of a method: each client has it written when it is read
    "boto3.docs": "boto3.docs.service",
    "boto3.docs.docstring": "boto3.docs",
    "boto3.compat": "s3transfer",  # a constant for transfers of files
    "mcp.shared.memory": "mcp.server",  # a client and a server in one process; strands takes a type from the module
    "packaging.requirements": "packaging",  # OpenTelemetry asks whether threads may be instrumented, which need nothing
    # What an agent asks whether it is to have a context manager; the shipped one has a window of its own.
    "strands._context_manager.context_manager": "strands._context_manager",
    # A tool that is made at import, for models that are given none. Its text is read by all styles of docstrings.
    "strands.agent.conversation_manager.summarizing_conversation_manager": "strands.tools._tool_helpers",
    "strands.models.bedrock": "strands.tools._tool_helpers",
    "strands.tools._tool_helpers": "strands.tools.decorator",
    "strands.tools.watcher": "watchdog.observers",  # who looks for changed files in a folder of tools
    "uvicorn": "uvicorn.main",  # its command line; `server` takes what it needs from where it is
}
"""A module, and the package that it is run without as long as it can be."""
WHEN_USED = frozenset(
    {
        "botocore.retryhandler",  # of another way to retry than the agent's
        "botocore.waiter",
        "dateutil.relativedelta",
        "docstring_parser",
        "jmespath.parser",  # of what paginators and waiters look for
        "logging.config",
        "packaging.version",
    }
)
"""Modules that are imported as such, for names within them that the agent has no use for."""
# httpx's command line and HTTP/2, tried at import. The zip has neither rich nor h2, which they need. Where something
# else brings these along, as in this project's environment, the agent does without all the same.
_NOT_SHIPPED = ("httpx._main", "httpcore._async.http2", "httpcore._sync.http2")
# strands' modules import each other in a circle, which holds only where it is entered as the package itself does.
_FIRST = {"strands": "strands.agent"}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SCOPES = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

type Origin = tuple[str, str | None]
"""The module that a name is imported from, and the name it has there; None where it is that module itself."""


def install() -> None:
    """Import these packages so from now on; those that are there already stay as they are."""
    sys.meta_path.insert(0, _Finder())
    for module in _NOT_SHIPPED:
        sys.modules.setdefault(module, None)  # type: ignore[arg-type]  # typeshed has modules only
    # To look for plugins of pydantic is to read the metadata of every package. The zip has none.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from pydantic import BaseModel  # noqa: PLC0415  # behind the open door

    # MCP has 200 models, of which an agent uses a tenth. Each is built when it is first used.
    BaseModel.model_config["defer_build"] = True


class _Finder(MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        is_late = name in PACKAGES or name in WITHOUT
        spec = PathFinder.find_spec(name, path, target) if is_late or name in WHEN_USED else None
        if spec is None or type(spec.loader) is not SourceFileLoader:
            return None
        spec.loader = _Late(spec.loader.name, spec.loader.path) if is_late else LazyLoader(spec.loader)
        return spec


class _Late(SourceFileLoader):
    """Runs a module's late form. Its bytecode lies beside that of the whole module, where `prepare` has left it."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        if module.__name__ in _FIRST:
            import_module(_FIRST[module.__name__])

    def source_to_code(  # type: ignore[override]  # typeshed has it static; importlib calls it on the loader
        self, data: Any, path: Any, *, _optimize: int = -1
    ) -> CodeType:
        body = _late(ast.parse(data).body, self.name, Path(path))
        return compile(ast.Module(body, []), path, "exec", dont_inherit=True, optimize=_optimize)

    def get_data(self, path: str) -> bytes:
        return super().get_data(_beside(path))

    def set_data(self, path: str, data: Any, *, _mode: int = 0o666) -> None:
        """Leave none: Python would not see that this module has changed."""


def prepare() -> None:
    """Leave bytecode of the late forms beside that of the packages in this folder, which nobody changes any more."""
    for name in sorted(PACKAGES | WITHOUT.keys()):
        path = Path(*name.split("."))
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if path.is_file():
            source = path.read_bytes()
            code = _Late(name, str(path)).source_to_code(source, path.as_posix())
            # PEP 552: the bytecode is taken as it is, without a look at the source.
            header = MAGIC_NUMBER + (1).to_bytes(4, "little") + source_hash(source)
            Path(_beside(cache_from_source(path))).write_bytes(header + marshal.dumps(code))


def _beside(path: str) -> str:
    return f"{path.removesuffix('.pyc')}.opt-late.pyc" if path.endswith(".pyc") else path


def _late(body: list[ast.stmt], name: str, path: Path) -> list[ast.stmt]:
    """The statements of a module's late form; the whole of it, if a package does more than import names."""
    if name in PACKAGES:
        origins = names(body, name, path.parent)
        if origins is None:
            return body
        kept = [it for it in body if not _is_own_import(it, name)]
        return [*kept, *_statements(f"__import__('lazy').finds_in_package(__name__, {origins!r})")]
    parent = name if path.name == "__init__.py" else name.rpartition(".")[0]
    kept, origins, missing = without(body, WITHOUT[name], parent)
    first = next((index for index, it in enumerate(kept) if not _is_ahead(it)), len(kept))
    finds = _statements(f"__import__('lazy').finds_in_module(__name__, {origins!r}, {sorted(missing)!r})")
    return [*kept[:first], *finds, *kept[first:]]


def _statements(source: str) -> list[ast.stmt]:
    return ast.parse(source).body


def _is_ahead(statement: ast.stmt) -> bool:
    """Whether Python wants a statement to be the first of a module, or takes its text only there."""
    is_of_future = isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
    return is_of_future or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))


def finds_in_package(package: str, origins: dict[str, Origin]) -> None:
    """Have a package find names where they come from; for its late form."""
    module = sys.modules[package]
    otherwise = module.__dict__.get("__getattr__")

    def find(name: str) -> Any:
        return _found(module, name, origins[name]) if name in origins else _submodule(module, name, otherwise)

    module.__dict__["__getattr__"] = find


def finds_in_module(name: str, origins: dict[str, Origin], missing: Sequence[str]) -> None:
    """Have a module find names where they come from, or by being run as a whole; for its late form."""
    module = sys.modules[name]
    making = threading.RLock()

    def find(name: str) -> Any:
        if name in origins:
            return _found(module, name, origins[name])
        if name not in missing:
            return _submodule(module, name)
        with making:
            if name not in module.__dict__:
                SourceFileLoader(module.__name__, str(module.__file__)).exec_module(module)
        return module.__dict__[name]

    class Unfinished(ModuleType):
        def __setattr__(self, name: str, value: Any) -> None:
            # A module within it that somebody imports may have the name of something in it, which has to stay.
            if not (name in missing or name in origins) or not isinstance(value, ModuleType):
                super().__setattr__(name, value)

    module.__class__ = Unfinished
    module.__dict__["__getattr__"] = find


def _found(module: ModuleType, name: str, origin: Origin) -> Any:
    """A name of a module, imported from where it comes from."""
    source, original = origin
    found = import_module(source)
    value = module.__dict__[name] = found if original is None else getattr(found, original)
    return value


def _submodule(module: ModuleType, name: str, otherwise: Callable[[str], Any] | None = None) -> Any:
    """A module of a package: all that its `__init__` imports are there as attributes, too, once they are imported."""
    for folder in module.__dict__.get("__path__", ()):
        if (Path(folder) / f"{name}.py").is_file() or (Path(folder) / name / "__init__.py").is_file():
            return import_module(f"{module.__name__}.{name}")
    if otherwise:
        return otherwise(name)
    raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")


def without(body: Sequence[ast.stmt], package: str, parent: str) -> tuple[list[ast.stmt], dict[str, Origin], set[str]]:
    """What of a module can be run without a package.

    Args:
        body: The module's statements; their functions are given the imports that they need.
        package: What is not to be imported.
        parent: The package that the module is in, or is.

    Returns:
        The statements, where the names come from that are not imported, and the names that are missing besides.
    """
    kept: list[ast.stmt] = []
    origins: dict[str, Origin] = {}
    missing: set[str] = set()
    are_texts = any("from __future__ import annotations" in ast.unparse(it) for it in body if _is_ahead(it))
    for statement in body:
        if isinstance(statement, ast.ImportFrom):
            imported = dict(_imported(statement, parent))
            if all(f"{module}.".startswith(f"{package}.") for module, _ in imported.values()):
                origins |= imported
                continue
        if _read(_at_once(statement, are_texts=are_texts)) & origins.keys() or _read(ast.walk(statement)) & missing:
            missing |= _made(statement)
        else:
            _import_where_used(statement, origins)
            kept.append(statement)
    return kept, origins, missing


def _import_where_used(node: ast.AST, origins: dict[str, Origin]) -> None:
    """Have the functions in a statement import what they use of these names, each where it is come to."""
    if isinstance(node, _FUNCTIONS):
        _fill(node.body, {name: origin for name, origin in origins.items() if name not in _bound(node)})
        return
    for child in ast.iter_child_nodes(node):
        _import_where_used(child, origins)


def _fill(block: list[ast.stmt], origins: dict[str, Origin]) -> None:
    """Put imports before those statements of a function that use these names, and of the blocks in them."""
    filled: list[ast.stmt] = []
    for statement in block:
        for name in sorted(_read(_evaluated(statement)) & origins.keys()):
            filled.append(ast.fix_missing_locations(ast.copy_location(_import(name, origins[name]), statement)))
        if isinstance(statement, _FUNCTIONS):
            _import_where_used(statement, origins)
        elif not isinstance(statement, ast.ClassDef):
            for inner in _blocks(statement):
                _fill(inner, origins)
        filled.append(statement)
    block[:] = filled


def _evaluated(statement: ast.stmt) -> Iterator[ast.AST]:
    """What of a function's statement is run with it, without the blocks in it. What is in a class sees the function."""
    if isinstance(statement, ast.ClassDef):
        yield from ast.walk(statement)
        return
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        yield node
        for field, value in ast.iter_fields(node):
            # A function does not look at what its own variables are said to be.
            if not (isinstance(node, ast.AnnAssign) and field == "annotation"):
                children = value if isinstance(value, list) else [value]
                waiting += [it for it in children if isinstance(it, ast.AST) and not isinstance(it, ast.stmt)]


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """The blocks in a statement, not those within them."""
    for _, value in ast.iter_fields(node):
        if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
            yield value
        elif isinstance(value, list):  # of an `except`, of a `case`
            for it in value:
                if isinstance(it, ast.ExceptHandler | ast.match_case):
                    yield it.body


def _bound(function: Any) -> set[str]:
    """The names that are a function's own: its arguments, and what it gives a value."""
    own = {it.arg for it in ast.walk(function.args) if isinstance(it, ast.arg)}
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        own |= _names_bound_by(node)
        if not isinstance(node, (*_FUNCTIONS, ast.ClassDef, *_SCOPES)):
            waiting += ast.iter_child_nodes(node)
    return own


def _names_bound_by(node: ast.AST) -> set[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.MatchMapping(rest=str(name)):
            return {name}
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            return {name}
        case ast.alias():
            return {node.asname or node.name.partition(".")[0]}
        case ast.Nonlocal():
            return set(node.names)
    return set()


def _import(name: str, origin: Origin) -> ast.stmt:
    module, original = origin
    if original is None:
        module, _, original = module.rpartition(".")
    return ast.ImportFrom(module, [ast.alias(original, None if name == original else name)], 0)


def _at_once(node: ast.AST, *, are_texts: bool) -> Iterator[ast.AST]:
    """What of a statement is run with it, and not when a function in it is called.

    Args:
        node: The statement.
        are_texts: Whether annotations of functions are not looked at either.
    """
    yield node
    for field, value in ast.iter_fields(node):
        if isinstance(node, _FUNCTIONS) and field == "body":
            # What a function declares to be the module's, it cannot import.
            yield from (it for it in ast.walk(node) if isinstance(it, ast.Global))
            continue
        if are_texts and (field == "returns" or (isinstance(node, ast.arg) and field == "annotation")):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _at_once(child, are_texts=are_texts)


def _read(nodes: Iterable[ast.AST]) -> set[str]:
    """The names in nodes."""
    found = set()
    for node in nodes:
        found |= {node.id} if isinstance(node, ast.Name) else set(node.names) if isinstance(node, ast.Global) else set()
    return found


def _made(statement: ast.stmt) -> set[str]:
    """The names that a statement gives the module; those within a definition are its own."""
    if isinstance(statement, (*_FUNCTIONS, ast.ClassDef)):
        return {statement.name}
    nodes = list(ast.walk(statement))
    imported = {node.asname or node.name for node in nodes if isinstance(node, ast.alias)}
    return imported | {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def names(body: Sequence[ast.stmt], package: str, folder: Path) -> dict[str, Origin] | None:
    """Where the names of a package come from.

    Args:
        body: The statements of its `__init__`.
        package: Its name.
        folder: Where it is.

    Returns:
        None if its `__init__` does more than import names, or if a name is also that of another module in it, which
        Python would put in the name's place.
    """
    found: dict[str, Origin] = {}
    used: set[str] = set()
    for statement in body:
        if _is_own_import(statement, package):
            found |= dict(_imported(statement, package))
        elif not _is_harmless(statement):
            return None
        else:
            used |= {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
    with os.scandir(folder) as entries:
        modules = {entry.name.removesuffix(".py") for entry in entries}
    for name, (module, original) in found.items():
        is_its_own = (module, original) == (f"{package}.{name}", None)
        if name == "*" or (name in modules and not is_its_own):
            return None
    return None if used & found.keys() else found


def _is_own_import(statement: ast.stmt, package: str) -> bool:
    """Whether a statement imports names from the library that the package is part of."""
    if not isinstance(statement, ast.ImportFrom):
        return False
    return statement.level > 0 or (statement.module or "").split(".")[0] == package.split(".", maxsplit=1)[0]


def _is_harmless(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Assign):
        values = [node for node in ast.walk(statement.value) if not isinstance(node, ast.List | ast.expr_context)]
        return all(isinstance(node, ast.Constant) for node in values)
    is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return is_text or isinstance(statement, ast.FunctionDef) or _is_of_typing(statement)


def _is_of_typing(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module in ("typing", "__future__")


def _imported(statement: Any, package: str) -> Iterator[tuple[str, Origin]]:
    module = resolve_name("." * statement.level + (statement.module or ""), package)
    for one in statement.names:
        # `from . import one` is a module of its own.
        origin = (module, one.name) if statement.module else (f"{module}.{one.name}", None)
        yield one.asname or one.name, origin
