"""docs/ as a site: every page and rule is there, every link leads somewhere, and nobody else is asked for anything."""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
from markdown_it import MarkdownIt

from scripts import docs_site
from toolgate.policy.pack import RULES
from toolgate.policy.rule import Rule

ROOT = Path(__file__).resolve().parents[1]
REPOSITORY = "https://github.com/example/toolgate"
URL = "https://example.github.io/toolgate/"
LOADS = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "object": "data",
}
"""What a browser fetches by itself, and where it says from; of `link` it depends on `rel`."""
NOT_FETCHED = {"canonical", "prev", "next", "alternate"}
POLICY = "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"


class Page(HTMLParser):
    """What a built page has: its anchors, where its links lead, what it loads, and how much of each in the article."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.metas: dict[str, str] = {}
        self.components: set[str] = set()
        self.classes: set[str] = set()
        self.inside: Counter[str] = Counter()
        self.in_article = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.in_article = self.in_article or tag == "article"
        self.inside[tag] += self.in_article
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        self.classes |= {*given.get("class", "").split()}
        self.components |= {given.get("data-md-component", "")}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "link" and given.get("rel") not in NOT_FETCHED:
            self.loads.append(given["href"])
        if tag in LOADS and LOADS[tag] in given:
            self.loads.append(given[LOADS[tag]])
        if tag == "meta":
            self.metas[given.get("http-equiv", "")] = given.get("content", "")

    def handle_endtag(self, tag: str) -> None:
        self.in_article = self.in_article and tag != "article"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as the workflow builds it."""
    if why := docs_site.missing():
        # CI has made it: there a skip would hide that nothing was looked at.
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(why)
    folder = tmp_path_factory.mktemp("site")
    docs_site.build(docs_site.write(folder / "pages", folder / "built", repository=REPOSITORY, url=URL))
    return folder / "built"


@pytest.fixture(scope="module")
def built(site: Path) -> dict[str, Page]:
    """Pages by their addresses within the site, such as `docs/agent/`."""
    files = {it.relative_to(site).as_posix(): it for it in site.rglob("*.html")}
    return {name.removesuffix("index.html"): Page(file.read_text()) for name, file in files.items()}


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return docs_site.pages(REPOSITORY)


def address(page: str) -> str:
    """Where the site has a page of the repository."""
    folder = page.removesuffix("README.md")
    return folder if folder != page else page.removesuffix(".md") + "/"


def navigation() -> list[str]:
    return list(docs_site.named(docs_site.configuration()["nav"]))


def test_every_page_of_docs_and_every_rule_is_in_the_navigation_once() -> None:
    pages = {it.relative_to(ROOT).as_posix() for it in ROOT.glob("docs/**/*.md")}
    rules = [docs_site.page_of(rule) for rule in RULES]
    counted = Counter(navigation())
    assert set(counted.values()) == {1}
    assert pages <= counted.keys()
    assert [name for name in counted if name in rules] == rules


def test_the_navigation_has_the_four_kinds_after_the_first_page() -> None:
    first, *kinds = docs_site.configuration()["nav"]
    assert list(first.values()) == ["README.md"]
    assert [title for kind in kinds for title in kind] == ["Tutorials", "How to", "Reference", "Explanation"]
    tutorials = {it.relative_to(ROOT).as_posix() for it in ROOT.glob("docs/tutorials/*.md")}
    assert tutorials <= {*docs_site.named([kinds[0]])}


@pytest.mark.parametrize(
    ("nav", "says"),
    [
        ([{"a": "README.md"}, {"b": "docs/policies.md"}], "nothing leads to docs/access.md, docs/agent.md"),
        ([{"a": "docs/none.md"}, {"b": "docs/policies.md"}], "there is no docs/none.md"),
        ([{"a": "docs/policies.md"}, {"b": "docs/policies.md"}], "docs/policies.md stands there twice"),
    ],
)
def test_a_navigation_that_is_not_of_these_pages_is_refused(
    nav: list[dict[str, str]], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docs_site, "configuration", lambda: {"nav": nav})
    with pytest.raises(docs_site.SiteError, match=re.escape(says)):
        docs_site.pages()


HERE = {
    "README.md",
    "docs/agent.md",
    "docs/policies.md",
    "docs/tutorials/first-tool.md",
    "docs/policies/runtime-in-vpc.md",
}


@pytest.mark.parametrize(
    ("source", "target", "becomes"),
    [
        ("docs/agent.md", "policies.md#configuration", "policies.md#configuration"),
        ("docs/agent.md", "#model", "agent.md#model"),
        ("docs/tutorials/first-tool.md", "../../README.md#try-it", "../../README.md#try-it"),
        ("README.md", "docs/policies.md#runtime-in-vpc", "docs/policies/runtime-in-vpc.md"),
        ("docs/policies.md", "#runtime-in-vpc", "policies/runtime-in-vpc.md"),
        ("docs/agent.md", "../policy/rule.py", f"{REPOSITORY}/blob/HEAD/policy/rule.py"),
        ("docs/agent.md", "../interceptors", f"{REPOSITORY}/blob/HEAD/interceptors"),
        ("docs/agent.md", "../Pulumi.none.yaml", f"{REPOSITORY}/blob/HEAD/Pulumi.none.yaml"),
        ("docs/agent.md", "https://example.com/x.md", "https://example.com/x.md"),
    ],
)
def test_a_link_leads_to_a_page_of_the_site_or_into_the_repository(source: str, target: str, becomes: str) -> None:
    text = f"See [`x` [1]]({target}), and\n[that\none]({target}).\n```md\n[x]({target})\n```\n"
    wanted = text.replace(f"[`x` [1]]({target})", f"[`x` [1]]({becomes})").replace(
        f"one]({target})", f"one]({becomes})"
    )
    assert docs_site.with_links(text, source, source, HERE, REPOSITORY) == wanted


def test_a_link_of_a_rules_section_is_written_from_the_rules_own_page() -> None:
    text = "[a](#runtime-in-vpc) [b](#configuration) [c](agent.md)"
    moved = docs_site.with_links(text, "docs/policies.md", "docs/policies/some.md", HERE, "")
    assert moved == "[a](runtime-in-vpc.md) [b](../policies.md#configuration) [c](../agent.md)"


def test_without_the_repositorys_address_a_link_to_a_source_is_its_text() -> None:
    text = "As [`policy/rule.py`](../policy/rule.py) says, [the agent](agent.md) too."
    said = docs_site.with_links(text, "docs/agent.md", "docs/agent.md", HERE, "")
    assert said == "As `policy/rule.py` says, [the agent](agent.md) too."


def test_a_link_that_leads_nowhere_is_refused() -> None:
    with pytest.raises(docs_site.SiteError, match=re.escape("docs/agent.md: the link to none.md leads nowhere")):
        docs_site.with_links("[x](none.md)", "docs/agent.md", "docs/agent.md", HERE, REPOSITORY)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rules_page_says_what_its_metadata_and_its_section_say(rule: Rule, texts: dict[str, str]) -> None:
    _, sections = docs_site.without_rules((ROOT / docs_site.RULES_PAGE).read_text())
    page = texts[docs_site.page_of(rule)]
    for text in (f"# {rule.name}\n\n{rule.description}\n", f"**Why.** {rule.why}", f"**Instead.** {rule.fix}"):
        assert page.count(text) == 1
    assert f"| level | {rule.level.value} |" in page
    assert f"| severity | {rule.severity.value} |" in page
    assert f"]({rule.framework.reference}) |" in page
    table = page.partition("\n## Settings\n")[2]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == [*rule.settings, "exceptions"]
    blocks = re.findall(r"^```.*?^```$", sections[rule.name], re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 2
    assert [it for it in blocks if it not in page] == []


def test_the_page_about_the_rules_keeps_all_but_their_sections() -> None:
    page = (ROOT / docs_site.RULES_PAGE).read_text()
    rest, sections = docs_site.without_rules(page)
    assert list(sections) == [rule.name for rule in RULES]
    assert len(rest) + sum(len(f"### {name}\n{text}") for name, text in sections.items()) == pytest.approx(
        len(page), abs=2
    )
    assert re.findall("^## .*", rest, re.MULTILINE) == re.findall("^## .*", page, re.MULTILINE)


def test_every_page_is_built(built: dict[str, Page]) -> None:
    assert {*built} == {address(it) for it in navigation()} | {"404.html"}


def test_every_link_within_the_site_leads_to_a_page_and_an_anchor(site: Path, built: dict[str, Page]) -> None:
    broken, followed = [], 0
    for name, page in built.items():
        for link in page.links:
            target, anchor = urldefrag(urljoin(URL + name, link))
            if not target.startswith(URL):
                continue
            followed += 1
            path = unquote(target.removeprefix(URL))
            if path in built:
                if anchor and unquote(anchor) not in built[path].anchors:
                    broken.append((name, link))
            elif not (site / path).is_file():
                broken.append((name, link))
    assert broken == []
    assert followed > 1000


def foreign(addresses: list[str], page: str = "") -> list[str]:
    """Those of a page that lead away from the site; what is in the page itself (`data:`) leads nowhere."""
    found = [urlsplit(urljoin(URL + page, it)) for it in addresses]
    return [it.geturl() for it in found if it.scheme != "data" and not it.geturl().startswith(URL)]


def test_no_page_asks_anybody_else_for_anything(site: Path, built: dict[str, Page]) -> None:
    for name, page in built.items():
        assert page.loads, name
        assert foreign(page.loads, name) == [], name
        assert page.metas.get("Content-Security-Policy") == POLICY, name
        # By these Material's scripts would ask GitHub for stars, and a package registry for what draws diagrams.
        assert "source" not in page.components, name
        assert "mermaid" not in page.classes, name
    styles = [it.read_text() for it in site.rglob("*.css")]
    assert styles
    for style in styles:
        assert foreign(re.findall(r"url\(\s*[\"']?([^\"')]+)", style), "assets/stylesheets/") == []
        assert "@import" not in style


def test_the_repositorys_address_is_on_every_page_that_has_it(built: dict[str, Page]) -> None:
    assert [name for name, page in built.items() if REPOSITORY not in page.links] == []
    assert f"{REPOSITORY}/blob/HEAD/LICENSE" in built["CONTRIBUTING/"].links


@pytest.mark.parametrize("page", navigation())
def test_a_page_has_the_lists_tables_and_blocks_that_github_shows(
    page: str, built: dict[str, Page], texts: dict[str, str]
) -> None:
    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    html = Page(f"<article>{reader.render(texts[page])}</article>")
    kinds = ("li", "ol", "ul", "td", "th", "pre", "h1", "h2", "h3", "blockquote")
    there = built[address(page)].inside
    assert {tag: there[tag] for tag in kinds} == {tag: html.inside[tag] for tag in kinds}


def test_a_block_with_a_files_name_says_it_and_keeps_its_text(site: Path) -> None:
    html = (site / "docs/tutorials/first-tool/index.html").read_text()
    assert '<span class="filename">lambdas/library/tools.py</span>' in html
    assert '<span class="filename">up</span>' not in html
    text = re.sub("<[^>]+>", "", html)
    assert "def find_books(title: str) -&gt; list[Book]:" in text


def searched(site: Path) -> Iterator[dict[str, Any]]:
    yield from json.loads((site / "search/search_index.json").read_text())["docs"]


def test_search_finds_every_page_and_every_rule(site: Path) -> None:
    found = {it["location"].partition("#")[0] for it in searched(site)}
    assert {address(it) for it in navigation()} <= found
    assert [it["location"] for it in searched(site) if it["title"] == "jwt-issuer-known"] == [
        "docs/policies/jwt-issuer-known/"
    ]


def test_what_is_broken_ends_the_build(site: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    configured = docs_site.write(tmp_path / "pages", tmp_path / "built")
    with (tmp_path / "pages/docs/agent.md").open("a") as file:
        file.write("\n[a](tools.md#nowhere) [b](#none) [c](missing.md)\n")
    (tmp_path / "pages/docs/stray.md").write_text("# Nothing leads here\n")
    with pytest.raises(docs_site.SiteError, match="MkDocs refuses the pages"):
        docs_site.build(configured)
    said = capfd.readouterr().err
    for what in (
        "'docs/tools.md' does not contain an anchor '#nowhere'",
        "'#none', but there is no such anchor on this page",
        "'missing.md'",
        "docs/stray.md",
    ):
        assert what in said
    assert said.count("WARNING") == 4


def test_it_says_how_to_get_what_builds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (lock := tmp_path / "site.txt").write_text("some==1")
    monkeypatch.setattr(docs_site, "LOCK", lock)
    monkeypatch.setattr(docs_site, "ENVIRONMENT", tmp_path / ".site")
    monkeypatch.setattr(docs_site, "STAMP", tmp_path / ".site" / ".toolgate")
    assert docs_site.missing() == "the packages of the site are not installed: run `make site`"
    # In place of uv, which makes the folder that the stamp goes into.
    (uv := tmp_path / "uv").write_text(f"#!/bin/sh\nmkdir -p {tmp_path}/.site\n")
    uv.chmod(0o755)
    monkeypatch.setattr(docs_site, "UV", uv)
    docs_site.install()
    assert docs_site.missing() is None
    lock.write_text("some==2")
    assert docs_site.missing() == "the lock of the site is newer: run `make site`"
    uv.write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(docs_site.SiteError, match="run `make site` again"):
        docs_site.install()
    assert docs_site.missing() is not None
