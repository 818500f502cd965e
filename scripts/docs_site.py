"""docs/ as a site (`make site`): the pages of `mkdocs.yml` as GitHub shows them, a page for each rule, and search.

The repository is the one truth, and its pages keep their places and links, as GitHub shows them, too. What the site
needs otherwise is written into a folder beside them and built from there, strictly: a broken link or anchor and a page
that nobody can reach end it. The packages for that lie in an environment of their own, `.site`: toolgate needs none of
them.

A link to a file that is no page leads to the repository, where its address is known: `SITE_REPOSITORY`, for example
`https://github.com/OWNER/NAME`. Without it there is only the link's text. `SITE_URL` is where the site will be.
"""

import hashlib
import os
import posixpath
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # it ships no types

from toolgate.policy.pack import RULES
from toolgate.policy.rule import Rule
from toolgate.policy.settings import EXCEPTIONS_SCHEMA

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "site.txt"
ENVIRONMENT = ROOT / ".site"
STAMP = ENVIRONMENT / ".toolgate"
UV = ROOT / ".uv" / "bin" / "uv"
SOURCES = ROOT / ".cache" / "site"
SITE = ROOT / "dist" / "site"
RULES_PAGE = "docs/policies.md"
THEIRS = re.compile(r"interceptors/|lambdas/|Pulumi\..+\.yaml$")
"""What users of this project put in place of ours: a link to it may lead nowhere in their clones."""
LINK = re.compile(r"\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^)\s]+)\)")
FENCE = re.compile(r"(^ *```.*?^ *```$)", re.MULTILINE | re.DOTALL)


class SiteError(Exception):
    """The site cannot be built; the text says what the reader can do about it."""


def missing() -> str | None:
    """Why the site cannot be built, as a sentence; None where `.site` is what its lock says."""
    if not STAMP.exists():
        return "the packages of the site are not installed: run `make site`"
    return None if STAMP.read_text() == _digest() else "the lock of the site is newer: run `make site`"


def install() -> None:
    """Make `.site` anew, from the lock.

    Raises:
        SiteError: uv failed; its own words stand above the message.
    """
    python = ENVIRONMENT / "bin" / "python"
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    print("site: its packages in .site (130 MB)", flush=True)
    steps: list[list[str | Path]] = [
        [UV, "venv", "--quiet", "--python", ROOT / ".venv/bin/python", ENVIRONMENT],
        [UV, "pip", "sync", "--quiet", "--python", python, "--require-hashes", "--compile-bytecode", LOCK],
    ]
    for words in steps:
        if subprocess.run(words, cwd=ROOT, check=False).returncode:
            raise SiteError("its packages could not be installed. The lines above say why; run `make site` again.")
    STAMP.write_text(_digest())


def _digest() -> str:
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()


def configuration() -> dict[str, Any]:
    """What `mkdocs.yml` says, with the rules' pages in the navigation."""
    settings: dict[str, Any] = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
    rules = {"The rules": [{rule.name: page_of(rule)} for rule in RULES]}
    settings["nav"] = [_with_rules(entry, rules) for entry in settings["nav"]]
    return settings


def _with_rules(entry: dict[str, Any], rules: dict[str, Any]) -> dict[str, Any]:
    """A part of the navigation; where the page about the rules is in it, their own pages follow."""
    [(title, inside)] = entry.items()
    if isinstance(inside, str):
        return entry
    found = [_with_rules(it, rules) for it in inside]
    after = next((index for index, it in enumerate(found, 1) if RULES_PAGE in it.values()), None)
    return {title: [*found[:after], rules, *found[after:]] if after else found}


def named(navigation: Iterable[Any]) -> Iterator[str]:
    """The pages in a navigation, in order."""
    for entry in navigation:
        for inside in entry.values():
            yield from [inside] if isinstance(inside, str) else named(inside)


def page_of(rule: Rule) -> str:
    """Where the site has a rule."""
    return f"docs/policies/{rule.name}.md"


def pages(repository: str = "") -> dict[str, str]:
    """The text of every page of the site, by its place; links lead to pages of the site, or into the repository.

    Raises:
        SiteError: A page is not there or in no navigation, a link leads nowhere, or a rule has no section on the page
            about them.
    """
    own = {page_of(rule) for rule in RULES}
    written = [name for name in named(configuration()["nav"]) if name not in own]
    _check(written)
    here = {*written, *own, *beside()}
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in written}
    texts[RULES_PAGE], sections = without_rules(texts[RULES_PAGE])
    done = {name: with_links(text, name, name, here, repository) for name, text in texts.items()}
    for rule in RULES:
        text = rule_page(rule, sections[rule.name])
        done[page_of(rule)] = with_links(text, RULES_PAGE, page_of(rule), here, repository)
    return done


def beside() -> list[str]:
    """What lies beside the pages and is shown or fetched by them: documents and images."""
    return sorted(
        it.relative_to(ROOT).as_posix() for it in [*ROOT.glob("docs/*.json"), *ROOT.glob("docs/images/*.[ps][nv]g")]
    )


def _check(written: list[str]) -> None:
    """Every page is in the navigation, once."""
    if gone := [name for name in written if not (ROOT / name).is_file()]:
        raise SiteError(f"mkdocs.yml: nav: there is no {', '.join(gone)}. Write the page, or take it out of `nav`.")
    if twice := sorted({name for name in written if written.count(name) > 1}):
        raise SiteError(f"mkdocs.yml: nav: {', '.join(twice)} stands there twice. Leave one.")
    if lost := sorted({it.relative_to(ROOT).as_posix() for it in ROOT.glob("docs/**/*.md")} - {*written}):
        raise SiteError(f"mkdocs.yml: nav: nothing leads to {', '.join(lost)}. Write it below one of the four kinds.")


def without_rules(page: str) -> tuple[str, dict[str, str]]:
    """The page about the rules without their sections, and these by their rules' names."""
    begin, end = page.find("\n### " + RULES[0].name), page.find("\n## Adding a rule\n")
    parts = re.split(r"^### (.*)\n", page[begin:end], flags=re.MULTILINE)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    if lost := [rule.name for rule in RULES if rule.name not in sections]:
        raise SiteError(f"{RULES_PAGE} has no section for {', '.join(lost)}. Write it: CONTRIBUTING.md says how.")
    return page[:begin] + page[end:], sections


def rule_page(rule: Rule, section: str) -> str:
    """A rule's page: what its metadata say, and what its section says beside that."""
    reference = f"[{rule.framework.name}, {rule.framework.specification}]({rule.framework.reference})"
    why, instead = f"**Why.** {rule.why}", f"**Instead.** {rule.fix}"
    said = {f"{rule.description} *{rule.level.value}, {rule.severity.value}*", why, instead, f"Reference: {reference}"}
    rest = "\n\n".join(it for it in section.strip().split("\n\n") if " ".join(it.split()) not in said)
    judged = [
        *(["a resource before it is made"] if rule.judges_resources else []),
        *(["the stack as a whole"] if rule.judges_stack else []),
    ]
    facts = {
        "level": rule.level.value,
        "severity": rule.severity.value,
        "reference": reference,
        "judges": ", and ".join(judged),
        "resource types": ", ".join(f"`{it}`" for it in sorted(rule.types | rule.remembers)),
    }
    table = "\n".join(f"| {name} | {value} |" for name, value in facts.items() if value)
    return (
        f"# {rule.name}\n\n{rule.description}\n\n| the rule | |\n|---|---|\n{table}\n\n{why}\n\n{instead}\n\n{rest}\n\n"
        f"The snippets come after [these lines](#the-rules); tests run them.\n\n"
        f"## Settings\n\nBeside the level, in the [policy configuration](#configuration):\n\n"
        f"| setting | type | without it | meaning |\n|---|---|---|---|\n"
        + "".join(_setting(name, schema) for name, schema in {**rule.settings, "exceptions": EXCEPTIONS_SCHEMA}.items())
    )


def _setting(name: str, schema: Mapping[str, Any]) -> str:
    """A row about a setting, from its schema."""
    default = schema.get("default")
    value = ", ".join(f"`{it}`" for it in default) if isinstance(default, list) else default
    shown = f"`{str(value).lower()}`" if isinstance(value, bool | int) else value or "none"
    return f"| `{name}` | {schema['type']} | {shown} | {schema['description']} |\n"


def with_links(text: str, source: str, page: str, here: set[str], repository: str) -> str:
    """A page's text whose links work on the site.

    Args:
        text: What is written, as it is in the file `source`.
        source: Which file that is: its links are written from there.
        page: Where the site has the text.
        here: What the site has: pages, and files that lie beside them.
        repository: The repository's address; empty where nobody knows it.

    Raises:
        SiteError: A link leads to a file that is not there.
    """
    lead = _leading(source, page, here, repository)
    # Every second part is a block of code.
    parts = FENCE.split(text)
    return "".join(part if index % 2 else LINK.sub(lead, part) for index, part in enumerate(parts))


def _leading(source: str, page: str, here: set[str], repository: str) -> Callable[[re.Match[str]], str]:
    rules = {rule.name: page_of(rule) for rule in RULES}

    def lead(link: re.Match[str]) -> str:
        text, target = link[1], link[2]
        if re.match(r"[a-z]+:", target):
            return link[0]
        path, hash_sign, anchor = target.partition("#")
        found = posixpath.normpath(posixpath.join(posixpath.dirname(source), path)) if path else source
        if found == RULES_PAGE and anchor in rules:
            found, hash_sign, anchor = rules[anchor], "", ""
        if found in here:
            return f"[{text}]({posixpath.relpath(found, posixpath.dirname(page) or '.')}{hash_sign}{anchor})"
        if not (ROOT / found).exists() and not THEIRS.match(found):
            raise SiteError(f"{source}: the link to {target} leads nowhere: there is no {found}.")
        return f"[{text}]({repository}/blob/HEAD/{found}{hash_sign}{anchor})" if repository else text

    return lead


def write(folder: Path, site: Path, *, repository: str = "", url: str = "") -> Path:
    """Write what MkDocs builds `site` from into a folder; return its configuration there."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, text in pages(repository).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    for name in beside():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    settings = configuration()
    settings["theme"]["custom_dir"] = str(ROOT / settings["theme"]["custom_dir"])
    settings |= {
        "docs_dir": str(folder),
        "site_dir": str(site),
        "hooks": [str(ROOT / it) for it in settings["hooks"]],
        "repo_url": repository,
        "site_url": url,
    }
    file = folder.with_name(f"{folder.name}.yml")
    file.write_text(yaml.safe_dump(settings, sort_keys=False))
    return file


def build(configured: Path) -> None:
    """Build the site, strictly.

    Raises:
        SiteError: MkDocs found something; its own words stand above the message.
    """
    # Not with --quiet: that hides the warnings, and what is hidden is not counted as an error.
    program = ENVIRONMENT / "bin" / "mkdocs"
    words: list[str | Path] = [program, "build", "--strict", "--clean", "--config-file", configured]
    # Material's notice about MkDocs 2 is no warning about our pages.
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    if subprocess.run(words, cwd=ROOT, env=environment, check=False).returncode:
        raise SiteError("MkDocs refuses the pages. Each line above says which and why; nothing was published.")


def main() -> int:
    """Build the site; return the process's exit code."""
    try:
        if missing():
            install()
        address = os.environ.get("SITE_REPOSITORY", ""), os.environ.get("SITE_URL", "")
        build(write(SOURCES, SITE, repository=address[0], url=address[1]))
    except SiteError as error:
        print(f"site: {error}", file=sys.stderr)
        return 1
    print(f"site: {SITE.relative_to(ROOT)}/index.html", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
