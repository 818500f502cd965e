"""Watch a program while it is served: what was edited answers the next call; a mistake is told, the old one goes on.

The body of a tool, and a file of data beside it, replace those in the function at once: neither changes what is
deployed but the code. Everything else is planned anew, and so is that, once nothing more is written: what is against it
is told.
"""

import ast
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from watchfiles import watch

DEBOUNCE_MILLISECONDS = 60
"""So long nothing more must be written: an editor writes a file in more than one step."""
POLL_MILLISECONDS = 300
SETTLED_SECONDS = 1.0
"""So long nothing more must be replaced before that is planned: while a plan is made no edit is seen."""
_PASSED_OVER = frozenset({"dist", "node_modules", "tests"})
_MADE_OF_FOLDERS = {
    "toolgate:index:LambdaTools": ("directory", "target.py"),
    "toolgate:index:GatewayInterceptor": ("folder", "settings.py"),
}
"""By the components that make functions of a folder: the input that names it, and the file in it that is no code."""
_FUNCTION = "aws:lambda/function:Function"
_DEPLOYED_OF_OURS = ("agent", "interceptors", "lambdas", "servers")
"""Folders of toolgate's own, where the program is its clone, in which somebody writes what is deployed."""


class PlanError(Exception):
    """The program cannot be served as it is now; the text says why."""


class Served(Protocol):
    """What is served, and can be changed."""

    def reload(self, deployment: Mapping[str, Any]) -> None:
        """Serve another deployment in this one's place."""

    def replace_files(self, function: str, files: Mapping[str, bytes]) -> None:
        """Replace files in the code of a function."""


@dataclass
class Watching:
    """A program that is served.

    Attributes:
        root: The program's folder.
        deployment: What is served of it.
        plan: Plans it anew; raises PlanError.
        serving: What serves it.
        announce: Says anew where and what is served.
        say: Tells a person what happened.
        failures: What `serving` raises when it cannot serve a deployment.

    Code that was replaced is ahead of the deployment until that is planned.
    """

    root: Path
    deployment: Mapping[str, Any]
    plan: Callable[[], Mapping[str, Any]]
    serving: Served
    announce: Callable[[], None]
    say: Callable[[str], None]
    failures: tuple[type[Exception], ...]
    _sources: dict[Path, str] = field(default_factory=dict)
    _unplanned: set[Path] = field(default_factory=set)
    _replaced_at: float = 0.0
    _is_ahead: bool = False

    def start(self) -> None:
        """Remember how the tools look, before anything changes."""
        for function in functions(self.deployment, self.root):
            for path in function.files():
                self._sources[path] = _text(path)

    def changed(self, paths: Iterable[Path]) -> None:
        """Let what was changed answer from now on."""
        started = time.perf_counter()
        # An editor's files of a moment are neither there nor were they.
        paths = sorted(path for path in paths if path.exists() or path in self._sources or path.parent == self.root)
        if not paths:
            return
        if self._replace_at_once(paths):
            self.say(f"{_named(paths, self.root)}: answers the next call ({_since(started)})")
            self._unplanned.update(paths)
            self._replaced_at = time.perf_counter()
            self._is_ahead = True
            return
        self._plan_anew(paths, started)

    def settle(self) -> None:
        """Plan what was replaced, once its author has paused; called again and again."""
        now = time.perf_counter()
        if self._unplanned and now - self._replaced_at >= SETTLED_SECONDS:
            self._plan_anew([], now)

    def _plan_anew(self, paths: Sequence[Path], started: float) -> None:
        """Plan, and serve what is deployed otherwise.

        Args:
            paths: What was changed and is not served yet.
            started: When that was seen, by the performance counter.
        """
        replaced, self._unplanned = self._unplanned, set()
        names = _named(sorted({*paths, *replaced}), self.root)
        try:
            planned = self.plan()
        except PlanError as error:
            self.say(f"{names}: {error}" + ("\nWhat was there before is served on." if paths else ""))
            return
        if not paths and _without_code(planned) == _without_code(self.deployment):
            self.deployment, self._is_ahead = planned, False
            return
        if planned == self.deployment and not self._is_ahead:
            return
        try:
            self.serving.reload(planned)
        except self.failures as error:
            self.say(f"{names}: {error}\nWhat was there before is served on.")
            return
        self.deployment, self._is_ahead = planned, False
        self.announce()
        self.start()
        self.say(f"{names}: planned anew and served ({_since(started)})")

    def _replace_at_once(self, paths: Iterable[Path]) -> bool:
        """Whether all that was changed are files of functions, whose tools look as before; then they are replaced."""
        known: dict[Path, list[WatchedFunction]] = {}  # a folder may be several gateways' interceptor
        for function in functions(self.deployment, self.root):
            for path in function.files():
                known.setdefault(path, []).append(function)
        wanted: dict[str, dict[str, bytes]] = {}
        for path in paths:
            before, now = self._sources.get(path), _text(path)
            if path not in known or before is None or not path.is_file() or look(path, before) != look(path, now):
                return False
            for function in known[path]:
                wanted.setdefault(function.name, {})[function.place(path)] = path.read_bytes()
        for name, files in wanted.items():
            self.serving.replace_files(name, files)
        self._sources |= {path: _text(path) for path in paths}
        return bool(wanted)


@dataclass(frozen=True)
class WatchedFunction:
    """A function of the deployment, the folder that its code is written in, and the file of settings in that."""

    name: str
    folder: Path
    settings: str

    def files(self) -> list[Path]:
        """What of the folder can be replaced in its code: not its settings, its packages and its tests."""
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return [path for path in found if self._is_code(path.relative_to(self.folder))]

    def place(self, path: Path) -> str:
        """Where a file of the folder is in the code."""
        return path.relative_to(self.folder).as_posix()

    def _is_code(self, inside: Path) -> bool:
        hidden = any(part.startswith((".", "__pycache__")) for part in inside.parts)
        settings = inside.as_posix() in (self.settings, "requirements.in", "requirements.txt")
        return not hidden and not settings and inside.parts[0] not in _PASSED_OVER


def functions(deployment: Mapping[str, Any], root: Path) -> Iterator[WatchedFunction]:
    """The functions that our components made of a folder of the program: tools, and interceptors."""
    resources = deployment["deployment"].get("resources", [])
    made = {it["urn"]: it for it in resources if it["type"] in _MADE_OF_FOLDERS}
    for resource in resources:
        component = made.get(resource.get("parent"))
        if component is None or resource["type"] != _FUNCTION:
            continue
        named, settings = _MADE_OF_FOLDERS[component["type"]]
        folder = component["inputs"].get(named)
        if isinstance(folder, str):
            yield WatchedFunction(resource["inputs"]["name"], (root / folder).resolve(), settings)


def look(path: Path, source: str) -> str | None:
    """What of a file decides how its tools are deployed: everything but the bodies of functions, their texts excepted.

    None for a file that is no Python; of a file of data nothing.
    """
    if path.suffix != ".py":
        return ""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node, clean=False)
            node.body = [ast.Expr(ast.Constant(text))]
    return ast.dump(tree)


def until(stop: Callable[[], bool], watching: Watching) -> None:
    """Watch until `stop` says so; it is asked some times a second."""
    watching.start()
    top = _top_files(watching.root)
    folders, met = _folders(watching.root), frozenset[Path]()
    while (now := _watch_folders(stop, watching, top, folders, met)) is not None:
        folders, met = now, now ^ folders


def _watch_folders(
    stop: Callable[[], bool], watching: Watching, top: dict[Path, int], folders: Set[Path], met: Set[Path]
) -> frozenset[Path] | None:
    """Watch these folders of the program, until it has others.

    Args:
        stop: Says when to stop.
        watching: The program.
        top: Its files that are in no folder, and when each was written; brought up to date.
        folders: The folders.
        met: What was changed before they were watched.

    Returns:
        The program's folders; None once `stop` says so.
    """
    changes = watch(
        *sorted(folders),
        watch_filter=lambda _change, name: _counts(Path(name).relative_to(watching.root)),
        debounce=DEBOUNCE_MILLISECONDS,
        rust_timeout=POLL_MILLISECONDS,
        yield_on_timeout=True,
        raise_interrupt=False,
        ignore_permission_denied=True,
    )
    for found in changes:
        if stop():
            return None
        # A watch of the program's own folder would be one of .venv and all that lies below.
        now = _top_files(watching.root)
        edited = {path for path in {*top, *now} if top.get(path) != now.get(path)}
        top.clear()
        top.update(now)
        # A link leads to the same file by a second way, and of the two the last one is told.
        paths = {Path(name).resolve() for _, name in found} | edited | met
        met = frozenset()
        if paths:
            watching.changed(paths)
        else:
            watching.settle()
        if (its := _folders(watching.root)) != folders:
            return its
    return None


def forget_modules(root: Path) -> None:
    """Let the program's own modules be imported anew by its next run."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        own = file and Path(file).is_relative_to(root) and ".venv" not in Path(file).parts
        if own and name.partition(".")[0] not in ("toolgate", "__main__", "tests"):
            del sys.modules[name]


def _folders(root: Path) -> frozenset[Path]:
    return frozenset(path for path in root.iterdir() if _is_watched(path))


def _is_watched(path: Path) -> bool:
    """Whether a folder can be a part of the program: toolgate's own are in use by us, but for what is deployed."""
    package = Path(__file__).parents[1]
    ours = package / path.name
    is_ours = path.name not in _DEPLOYED_OF_OURS and ours.exists() and ours.resolve() == path.resolve()
    is_ours = is_ours or package.is_relative_to(path)  # the folder with the links to them
    return path.is_dir() and _counts(Path(path.name)) and not is_ours


def _counts(inside: Path) -> bool:
    hidden = any(part.startswith(".") or part in _PASSED_OVER or part == "__pycache__" for part in inside.parts)
    return not hidden and not inside.name.endswith(("~", ".swp", ".tmp", ".pyc"))


def _top_files(root: Path) -> dict[Path, int]:
    files = [*root.glob("*.py"), *(it for kind in ("yaml", "yml", "json") for it in root.glob(f"Pulumi*.{kind}"))]
    return {path: path.stat().st_mtime_ns for path in files if path.is_file()}


def _without_code(deployment: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The resources without what only the code of functions changes."""
    return [_plain(resource) for resource in deployment["deployment"]["resources"]]


def _plain(resource: Mapping[str, Any]) -> dict[str, Any]:
    if resource["type"] != _FUNCTION:
        return dict(resource)
    without = {part: {key: it for key, it in resource[part].items() if key != "code"} for part in ("inputs", "outputs")}
    return {**resource, **without}


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _named(paths: Iterable[Path], root: Path) -> str:
    # What a link leads to may lie elsewhere.
    names = [(path.relative_to(root) if path.is_relative_to(root) else path).as_posix() for path in paths]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _since(started: float) -> str:
    return f"{(time.perf_counter() - started) * 1000:.0f} ms"
