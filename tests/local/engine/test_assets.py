import hashlib
import tarfile
from pathlib import Path
from typing import Any

import pytest

from toolgate.access.deployment.stack_export import ARCHIVE, ASSET, SIGNATURE
from toolgate.local.engine.assets import AssetError, _write_member, hashed


def text_asset(text: str) -> dict[str, Any]:
    return {SIGNATURE: ASSET, "text": text}


def archive(**more: Any) -> dict[str, Any]:
    return {SIGNATURE: ARCHIVE, **more}


def digest(value: dict[str, Any], root: Path = Path()) -> str:
    return str(hashed(value, root)["hash"])


def test_an_assets_digest_is_its_contents(tmp_path: Path) -> None:
    (tmp_path / "f.txt").write_text("content")
    expected = hashlib.sha256(b"content").hexdigest()
    assert digest(text_asset("content")) == expected
    assert digest({SIGNATURE: ASSET, "path": "f.txt"}, tmp_path) == expected
    (tmp_path / "f.zip").write_text("content")
    assert digest(archive(path="f.zip"), tmp_path) == expected


def test_everything_inside_gets_a_digest_of_its_own() -> None:
    [inner] = hashed([archive(assets={"a": text_asset("x")})], Path())
    assert inner["assets"]["a"]["hash"] == hashlib.sha256(b"x").hexdigest()


def test_an_archive_is_hashed_as_a_tar_that_tar_can_read(tmp_path: Path) -> None:
    class Sink(bytearray):
        def update(self, data: bytes) -> None:
            self.extend(data)

    sink = Sink()
    _write_member(sink, "folder/file.txt", b"content")
    sink.update(bytes(1024))
    file = tmp_path / "a.tar"
    file.write_bytes(sink)
    assert digest(archive(assets={"folder/file.txt": text_asset("content")})) == hashlib.sha256(sink).hexdigest()
    with tarfile.open(file) as tar:
        [member] = tar.getmembers()
        assert (member.name, member.mode, member.mtime, member.size) == ("folder/file.txt", 0o600, 0, 7)


def test_a_folder_is_the_archive_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "code" / "inner").mkdir(parents=True)
    (tmp_path / "code" / "b.py").write_text("b")
    (tmp_path / "code" / "inner" / "a.py").write_text("a")
    written = archive(assets={"b.py": text_asset("b"), "inner": archive(assets={"a.py": text_asset("a")})})
    assert digest(archive(path="code"), tmp_path) == digest(written)


def test_names_and_contents_both_count() -> None:
    names = [{"a": "xy"}, {"a": "x"}, {"b": "xy"}, {"a": "x", "b": "y"}]
    digests = {digest(archive(assets={name: text_asset(text) for name, text in files.items()})) for files in names}
    assert len(digests) == len(names)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({SIGNATURE: ASSET, "path": "gone.txt"}, r"gone\.txt: cannot be read"),
        ({SIGNATURE: ASSET, "uri": "https://x.test/f"}, "fetches nothing"),
        (archive(path="gone"), "gone: neither a folder nor an archive"),
        (archive(path="gone.zip"), r"gone\.zip: cannot be read"),
        (archive(uri="https://x.test/f.zip"), "fetches nothing"),
    ],
)
def test_what_cannot_be_read_is_named(value: dict[str, Any], text: str, tmp_path: Path) -> None:
    with pytest.raises(AssetError, match=text):
        hashed(value, tmp_path)
