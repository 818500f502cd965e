import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from toolgate.review.revisions import RevisionError, file_at, revisions, tree_of

type Git = Callable[..., str]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """An empty repository."""
    folder = tmp_path / "repository"
    folder.mkdir()
    return folder


@pytest.fixture
def git(repository: Path) -> Git:
    """Runs git in the repository."""

    def run(*arguments: str) -> str:
        settings = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
        command = ["git", *settings, *arguments]
        return subprocess.run(command, cwd=repository, check=True, capture_output=True, text=True).stdout.strip()

    run("init", "--quiet", "--initial-branch=main")
    return run


@pytest.fixture
def commit(repository: Path, git: Git) -> Callable[..., str]:
    """Commits files; returns the commit."""

    def make(**files: str) -> str:
        for name, text in files.items():
            file = repository / name.replace("__", "/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        git("add", "--all")
        git("commit", "--quiet", "--message=x")
        return git("rev-parse", "HEAD")

    return make


def test_the_base_is_where_the_change_left_its_line(repository: Path, git: Git, commit: Callable[..., str]) -> None:
    fork = commit(a="1")
    git("checkout", "--quiet", "-b", "change")
    commit(b="1")
    git("checkout", "--quiet", "main")
    commit(a="2")
    git("checkout", "--quiet", "change")
    found = revisions(repository, "main")
    assert found.base == fork
    assert found.head == git("rev-parse", "--short=10", "change")


def test_a_trial_merge_is_compared_with_what_it_is_merged_into(
    repository: Path, git: Git, commit: Callable[..., str]
) -> None:
    commit(a="1")
    git("checkout", "--quiet", "-b", "change")
    change = commit(b="1")
    git("checkout", "--quiet", "main")
    base = commit(a="2")
    git("merge", "--quiet", "--no-edit", "change")
    shallow = repository.parent / "shallow"
    git("clone", "--quiet", "--depth=2", repository.as_uri(), str(shallow))
    for root in (repository, shallow):
        found = revisions(root, "HEAD^1")
        assert (found.base, found.head) == (base, change[:10])


def test_the_working_tree_is_what_is_judged(repository: Path, commit: Callable[..., str]) -> None:
    commit(policy__pack="1", docs__x="1")
    (repository / "policy" / "pack").write_text("2")
    (repository / "docs" / "x").write_text("2")
    found = revisions(repository, "main")
    assert found.judges == ("policy/pack",)
    assert found.head.endswith(" with uncommitted changes")


def test_servers_whose_code_a_plan_runs(repository: Path, commit: Callable[..., str]) -> None:
    base = commit(servers__stock__server="1", docs__servers="1")
    commit(servers__stock__server="2", program__servers__shop__server="1", servers__README="1", docs__servers="2")
    assert revisions(repository, base).servers == ("program/servers/shop/server", "servers/stock/server")


@pytest.mark.parametrize("name", ["nowhere", "--help", "main:a", ""])
def test_what_is_no_revision_is_an_error(name: str, repository: Path, commit: Callable[..., str]) -> None:
    commit(a="1")
    with pytest.raises(RevisionError, match="is no revision of this repository; give --base a branch"):
        revisions(repository, name)


def test_a_tree_comes_and_goes_and_the_repository_stays_as_it_is(
    repository: Path, git: Git, commit: Callable[..., str], tmp_path: Path
) -> None:
    first = commit(a="1", b__c="1")
    commit(a="2")
    before = sorted(path for path in (repository / ".git").rglob("*") if path.is_file())
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with tree_of(repository, first, scratch) as tree:
        assert (tree / "a").read_text() == "1"
        assert (tree / "b" / "c").read_text() == "1"
    assert list(scratch.iterdir()) == []
    assert sorted(path for path in (repository / ".git").rglob("*") if path.is_file()) == before


def test_a_file_of_a_revision(repository: Path, commit: Callable[..., str]) -> None:
    commit(a="1")
    commit(a="2")
    assert file_at(repository, "HEAD^1", "a") == "1"
    assert file_at(repository, "HEAD^1", "b") is None
