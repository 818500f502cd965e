"""The plans that the tests share: made anew whenever something that they are made from changes, and never otherwise."""

import shutil
from pathlib import Path

import pytest

from tests import planning
from tests.planning import SAMPLE, planned
from toolgate.local.plan import Plan, plan


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project, small."""
    for name in (
        *("__main__.py", "components/one.py", "policy/rules/two.py", "requirements/project.txt", "lambdas/dispatch.py"),
        *("lambdas/shop/tools.py", "docs/page.md", "tests/test_one.py", "tests/sample/lambdas/math/tools.py"),
        *("tests/sample/Pulumi.dev.yaml", "Pulumi.dev.yaml", "components/__pycache__/one.pyc"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(planning, "ROOT", tmp_path)
    monkeypatch.setattr(planning, "SAMPLE", tmp_path / "tests" / "sample")
    monkeypatch.setattr(planning, "CACHE", tmp_path / ".cache" / "plans")
    return tmp_path


def digest() -> str:
    return planning._digest.__wrapped__()


@pytest.mark.parametrize(
    ("changed", "counts"),
    [
        ("__main__.py", True),
        ("components/one.py", True),
        ("policy/rules/two.py", True),
        ("policy/rules/new.py", True),
        ("requirements/project.txt", True),
        ("lambdas/dispatch.py", True),
        ("tests/sample/lambdas/math/tools.py", True),
        ("tests/sample/Pulumi.dev.yaml", True),
        ("lambdas/shop/tools.py", False),
        ("Pulumi.dev.yaml", False),
        ("docs/page.md", False),
        ("tests/test_one.py", False),
        ("components/__pycache__/one.pyc", False),
    ],
)
def test_a_plan_is_made_anew_when_its_sources_change(tree: Path, changed: str, counts: bool) -> None:
    before = digest()
    assert digest() == before
    (tree / changed).write_text("changed")
    assert (digest() != before) is counts


def test_plans_of_another_state_are_thrown_away(tree: Path) -> None:
    old = planning.CACHE / "old"
    old.mkdir(parents=True)
    (planning.CACHE / digest()).mkdir()
    assert [path.name for path in planning.CACHE.iterdir()] == [digest()]
    assert tree.is_dir()


def test_what_is_kept_is_what_was_planned() -> None:
    made = plan("dev", root=SAMPLE)
    assert planned() == planned() == made
    assert isinstance(planned(), Plan)


def test_nobody_changes_anothers_plan() -> None:
    planned().deployment.clear()
    assert planned().deployment


def test_a_copy_is_the_project_with_the_samples_tools_and_stacks(tmp_path: Path) -> None:
    copied = planning.copy_project(tmp_path)
    assert {file.name for file in copied.glob("Pulumi*.yaml")} == {file.name for file in SAMPLE.glob("Pulumi*.yaml")}
    assert [folder.parent.name for folder in copied.glob("lambdas/*/tools.py")] == ["math"]
    links = [file for file in copied.rglob("*") if file.is_symlink()]
    assert {file.parent for file in links} == {copied / "src" / "toolgate"}
    assert all(file.resolve().is_relative_to(copied.resolve()) and file.exists() for file in links)
    shutil.rmtree(copied / "components")
    assert (planning.ROOT / "components").is_dir()
