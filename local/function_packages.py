"""This machine's wheels of what a function or an agent locks: its zip holds those for AWS's machines.

The lock is the `requirements.txt` in its code, with hashes; `LambdaTools` and `agent_code` ship it. Each lock is
installed once, into a folder of its own.
"""

import hashlib
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from toolgate.local.progress import waiting_for

LOCK = "requirements.txt"
CACHE = Path(".cache", "packages")
"""Where they are, in the program's folder."""
_UV = (sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", sys.executable)
# Exactly what is locked, and nothing built: what builds a package could do anything. With bytecode, as on AWS: an agent
# has 30 seconds to start.
_INSTALL = (*_UV, "--require-hashes", "--no-deps", "--only-binary=:all:", "--link-mode=copy", "--compile-bytecode")


_NO_AGENTS = frozenset({"dist", "interceptors", "lambdas", "node_modules", "tests"})


class PackagesError(Exception):
    """What a function or an agent locks cannot be installed; the text says why, and what to do."""


def agents(root: Path) -> list[Path]:
    """The folders of a program's agents with packages of their own: in the program's folder, or one below.

    Args:
        root: The program's folder.
    """
    found = (it.parent for depth in ("*", "*/*") for it in root.glob(f"{depth}/requirements.in"))
    return sorted(it for it in found if (it / "main.py").is_file() and _may_be_agents(it.relative_to(root)))


def _may_be_agents(folder: Path) -> bool:
    return folder.parts[0] not in _NO_AGENTS and not any(part.startswith(".") for part in folder.parts)


def packages(code: Path, root: Path) -> Path | None:
    """The folder with the packages that a function or an agent locks, for this machine; None where it locks none.

    Args:
        code: Its code, or the folder that it is made of.
        root: The program's folder.

    Raises:
        PackagesError: One cannot be installed.
    """
    lock = code / LOCK
    if not lock.is_file() or b"--hash=" not in lock.read_bytes():
        return None
    machine = f"{platform.python_version()} {platform.system()} {platform.machine()}\n"
    folder = root / CACHE / hashlib.sha256(machine.encode() + lock.read_bytes()).hexdigest()[:16]
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Beside its destination: only what is whole ever has the name.
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            made = Path(scratch, "packages")
            _install(lock, made)
            made.mkdir(exist_ok=True)
            if not folder.is_dir():  # another process may have been quicker
                made.replace(folder)
    return folder


def _install(lock: Path, folder: Path) -> None:
    command = [*_INSTALL, "--target", str(folder), "-r", str(lock)]
    # What has been downloaded before needs no network.
    if subprocess.run([*command, "--offline"], check=False, capture_output=True).returncode == 0:
        return
    with waiting_for(f"what {lock.parent.name}/{lock.name} locks, from the package registry"):
        result = subprocess.run(command, check=False, capture_output=True, text=True)
    if result.returncode:
        text = f"{lock}: cannot be installed on this machine. `toolgate lock` locks anew."
        raise PackagesError(f"{text}\n{result.stderr}")
