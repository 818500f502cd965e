import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from toolgate.review.markdown import block, code, table

PARSER = MarkdownIt("gfm-like", {"linkify": False})
HOSTILE = st.text(st.sampled_from("`|\\ \n\r<>!-@*_[]()~ab\u202e\u200b"), max_size=30)


@given(HOSTILE)
def test_inline_code_is_the_text_and_nothing_else(text: str) -> None:
    [_, inline, _] = PARSER.parse(f"x {code(text)} y")
    assert inline.children is not None
    assert [child.type for child in inline.children] == ["text", "code_inline", "text"]
    shown = inline.children[1].content
    assert (
        shown.replace("\ufffd", "").split() == text.translate({0x202E: None, 0x200B: None}).split() or not text.strip()
    )


@given(st.lists(HOSTILE, max_size=5))
def test_a_block_is_one_block_whatever_is_in_it(lines: list[str]) -> None:
    tokens = PARSER.parse(f"before\n\n{block(lines)}\n\n<b>after</b>")
    assert [token.type for token in tokens if token.level == 0] == [
        "paragraph_open",
        "paragraph_close",
        "fence",
        "paragraph_open",
        "paragraph_close",
    ]


@given(HOSTILE)
def test_a_cell_stays_a_cell(text: str) -> None:
    tokens = PARSER.parse(table(["a", "b"], [[code(text), "end"]]))
    assert [token.type for token in tokens].count("td_open") == 2


@pytest.mark.parametrize(
    "char",
    [
        "\u202e",
        "\u2066",
        "\u200b",
        "\x1b",
        "\x00",
        "\udc80",
        "\ue000",
        "\u2028",
        "\u3164",
        "\ufe01",
        "\U000e0041",
        "\U000e0101",
    ],
)
def test_what_cannot_be_seen_is_made_visible(char: str) -> None:
    assert char not in code(f"a{char}b") + block([f"a{char}b"])
    assert "a\ufffdb" in block([f"a{char}b"])


def test_what_is_seen_stays_as_it_is() -> None:
    assert block(["a\tb", "\u26a0\ufe0f caf\u00e9 \u8a9e"]) == "```text\na   b\n\u26a0\ufe0f caf\u00e9 \u8a9e\n```"


def test_the_preview_is_one_block_whatever_it_prints() -> None:
    text = b"```\n~~~~\n<b>\n\xff````\n"
    done = subprocess.run(
        [sys.executable, "-m", "toolgate.review.markdown"], input=text, capture_output=True, check=True
    )
    tokens = PARSER.parse(f"### dev\n{done.stdout.decode()}")
    assert [token.type for token in tokens] == ["heading_open", "inline", "heading_close", "fence"]
