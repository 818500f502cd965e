"""Prepare `.venv`: the one environment of program, pack, agent, local deployment and tests.

Runs on any Python >= 3.11 with nothing installed. uv comes from the package registry into `.uv`; the interpreter is
the one `.python-version` names; every package is checked against the hashes in `requirements/`. When nothing changed
since the last run it returns at once.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
UV_VENV = ROOT / ".uv"
LOCK = ROOT / "requirements" / "project.txt"
UV_LOCK = ROOT / "requirements" / "uv.txt"
PYTHON_VERSION = ROOT / ".python-version"
PROJECT = ROOT / "pyproject.toml"
VERSION = ROOT / "components" / "__init__.py"
STAMP = VENV / ".toolgate"
OLDEST = (3, 11)
# Whose tools and agents may have packages of their own: afterwards neither the program nor the tests need the network.
PROGRAMS = (".", "examples/orders")


class SetupError(Exception):
    """The environment cannot be prepared; the text says what the reader can do about it."""


def environment_digest() -> str:
    """Digest of everything the environment is made from."""
    return digest_of(LOCK, UV_LOCK, PYTHON_VERSION, PROJECT, VERSION, Path(__file__))


def tools_digest() -> str:
    """Digest of what tools and agents lock: a change of that is fetched, and the environment stays as it is."""
    return digest_of(*(lock for program in PROGRAMS for lock in tools_locks(program)))


def digest_of(*files: Path) -> str:
    """Digest of the files' contents."""
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def tools_locks(program: str) -> list[Path]:
    """The locks of the packages of a program's tools, interceptors and agents."""
    folder = ROOT / program
    functions = [it for kind in ("interceptors", "lambdas") for it in folder.glob(f"{kind}/*/requirements.txt")]
    # As `toolgate fetch` finds them (local/function_packages.py).
    below = [it for depth in ("[!.]*", "[!.]*/*") for it in folder.glob(f"{depth}/requirements.txt")]
    return sorted([*functions, *(it for it in below if (it.parent / "main.py").is_file())])


def run(what: str, *command: str | Path) -> None:
    """Run one step, saying what it does first and showing what it says, but for uv's list of every package.

    Raises:
        SetupError: The step failed; its own output stands above the message.
    """
    print(f"setup: {what}", flush=True)
    words = [str(part) for part in command]
    try:
        with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as step:
            for line in step.stdout or ():
                if not line.startswith(" + "):
                    print(line, end="", flush=True)
    except OSError as error:
        raise SetupError(f"could not finish: {what} ({error.strerror}). Run `make setup` again.") from error
    if step.returncode:
        raise SetupError(f"could not finish: {what}. The lines above say why; run `make setup` again.")


def install_uv() -> Path:
    """Return the uv of `.uv`, made from the package registry when it is missing."""
    uv = UV_VENV / "bin" / "uv"
    if not uv.exists():
        shutil.rmtree(UV_VENV, ignore_errors=True)
        run("a private uv in .uv", sys.executable, "-m", "venv", UV_VENV)
        pip: list[str | Path] = [
            UV_VENV / "bin" / "python",
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]
        run("uv from the package registry", *pip, "--require-hashes", "-r", UV_LOCK)
    return uv


def install(uv: Path) -> None:
    """Make `.venv` with the wanted interpreter, the locked packages and nothing else, and bytecode of what is used."""
    version = PYTHON_VERSION.read_text().strip()
    try:
        run(f"Python {version} in .venv", uv, "venv", "--quiet", "--allow-existing", "--python", version, VENV)
    except SetupError as error:
        raise SetupError(
            f"Python {version} was not found and could not be downloaded. Install it (for example "
            f"`pyenv install {version}` or `uv python install {version}`) and run `make setup` again."
        ) from error
    sync: list[str | Path] = [uv, "pip", "sync", "--python", VENV / "bin" / "python", "--require-hashes", LOCK]
    run("the locked packages (about 400 MB; some minutes the first time)", *sync)
    # Without bytecode each start takes twice as long; all of it would take minutes on a busy machine.
    run("bytecode of what is used of them", VENV / "bin" / "python", ROOT / "scripts" / "compile_used.py")
    # The lock has what builds it; without isolation nothing else is asked of the registry.
    this: list[str | Path] = [uv, "pip", "install", "--quiet", "--python", VENV / "bin" / "python", "--no-deps"]
    run("the command toolgate", *this, "--no-build-isolation", "--editable", ROOT)


def fetch() -> None:
    """Fetch what the tools lock."""
    for program in filter(tools_locks, PROGRAMS):
        what = f"the packages of the tools of {program}"
        run(what, VENV / "bin" / "toolgate", "fetch", "--program", ROOT / program)


def main() -> int:
    """Prepare the environment; return the process's exit code."""
    try:
        if sys.version_info < OLDEST:
            found = ".".join(map(str, sys.version_info[:2]))
            wanted = ".".join(map(str, OLDEST))
            raise SetupError(f"setup needs Python >= {wanted}, this is {found}: `make setup PYTHON=python{wanted}`.")
        environment, tools = environment_digest(), tools_digest()
        made = STAMP.read_text().split() if STAMP.exists() else []
        if made == [environment, tools]:
            return 0
        if made[:1] != [environment]:
            install(install_uv())
        fetch()
        STAMP.write_text(f"{environment}\n{tools}\n")
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    print("setup: ready", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
