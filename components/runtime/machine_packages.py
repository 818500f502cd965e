"""This machine's wheels of a lock, for code that runs in AgentCore and is read here when a program is planned.

They lie where the local deployment has its own (`toolgate.local.function_packages`, which cannot be imported from here;
a test compares the two): what one has installed, the other finds.
"""

import hashlib
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from toolgate.components.checks.arguments import UsageError
from toolgate.components.runtime import wheels

CACHE = Path(".cache", "packages")
"""Where they are, in the program's folder."""
_UV = (sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", sys.executable)
# Exactly what is locked, and nothing built: what builds a package could do anything.
_INSTALL = (*_UV, "--require-hashes", "--no-deps", "--only-binary=:all:", "--link-mode=copy", "--compile-bytecode")


def installed(lock: Path) -> Path:
    """The folder with the packages of a lock, installed unless they have been before.

    Raises:
        UsageError: One cannot be installed here.
    """
    machine = f"{platform.python_version()} {platform.system()} {platform.machine()}\n"
    folder = CACHE / hashlib.sha256(machine.encode() + lock.read_bytes()).hexdigest()[:16]
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Beside its destination: only what is whole ever has the name.
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            made = Path(scratch, "packages")
            made.mkdir()
            _install(lock, made)
            try:
                made.replace(folder)
            except OSError:  # another process may have been quicker
                if not folder.is_dir():
                    raise
    return folder.absolute()


def _install(lock: Path, folder: Path) -> None:
    command = [*_INSTALL, "--target", str(folder), "-r", str(lock)]
    # What has been downloaded before needs no network.
    if subprocess.run([*command, "--offline"], check=False, capture_output=True).returncode == 0:
        return
    wheels.say(f"downloading what {lock} locks, for this machine")
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    if result.returncode:
        raise UsageError(f"{lock}: cannot be installed on this machine. `toolgate lock` locks anew.\n{result.stderr}")
