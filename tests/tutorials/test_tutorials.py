"""Each tutorial, as its reader follows it; and that a page which says something untrue is found."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tutorials.tutorial import PAGES, Reader, blocks, empty_folder, fresh_clone, said, same, written

START: dict[str, Callable[[Path], Path]] = {
    "first-tool": fresh_clone,
    "own-agent": fresh_clone,
    "own-program": empty_folder,
    "servers-and-apis": fresh_clone,
}
"""Where the reader of a page begins."""


def test_every_tutorial_is_followed() -> None:
    assert {page.stem for page in PAGES.glob("*.md")} == START.keys()


@pytest.mark.parametrize("page", START)
def test_a_tutorial_leads_where_it_says(page: str, tmp_path: Path) -> None:
    folder = START[page](tmp_path)
    with Reader(folder) as reader:
        reader.follow(PAGES / f"{page}.md")
    logged = "".join(path.read_text() for path in folder.glob(".local/logs/*"))
    assert logged
    assert "made-up-" not in logged  # how the value of a secret begins that nobody has given


@pytest.mark.parametrize("page", START)
def test_a_reader_is_told_the_name_of_each_file(page: str) -> None:
    """GitHub shows nothing of a block's first line."""
    text = (PAGES / f"{page}.md").read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    assert {name for name in written(text) if f"`{name}`" not in prose} == set()


@pytest.mark.parametrize(
    ("expected", "seen", "is_same"),
    [
        ("ok, 1.5 ms\n", "ok, 20 ms\n", True),
        ("ok\n", "ok\nmore\n", False),
        ("ok\n...\n", "ok\nmore\n", True),
        ("...\nok\n", "ok\n", True),
        ("a ... c\n", "a b c\n", True),
        ("a ... c\n", "a b\nc\n", False),
        ("a.c\n", "abc\n", False),
        ("ok\n", "   waiting for the plan ...\nok\n", True),
        ("12:00:00 x on 127.0.0.1:1\n", "23:59:59 x on 127.0.0.1:80\n", True),
        ("3 tools\n", "4 tools\n", False),
    ],
)
def test_only_what_changes_from_run_to_run_may_differ(expected: str, seen: str, is_same: bool) -> None:
    assert same(expected, seen) is is_same


def test_what_the_second_terminal_says_is_taken_once() -> None:
    seen = "12:00:01 a: planned\n12:00:02 b: planned\n"
    assert said("11:11:11 a: planned\n", seen) == len("12:00:01 a: planned\n")
    assert said("11:11:11 b: planned\n", seen) == len(seen)
    assert said("11:11:11 c: planned\n", seen) == said("a: planned\n", seen) == 0


@pytest.mark.parametrize(
    ("page", "why"),
    [
        ("```sh\nfalse\n```\n", "false\nended with 1"),
        ("```sh\necho a\n```\n```text\nb\n```\n", "expected\nb\n\nseen\na"),
        ("```diff a.txt\n-no\n+yes\n```\n", "this must be in a.txt once:\nno"),
        ("```python\npass\n```\n", "has a file's name"),
        ("```text up\nready\n```\n", "was not started"),
    ],
)
def test_a_page_that_is_wrong_is_told_with_its_line(page: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("maybe\n")
    (tmp_path / "page.md").write_text(f"# Page\n\n{page}")
    with Reader(tmp_path) as reader, pytest.raises(AssertionError, match=re.escape(why)) as error:
        reader.follow(tmp_path / "page.md")
    assert str(error.value).startswith(f"page.md:{[it.line for it in blocks(f'# Page\n\n{page}')][-1]}: ")


def test_a_page_is_followed_in_one_shell(tmp_path: Path) -> None:
    page = """
```text words/a.txt
one
two
```

```diff words/a.txt
-two
+three
```

```sh
A=4
cd words
cat a.txt; echo "$A"
```

```text
one
three
4
```
"""
    (tmp_path / "page.md").write_text(page)
    with Reader(tmp_path) as reader:
        reader.follow(tmp_path / "page.md")


def test_what_a_page_leaves_running_ends_with_it(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("```sh\nsleep 600 &\n```\n")
    with Reader(tmp_path) as reader:  # whose end waits for whatever has the shell's output
        reader.follow(tmp_path / "page.md")
