"""An MCP server's folder: what of it is shipped, and the packages that it runs with."""

import contextlib
import functools
import importlib.metadata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from toolgate.components.checks.arguments import UsageError
from toolgate.components.runtime import function_package
from toolgate.components.tools import target_folder
from toolgate.components.tools.target_folder import REQUIREMENTS, SECRET_VALUES, SETTINGS, Kind

SERVER, SERVE = "server.py", "serve.py"
FOLDER = Kind(SERVER, SETTINGS, (SERVE, SECRET_VALUES))
"""`serve.py` is what the runtime starts. Its `target.py` says what the program makes for it, as a target's does."""
SHIPPED = Path(__file__).parents[2]
"""Where what is shipped with every server lies, unless there is a file of that name beside the servers' folders."""
SHIPPED_LOCK = SHIPPED / "requirements" / "server.txt"
SDK = "mcp"


@dataclass(frozen=True)
class ServerFolder:
    """An MCP server's folder, as it is shipped.

    Attributes:
        path: The folder.
        contents: What the zip holds besides packages, by place.
        lock: Its packages, locked.
        own: Whether they are its own; else those of every server that has none.
    """

    path: Path
    contents: Mapping[str, bytes]
    lock: Path
    own: bool


def read(path: Path) -> ServerFolder:
    """Read a server's folder.

    Raises:
        UsageError: It has no `server.py`, or a file of a name that is ours; its own packages are not locked or have no
            MCP SDK among them; or what is shipped with it is nowhere.
    """
    if not (path / SERVER).is_file():
        raise UsageError(f"{path / SERVER}: is missing. It is the module with the server's MCP server object.")
    contents = dict(_own(path))
    for name, beside in ((SERVE, "servers"), (SECRET_VALUES, "lambdas")):
        places = [path.parent, SHIPPED / beside]
        found = next((it / name for it in places if (it / name).is_file()), None)
        if found:
            contents[name] = found.read_bytes()
        elif name == SERVE:
            raise UsageError(f"{path.parent / name}: is missing. It lies beside the servers' folders.")
    lock = function_package.checked_lock(path)
    if lock is None and not SHIPPED_LOCK.is_file():
        raise UsageError(
            f"{path / REQUIREMENTS}: is missing, and only the components are installed here, without the packages that "
            f"servers have else. Write {SDK}>=1.27,<2 into it, and what the server imports, and run `toolgate lock`."
        )
    if lock is None:
        return ServerFolder(path, contents, SHIPPED_LOCK, own=False)
    if not function_package.locks(lock, SDK):
        raise UsageError(
            f"{path / REQUIREMENTS}: does not ask for {SDK}, the MCP SDK, which the server runs on. Add "
            f"`{SDK}>=1.27,<2` and run `toolgate lock`."
        )
    return ServerFolder(path, contents, lock, own=True)


def folders(servers: Path) -> dict[str, Path]:
    """By name: the folders of a program that have a `server.py`, in order.

    Args:
        servers: The folder that they lie in, which need not be there.
    """
    return {it.parent.name: it.parent for it in sorted(servers.glob(f"*/{SERVER}"))}


@functools.cache
def sdk_version() -> str | None:
    """The version of the MCP SDK that this Python has; None where it has none."""
    try:
        return importlib.metadata.version(SDK)
    except importlib.metadata.PackageNotFoundError:
        return None


@functools.cache
def shipped_modules() -> frozenset[str]:
    """The top-level modules of the packages of every server that has none of its own, as this Python has them."""
    found: set[str] = set()
    for name in function_package.names(SHIPPED_LOCK):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):  # one for another system
            files = importlib.metadata.distribution(name).files or ()
            found |= {it.parts[0].partition(".")[0] for it in files if it.suffix in (".py", ".so", ".pyd")}
    return frozenset(found)


def _own(path: Path) -> Iterator[tuple[str, bytes]]:
    for file in target_folder.shipped(path, FOLDER):
        inside = file.relative_to(path).as_posix()
        if inside in FOLDER.beside:
            raise UsageError(f"{file}: that name is taken by what is shipped with the server. Rename the file.")
        yield inside, file.read_bytes()
