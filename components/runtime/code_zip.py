"""Deployment zips: the same files give the same bytes, and one that AWS would not take says what is large in it."""

import ast
import contextlib
import hashlib
import platform
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from toolgate.components.checks.arguments import UsageError

MEGABYTE = 1_000_000
KEPT = 6
"""Zips of one kind left in the folder: enough to go to another branch and stack and back without building again."""


@dataclass(frozen=True)
class Limits:
    """What the service takes.

    Attributes:
        service: Its name, for messages.
        zipped: Largest zip in bytes.
        unpacked: Largest content in bytes.
        remedy: What to do about a zip that is too large.
    """

    service: str
    zipped: int
    unpacked: int
    remedy: str


def digest(inputs: Mapping[str, bytes], kind: str) -> str:
    """Digest of what a zip is made from: its inputs by name, and the tools that shape its bytes."""
    found = hashlib.sha256(f"{kind} {platform.python_version()} {zlib.ZLIB_RUNTIME_VERSION}".encode())
    for name, content in sorted(inputs.items()):
        found.update(f"\0{name}\0{len(content)}\0".encode() + content)
    return found.hexdigest()


def built(path: Path, fill: Callable[[Path], None], limits: Limits) -> Path:
    """The zip at `path`: as it is if it is there, else made of what `fill` puts into an empty folder.

    Args:
        path: The zip; what its name has before the last hyphen is its kind. Only a whole one ever has the name.
        fill: Fills the folder; it may raise UsageError.
        limits: What the service takes.

    Raises:
        UsageError: It is larger than the service takes.
    """
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        tree, whole = Path(scratch, "tree"), Path(scratch, "whole.zip")
        tree.mkdir()
        fill(tree)
        sizes = _sizes(tree)
        if (unpacked := sum(sizes.values())) > limits.unpacked:
            raise _too_large(f"{unpacked / MEGABYTE:.1f} MB unpacked", sizes, limits)
        _zip(tree, whole)
        if (zipped := whole.stat().st_size) > limits.zipped:
            raise _too_large(f"{zipped / MEGABYTE:.1f} MB zipped", sizes, limits)
        whole.replace(path)
    _forget_old(path)
    return path


def add_sources(sources: Mapping[str, bytes], tree: Path, folder: Path) -> None:
    """Write sources beside the packages of a tree.

    Args:
        sources: Contents by their place in the zip.
        tree: The folder with the packages.
        folder: Where the sources come from, for messages.

    Raises:
        UsageError: A package has the name of one of them, or it is no Python.
    """
    for name, content in sources.items():
        destination = tree / name
        # Python prefers a package to a module of the same name.
        if destination.exists() or (destination.suffix == ".py" and destination.with_suffix("").is_dir()):
            raise UsageError(f"{folder / name}: a package it is shipped with has that name. Rename it.")
        if destination.suffix == ".py":
            try:
                ast.parse(content)
            except SyntaxError as error:
                raise UsageError(f"{folder / name}:{error.lineno}: is not valid Python: {error.msg}.") from error
        destination.parent.mkdir(parents=True, exist_ok=True)
        destination.write_bytes(content)


def _forget_old(path: Path) -> None:
    kind = path.name.rpartition("-")[0]
    # Another build may be doing the same.
    with contextlib.suppress(FileNotFoundError):
        zips = sorted(path.parent.glob(f"{kind}-*.zip"), key=lambda it: it.stat().st_mtime_ns, reverse=True)
        for old in zips[KEPT:]:
            old.unlink()


def _zip(tree: Path, path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for file in sorted(file for file in tree.rglob("*") if file.is_file()):
            # Made by name, an entry has no date of ours: the same files give the same bytes.
            entry = zipfile.ZipInfo(file.relative_to(tree).as_posix())
            entry.compress_type = zipfile.ZIP_DEFLATED
            # AWS refuses a zip whose files it may not read; only scripts are run.
            mode = 0o755 if entry.filename.startswith("bin/") else 0o644
            entry.external_attr = (0o100000 | mode) << 16
            archive.writestr(entry, file.read_bytes())


def _sizes(tree: Path) -> dict[str, int]:
    """Bytes of each top-level name."""
    sizes: dict[str, int] = {}
    for file in _files(tree):
        package = file.relative_to(tree).parts[0]
        sizes[package] = sizes.get(package, 0) + file.stat().st_size
    return sizes


def _files(tree: Path) -> Iterable[Path]:
    return (file for file in tree.rglob("*") if file.is_file())


def _too_large(what: str, sizes: Mapping[str, int], limits: Limits) -> UsageError:
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:5]
    listed = ", ".join(f"{name} {size / MEGABYTE:.1f} MB" for name, size in largest)
    return UsageError(
        f"the zip is too large: {what}; {limits.service} takes {limits.zipped // MEGABYTE} MB zipped and "
        f"{limits.unpacked // MEGABYTE} MB unpacked. Largest, unpacked: {listed}. {limits.remedy}"
    )
