"""An interceptor's code, read and never run: what its functions look at, and what they ask for.

The library (`interceptors/intercept.py`) finds out the same when it imports the code, and denies everything where that
is something else than what stands in the function's variable, which is made of this.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from toolgate.components.checks.arguments import UsageError
from toolgate.components.runtime import function_package, python_function
from toolgate.components.runtime.function_package import Packages
from toolgate.components.tools import imports, target_folder
from toolgate.components.tools.source_files import Function, SourceFile, Sources, opened, parsed
from toolgate.components.tools.target_folder import SECRET_VALUES, Kind

LIBRARY = ("intercept.py", "mcp_messages.py", "supervised.py")
"""What is shipped with every interceptor."""
CALLERS = "callers.py"
"""What is shipped where a function asks for the caller."""
INTERCEPTOR = Kind("interceptor.py", "settings.py", (*LIBRARY, CALLERS, SECRET_VALUES))
REQUEST, RESPONSE = "REQUEST", "RESPONSE"
"""Where a gateway asks its interceptors (botocore bedrock-agentcore-control `GatewayInterceptionPoint`)."""
HEADERS, CLAIMS, CALLER = "Headers", "Claims", "Caller"
"""What a function may ask for by the annotation of a further parameter."""
_MODULE = "intercept"
# Tools' names, and `*` for any characters. Of what else a pattern may hold not every reader has one idea.
_PATTERN = re.compile(r"[a-zA-Z0-9_*-]+")


@dataclass(frozen=True)
class Decorator:
    """What registers a function.

    Attributes:
        takes: The type of the function's first parameter.
        points: Where it is carried out.
        with_patterns: Whether it names tools.
        example: How it is written.
    """

    takes: str
    points: tuple[str, ...]
    with_patterns: bool
    example: str


DECORATORS = {
    "on_call": Decorator("Call", (REQUEST,), True, '@on_call("orders___*")'),
    "on_result": Decorator("Result", (RESPONSE,), True, '@on_result("*")'),
    "filter_tools": Decorator("Tool", (RESPONSE,), False, "@filter_tools"),
    "filter_prompts": Decorator("Prompt", (REQUEST, RESPONSE), False, "@filter_prompts"),
    "filter_resources": Decorator("Resource", (REQUEST, RESPONSE), False, "@filter_resources"),
}


@dataclass(frozen=True)
class Registered:
    """One function of the code, under one of its decorators.

    Attributes:
        place: The file and line of the function, for messages.
        name: The function's name.
        decorator: The decorator.
        patterns: The tools' names that it was given.
        asks: What the function asks for.
    """

    place: str
    name: str
    decorator: str
    patterns: tuple[str, ...] = ()
    asks: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Code:
    """What an interceptor's files say.

    Attributes:
        folder: The folder.
        functions: The decorated functions in order, one for each decorator.
        packages: What it locks.
    """

    folder: Path
    functions: tuple[Registered, ...]
    packages: Packages | None = field(default=None, compare=False)

    def by(self, decorator: str) -> list[Registered]:
        """The functions under one decorator."""
        return [it for it in self.functions if it.decorator == decorator]

    def patterns(self, decorator: str) -> list[str]:
        """What a decorator's functions name, each pattern once."""
        return list(dict.fromkeys(pattern for it in self.by(decorator) for pattern in it.patterns))

    def asking(self, what: str) -> list[Registered]:
        """The functions that ask for something."""
        return [it for it in self.functions if what in it.asks]


def read(folder: Path) -> Code:
    """What the files of one interceptor say.

    Args:
        folder: Its folder.

    Raises:
        UsageError: There is no `interceptor.py`, it is no Python, it decorates no function or one that the library
            would refuse, a file imports what Lambda will not have or has a name that is ours, or what is locked cannot
            be installed. Each mistake is on a line of its own.
    """
    path = folder / INTERCEPTOR.code
    if not path.is_file():
        raise UsageError(f"{folder}: has no {INTERCEPTOR.code}. An interceptor is a folder with one.")
    sources, file = opened(path)
    mistakes: list[UsageError] = []
    functions: list[Registered] = []
    for node in parsed(path).body:
        if isinstance(node, Function):
            for decorator in node.decorator_list:
                try:
                    if found := _registered(node, decorator, _Names(sources, file)):
                        functions.append(found)
                except UsageError as error:
                    mistakes.append(error)
    return _checked(folder, functions, mistakes, sources)


def _checked(folder: Path, functions: Sequence[Registered], mistakes: list[UsageError], sources: Sources) -> Code:
    needed = None
    kind = INTERCEPTOR if any(CALLER in it.asks for it in functions) else _without_callers()
    try:
        mistakes += _elsewhere(folder, sources)
        needed = function_package.packages(folder)
        mistakes += imports.missing(folder, needed.modules if needed else (), kind)
        python_function.own_files(folder, INTERCEPTOR)
    except UsageError as error:
        mistakes.append(error)
    if not functions and not mistakes:
        each = ", ".join(it.example for it in DECORATORS.values())
        mistakes.append(
            UsageError(
                f"{folder / INTERCEPTOR.code}: decorates no function, and has nothing to do. Write one of {each}."
            )
        )
    if mistakes:
        raise UsageError("\n".join(dict.fromkeys(map(str, mistakes))))
    return Code(folder, tuple(functions), needed)


def _without_callers() -> Kind:
    return replace(INTERCEPTOR, beside=tuple(it for it in INTERCEPTOR.beside if it != CALLERS))


@dataclass(frozen=True)
class _Names:
    """What names mean in one file.

    Attributes:
        sources: The folder's files.
        file: The file.
    """

    sources: Sources
    file: SourceFile

    def of_library(self, node: ast.expr) -> str:
        """The library's name for an expression; "" for any other."""
        meaning = self.sources.meaning(node, self.file) if isinstance(node, ast.Name | ast.Attribute) else None
        module, _, name = meaning.rpartition(".") if isinstance(meaning, str) else ("", "", "")
        return name if module == _MODULE else ""

    def error(self, node: ast.AST, message: str) -> UsageError:
        """The error to raise for what stands there."""
        return UsageError(f"{self.file.path}:{getattr(node, 'lineno', 1)}: {message}")


def _registered(
    function: ast.FunctionDef | ast.AsyncFunctionDef, written: ast.expr, names: _Names
) -> Registered | None:
    """What one decorator of a function says; None for one that is not the library's."""
    name = names.of_library(_bare(written))
    if name not in DECORATORS:
        return None
    patterns = _patterns(written, name, names)
    if isinstance(function, ast.AsyncFunctionDef):
        raise names.error(function, f"{function.name} is asynchronous, which nothing waits for. Write `def`.")
    asks = _asks(function, name, names)
    return Registered(f"{names.file.path}:{function.lineno}", function.name, name, patterns, frozenset(asks))


def _patterns(written: ast.expr, name: str, names: _Names) -> tuple[str, ...]:
    decorator = DECORATORS[name]
    if not decorator.with_patterns:
        if isinstance(written, ast.Call):
            raise names.error(written, f"`{name}` takes nothing. Write `{decorator.example}`.")
        return ()
    given = written.args if isinstance(written, ast.Call) else []
    if not given or (isinstance(written, ast.Call) and written.keywords):
        raise names.error(written, f"`{name}` takes full names of tools, `*` for any characters: {decorator.example}.")
    return tuple(_pattern(node, name, names) for node in given)


def _pattern(node: ast.expr, name: str, names: _Names) -> str:
    text = node.value if isinstance(node, ast.Constant) else None
    if not isinstance(text, str):
        shown = ast.unparse(node)
        raise names.error(node, f"`{shown}` has to be run to know it. Write `{name}` with its texts themselves.")
    if not _PATTERN.fullmatch(text):
        raise names.error(
            node, f"{text!r} matches no tool. Write letters, digits, `_` and `-`, and `*` for any characters."
        )
    return text


def _asks(function: ast.FunctionDef, name: str, names: _Names) -> Iterator[str]:
    """What the parameters after the first ask for."""
    of_it, takes = function.args, DECORATORS[name].takes
    positional = [*of_it.posonlyargs, *of_it.args]
    further = ", ".join((HEADERS, CLAIMS, CALLER))
    for other in filter(None, (of_it.vararg, *of_it.kwonlyargs, of_it.kwarg)):
        raise names.error(other, f"{function.name}: nothing is handed over for {other.arg!r}. Write it before any `*`.")
    first = positional[0] if positional else None
    if first is None or _annotated(first, names) != takes:
        raise names.error(
            first or function,
            f"{function.name}: its first parameter is what it decides about. Write `{takes.lower()}: {takes}`, and "
            f"import {takes} from {_MODULE}.",
        )
    seen: set[str] = set()
    for parameter in positional[1:]:
        asked = _annotated(parameter, names)
        if asked not in (HEADERS, CLAIMS, CALLER):
            raise names.error(
                parameter,
                f"{function.name} parameter {parameter.arg!r}: nothing is handed over for that. Annotate it with one "
                f"of {further} of {_MODULE}, or remove it.",
            )
        if asked in seen:
            raise names.error(parameter, f"{function.name} parameter {parameter.arg!r}: asks for {asked} twice.")
        seen.add(asked)
        yield asked


def _annotated(parameter: ast.arg, names: _Names) -> str:
    annotation = parameter.annotation
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            annotation = ast.parse(annotation.value.strip(), mode="eval").body
        except SyntaxError:
            return ""
    return names.of_library(annotation) if annotation else ""


def _elsewhere(folder: Path, sources: Sources) -> Iterator[UsageError]:
    """Uses of the decorators that nothing here reads: the library would find what is not declared, and deny all."""
    for path in target_folder.shipped(folder, INTERCEPTOR):
        if path.suffix != ".py" or _MODULE.encode() not in path.read_bytes():
            continue
        names = _Names(sources, opened(path)[1])
        tree = parsed(path)
        if path == folder / INTERCEPTOR.code:
            read = {id(_bare(it)) for node in tree.body if isinstance(node, Function) for it in node.decorator_list}
        else:
            read = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Name | ast.Attribute) and id(node) not in read:
                name = names.of_library(node)
                if name in DECORATORS:
                    yield names.error(
                        node,
                        f"`{name}` stands where it cannot be read before it runs. Write it as the decorator of a "
                        f"function of {INTERCEPTOR.code}, at the beginning of a line.",
                    )


def _bare(decorator: ast.expr) -> ast.expr:
    return decorator.func if isinstance(decorator, ast.Call) else decorator
