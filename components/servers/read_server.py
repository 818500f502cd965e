"""What a plan starts to read a server: imports it as it is shipped, and writes down what it lists.

A program of its own, for the server's Python packages, in a folder of its own with what the zip holds. What the server
prints goes nowhere; a file is what the plan reads. Not allowed is what a plan must not depend on: the network. Written
is in that folder only. The MCP SDK, what is shipped (`serve.py`) and the standard library only.
"""

import asyncio
import contextlib
import faulthandler
import importlib
import json
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_NETWORK = frozenset({"socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"})
"""Python's audit events (library reference, "Audit events table") of code that talks to others."""
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_MEMORY = 4 * 1024**3
_LARGEST_FILE = 16 * 1024**2
_PAGES = 1000
_OFFLINE = (
    "{event} is refused: a server is imported when its program is planned, and may not use the network then. Do it in "
    "a tool, or in the server's lifespan."
)
_ADVICE = (
    " A server is imported when its program is planned, without the variables and credentials that it runs with: what "
    "needs them belongs into a tool, or into the server's lifespan."
)

type Fault = dict[str, Any]
"""What is wrong: `text`, and `file` (below the server's folder) and `line` where they are known."""


def main(tree: Path, result: Path, hangs: Path, seconds: float) -> None:
    """Write what the server lists, or what is wrong with it, as JSON.

    Args:
        tree: The folder with what the zip holds.
        result: The file to write.
        hangs: The file for where it was when it took too long.
        seconds: How long it may take, from here on.
    """
    _limit()
    serve = importlib.import_module("serve")  # and the SDK with it, which is not the author's affair
    faults: list[Fault] = []
    _watch(tree, faults)
    with hangs.open("w") as file:
        # Ends the process whatever it waits for, and says where that was.
        faulthandler.dump_traceback_later(seconds, exit=True, file=file)
        try:
            read = asyncio.run(_read(serve.found(importlib.import_module(serve.MODULE))))
        except serve.ServerError as error:
            faults.append({"file": f"{serve.MODULE}.py", "text": str(error)})
        except SyntaxError as error:
            place = _inside(error.filename or "", tree)
            faults.append({"file": place, "line": error.lineno or 1, "text": f"is not valid Python: {error.msg}."})
        except BaseException as error:  # also `sys.exit`: whatever it is, it is told
            faults.append(_at(tree, traceback.extract_tb(error.__traceback__), _text(error)))
        faulthandler.cancel_dump_traceback_later()
    result.write_text(json.dumps({"fault": faults[0]} if faults else read), encoding="utf-8")


async def _read(server: Any) -> dict[str, Any]:
    types = importlib.import_module("mcp.types")
    tools = await _every(server, types.ListToolsRequest, "tools")
    resources = await _every(server, types.ListResourcesRequest, "resources")
    templates = await _every(server, types.ListResourceTemplatesRequest, "resourceTemplates")
    return {
        "tools": [it.model_dump(mode="json", by_alias=True, exclude_none=True) for it in tools],
        "prompts": [it.name for it in await _every(server, types.ListPromptsRequest, "prompts")],
        "resources": [*(str(it.uri) for it in resources), *(it.uriTemplate for it in templates)],
    }


async def _every(server: Any, request: Any, member: str) -> list[Any]:
    """All that a server lists of one thing, page by page; nothing where it has no such list."""
    handler = server.request_handlers.get(request)
    found: list[Any] = []
    cursor: str | None = None
    for _ in range(_PAGES if handler else 0):
        page = (await handler(request(params={"cursor": cursor}))).root
        found += getattr(page, member)
        cursor = page.nextCursor
        if cursor is None:
            break
    return found


def _watch(tree: Path, faults: list[Fault]) -> None:
    """Refuse the network, which counts also where the server takes no notice, and writing outside of the folder."""
    allowed = (f"{tree.parent}{os.sep}", "/dev/")

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event in _NETWORK:
            text = _OFFLINE.format(event=event)
            faults.append(_at(tree, traceback.extract_stack(), text))
            raise PermissionError(text)
        if event == "open" and isinstance(args[0], str | bytes) and (args[2] or 0) & _WRITES:
            path = os.path.abspath(os.fsdecode(args[0]))  # noqa: PTH100  # pathlib would open files here itself
            if not path.startswith(allowed):
                raise PermissionError(f"{path} cannot be written while a plan reads the server.")

    sys.addaudithook(hook)


def _limit() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):  # not every system has them, nor takes these
        resource = importlib.import_module("resource")
        resource.setrlimit(resource.RLIMIT_FSIZE, (_LARGEST_FILE, _LARGEST_FILE))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))


def _text(error: BaseException) -> str:
    said = " ".join(str(error).split())
    kind = type(error).__name__
    return f"cannot be read: {kind}{f': {said}' if said else ''}.{_ADVICE}"


def _at(tree: Path, frames: Sequence[traceback.FrameSummary], text: str) -> Fault:
    """A fault with the last place in the author's own files."""
    own = [it for it in frames if _inside(it.filename, tree) and not it.filename.endswith(f"{os.sep}serve.py")]
    return {"file": _inside(own[-1].filename, tree), "line": own[-1].lineno, "text": text} if own else {"text": text}


def _inside(filename: str, tree: Path) -> str:
    return Path(filename).relative_to(tree).as_posix() if Path(filename).is_relative_to(tree) else ""


if __name__ == "__main__":
    # Started with `-P`: this program's own folder is not searched for modules.
    sys.path[:0] = sys.argv[5:]
    sys.path.insert(0, sys.argv[1])
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), float(sys.argv[4]))
