"""The workflows under .github: safe by their form, and what they call exists and runs here."""

import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from click.testing import CliRunner

from scripts import docs_site
from tests.planning import SAMPLE
from toolgate.cli.main import toolgate
from toolgate.local.engine.stack_config import stacks_of
from toolgate.review.approval import LABEL
from toolgate.review.comment import MARKER

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github" / "actions").glob("*/action.yml"))
FILES = [*WORKFLOWS, *ACTIONS]
PINNED = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
PERMISSIONS = {
    "ci/check": {"contents": "read"},
    "ci/test": {"contents": "read"},
    "docs/build": {"contents": "read"},
    "docs/publish": {"pages": "write", "id-token": "write"},
    "preview/review": {"contents": "read"},
    "preview/comment": {"contents": "read", "pull-requests": "write"},
    "preview/preview": {"contents": "read", "id-token": "write"},
    "deploy/deploy": {"contents": "read", "id-token": "write"},
    "deploy/drift": {"contents": "read", "id-token": "write"},
    "release/build": {"contents": "read"},
    "release/publish": {"contents": "write"},
}
NOT_A_FORK = "github.event.pull_request.head.repo.full_name == github.repository"
BUILT_IN = {"test", "exit", "cat", "echo", "printf", "mkdir", "head", "tee", "grep", "openssl", "{", "}"}


def load(file: Path) -> dict[str, Any]:
    # YAML 1.1 reads the key `on` as true.
    return {("on" if key is True else key): value for key, value in yaml.safe_load(file.read_text()).items()}


def name_of(file: Path) -> str:
    return file.stem if file in WORKFLOWS else file.parent.name


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for file in WORKFLOWS:
        for name, job in load(file)["jobs"].items():
            yield f"{file.stem}/{name}", job


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, job in jobs():
        yield from ((name, step) for step in job["steps"])
    for file in ACTIONS:
        yield from ((file.parent.name, step) for step in load(file)["runs"]["steps"])


JOBS = dict(jobs())
STEPS = list(steps())
SCRIPTS = [(name, step["run"]) for name, step in STEPS if "run" in step]


def commands(script: str) -> Iterator[list[str]]:
    """The commands of a script: up to each `|`, `;`, `||` or line's end, without comments and redirections."""
    for line in script.replace("\\\n", " ").splitlines():
        if not line.strip().startswith("#"):
            unquoted = re.sub(r"\"[^\"]*\"|'[^']*'", "WORD", line)
            for part in re.split(r"\|\||\||;", unquoted):
                words = [word for word in part.split() if word not in {"{", "}", "(", ")"}]
                if words and not re.match(r"\w+=|>", words[0]):
                    yield words


def test_there_are_workflows_and_jobs_to_check() -> None:
    assert [file.stem for file in WORKFLOWS] == ["ci", "deploy", "docs", "preview", "release"]
    assert JOBS.keys() == PERMISSIONS.keys()
    assert len(SCRIPTS) >= 10


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_every_action_is_pinned_to_a_commit_and_says_its_version(file: Path) -> None:
    used = re.findall(r"uses: (.*)", file.read_text())
    assert used
    for action in used:
        local = action.startswith("./") and (ROOT / action / "action.yml").is_file()
        assert local or PINNED.fullmatch(action), action


def test_an_action_has_one_version() -> None:
    pins: dict[str, set[str]] = {}
    for file in FILES:
        for action, pin in re.findall(r"uses: ([^@\s]+)@(.*)", file.read_text()):
            pins.setdefault(action, set()).add(pin)
    assert {action for action, found in pins.items() if len(found) > 1} == set()


def test_each_job_has_the_permissions_it_needs_and_no_others() -> None:
    assert [load(file)["permissions"] for file in WORKFLOWS] == [{}] * len(WORKFLOWS)
    assert {name: job["permissions"] for name, job in JOBS.items()} == PERMISSIONS


@pytest.mark.parametrize("file", WORKFLOWS, ids=name_of)
def test_no_trigger_gives_a_strangers_code_our_rights(file: Path) -> None:
    assert load(file)["on"].keys() & {"pull_request_target", "workflow_run", "issue_comment"} == set()
    assert "secrets." not in file.read_text()


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_no_expression_is_written_into_a_script(file: Path) -> None:
    owner = file.stem if file in WORKFLOWS else file.parent.name
    scripts = [script for name, script in SCRIPTS if name.partition("/")[0] == owner]
    assert scripts
    assert [script for script in scripts if "${{" in script] == []


def test_what_has_rights_in_a_pull_request_runs_for_no_fork() -> None:
    rights = [
        job for name, job in JOBS.items() if name.startswith("preview/") and "write" in job["permissions"].values()
    ]
    assert len(rights) == 2
    assert all(NOT_A_FORK in " ".join(job["if"].split()) for job in rights)


def test_what_may_write_to_a_pull_request_runs_nothing_of_it() -> None:
    checkout, *rest = JOBS["preview/comment"]["steps"]
    assert checkout["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"
    assert {step["run"].split()[0] for step in rest} == {"printf", "gh"}
    assert [step for step in rest if "uses" in step] == []


def test_what_may_write_a_release_runs_nothing_of_the_repository() -> None:
    download, publish = JOBS["release/publish"]["steps"]
    assert download["uses"].startswith("actions/download-artifact@")
    assert publish["run"].split()[:3] == ["gh", "release", "create"]
    assert JOBS["release/publish"]["needs"] == "build"


def test_what_may_publish_the_site_runs_nothing_of_the_repository() -> None:
    [publish] = JOBS["docs/publish"]["steps"]
    assert publish["uses"].startswith("actions/deploy-pages@")
    assert JOBS["docs/publish"]["needs"] == "build"
    assert load(ROOT / ".github" / "workflows" / "docs.yml")["on"] == {
        "push": {"branches": ["main"]},
        "workflow_dispatch": None,
    }


def test_the_site_that_is_published_is_the_one_that_make_builds() -> None:
    *_, build, upload = JOBS["docs/build"]["steps"]
    assert build["run"] == "make site"
    assert set(build["env"]) == set(re.findall(r"SITE_[A-Z]+", (ROOT / "scripts/docs_site.py").read_text()))
    assert upload["with"]["path"] == docs_site.SITE.relative_to(ROOT).as_posix()


def test_where_everything_is_tested_there_is_what_builds_the_site() -> None:
    """Without it the tests of the site fail in CI, where they do not skip."""
    for name, job in JOBS.items():
        runs = [step.get("run", "") for step in job["steps"]]
        assert "make test" not in runs or "make site" in runs[: runs.index("make test")], name


def test_a_release_is_of_a_tag_that_is_the_version_and_was_proved() -> None:
    assert load(ROOT / ".github" / "workflows" / "release.yml")["on"] == {"push": {"tags": ["v*"]}}
    runs = [line for step in JOBS["release/build"]["steps"] for line in step.get("run", "").splitlines()]
    assert runs == [
        "make setup",
        "mkdir -p dist",
        '.venv/bin/python -m scripts.release "$GITHUB_REF_NAME" | tee dist/notes.md',
        "make site",
        "make test",
        "make package",
    ]
    # Without it the pipe would end as `tee` does, and a tag that is refused would go on.
    assert load(ROOT / ".github" / "workflows" / "release.yml")["defaults"]["run"]["shell"] == "bash"


def test_no_checkout_leaves_its_token_behind() -> None:
    checkouts = [(name, step) for name, step in STEPS if step.get("uses", "").startswith("actions/checkout@")]
    assert [name for name, _ in checkouts] == [name for name in JOBS if name not in {"docs/publish", "release/publish"}]
    assert all(step["with"]["persist-credentials"] is False for _, step in checkouts)


@pytest.mark.parametrize("name", JOBS)
def test_jobs_are_bounded_and_do_not_run_into_each_other(name: str) -> None:
    workflow = load(ROOT / ".github" / "workflows" / f"{name.partition('/')[0]}.yml")
    assert JOBS[name]["timeout-minutes"] <= 60
    concurrency = JOBS[name].get("concurrency") or workflow["concurrency"]
    assert concurrency["group"]
    # An update that is cancelled half way leaves resources that no state knows.
    assert concurrency["cancel-in-progress"] is not True or name.partition("/")[0] == "preview"


def test_updates_and_drift_checks_of_a_stack_wait_for_each_other() -> None:
    groups = {json.dumps(JOBS[name]["concurrency"]) for name in ("deploy/deploy", "deploy/drift")}
    assert groups == {json.dumps({"group": "deploy-${{ matrix.stack }}", "cancel-in-progress": False})}


@pytest.mark.parametrize("name", [name for name, job in JOBS.items() if "strategy" in job])
def test_stacks_have_settings(name: str) -> None:
    # Of the sample, too: whoever has other stacks than those shipped is told by Pulumi, and not by this suite.
    assert set(JOBS[name]["strategy"]["matrix"]["stack"]) <= {*stacks_of(ROOT), *stacks_of(SAMPLE)}


def test_pulumis_cli_is_of_the_locked_sdks_version() -> None:
    [locked] = re.findall(r"^pulumi==(\S+)", (ROOT / "requirements" / "project.txt").read_text(), re.MULTILINE)
    versions = {
        step["with"]["pulumi-version"] for _, step in STEPS if step.get("uses", "").startswith("pulumi/actions")
    }
    assert versions == {locked}


@pytest.mark.parametrize(("stack", "own"), [("dev", []), ("jwt", ["--policy-pack-config", "policy/jwt.json"])])
def test_pulumi_always_runs_with_the_policy_pack_and_what_the_stack_keeps_for_it(
    stack: str, own: list[str], tmp_path: Path
) -> None:
    """By the make targets that people use, so that no way has rules of its own."""
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "jwt.json").touch()
    shutil.copy(ROOT / "Makefile", tmp_path)
    assert [script for _, script in SCRIPTS if re.search(r"\bpulumi\b", script)] == []
    runs = [line for _, script in SCRIPTS for line in re.findall(r"make (?:preview|up)\b[^|\n]*", script)]
    assert len(runs) == 3
    asked = []
    for line in runs:
        command = [*shlex.split(line), "--dry-run", "--assume-old=setup"]
        done = subprocess.run(
            command, cwd=tmp_path, env=os.environ | {"STACK": stack}, capture_output=True, text=True, check=True
        )
        [words] = [shlex.split(it) for it in done.stdout.splitlines() if it.startswith("pulumi")]
        verb, *rest = words[1:]
        assert rest[: 4 + len(own)] == ["--stack", stack, "--policy-pack", "policy", *own]
        asked.append((verb, rest[4 + len(own) :]))
    assert [verb for verb, _ in asked] == ["up", "preview", "preview"]
    assert all("--non-interactive" in options for _, options in asked)
    assert "--yes" in asked[0][1]
    [drift] = [options for _, options in asked if "--expect-no-changes" in options]
    assert "--refresh" in drift


@pytest.mark.parametrize(("name", "script"), SCRIPTS)
def test_scripts_are_shell(name: str, script: str) -> None:
    done = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True, check=False)
    assert done.returncode == 0, f"{name}: {done.stderr}"


def called(first: str) -> list[list[str]]:
    found = [words for _, script in SCRIPTS for words in commands(script) if words[0] == first]
    return [list(words) for words in dict.fromkeys(map(tuple, found))]


def test_every_command_is_one_that_is_checked_here() -> None:
    first = {words[0] for _, script in SCRIPTS for words in commands(script)}
    assert first - BUILT_IN == {
        *("make", ".venv/bin/toolgate", ".venv/bin/python", ".github/comment.sh", "gh"),
    }


def test_make_has_the_targets() -> None:
    assert called("make")
    for command in called("make"):
        done = subprocess.run([*command, "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_the_command_has_the_sub_commands_with_these_options() -> None:
    assert len(called(".venv/bin/toolgate")) >= 3
    for _, command, *words in called(".venv/bin/toolgate"):
        done = CliRunner().invoke(toolgate, [command, "--help"])
        assert done.exit_code == 0, done.output
        options = [word for word in words if word.startswith("--")]
        assert [option for option in options if option not in done.output] == []


def test_the_modules_that_are_started_exist() -> None:
    started = called(".venv/bin/python")
    assert {tuple(words[1:3]) for words in started} == {("-m", "scripts.release"), ("-m", "toolgate.review.markdown")}
    assert all(importlib.util.find_spec(words[2]) for words in started)


def test_what_others_wrote_is_put_into_a_page_by_the_reviews_own_fence_only() -> None:
    assert [name for name, script in SCRIPTS if re.search("~~~|```", script)] == []


def test_the_label_and_the_marker_have_one_name_each() -> None:
    comment = JOBS["preview/comment"]["steps"][-1]
    assert comment["run"].endswith(f'/labels/{LABEL}"')
    assert f"'{LABEL}'" in comment["if"]
    assert f'startswith("{MARKER}")' in (ROOT / ".github" / "comment.sh").read_text()


@pytest.mark.parametrize(
    ("found", "method", "path"), [("", "POST", "issues/7/comments"), ("31\n32", "PATCH", "issues/comments/31")]
)
def test_the_comment_is_updated_in_place(found: str, method: str, path: str, tmp_path: Path) -> None:
    fake = tmp_path / "gh"
    fake.write_text(
        "#!/usr/bin/env python3\n"  # a folder with a blank in its name cannot stand here
        "import json, pathlib, sys\n"
        "if '--jq' in sys.argv:\n"
        f"    print({found!r})\n"
        "else:\n"
        "    told = {'arguments': sys.argv[1:], 'body': sys.stdin.read()}\n"
        "    pathlib.Path(__file__).with_name('told').write_text(json.dumps(told))\n"
    )
    fake.chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "GH_REPO": "o/r", "GH_TOKEN": "t"}
    body = f'{MARKER}\n\n`$(touch x)` "quoted"\n'
    command = [str(ROOT / ".github" / "comment.sh"), "7"]
    subprocess.run(command, input=body, text=True, env=environment, check=True)
    told = json.loads((tmp_path / "told").read_text())
    assert told["body"] == body
    assert told["arguments"][-6:] == ["--silent", "--method", method, f"repos/o/r/{path}", "--field", "body=@-"]


@pytest.mark.skipif(shutil.which("zizmor", path=f"{Path(sys.executable).parent}") is None, reason="no zizmor in .venv")
def test_zizmor_has_nothing_against_them() -> None:
    command = [
        str(Path(sys.executable).with_name("zizmor")),
        "--offline",
        "--no-progress",
        "--min-severity=medium",
        ".github",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
