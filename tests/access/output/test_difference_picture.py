"""What changes as a picture: the same in a review's comment and in `access diff --format md`."""

import html
import re

from tests.access_changes import change, conditional
from toolgate.access.matrix.tool_access import ALLOWED, DENIED
from toolgate.access.output.access_difference import Difference, as_markdown
from toolgate.access.output.difference_picture import picture


def test_what_changes_as_a_picture() -> None:
    gains = (change(DENIED, ALLOWED), change(DENIED, conditional("c"), "math___b", principal="*", agent=None))
    losses = (change(ALLOWED, DENIED, "math___c"),)
    assert list(picture(Difference(gains, losses))) == [
        "flowchart LR",
        '  p0(["a"])',
        '  p1(["anybody"])',
        '  subgraph g0["tools-abcdefghij"]',
        '    t0["math___refund"]',
        '    t1["math___b"]',
        '    t2["math___c"]',
        "  end",
        "  p0 ==>|may| t0",
        "  linkStyle 0 stroke:green",
        "  p1 ==>|may, on a condition| t1",
        "  linkStyle 1 stroke:green",
        "  p0 -.->|no longer| t2",
        "  linkStyle 2 stroke:red",
    ]


def test_nothing_changes_and_there_is_no_picture() -> None:
    assert list(picture(Difference((), ()))) == []


def test_a_picture_stays_small_and_says_so() -> None:
    many = tuple(change(DENIED, ALLOWED, f"math___t{number}") for number in range(50))
    lines = list(picture(Difference(many, ())))
    assert len(lines) < 70
    assert lines[-1] == '  more["and 30 more"]'


def test_names_in_a_picture_are_plain_text() -> None:
    evil = 'a"]; click p0 "javascript:x" <b>#quot; `x` ]) end'
    lines = list(picture(Difference((change(DENIED, ALLOWED, agent=evil),), ())))
    label = lines[1].removeprefix('  p0(["').removesuffix('"])')
    assert re.fullmatch(r"(?:[\w ._/-]|#\d+;)+", label)
    assert html.unescape(re.sub(r"#(\d+);", r"&#\1;", label)) == evil


def test_markdown_has_it_once_after_the_tables() -> None:
    found = Difference((change(DENIED, ALLOWED),), (change(ALLOWED, DENIED, "math___c"),))
    before, fence, drawn = as_markdown(found).partition("\n\n```mermaid\n")
    assert fence
    assert "| a | `tools-abcdefghij` | `math___c` | allow | deny |" in before.splitlines()
    assert drawn.splitlines() == [*picture(found), "```"]
    assert "mermaid" not in as_markdown(Difference((), ()))
