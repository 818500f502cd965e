"""How every command ends: in one line and with a code of the table, whatever it is given and whatever breaks."""

import os
import re
from pathlib import Path

import pytest

from tests.cli import commands
from toolgate.cli import options
from toolgate.cli.main import main
from toolgate.local import plan as planning
from toolgate.local.plan import ProgramError
from toolgate.review import approval

ROOT = Path(__file__).parents[2]
EVERY = {" ".join(words): (words, command) for words, command in commands.every()}
CODES = {
    int(code)
    for code in re.findall(r"^\| ([\d, ]+) \|", (ROOT / "docs" / "versions.md").read_text(), re.M)
    for code in code.split(",")
}
EMPTY = '{"version": 3, "deployment": {"manifest": {}}}'
BAD = {
    "missing": None,
    "folder": "",
    "unreadable": EMPTY.encode(),
    "garbage": bytes(range(128, 256)) * 9,
    "nul": b"\0" * 64,
    "empty": b"",
    "deep": b"[" * 200_000,
    "deep object": b'{"a":' * 200_000,
    "deep and whole": b'{"version": 3, "deployment": {"manifest": {}, "resources": ['
    + b"[" * 500
    + b"]" * 500
    + b"]}}",
    "list": b"[]",
    "text": b'"text"',
    "huge number": b'{"version": 1e999, "deployment": ' + b"9" * 5000 + b"}",
}


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program without stacks and tools, in which everything ends soon; and nobody's credentials."""
    folder = tmp_path / "program"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: p\n")
    (folder / "summary.json").write_text('{"gains": 1, "locks": 0, "unjudged": 0}')
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def bad(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A file of a kind that no command can use."""
    file, content = tmp_path / "bad.json", BAD[request.param]
    if content == "":
        file.mkdir()
    elif isinstance(content, bytes):
        file.write_bytes(content)
    if request.param == "unreadable":
        if not os.getuid():
            # Nobody is refused a file when root asks. A link to itself cannot be read either.
            file.unlink()
            file.symlink_to(file)
        else:
            file.chmod(0)
    return file


def ended(code: int, said: str) -> None:
    """One of the documented codes; an error is told, as one, and is nobody's internal one."""
    assert code in CODES
    assert "Traceback" not in said
    assert "internal error" not in said
    errors = [it for it in said.splitlines() if it.startswith("error: ")]
    assert len(errors) <= 1, said
    assert errors or code != options.FAILED, said


@pytest.mark.parametrize("bad", BAD, indirect=True)
@pytest.mark.parametrize(
    ("name", "given"), [(name, given) for name, (_, command) in EVERY.items() for given in commands.files(command)]
)
def test_no_file_breaks_a_command(
    name: str, given: str, bad: Path, program: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(commands.line(*EVERY[name], given, bad, program))
    ended(code, capsys.readouterr().err)


@pytest.mark.parametrize("bad", BAD, indirect=True)
@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("Pulumi.yaml", "plan"),
        ("Pulumi.dev.yaml", "plan"),
        ("Pulumi.dev.yaml", "demo"),
        ("Pulumi.dev.yaml", "deployer"),
        ("Pulumi.dev.yaml", "up"),
        ("Pulumi.json", "plan"),
        (".local/serving.json", "call --list"),
        (".local/serving.json", "credentials"),
        (".local/serving.json", "ask --local sum"),
        ("lambdas/math/requirements.in", "lock"),
        ("lambdas/math/requirements.txt", "fetch"),
        ("requirements/agent.txt", "bundle"),
    ],
)
def test_no_file_of_a_program_breaks_a_command(
    file: str, line: str, bad: Path, program: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = program / file
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    if bad.exists() or bad.is_symlink():
        bad.rename(place)
    code = main(line.split())
    ended(code, capsys.readouterr().err)


@pytest.fixture
def broken(program: Path, monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """What planning raises, in a program that has a stack."""
    raised: list[BaseException] = []

    def plan(*_: object, **__: object) -> None:
        raise raised[0]

    (program / "Pulumi.dev.yaml").touch()
    monkeypatch.setattr(planning, "plan", plan)
    return raised


@pytest.mark.parametrize(
    "ended_with",
    [
        (ProgramError("write this"), 2, "error: write this"),
        (KeyError("key"), 70, "error: internal error: KeyError: 'key'. Run it again with --debug, and report that"),
        (AssertionError(), 70, "error: internal error: AssertionError. Run it again"),
        (RecursionError("a\nb"), 70, "error: internal error: RecursionError: a b. Run"),
        (EOFError("half"), 70, "error: internal error: EOFError: half. Run"),
        (BrokenPipeError(32, "Broken pipe"), 2, "error: Broken pipe. With --debug"),
        (PermissionError(13, "Permission denied", "/a/b"), 2, "error: /a/b: Permission denied. With --debug"),
        (OSError(28, "No space left on device"), 2, "error: No space left on device."),
        (KeyboardInterrupt(), 130, ""),
        (SystemExit(143), 143, ""),
        (ModuleNotFoundError("No module named 'grpc'", name="grpc"), 2, "error: this command needs more than is"),
        (ModuleNotFoundError("No module named 'toolgate.x'", name="toolgate.x"), 70, "error: internal error: Module"),
    ],
)
def test_whatever_breaks_is_one_line_and_with_debug_its_trace(
    broken: list[BaseException],
    ended_with: tuple[BaseException, int, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    error, code, says = ended_with
    broken.append(error)
    assert main(["plan"]) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == bool(says)
    assert said.err.startswith(says)
    for line in (["--debug", "plan"], ["plan", "--debug"]):
        assert main(line) == code
        traced = capsys.readouterr().err
        assert traced.startswith("Traceback (most recent call last):")
        assert "raise raised[0]" in traced
        assert traced.endswith(said.err)
    monkeypatch.setenv("TOOLGATE_DEBUG", "1")
    assert main(["plan"]) == code
    assert capsys.readouterr().err.startswith("Traceback")


@pytest.mark.parametrize("name", EVERY)
def test_every_command_has_debug(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    words, _ = EVERY[name]
    assert main([*words, "--help"]) == 0
    assert "--debug" in capsys.readouterr().out
    assert main([*words, "--debug", "--nonsense"]) == 2
    assert main(["--debug", *words, "--nonsense"]) == 2
    assert capsys.readouterr().err.count("Traceback") == 2


@pytest.mark.parametrize("shape", ["[{}]", "3", '{"gains": 1}', '{"gains": 1, "locks": 0}'])
def test_a_summary_that_is_none_agrees_to_nothing(
    shape: str, program: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (program / "summary.json").write_text(shape)
    line = ["approval", "--summary", "summary.json", "--event", "Pulumi.yaml", "--base", "HEAD"]
    assert main(line) == 2
    assert capsys.readouterr().err.startswith("error: summary.json: ")


@pytest.mark.parametrize("event", ["{}", '{"action": "labeled"}', '{"action": "labeled", "label": []}', "[]"])
def test_an_event_that_is_none_is_no_agreement(
    event: str, program: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(approval, "file_at", lambda *_: None)  # which would ask git, and there is none
    (program / "event.json").write_text(event)
    code = main(["approval", "--summary", "summary.json", "--event", "event.json", "--base", "HEAD"])
    ended(code, capsys.readouterr().err)
    assert code
