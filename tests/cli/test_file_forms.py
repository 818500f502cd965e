"""Every file that somebody gives a command, in the forms in which editors and shells write it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.planning import SAMPLE, planned
from toolgate.access.deployment.stack_export import load
from toolgate.access.deployment.supplied_policies import supplied
from toolgate.access.deployment.text_file import TextFileError, read_text
from toolgate.cli.main import main
from toolgate.components.checks.arguments import UsageError
from toolgate.components.runtime import function_package, wheels
from toolgate.components.tools import source_files, tools_file
from toolgate.local.engine.pack_config import load as rules
from toolgate.local.engine.stack_config import project_name, stack_config
from toolgate.local.serve.aws.own_values import read_values

FORMS: dict[str, Callable[[str], bytes]] = {
    "UTF-8": str.encode,
    "CR LF": lambda text: text.replace("\n", "\r\n").encode(),
    "byte order mark": lambda text: text.encode("utf-8-sig"),
    "Notepad": lambda text: text.replace("\n", "\r\n").encode("utf-8-sig"),
    "PowerShell": lambda text: text.replace("\n", "\r\n").encode("utf-16"),
    "UTF-16 LE": lambda text: text.encode("utf-16-le"),
    "UTF-16 BE": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
}
PYTHON = ("UTF-8", "CR LF", "byte order mark", "Notepad")
"""The forms that Python itself takes, and so Lambda."""
BOUNDARY = "arn:aws:iam::111122223333:policy/größe"
TOOLS = [{"name": "find", "description": "Finds größe.", "inputSchema": {"type": "object", "properties": {}}}]


def _text(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


@pytest.fixture(params=FORMS)
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str, str], Path]:
    """Writes a text into a file, in one of the forms."""

    def write(name: str, text: str) -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(FORMS[request.param](text))
        return file

    return write


type Written = Callable[[str, str], Path]


def test_a_text(written: Written) -> None:
    assert read_text(written("a", "one\nzwei größe\n\n")) == "one\nzwei größe\n\n"


@pytest.mark.parametrize("content", [b"\xff", b"a\xfc", b"a\0b", "größe\n".encode("latin-1")])
def test_what_is_no_text_is_named_so(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(TextFileError, match=r"is no text"):
        read_text(tmp_path / "a")


def test_a_deployment(written: Written) -> None:
    deployment = planned().deployment
    assert load(written("deployment.json", _text(deployment))) == deployment


def test_a_stacks_and_a_projects_file(written: Written) -> None:
    written("Pulumi.yaml", "name: p\nconfig:\n  k: größe\n")
    file = written("Pulumi.dev.yaml", "config:\n  # größe\n  aws:region: us-east-1\n  p:m:\n    - a\n")
    assert project_name(file.parent) == "p"
    assert stack_config(file.parent, "dev", {}).values == {"p:k": "größe", "p:m": '["a"]', "aws:region": "us-east-1"}


def test_a_stacks_file_in_json(written: Written) -> None:
    written("Pulumi.json", _text({"name": "p"}))
    file = written("Pulumi.dev.json", _text({"config": {"p:k": "größe"}}))
    assert stack_config(file.parent, "dev", {}).values == {"p:k": "größe"}


def test_a_managed_policy(written: Written) -> None:
    document = {"Version": "2012-10-17", "Statement": [], "Id": "größe"}
    found = supplied(f"{BOUNDARY}={written('boundary.json', _text(document))}")
    assert json.loads(found["outputs"]["policy"]) == document


def test_the_rules_configuration(written: Written) -> None:
    assert rules(written("rules.json", _text({"logs-delivered": "mandatory"})))["logs-delivered"].level == "mandatory"


def test_the_values_of_secrets(written: Written) -> None:
    file = written(".local/secrets.json", _text({"name": "größe"}))
    file.chmod(0o600)
    assert read_values(file.parents[1]) == {"name": "größe"}


def test_the_tools_of_a_function_that_is_there(written: Written) -> None:
    assert tools_file.read(written("tools.json", _text(TOOLS)), "here") == TOOLS


def test_what_a_review_counted_and_githubs_event(
    written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    written("Pulumi.yaml", "name: p\n")
    written("summary", _text({"gains": 1, "locks": 0, "unjudged": 0}))
    said = {"login": "größe"}
    event = {
        "action": "labeled",
        "label": {"name": "access-reviewed"},
        "sender": said,
        "pull_request": {"user": {"login": "a"}},
    }
    written("event", _text(event))
    assert main(["approval", "--summary", "summary", "--event", "event", "--base", "HEAD"]) == 0
    assert capsys.readouterr().out == "größe has agreed.\n"


def test_what_tools_need_is_locked_and_the_lock_is_the_same(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    def resolve(requirements: Path, lock: Path) -> None:
        asked.append(requirements.read_bytes().replace(b"\r\n", b"\n"))
        assert requirements.parent == folder
        lock.write_text(f"six==1.17.0 --hash=sha256:00\n    # via -r {requirements.name}\n")  # as uv writes it

    monkeypatch.setattr(wheels, "resolve", resolve)
    text = "# größe\nsix\n"
    folder = written("requirements.in", text).parent
    function_package.lock(folder, upgrade=False)
    assert asked == [text.encode()]
    assert sorted(it.name for it in folder.iterdir()) == ["requirements.in", "requirements.txt"]
    made = (folder / "requirements.txt").read_text()
    (folder / "requirements.in").write_bytes(text.encode())
    function_package.lock(folder, upgrade=False)
    assert (folder / "requirements.txt").read_text() == made


@pytest.mark.parametrize("form", FORMS)
def test_a_tools_source(form: str, tmp_path: Path) -> None:
    """What Lambda's Python would not take is refused, with what to do."""
    file = tmp_path / "tools.py"
    file.write_bytes(FORMS[form]((SAMPLE / "lambdas" / "math" / "tools.py").read_text()))
    if form in PYTHON:
        assert source_files.parsed(file).body
        return
    with pytest.raises(UsageError, match=r"tools.py.*: is not valid Python: .* Save it as UTF-8\."):
        source_files.parsed(file)
