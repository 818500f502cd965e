"""This machine's wheels of what a function locks: its zip holds those for Lambda's machines.

The lock is the `requirements.txt` in the function's code, with hashes; `LambdaTools` ships it. Each lock is installed
once, into a folder of its own.
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
# Exactly what is locked, and nothing built: what builds a package could do anything.
_INSTALL = (*_UV, "--require-hashes", "--no-deps", "--only-binary=:all:", "--link-mode=copy")


class PackagesError(Exception):
    """What a function locks cannot be installed; the text says why, and what to do."""


def packages(code: Path, root: Path) -> Path | None:
    """The folder with the packages that a function locks, for this machine; None where it locks none.

    Args:
        code: The function's code, or its target's folder.
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
