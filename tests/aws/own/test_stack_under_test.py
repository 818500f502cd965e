"""Which stack is asked, by whom; and a line for everything that keeps the suite from starting."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError

from tests.aws import stack_under_test
from tests.aws.local_world import Export
from tests.aws.own.pretending import error
from tests.aws.stack_under_test import CannotStartError

ACCOUNT = "123456789012"
USER = f"arn:aws:iam::{ACCOUNT}:user/alice"


class Session:
    """Credentials of somebody; or none that work."""

    def __init__(self, arn: str = USER, refusal: Exception | None = None) -> None:
        self._arn, self._refusal = arn, refusal

    def client(self, _service: str, **_its: Any) -> "Session":
        return self

    def get_caller_identity(self) -> dict[str, str]:
        if self._refusal:
            raise self._refusal
        return {"Account": self._arn.split(":")[4], "Arn": self._arn}


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `pulumi` that prints a file; where there is none, an error."""
    program = tmp_path / "pulumi"
    exported = tmp_path / "exported.json"
    program.write_text(
        f'#!/bin/sh\n[ -f "{exported}" ] && exec /bin/cat "{exported}"\necho "error: no stack $4" >&2\nexit 255\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))
    return exported


def read(session: Session) -> stack_under_test.UnderTest:
    return stack_under_test.read("dev", session)


def test_a_stack_that_can_be_asked(pulumi: Path, stack_plan: Export) -> None:
    pulumi.write_text(json.dumps({**stack_plan, "version": 4, "features": ["hooks"]}))
    found = read(Session())
    assert (found.name, found.account, found.region, found.caller) == ("dev", ACCOUNT, "us-east-1", USER)
    assert [runtime.agent for runtime in found.deployment.runtimes] == ["assistant"]


def refused(session: Session) -> str:
    with pytest.raises(CannotStartError) as caught:
        read(session)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_without_pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "not on PATH" in refused(Session())


def test_an_unknown_stack(pulumi: Path) -> None:
    assert refused(Session()) == "stack dev cannot be read: no stack dev"


def test_a_stack_that_is_empty(pulumi: Path) -> None:
    pulumi.write_text(json.dumps({"version": 3, "deployment": {"resources": []}}))
    assert "Deploy it: make up STACK=dev" in refused(Session())


def test_no_stack_export(pulumi: Path) -> None:
    pulumi.write_text(json.dumps({"version": 3, "deployment": None}))
    assert refused(Session()).startswith("stack dev: not a deployment")


@pytest.mark.parametrize("refusal", [NoCredentialsError(), error("ExpiredToken", "expired")])
def test_credentials_that_do_not_work(pulumi: Path, stack_plan: Export, refusal: Exception) -> None:
    pulumi.write_text(json.dumps(stack_plan))
    assert refused(Session(refusal=refusal)).startswith("no AWS credentials that work: ")


def test_another_account(pulumi: Path, stack_plan: Export) -> None:
    pulumi.write_text(json.dumps(stack_plan))
    assert "your credentials are of 111122223333" in refused(Session("arn:aws:iam::111122223333:user/alice"))


def test_the_root_user_can_take_no_role(pulumi: Path, stack_plan: Export) -> None:
    pulumi.write_text(json.dumps(stack_plan))
    assert "can take no role" in refused(Session(f"arn:aws:iam::{ACCOUNT}:root"))
