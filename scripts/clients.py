"""Install the clients of `tests/clients`, each kind into a folder of its own under `.clients`.

toolgate needs none of them, and they do not go together: with each other, or with what `.venv` has. Every package is
checked against the hashes in its lock. What cannot be installed is said, and its tests are skipped.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INSTALLED = ROOT / ".clients"
LOCKS = {
    "node": ROOT / "tests/clients/node/package-lock.json",
    **{lock.stem: lock for lock in sorted((ROOT / "tests/clients/requirements").glob("*.txt"))},
}
"""The kinds of clients: npm's, and Python's by the packages that can be together."""
UV = ROOT / ".uv" / "bin" / "uv"


def missing(kind: str) -> str | None:
    """Why a kind of clients cannot be run, as a sentence; None where it is installed as its lock says."""
    stamp = _stamp(kind)
    if not stamp.exists():
        return f"the clients `{kind}` are not installed: run `make clients`"
    return (
        None if stamp.read_text() == _digest(kind) else f"the lock of the clients `{kind}` is newer: run `make clients`"
    )


def install(kind: str) -> str | None:
    """Install a kind of clients anew; why that failed, or None."""
    folder = INSTALLED / kind
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    steps = _npm(folder) if kind == "node" else _venv(folder, LOCKS[kind])
    try:
        for step in steps:
            subprocess.run(step, cwd=folder, check=True)
    except FileNotFoundError as error:
        return f"there is no `{Path(error.filename).name}` here"
    except subprocess.CalledProcessError as error:
        return f"`{Path(error.cmd[0]).name}` failed; the lines above say why"
    if kind == "node" and not (folder / "node_modules/.bin/node").exists():
        return "npm has no node 22 for this machine among the packages of tests/clients/node/package.json"
    _stamp(kind).write_text(_digest(kind))
    return None


def _npm(folder: Path) -> list[list[str | Path]]:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(LOCKS["node"].with_name(name), folder)
    # No package's own program is run: what node needs lies in the packages.
    return [["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]]


def _venv(folder: Path, lock: Path) -> list[list[str | Path]]:
    python = folder / "bin" / "python"
    return [
        [UV, "venv", "--quiet", "--allow-existing", "--python", ROOT / ".venv/bin/python", folder],
        [UV, "pip", "sync", "--quiet", "--python", python, "--require-hashes", "--compile-bytecode", lock],
    ]


def _stamp(kind: str) -> Path:
    return INSTALLED / kind / ".toolgate"


def _digest(kind: str) -> str:
    return hashlib.sha256(LOCKS[kind].read_bytes()).hexdigest()


def main() -> int:
    """Install what is missing; return the process's exit code."""
    failed = False
    for kind in LOCKS:
        if missing(kind) is None:
            continue
        print(f"clients: {kind}", flush=True)
        if why := install(kind):
            print(f"clients: {kind} could not be installed: {why}", file=sys.stderr)
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
