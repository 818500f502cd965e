"""A run with `--stack`, from its announcement to its report, against a pretended AWS; and how it does not start."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.aws import conftest

ROOT = Path(__file__).resolve().parents[3]
SUITE = ROOT / "tests" / "aws"


def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-c",
        str(ROOT / "pyproject.toml"),
        "-o",
        f"cache_dir={folder}",
        str(SUITE),
    ]
    environment = os.environ | variables
    return subprocess.run(
        [*command, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_a_run_says_what_it_will_do_and_what_it_found(tmp_path: Path) -> None:
    chosen = "platform_that or shown_exactly or trust_by or headers_that"
    plugin = "-ptests.aws.own.pretending_plugin"
    done = run(tmp_path, "--stack", "dev", plugin, "-k", chosen, PYTHONPATH=str(ROOT))
    assert "account 123456789012, us-east-1" in done.stdout
    assert "each named toolgate-probe-r" in done.stdout
    assert "costs less than USD" in done.stdout
    assert "taken down at the end" in done.stdout
    assert "own/" not in done.stdout
    assert "DIFFERS     Which platform does a runtime get that names none?" in done.stdout
    assert "as assumed  Does AgentCore take a gateway's role" in done.stdout
    # The pretended AWS has refused one gateway: that is no answer.
    unseen = "NOT SEEN    test_headers_that_an_interceptor_is_told[JWT]: overheard-gateway: AccessDenied"
    assert unseen in done.stdout
    assert "1 checks held, 0 did not. 1 of 3 answers differ" in done.stdout
    assert done.returncode == 1
    report = (tmp_path / ".local" / "aws-report.md").read_text()
    assert "| **differs** | Which platform does a runtime get that names none? | V1 | documentation | V2 |" in report
    assert "123456789012" not in report
    assert "alice" not in report


@pytest.mark.engine
@pytest.mark.skipif(
    shutil.which("pulumi") is None,
    reason="no `pulumi` on PATH: install its CLI to run the tests with a real engine",
)
def test_a_whole_run_with_what_a_real_engine_made(tmp_path: Path) -> None:
    """Every check holds, and whatever both sides can answer they answer in the same words."""
    # Those that wait for a policy and for a client which no local gateway hears of, and for minutes without a request.
    chosen = "not until_a_policy and not until_a_deleted_client and not idle_session"
    done = run(tmp_path, "--stack", "dev", "-ptests.aws.own.engine_plugin", "-k", chosen, PYTHONPATH=str(ROOT))
    assert "checks held, 0 did not" in done.stdout, done.stdout
    assert re.findall("^NOT SEEN .*", done.stdout, re.MULTILINE) == [
        "NOT SEEN    test_key_of_a_gateway_through_agentcore_alone: no key was given: --key ARN",
        "NOT SEEN    test_rights_on_the_key_of_a_memory: no key was given: --key ARN",
        *(
            f"NOT SEEN    test_right_to_apply_a_guardrail[{kind}]: no agent of the stack has a guardrail"
            " (toolgate:agents, `guardrail`)"
            for kind in ("unguarded", "guarded")
        ),
    ]
    report = (tmp_path / ".local" / "aws-report.md").read_text()
    differing = re.findall(r"^\| \*\*differs\*\* \|.*$", report, re.MULTILINE)
    assert [row for row in differing if "| documentation |" not in row] == []
    assert (tmp_path / "left.txt").read_text() == "0"


def test_a_stack_that_cannot_be_read_is_a_line_and_not_a_failed_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    session = SimpleNamespace(config=SimpleNamespace(getoption=lambda *_: "dev", stash=pytest.Stash()))
    with pytest.raises(pytest.UsageError, match=r"^`pulumi` is not on PATH"):
        conftest.pytest_sessionstart(session)  # type: ignore[arg-type]


@pytest.mark.parametrize("arguments", [(), ("STACK=",)], ids=["no name", "an empty name"])
def test_make_does_not_start_without_the_stacks_name(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Neither the default of other targets counts, nor what an outer make has exported."""
    make = shutil.which("make")
    assert make
    done = subprocess.run(
        [make, "-f", str(ROOT / "Makefile"), "test-aws", *arguments],
        cwd=tmp_path,
        env=os.environ | {"STACK": "dev"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "make test-aws STACK=dev" in done.stderr
    assert not list(tmp_path.iterdir())
