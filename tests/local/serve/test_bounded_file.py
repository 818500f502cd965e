import shutil
import stat
from pathlib import Path

import pytest

from toolgate.local.serve.bounded_file import BoundedFile, pieces


def test_it_is_its_owners_only_and_never_larger_than_the_bound(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "one.log"
    file = BoundedFile(path, most=100)
    for number in range(40):
        file.write(b"%05d rest\n" % number)
    newest, older = (piece.read_bytes() for piece in pieces(path))
    assert [stat.S_IMODE(piece.stat().st_mode) for piece in pieces(path)] == [0o600, 0o600]
    assert sorted(path.parent.iterdir()) == sorted(pieces(path))
    assert (len(newest), len(older)) == (4 * 11, 9 * 11)
    lines = [int(line.split()[0]) for line in (older + newest).splitlines()]
    assert lines == list(range(27, 40))


def test_what_is_larger_than_the_bound_fills_it(tmp_path: Path) -> None:
    path = tmp_path / "one.log"
    file = BoundedFile(path, most=10)
    file.write(b"before\n")
    file.write(b"0123456789abcdefghijKLMNO")
    assert [piece.read_bytes() for piece in pieces(path)] == [b"KLMNO", b"abcdefghij"]


def test_it_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "one.log"
    for piece in pieces(path):
        piece.write_text("of the last time")
        piece.chmod(0o644)
    file = BoundedFile(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (path.read_bytes(), pieces(path)[1].exists()) == (b"", False)
    file.close()
    file.write(b"too late\n")
    assert path.read_bytes() == b""


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("precious")
    path = tmp_path / "one.log"
    path.symlink_to(mine)
    BoundedFile(path).write(b"line\n")
    assert (mine.read_text(), path.read_text(), path.is_symlink()) == ("precious", "line\n", False)


def test_what_can_no_longer_be_written_disturbs_nobody(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "one.log"
    file = BoundedFile(path, most=10)
    shutil.rmtree(path.parent)
    for _ in range(5):
        file.write(b"0123456\n")
    assert not path.parent.exists()


@pytest.mark.parametrize("most", [1, 7, 1000])
def test_whatever_the_bound_the_end_is_kept(tmp_path: Path, most: int) -> None:
    path = tmp_path / "one.log"
    file = BoundedFile(path, most=most)
    for _ in range(30):
        file.write(b"abcde")
    kept = b"".join(piece.read_bytes() for piece in reversed(pieces(path)) if piece.exists())
    assert (b"abcde" * 30).endswith(kept)
    assert len(kept) <= 2 * most
