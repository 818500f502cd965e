"""`toolgate access scan` on the command line."""

import json
import stat
from pathlib import Path

import pytest

from tests.access.scan.fake_account import ACCOUNT, DENIED, REGION, Failure
from tests.access.scan.test_reads import account
from toolgate.access.scan import scan
from toolgate.cli.main import main


def test_the_file_is_its_owners_and_the_other_commands_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake = account(answers={"ListHarnesses": lambda _: DENIED})
    monkeypatch.setattr(scan, "session_of", lambda profile: fake.session() if profile == "audit" else None)
    out = tmp_path / "new" / "account.json"
    assert main(["access", "scan", "--profile", "audit", "--region", REGION, "--out", str(out)]) == 0
    told = capsys.readouterr()
    assert f"account {ACCOUNT}, {REGION}" in told.err
    assert f"{REGION}: 2 gateways" in told.err
    assert f"Not read: the harnesses in {REGION}: ListHarnesses: AccessDeniedException" in told.err
    assert told.out == f"{len(json.loads(out.read_text())['deployment']['resources'])} resources written to {out}\n"
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert main(["access", "matrix", str(out)]) == 0
    assert f"NotRead 'the harnesses in {REGION}' could not be read by the scan" in capsys.readouterr().out
    assert main(["access", "picture", str(out)]) == 0
    assert main(["access", "diff", str(out), str(out)]) == 0


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ((), "nowhere to write: give --out FILE"),
        (("--out", "x.json"), "no Region: give --region"),
        (
            ("--out", "x.json", "--region", REGION),
            "nobody is signed in (GetCallerIdentity: Unable to locate credentials",
        ),
        (("--out", "x.json", "--profile", "nobody"), "profile (nobody) could not be found; give another --profile"),
        (("--out", "x.json", "--region", "no such"), "give another --region"),
    ],
)
def test_what_ends_it(
    words: tuple[str, ...],
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert main(["access", "scan", *words]) == 2
    assert text in capsys.readouterr().err
    assert not (tmp_path / "x.json").exists()


def test_credentials_that_are_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake = account(answers={"GetCallerIdentity": lambda _: Failure("ExpiredToken", 403, "expired")})
    monkeypatch.setattr(scan, "session_of", lambda _: fake.session())
    assert main(["access", "scan", "--out", str(tmp_path / "x.json")]) == 2
    assert "nobody is signed in (GetCallerIdentity: ExpiredToken: expired)" in capsys.readouterr().err
