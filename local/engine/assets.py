"""The digests of files and archives, as Pulumi's engine computes them (pulumi `sdk/go/common/resource/archive`)."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from toolgate.access.deployment.stack_export import ARCHIVE, ASSET
from toolgate.local.engine.wire import rewritten, signature

_ARCHIVE_SUFFIXES = (".jar", ".tar", ".tgz", ".tar.gz", ".zip")
_BLOCK = 512


class _Sink(Protocol):
    def update(self, data: bytes, /) -> None: ...


class AssetError(Exception):
    """A file that the program hands over cannot be read; the text says which."""


def hashed(value: Any, root: Path) -> Any:
    """`value` (JSON off the wire) with the digest of its content put to every asset and archive.

    Args:
        value: Any property value.
        root: What relative paths are relative to: the program's folder.

    Raises:
        AssetError: A file cannot be read.
    """

    def with_digest(marked: Any) -> Any:
        inner = {key: hashed(item, root) for key, item in marked.items()}
        return {**inner, "hash": _digest(inner, root)} if signature(marked) in {ASSET, ARCHIVE} else inner

    return rewritten(value, with_digest)


def _digest(value: Mapping[str, Any], root: Path) -> str:
    content = hashlib.sha256()
    if value.get("path", "").endswith(_ARCHIVE_SUFFIXES) or signature(value) == ASSET:
        content.update(_read(value, root))
    else:
        for name, data in _members(value, root):
            _write_member(content, name, data)
        content.update(bytes(2 * _BLOCK))
    return content.hexdigest()


def _read(value: Mapping[str, Any], root: Path) -> bytes:
    if "text" in value:
        return str(value["text"]).encode()
    if "uri" in value:
        raise AssetError(f"{value['uri']}: the stand-in for AWS fetches nothing; give a FileAsset or a StringAsset")
    try:
        return (root / str(value["path"])).read_bytes()
    except OSError as error:
        raise AssetError(f"{value['path']}: cannot be read ({error.strerror})") from error


def _members(value: Mapping[str, Any], root: Path) -> Iterator[tuple[str, bytes]]:
    """The files of an archive with their names in it, in the engine's order."""
    if "assets" in value:
        for name, item in sorted(value["assets"].items()):
            if signature(item) == ASSET:
                yield name, _read(item, root)
            else:
                yield from ((f"{name}/{inner}", data) for inner, data in _members(item, root))
    elif "path" in value:
        yield from _folder(root / value["path"], value["path"])
    else:
        raise AssetError(f"{value.get('uri')}: the stand-in for AWS fetches nothing; give a FileArchive")


def _folder(folder: Path, shown: str) -> Iterator[tuple[str, bytes]]:
    if not folder.is_dir():
        raise AssetError(f"{shown}: neither a folder nor an archive ({', '.join(_ARCHIVE_SUFFIXES)})")
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name == ".pulumi":
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from ((f"{entry.name}/{inner}", data) for inner, data in _folder(Path(entry.path), shown))
        elif not entry.is_dir():
            yield entry.name, Path(entry.path).read_bytes()


def _write_member(content: _Sink, name: str, data: bytes) -> None:
    """Write a file as Go's archive/tar does: USTAR, mode 600, no owner, no time.

    A name that does not fit the header is cut, which gives a digest of its own: still one per content, but not the
    engine's.
    """
    header = bytearray(_BLOCK)
    fields = {0: name.encode()[:100], 100: b"0000600", 108: b"0000000", 116: b"0000000"}
    fields |= {124: b"%011o" % len(data), 136: b"00000000000", 148: b" " * 8, 156: b"0"}
    fields |= {257: b"ustar\x0000", 329: b"0000000", 337: b"0000000"}
    for offset, field in fields.items():
        header[offset : offset + len(field)] = field
    header[148:156] = b"%06o\x00 " % sum(header)
    content.update(bytes(header) + data + bytes(-len(data) % _BLOCK))
