"""The recording of the demos: what it writes where, and that it writes nothing of a demo that failed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from scripts import images, record
from scripts.chromium import NoBrowserError

COMMANDS = ("make demo", "make demo-agents", "make demo-gateways", "make demo-jwt")
PAGE = "# Demos\n\n" + "words\n\n".join(f"```text\n$ {it}\nold\n```\n" for it in COMMANDS) + "end\n"


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "demo.md"
    path.write_text(PAGE)
    monkeypatch.setattr(record, "ROOT", tmp_path)
    monkeypatch.setattr(record, "PAGE", path)
    monkeypatch.setattr(record, "PICTURE", tmp_path / "agents.svg")
    monkeypatch.setattr(images, "record", (tmp_path / "console.png").touch)
    return path


@pytest.fixture
def demo_prints(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def prints(code: int = 0) -> None:
        def demo(stack: str, root: Path) -> int:
            assert (root / f"Pulumi.{stack}.yaml").is_file()
            print(f"of {stack}\n[0.1 s]")
            return code

        monkeypatch.setattr(record, "demo", demo)

    return prints


def test_each_demo_stands_under_its_command(page: Path, demo_prints: Callable[..., None]) -> None:
    demo_prints()
    assert record.main() == 0
    assert (page.parent / "agents.svg").read_text().startswith("<svg")
    assert (page.parent / "console.png").exists()
    stacks = ("dev", "agents", "gateways", "jwt")
    parts = iter(PAGE.split("old"))
    assert page.read_text() == next(parts) + "".join(f"of {it}\n[0.1 s]{next(parts)}" for it in stacks)
    for command, stack in zip(COMMANDS, stacks, strict=True):
        assert record.recorded(command) == f"of {stack}\n[0.1 s]\n"


def test_a_demo_that_failed_is_not_recorded(
    page: Path, demo_prints: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    demo_prints(1)
    assert record.main() == 1
    assert page.read_text() == PAGE
    assert "`make demo` failed" in capsys.readouterr().err
    assert [it.name for it in page.parent.iterdir()] == [page.name]


def test_a_page_without_the_commands_block_is_an_error(page: Path) -> None:
    page.write_text(PAGE.replace("$ make demo\n", ""))
    with pytest.raises(ValueError, match=r"demo\.md has no block ```text that begins with `\$ make demo`"):
        record.recorded("make demo")


def test_only_times_are_left_out() -> None:
    assert record.without_times('add {"a": 100}  51 ms\n[0.29 s]\nDone in 3.6 s; 28 resources') == (
        'add {"a": 100}  - ms\n[- s]\nDone in - s; 28 resources'
    )


def test_without_a_browser_the_images_stay_as_they_are(
    page: Path, demo_prints: Callable[..., None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def record_images() -> None:
        raise NoBrowserError("no Chromium: install it")

    monkeypatch.setattr(images, "record", record_images)
    demo_prints()
    assert record.main() == 1
    assert "no Chromium: install it; the console's images stay as they are" in capsys.readouterr().err
    assert "of dev" in page.read_text()
