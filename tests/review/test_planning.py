"""Trees with a planner of their own, a few lines each: what a child process may come to."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from toolgate.local.engine.pack_config import RuleConfig
from toolgate.local.engine.pack_process import Violation
from toolgate.local.engine.stack_config import stacks_of
from toolgate.review import planning
from toolgate.review.planning import NOTHING, Failed, Planned, plan_trees

HEAD = """
import os, sys, time
from dataclasses import dataclass
class ProgramError(Exception): pass
class PackError(Exception): pass
@dataclass(frozen=True)
class Violation: rule: str; level: str; urn: str; message: str
@dataclass(frozen=True)
class Plan: deployment: dict; violations: tuple
def plan(stack):
"""
TREES_CONFIG = """
class PackConfigError(Exception): pass
def load(path):
    if not path.exists(): raise PackConfigError("no such file")
    return {"read": path.read_text()}
"""


@pytest.fixture
def tree(tmp_path: Path) -> Callable[..., Path]:
    """Makes a tree whose planner does what the test says."""

    def make(name: str, body: str | None, *stacks: str) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        for stack in stacks:
            (folder / f"Pulumi.{stack}.yaml").touch()
        if body is not None:
            (folder / "src" / "toolgate" / "local").mkdir(parents=True)
            (folder / "src" / "toolgate" / "__init__.py").touch()
            (folder / "src" / "toolgate" / "local" / "plan.py").write_text(f"{HEAD}    {body}\n")
        return folder

    return make


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A folder for files in between."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def test_each_tree_is_planned_by_its_own_code(tree: Callable[..., Path], scratch: Path) -> None:
    body = "return Plan({'by': '%s', 'of': stack}, (Violation('r', 'mandatory', 'u', 'm'),))"
    trees = [tree("one", body % "one", "dev", "prod"), tree("two", body % "two", "dev")]
    assert plan_trees(trees, ["dev", "prod"], scratch) == [
        {
            stack: Planned({"by": "one", "of": stack}, (Violation("r", "mandatory", "u", "m"),))
            for stack in ("dev", "prod")
        },
        {"dev": Planned({"by": "two", "of": "dev"}, (Violation("r", "mandatory", "u", "m"),)), "prod": NOTHING},
    ]


def test_each_tree_is_told_of_its_rules_if_it_takes_any(tree: Callable[..., Path], scratch: Path) -> None:
    takes, old = tree("takes", "", "dev"), tree("old", "return Plan({'no': 'rules'}, ())", "dev")
    planner = takes / "src" / "toolgate" / "local" / "plan.py"
    planner.write_text(HEAD.replace("plan(stack)", "plan(stack, rules)") + "    return Plan(rules, ())\n")
    (planner.parent / "engine").mkdir()
    (planner.parent / "engine" / "pack_config.py").write_text(TREES_CONFIG)
    rules = scratch / "rules.json"
    rules.write_text('{"logs-delivered": "mandatory"}')
    known = {"logs-delivered": RuleConfig("mandatory", {})}
    assert plan_trees([takes, old], ["dev"], scratch, [rules, rules]) == [
        {"dev": Planned({"read": rules.read_text()}, rules=known)},
        {"dev": Planned({"no": "rules"}, rules=known)},
    ]


def test_rules_that_cannot_be_read_are_said(tree: Callable[..., Path], scratch: Path) -> None:
    takes = tree("takes", "", "dev")
    planner = takes / "src" / "toolgate" / "local" / "plan.py"
    planner.write_text(HEAD.replace("plan(stack)", "plan(stack, rules)") + "    return Plan(rules, ())\n")
    (planner.parent / "engine").mkdir()
    (planner.parent / "engine" / "pack_config.py").write_text(TREES_CONFIG)
    [outcomes] = plan_trees([takes], ["dev"], scratch, [scratch / "none.json"])
    assert outcomes == {"dev": Failed("no such file")}


def test_the_rules_are_those_that_a_tree_keeps_for_the_stack_where_none_are_given(
    tree: Callable[..., Path], scratch: Path
) -> None:
    """Whatever its planner makes of them: what another revision took, or passed over, is said in this one's words."""
    one, other, faulty = (tree(name, "return Plan({}, ())", "dev", "prod") for name in ("one", "other", "faulty"))
    for folder, text in ((one, '{"all": "disabled"}'), (faulty, '{"all": "quiet"}')):
        (folder / "policy").mkdir()
        (folder / "policy" / "prod.json").write_text(text)
    of_one, of_other, of_faulty = plan_trees([one, other, faulty], ["dev", "prod"], scratch)
    assert of_one == {"dev": Planned({}), "prod": Planned({}, rules={"all": RuleConfig("disabled", {})})}
    assert of_other == {"dev": Planned({}), "prod": Planned({})}
    assert of_faulty["dev"] == Planned({})
    assert of_faulty["prod"] == Failed(
        'policy/prod.json: all: "quiet" is no level; write one of advisory, mandatory, remediate, disabled'
    )


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise ProgramError('write this: ' + os.getcwd() + '/x.py')", "write this: x.py"),
        ("raise PackError('the pack')", "the pack"),
        ("raise RuntimeError('boom')", "RuntimeError: boom"),
        ("print('last words', flush=True); os._exit(7)", "planning ended with code 7; its last words:\nlast words"),
        ("import no_such_module", "No module named 'no_such_module'"),
        (None, "Pulumi.yaml: cannot be read"),
    ],
)
def test_a_tree_that_cannot_be_planned_says_why(
    body: str | None, words: str, tree: Callable[..., Path], scratch: Path
) -> None:
    folder = tree("one", body, "dev")
    outcome = plan_trees([folder], ["dev"], scratch)[0]["dev"]
    assert isinstance(outcome, Failed)
    assert words in outcome.reason
    assert str(folder) not in outcome.reason


def test_a_tree_of_before_the_folders_became_one_package(scratch: Path, tmp_path: Path) -> None:
    folder = tmp_path / "old"
    (folder / "local").mkdir(parents=True)
    (folder / "Pulumi.dev.yaml").touch()
    (folder / "local" / "plan.py").write_text(f"{HEAD}    return Plan({{'by': 'local'}}, ())\n")
    assert plan_trees([folder], ["dev"], scratch) == [{"dev": Planned({"by": "local"})}]


def test_a_planner_that_does_not_end_is_ended(
    tree: Callable[..., Path], scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "LONGEST_SECONDS", 0.5)
    folder = tree("one", "open('pid', 'w').write(str(os.getpid())); time.sleep(600)", "dev")
    outcome = plan_trees([folder], ["dev"], scratch)[0]["dev"]
    assert outcome == Failed("planning did not end within 0.5 seconds")
    if (folder / "pid").exists():  # on a busy machine it may not have come that far
        with pytest.raises(ProcessLookupError):
            os.kill(int((folder / "pid").read_text()), 0)


def test_only_stacks_with_names_that_pulumi_takes(tree: Callable[..., Path]) -> None:
    folder = tree("one", None, "dev", "prod-eu.1", "a<b>", "")
    assert stacks_of(folder) == ["dev", "prod-eu.1"]
