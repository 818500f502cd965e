"""A function's code: its target's files and what is shipped with them, and the arm64 wheels of what they lock.

A target's packages are named in its `requirements.in` and locked in its `requirements.txt` (`toolgate lock`); so are
those of an agent (`agent_bundle`), for other machines.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pulumi

from toolgate.components.checks.arguments import UsageError
from toolgate.components.runtime import code_zip, wheels
from toolgate.components.runtime.code_zip import MEGABYTE, Limits
from toolgate.components.tools.target_folder import LOCK, REQUIREMENTS

LOCKED_FROM = "# locked from requirements.in with SHA-256 "
"""How a lock begins that `toolgate lock` wrote."""
DIST = Path("dist")
_ARM64 = (183).to_bytes(2, "little")
KEPT = 20
"""Sets of packages left in `dist`."""
# Lambda developer guide, "Lambda quotas": deployment package; zipped where it is uploaded through the API.
LIMITS = Limits(
    "Lambda",
    50 * MEGABYTE,
    250 * MEGABYTE,
    "Take what is not needed out of requirements.in and run `toolgate lock`, or give the tools that need it a target "
    "of their own.",
)


@dataclass(frozen=True)
class Packages:
    """What a target locks, installed for Lambda.

    Attributes:
        lock: The lock.
        tree: The folder with the packages.
        modules: The top-level modules that they give.
    """

    lock: Path
    tree: Path
    modules: frozenset[str]


def packages(target: Path) -> Packages | None:
    """The packages of a target, installed unless they have been before; None where it has none.

    Args:
        target: The target's folder.

    Raises:
        UsageError: What it needs is not locked, is locked without hashes, or has no wheel for Lambda.
    """
    lock = checked_lock(target)
    if lock is None:
        return None
    recipe = {"recipe/wheels.py": Path(wheels.__file__).read_bytes(), LOCK: lock.read_bytes()}
    name = code_zip.digest(recipe, f"{wheels.PYTHON} {wheels.LAMBDA}")[:16]
    tree = DIST / f"packages-{name}"
    if tree.is_dir():
        os.utime(tree)
    else:
        DIST.mkdir(parents=True, exist_ok=True)
        # Beside its destination: only what is whole ever has the name.
        with tempfile.TemporaryDirectory(dir=DIST) as scratch:
            made = Path(scratch, "tree")
            made.mkdir()
            wheels.install(lock, made, wheels.PYTHON, wheels.LAMBDA, wheels.TOOLS)
            wheels.compile_bytecode(made, wheels.PYTHON)
            try:
                made.replace(tree)
            except OSError:  # another process may have been quicker: `toolgate lock` while `toolgate up` watches
                if not tree.is_dir():
                    raise
        _forget_old()
    return Packages(lock, tree, frozenset(modules(tree)))


def code(name: str, files: Mapping[str, pulumi.Asset], needed: Packages | None) -> pulumi.Archive:
    """The function's code.

    Args:
        name: The target's name.
        files: Texts and files by their place in the zip.
        needed: Its packages. Without them Pulumi makes the zip itself.

    Raises:
        UsageError: The zip is larger than Lambda takes, a file has the name of a package, or is no Python.
    """
    if needed is None:
        return pulumi.AssetArchive(dict(files))
    contents = {place: _content(asset) for place, asset in files.items()}
    inputs = {**contents, "recipe/zip.py": Path(code_zip.__file__).read_bytes(), "packages": needed.tree.name.encode()}

    def fill(tree: Path) -> None:
        shutil.copytree(needed.tree, tree, dirs_exist_ok=True)
        code_zip.add_sources(contents, tree, needed.lock.parent)

    path = DIST / f"function_{name}-{code_zip.digest(inputs, 'function')[:16]}.zip"
    return pulumi.FileArchive(code_zip.built(path, fill, LIMITS).as_posix())


def check_machine(path: Path) -> None:
    """Check that a file of a target, if it is a compiled library, is for the machines that functions run on: arm64.

    Raises:
        UsageError: It is for others.
    """
    with path.open("rb") as file:
        head = file.read(20)
    # The head of an ELF file, and its e_machine (System V ABI, "ELF header").
    if head.startswith(b"\x7fELF") and head[18:20] != _ARM64:
        raise UsageError(
            f"{path}: is compiled for another machine than Lambda's, which is arm64. Remove its package from the "
            f"folder, name it in {REQUIREMENTS}, and run `toolgate lock`."
        )


def lock(target: Path, *, upgrade: bool) -> None:
    """Write a target's lock from its requirements: exact versions with hashes, for any machine.

    Args:
        target: The target's folder.
        upgrade: Whether versions that are locked already may change, too.

    Raises:
        UsageError: They cannot be resolved.
    """
    requirements, path = target / REQUIREMENTS, target / LOCK
    with tempfile.TemporaryDirectory() as scratch:
        draft = Path(scratch, LOCK)
        if path.is_file() and not upgrade:  # uv keeps to the versions that it finds in its output
            shutil.copyfile(path, draft)
        with _as_utf8(requirements) as asked:
            wheels.resolve(asked, draft)
        locked = draft.read_text("utf-8").replace(f"-r {asked.name}", f"-r {requirements.name}")
        path.write_text(f"{LOCKED_FROM}{_digest(requirements)}\n{locked}", "utf-8")


def _digest(requirements: Path) -> str:
    """Of the text: git on Windows writes other ends of lines, PowerShell another encoding."""
    return hashlib.sha256(_text(requirements).encode()).hexdigest()


def _text(requirements: Path) -> str:
    content = requirements.read_bytes()
    try:
        text = content.decode(json.detect_encoding(content))  # UTF-8 or UTF-16, with or without a byte order mark
    except UnicodeDecodeError as error:
        raise UsageError(f"{requirements}: is no text. Save it as UTF-8.") from error
    return text.replace("\r\n", "\n")


@contextmanager
def _as_utf8(requirements: Path) -> Iterator[Path]:
    """The file, or beside it a copy that uv can read: what the file names is relative to its folder."""
    text = _text(requirements)
    if text.encode() == requirements.read_bytes().replace(b"\r\n", b"\n"):
        yield requirements
        return
    copy = requirements.with_name(f".{requirements.name}")
    copy.write_text(text, "utf-8")
    try:
        yield copy
    finally:
        copy.unlink()


def checked_lock(folder: Path) -> Path | None:
    """The lock in a folder, whose author's requirements it is the lock of; None where the folder has none.

    Args:
        folder: A target's, an interceptor's or an agent's.

    Raises:
        UsageError: What is needed is not locked, or is locked without hashes.
    """
    requirements, lock = folder / REQUIREMENTS, folder / LOCK
    remedy = "Run `toolgate lock`."
    if requirements.is_file() and not lock.is_file():
        raise UsageError(f"{requirements}: is not locked. {remedy}")
    if not lock.is_file():
        return None
    try:
        text = lock.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{lock}: is not UTF-8 text. {remedy}") from error
    if text.startswith(LOCKED_FROM) and requirements.is_file():
        said = text.removeprefix(LOCKED_FROM).partition("\n")[0]
        if said != _digest(requirements):
            raise UsageError(f"{lock}: is not the lock of {requirements.name} as it is now. {remedy}")
    for number, line in _requirements(text):
        if "--hash=" not in line:
            name = re.split(r"[ =<>~!;\[]", line, maxsplit=1)[0]
            raise UsageError(f"{lock}:{number}: {name} has no hash. Name it in {REQUIREMENTS}. {remedy}")
    return lock


def locks(lock: Path, package: str) -> bool:
    """Whether a package is one of those that a lock names."""
    return any(re.match(rf"{re.escape(package)}[ =\[;]", line) for _, line in _requirements(lock.read_text("utf-8")))


def names(lock: Path) -> Iterator[str]:
    """The packages that a lock names."""
    for _, line in _requirements(lock.read_text("utf-8")):
        yield re.split(r"[ =\[;]", line, maxsplit=1)[0]


def _requirements(lock: str) -> Iterator[tuple[int, str]]:
    """The lock's requirements, each on one line, with the number of its first line."""
    begun, first = "", 0
    for number, line in enumerate(lock.splitlines(), 1):
        text = re.sub(r"(^|\s)#.*", "", line).strip()
        first = first or number
        begun += text.removesuffix("\\")
        if text.endswith("\\"):
            continue
        if begun:
            yield first, begun
        begun, first = "", 0


def modules(tree: Path) -> Iterator[str]:
    """The top-level modules of a folder with packages."""
    for path in tree.iterdir():
        if path.is_dir() and path.suffix != ".dist-info" and path.name != "bin":
            yield path.name
        elif path.suffix in (".py", ".so"):
            yield path.name.partition(".")[0]


def _content(asset: pulumi.Asset) -> bytes:
    if isinstance(asset, pulumi.StringAsset):
        return asset.text.encode()
    assert isinstance(asset, pulumi.FileAsset)  # noqa: S101  # what `files` are made of
    return Path(asset.path).read_bytes()


def _forget_old() -> None:
    trees = sorted(DIST.glob("packages-*"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for old in trees[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
