"""The whole command on a copy of this project with a change in it."""

import contextlib
import io
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.planning import copy_project
from toolgate.cli.main import main

GREETER_BEFORE, GREETER_AFTER = "tools: [math___greeting]", "tools: [math___greeting, math___add_numbers]"
GRANT = "components/iam/iam_documents.py"


@dataclass(frozen=True)
class Outcome:
    """What the command came to."""

    code: int
    comment: str
    summary: dict[str, Any]
    errors: str


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with this project as its only commit."""
    folder = copy_project(tmp_path_factory.mktemp("project"))
    (folder / ".gitignore").write_text("/.local/\n/dist/\n__pycache__/\n")
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder)
    return folder


@pytest.fixture
def change(project: Path) -> Callable[..., None]:
    """Changes a file from the state of `main`."""

    def make(file: str, before: str, after: str) -> None:
        text = (project / file).read_text()
        assert before in text
        (project / file).write_text(text.replace(before, after))

    git(project, "checkout", "--quiet", "--force", "-B", "change", "main")
    return make


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=x")


def in_a_process(project: Path, arguments: list[str]) -> tuple[int, str]:
    """The command as a reader runs it; exit code, and what it says beside the comment."""
    command = [sys.executable, "-m", "toolgate.cli", *arguments]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def in_this_process(project: Path, arguments: list[str]) -> tuple[int, str]:
    """The same without the start of one more process; both sides are planned by processes of their own anyway."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.chdir(project):
        return main(arguments), said.getvalue()


def review(
    project: Path, base: str, stack: str, *more: str, run: Callable[..., tuple[int, str]] = in_this_process
) -> Outcome:
    out, summary = project / ".local" / "c.md", project / ".local" / "s.json"
    out.parent.mkdir(exist_ok=True)
    arguments = ["review", "--base", base, "--stack", stack, "--out", str(out), "--summary", str(summary), *more]
    code, errors = run(project, arguments)
    assert out.exists(), errors
    found = Outcome(code, out.read_text(), json.loads(summary.read_text()), errors)
    out.unlink()
    summary.unlink()
    return found


def test_who_gains_what_is_said_and_nothing_is_left_behind(project: Path, change: Callable[..., None]) -> None:
    change("Pulumi.agents.yaml", GREETER_BEFORE, GREETER_AFTER)
    found = review(project, "main", "agents", run=in_a_process)
    assert (found.code, found.summary) == (
        0,
        {"mandatory": 0, "gains": 1, "losses": 0, "locks": 0, "unjudged": 0, "unplanned": []},
    )
    assert "\n- agent `greeter` may newly call `math___add_numbers` (`agents`)\n" in found.comment
    assert '+         AgentCore::Action::"math___add_numbers",' in found.comment
    assert "somebody gains access; the whole in" in found.errors
    assert str(project) not in found.comment
    assert list((project / ".local").iterdir()) == []
    assert git(project, "status", "--porcelain") == " M Pulumi.agents.yaml\n"


def test_a_base_that_cannot_be_planned_makes_everything_new_and_a_violation_fails(
    project: Path, change: Callable[..., None]
) -> None:
    change("__main__.py", "import pulumi", "import pulumi.nowhere")
    commit(project)
    change("__main__.py", "import pulumi.nowhere", "import pulumi")
    change(GRANT, "INVOKE_GATEWAY, gateway_arns", 'INVOKE_GATEWAY, "*"')
    found = review(project, "HEAD", "dev")
    assert (found.code, found.summary["mandatory"], found.summary["losses"]) == (1, 1, 0)
    assert found.summary["gains"] >= 3
    assert "could not be planned before the change, so everything in it counts as new" in found.comment
    assert "- **mandatory** `invoke-gateway-exact-arn`: `" in found.comment


def test_a_change_that_cannot_be_planned_fails_and_says_why(project: Path, change: Callable[..., None]) -> None:
    change("Pulumi.dev.yaml", "config:", "config:\n  toolgate:authorisation: tool")
    found = review(project, "main", "dev")
    assert (found.code, found.summary["unplanned"]) == (2, ["dev"])
    assert "### `dev` cannot be planned" in found.comment
    assert "authorisation" in found.comment


def test_the_rules_configuration_is_each_sides_own(project: Path, change: Callable[..., None]) -> None:
    rules = project / "rules.json"
    rules.write_text('{"all": "disabled", "runtime-in-vpc": {"enforcementLevel": "mandatory", "required": true}}')
    commit(project)
    change("rules.json", '"all": "disabled"', '"all": "disabled", "logs-delivered": "mandatory"')
    found = review(project, "HEAD", "dev", "--policy-pack-config", str(rules))
    assert (found.code, found.summary["mandatory"]) == (1, 3)
    assert "  - `tools-gateway` (`dev`): " in found.comment
    assert "  - `assistant-runtime` (`dev`; as before): " in found.comment


def test_a_stacks_own_configuration_that_opens_rules_is_a_lock_and_a_given_one_goes_in_its_place(
    project: Path, change: Callable[..., None]
) -> None:
    change("Pulumi.dev.yaml", "", "")
    own, given = project / "policy" / "dev.json", project / "given.json"
    own.write_text('{"all": "disabled"}')
    given.write_text("")
    try:
        found = review(project, "main", "dev")
        assert (found.code, found.summary["locks"]) == (0, 2)  # of mandatory rules, and of advisory ones
        assert "- set to `disabled`, was `mandatory`: `gateway-authorizer-iam`, " in found.comment
        without = review(project, "main", "dev", "--policy-pack-config", str(given))
        assert (without.code, without.summary["locks"]) == (0, 0)
    finally:
        own.unlink()
        given.unlink()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--base", "nowhere"], "error: nowhere is no revision of this repository"),
        (["--base", "HEAD", "--stack", "nowhere"], "error: no stack `nowhere`, before or after; there are: "),
        ([], "--base"),
    ],
)
def test_what_cannot_be_done_is_one_clear_error(arguments: list[str], words: str, project: Path) -> None:
    command = [sys.executable, "-m", "toolgate.cli", "review", *arguments]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
