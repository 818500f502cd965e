"""How the site reads Markdown: as GitHub does, where the same pages are read, too. A hook of MkDocs, run in `.site`.

MkDocs' own reader is older than CommonMark: it wants four blanks before a list in a list and an empty line before each,
and knows no file's name after a fence's language. So markdown-it reads, and MkDocs goes on with what it read: the
contents, the check of every link, the search.
"""

import re
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as ET

from markdown import Extension, Markdown
from markdown.util import Registry
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.token import Token
from pymdownx.highlight import Highlight


def on_config(config: Any) -> Any:
    """MkDocs' event: put our reader in the place of its own, and GitHub's anchors."""
    config.markdown_extensions.append(GitHubMarkdown())
    config.mdx_configs.setdefault("toc", {})["slugify"] = anchor
    return config


def anchor(heading: str, separator: str) -> str:
    """GitHub's anchor of a heading: lower case, punctuation gone, blanks to hyphens."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", separator)


class GitHubMarkdown(Extension):  # type: ignore[misc]  # `markdown` says nothing of its types
    """Python-Markdown's extension that reads nothing in its way: blocks and inlines come from markdown-it."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802  # the interface's name
        """Replace what reads; what works on the tree and on the HTML stays."""
        reader = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
        reader.add_render_rule("fence", _fence)
        md.preprocessors = Registry()
        md.treeprocessors.deregister("inline")
        md.parser.parseDocument = lambda lines: _tree(md, reader.render("\n".join(lines)))


def _fence(_: object, tokens: Sequence[Token], index: int, *__: object) -> str:
    """A block of code, with its language and, where a file's name stands after that as in a tutorial, the name."""
    language, _, rest = escapeHtml(tokens[index].info.strip()).partition(" ")
    title = rest if re.search(r"[./]", rest) else ""
    return f'<pre lang="{language}" title="{title}">{escapeHtml(tokens[index].content)}</pre>\n'


def _tree(md: Markdown, html: str) -> "ET.ElementTree[ET.Element]":
    """The tree of what was read, its blocks of code coloured and put aside until the rest is written."""
    # markdown-it writes XHTML, and raw HTML as text.
    root = ET.fromstring(f"<div>{html}</div>")  # noqa: S314  # our own pages, and no document types in them
    colours = Highlight(md, guess_lang=False)
    for block in root.iter("pre"):
        language, title = block.get("lang", ""), block.get("title") or None
        coloured = colours.highlight(block.text or "", language, title=title)
        block.tag, block.text = "p", md.htmlStash.store(coloured)
        block.attrib.clear()
    return ET.ElementTree(root)
