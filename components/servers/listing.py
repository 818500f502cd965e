"""What a server lists, read from the server itself when its program is planned: plan and deployment cannot differ.

The server is imported as it is shipped, in a process of its own (`read_server.py`): without variables and credentials,
without the network, and within bounds of time, memory and output. What was read once is kept beside the zips, for as
long as nothing changes that it is made from.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from toolgate.components.checks.arguments import UsageError
from toolgate.components.runtime import code_zip, function_package, machine_packages
from toolgate.components.servers import server_folder
from toolgate.components.servers.server_folder import SERVE, SERVER, ServerFolder
from toolgate.components.tools import imports

SECONDS = 10.0
"""How long a server may take to be imported and to list, from when the SDK is."""
_LONGEST = 120.0
"""Seconds after which it is ended whatever it does, the SDK's own import among them."""
LARGEST = 1024 * 1024
"""Bytes of a listing (botocore bedrock-agentcore-control InlinePayload)."""
_AT_ONCE = 4
_PROGRAM = Path(__file__).with_name("read_server.py")
_FRAME = re.compile(r'^  File "(?P<file>.+)", line (?P<line>\d+) in', re.MULTILINE)


@dataclass(frozen=True)
class Listing:
    """What a server lists.

    Attributes:
        tools: Its tools, as MCP lists them.
        prompts: Its prompts' names.
        resources: Its resources' URIs, and templates of such.
    """

    tools: list[dict[str, Any]]
    prompts: list[str]
    resources: list[str]


def read_all(folders: Mapping[str, ServerFolder], *, dist: Path = Path("dist")) -> dict[str, Listing]:
    """What several servers list, by name; several are read at once.

    Raises:
        UsageError: See `read`; each mistake is on a line of its own.
    """
    found: dict[str, Listing] = {}
    wrong: list[str] = []
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        reading = {name: pool.submit(read, folder, dist=dist) for name, folder in folders.items()}
    for name, it in reading.items():
        try:
            found[name] = it.result()
        except UsageError as error:
            wrong.append(str(error))
    if wrong:
        raise UsageError("\n".join(wrong))
    return found


def read(folder: ServerFolder, *, dist: Path = Path("dist"), seconds: float = SECONDS) -> Listing:
    """What a server lists.

    Args:
        folder: Its folder.
        dist: Where listings are kept.
        seconds: How long it may take.

    Raises:
        UsageError: It cannot be imported, has no MCP server object, uses the network, takes too long, lists too much,
            or its packages cannot be installed here.
    """
    packages = None
    if folder.own or server_folder.sdk_version() is None:
        packages = machine_packages.installed(folder.lock)
    made_from = {**folder.contents, "recipe/read_server.py": _PROGRAM.read_bytes(), "recipe/listing.py": _OWN}
    if packages:
        made_from["lock"] = folder.lock.read_bytes()
    digest = code_zip.digest(made_from, f"listing {'own' if packages else server_folder.sdk_version()}")[:16]
    kept = dist / f"listing_{folder.path.name}-{digest}.json"
    if not kept.is_file():
        _check_imports(folder, packages)
        text = _run(folder, packages, seconds)
        dist.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=dist) as scratch:  # only a whole one ever has the name
            whole = Path(scratch, "listing.json")
            whole.write_text(text, encoding="utf-8")
            whole.replace(kept)
        _forget_old(kept)
    return Listing(**json.loads(kept.read_text(encoding="utf-8")))


def _check_imports(folder: ServerFolder, packages: Path | None) -> None:
    """Check that what is imported is shipped: this Python may have more than the server will, also within a tool."""
    known = frozenset(function_package.modules(packages)) if packages else server_folder.shipped_modules()
    if found := list(imports.missing(folder.path, known, server_folder.FOLDER, imports.AGENTCORE)):
        raise UsageError("\n".join(map(str, found)))


def _run(folder: ServerFolder, packages: Path | None, seconds: float) -> str:
    """The listing of a server as JSON, read in a process of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch).resolve()
        tree, result, hangs = base / "server", base / "listing.json", base / "hangs"
        code_zip.add_sources(folder.contents, _made(tree), folder.path)
        code = _ended(tree, packages, [str(it) for it in (tree, result, hangs, seconds)])
        stacks = hangs.read_text(encoding="utf-8") if hangs.is_file() else ""
        if stacks:
            frames = [it for it in _FRAME.finditer(stacks) if Path(it["file"]).is_relative_to(tree)]
            own = [it for it in frames if not it["file"].endswith(f"{os.sep}{SERVE}")]
            fault = {"text": f"takes more than {seconds:g} s to be imported and to list its tools. {_LATER}"}
            if own:
                fault |= {"file": Path(own[0]["file"]).relative_to(tree).as_posix(), "line": own[0]["line"]}
            raise _error(folder, fault)
        if not result.is_file():
            raise _error(folder, {"text": f"ended Python itself, with {code}, when a plan read it. {_LATER}"})
        read = json.loads(result.read_text(encoding="utf-8"))
        if "fault" in read:
            raise _error(folder, read["fault"])
        listing = Listing(**read)
        size = len(json.dumps(listing.tools).encode())
        if size > LARGEST:
            raise _error(
                folder,
                {"text": f"lists {size} bytes of tools; AgentCore takes at most {LARGEST}. Make two servers of it."},
            )
        return json.dumps(asdict(listing))


def _ended(tree: Path, packages: Path | None, arguments: list[str]) -> int:
    """Run the program that reads a server to its end, with whatever it has started."""
    # Neither this program's folder nor what the user has installed; nor what this Python has, where it has its own.
    options = ["-P", "-s", "-B", *(["-S"] if packages else [])]
    command = [sys.executable, *options, str(_PROGRAM), *arguments, *([str(packages)] if packages else [])]
    home = str(tree.parent)
    alone = {"HOME": home, "TMPDIR": home, "PATH": os.defpath, "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}
    process = subprocess.Popen(
        command,
        cwd=tree,
        env=alone,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return process.wait(_LONGEST)
    except subprocess.TimeoutExpired:
        return -signal.SIGKILL
    finally:
        _kill(process)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """End a process with all that it has started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # they have ended; macOS says so in the other word
        process.kill()
    process.wait()


def _error(folder: ServerFolder, fault: Mapping[str, Any]) -> UsageError:
    place = str(folder.path / (fault.get("file") or SERVER))
    return UsageError(f"{place}{f':{fault["line"]}' if 'line' in fault else ''}: {fault['text']}")


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _forget_old(kept: Path) -> None:
    kind = kept.name.rpartition("-")[0]
    found = sorted(kept.parent.glob(f"{kind}-*.json"), key=lambda it: it.stat().st_mtime_ns, reverse=True)
    for old in found[code_zip.KEPT :]:
        old.unlink(missing_ok=True)


_LATER = "What takes long belongs into a tool, or into the server's lifespan."
_OWN = Path(__file__).read_bytes()
