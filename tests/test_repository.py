"""What surrounds the code: hooks, forms and proposals of updates work, and fit what is here."""

import configparser
import importlib.metadata
import re
import subprocess
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
FORMS = sorted(path for path in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")
HOOKS: dict[str, dict[str, Any]] = {
    hook["id"]: hook
    for repository in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    for hook in repository["hooks"]
}


def load(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text())


def test_hooks_fetch_nothing() -> None:
    assert [repository["repo"] for repository in load(".pre-commit-config.yaml")["repos"]] == ["local"]
    assert {hook["language"] for hook in HOOKS.values()} == {"system"}


@pytest.mark.parametrize(
    ("hook", "before", "after"),
    [("lint", "import sys\nimport os\n\nprint(os, sys)\n", "import os\nimport sys\n\nprint(os, sys)\n"),
     ("format", "x = {'a' : 1}\n", 'x = {"a": 1}\n')],
)  # fmt: skip
def test_a_hook_puts_right_the_files_that_it_is_given(hook: str, before: str, after: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    file = tmp_path / "bench" / "some.py"
    file.parent.mkdir()
    file.write_text(f'"""A module."""\n\n{before}')
    done = subprocess.run([*HOOKS[hook]["entry"].split(), str(file)], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout
    assert file.read_text() == f'"""A module."""\n\n{after}'


def test_the_hook_before_a_push_is_a_target_of_make() -> None:
    assert HOOKS["types"]["stages"] == ["pre-push"]
    words = [*HOOKS["types"]["entry"].split(), "--dry-run"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "mypy" in done.stdout


@pytest.mark.parametrize("form", FORMS, ids=lambda it: it.stem)
def test_a_form_is_one_that_github_shows(form: Path) -> None:
    """It shows none that it cannot read, without a word (GitHub's docs, "Syntax for issue forms")."""
    known = yaml.safe_load(form.read_text())
    assert known.keys() == {"name", "description", "labels", "body"}
    fields = [it for it in known["body"] if it["type"] != "markdown"]
    assert {it["type"] for it in fields} <= {"textarea", "input", "dropdown", "checkboxes"}
    ids = [it["id"] for it in fields]
    assert len(ids) == len(set(ids)) >= 2
    for field in fields:
        assert re.fullmatch(r"[\w-]+", field["id"])
        assert field["attributes"]["label"]
        assert field["type"] != "dropdown" or len(set(field["attributes"]["options"])) > 1
    assert [it for it in known["body"] if it["type"] == "markdown" and not it["attributes"]["value"]] == []


def test_there_are_forms_and_nothing_beside_them() -> None:
    assert [form.stem for form in FORMS] == ["bug", "feature"]
    assert load(".github/ISSUE_TEMPLATE/config.yml") == {"blank_issues_enabled": False}


def test_updates_are_proposed_for_all_that_is_locked() -> None:
    updates = {it["package-ecosystem"]: it for it in load(".github/dependabot.yml")["updates"]}
    assert updates.keys() == {"github-actions", "pip"}
    assert (ROOT / updates["pip"]["directory"].strip("/") / "project.txt").is_file()
    assert updates["github-actions"]["directories"] == ["/", "/.github/actions/*"]


def test_no_update_is_proposed_of_what_is_upgraded_on_purpose_only() -> None:
    [pip] = [it for it in load(".github/dependabot.yml")["updates"] if it["package-ecosystem"] == "pip"]
    pinned = re.findall(r"^([\w-]+)==", (ROOT / "requirements/project.in").read_text(), re.MULTILINE)
    assert pinned
    assert [it["dependency-name"] for it in pip["ignore"]] == sorted(pinned)


# What a program of somebody's own begins with (toolgate itself is in no lock of ours); and what is no list of packages.
UNLOCKED = {"examples/python/requirements.txt", "requirements/overrides.txt", "requirements/agent-overrides.txt"}


def locks() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "*.txt"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = [
        it for it in listed.split() if Path(it).parent.name == "requirements" or Path(it).name == "requirements.txt"
    ]
    return [ROOT / it for it in names if it not in UNLOCKED]


def locked(lock: Path) -> dict[str, str]:
    """The lines of a lock, without their comments, by package."""
    lines = re.sub(r"^ *#.*\n", "", lock.read_text(), flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    return {re.split(r"[=\[ ]", line, maxsplit=1)[0]: line for line in lines}


@pytest.mark.parametrize("lock", locks(), ids=lambda it: str(it.relative_to(ROOT)))
def test_every_package_is_locked_with_its_hashes(lock: Path) -> None:
    for name, line in locked(lock).items():
        assert re.fullmatch(r"[\w.-]+(\[\w,-]+\])?==\S+( ; [^#]+?)?( +--hash=sha256:[0-9a-f]{64})+ *", line), name


@pytest.mark.parametrize("folder", ["components", "policy"])
def test_what_is_installed_by_itself_is_locked_whole_and_as_it_was_tested(folder: str) -> None:
    """With hashes pip takes nothing that is not listed."""
    own, tested = locked(ROOT / folder / "requirements.txt"), locked(ROOT / "requirements/project.txt")
    version = re.compile(r"==(\S+)")
    assert {name: version.findall(line) for name, line in own.items()} == {
        name: version.findall(tested[name]) for name in own
    }
    asked = {line for line in (ROOT / folder / "requirements.in").read_text().splitlines() if not line.startswith("#")}
    needed = {canonicalize_name(it) for name in own for it in _needs(name)}
    assert asked | needed == own.keys()


def _needs(name: str) -> Iterator[str]:
    for line in importlib.metadata.requires(name) or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement.name


def editor_settings(name: str) -> dict[str, str]:
    """What .editorconfig says of a file, later sections over earlier ones."""
    parser = configparser.ConfigParser(allow_unnamed_section=True, interpolation=None)
    parser.read(ROOT / ".editorconfig")
    found: dict[str, str] = {}
    for section in parser.sections():
        if section is not configparser.UNNAMED_SECTION and any(fnmatch(name, it) for it in alternatives(section)):
            found |= parser[section]
    return found


def alternatives(pattern: str) -> list[str]:
    """`*.{a,b}` as `*.a` and `*.b`."""
    match = re.fullmatch(r"([^{]*)\{([^}]*)\}(.*)", pattern)
    return [f"{match[1]}{it}{match[3]}" for it in match[2].split(",")] if match else [pattern]


def test_editors_know_the_length_of_a_line() -> None:
    configured = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["line-length"]
    assert editor_settings("x.py")["max_line_length"] == str(configured)


def texts() -> Iterator[tuple[str, str]]:
    """Names and contents of what git tracks: no links, nothing binary, and not what users put in place of ours."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        path, theirs = ROOT / name, re.match(r"interceptors/|lambdas/|Pulumi\..+\.yaml$", name)
        if path.is_file() and not path.is_symlink() and not theirs and b"\0" not in path.read_bytes():
            yield name, path.read_bytes().decode()


def looks_wrong(name: str, text: str) -> bool:
    """Whether an editor that obeys .editorconfig would write the file otherwise."""
    tabs = re.search(r"^ *\t", text, re.MULTILINE) and editor_settings(name)["indent_style"] != "tab"
    return bool(tabs or "\r" in text or re.search(r"[ \t]$", text, re.MULTILINE) or text.rstrip("\n") + "\n" != text)


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a clone: git does not know which files are ours")
def test_files_look_as_editors_are_told() -> None:
    assert [name for name, text in texts() if text and looks_wrong(name.rpartition("/")[2], text)] == []


@pytest.mark.parametrize(
    ("name", "text", "wrong"),
    [
        *(("a.py", "x\n", False), ("a.py", "x \n", True), ("a.py", "x\r\n", True), ("a.py", "x", True)),
        *(("a.py", "x\n\n", True), ("a.py", "if x:\n\ty\n", True), ("a.go", "if x {\n\ty\n}\n", False)),
    ],
)
def test_what_looks_wrong_is_found(name: str, text: str, wrong: bool) -> None:
    assert looks_wrong(name, text) is wrong
