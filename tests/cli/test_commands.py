import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.planning import SAMPLE
from tests.planning import planned as sample
from toolgate.cli.main import main
from toolgate.cli.up import _tell
from toolgate.local import plan as planning
from toolgate.local.engine.pack_config import PackConfig, RuleConfig
from toolgate.local.plan import PackError, Plan, ProgramError, Violation
from toolgate.local.serve.access_log import Entry

ROOT = Path(__file__).parents[2]
STACK = {"urn": "urn:pulumi:dev::p::pulumi:pulumi:Stack::p-dev", "type": "pulumi:pulumi:Stack", "custom": False}
EMPTY = {"version": 3, "deployment": {"manifest": {}, "resources": [STACK]}}
MANDATORY = Violation("rule", "mandatory", str(STACK["urn"]), "Wrong.")
ADVISORY = Violation("rule", "advisory", str(STACK["urn"]), "Odd.")


@pytest.fixture(scope="module")
def gateway_only(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the sample's deployment, without its agents: it is served sooner. It can be read from anywhere."""
    text = json.dumps(sample().deployment).replace('"lambdas/', f'"{SAMPLE}/lambdas/')
    deployment = json.loads(text)
    resources = deployment["deployment"]["resources"]
    deployment["deployment"]["resources"] = [item for item in resources if "AgentRuntime" not in item["urn"]]
    file = tmp_path_factory.mktemp("deployment") / "gateway.json"
    planning.write(deployment, file)
    # One `up` at a time serves a program: whoever works in the clone may have one running there.
    (file.parent / "Pulumi.yaml").write_text("name: sample\n")
    return file


def _up(deployment: Path) -> list[str]:
    return ["up", "--deployment", str(deployment), "--program", str(deployment.parent)]


@pytest.fixture
def given() -> list[PackConfig]:
    """The rules' configurations that `plan` was given."""
    return []


@pytest.fixture
def settings() -> list[Mapping[str, str] | None]:
    """The settings that `plan` was given."""
    return []


@pytest.fixture
def planned(given: list[PackConfig], settings: list[Mapping[str, str] | None], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets `plan` give what the test says."""

    def give(outcome: Plan | Exception) -> None:
        def fake(_stack: str, *, rules: PackConfig, root: Path, config: Mapping[str, str] | None = None) -> Plan:
            assert root == ROOT
            given.append(rules)
            settings.append(config)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        monkeypatch.setattr(planning, "plan", fake)

    return give


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (Plan(EMPTY, ()), 0),
        (Plan(EMPTY, (ADVISORY,)), 0),
        (Plan(EMPTY, (ADVISORY, MANDATORY)), 1),
        (ProgramError("write this instead"), 2),
        (PackError("the pack failed"), 2),
    ],
)
def test_exit_codes_of_plan(
    outcome: Plan | Exception, code: int, planned: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    planned(outcome)
    file = tmp_path / "out.json"
    assert main(["plan", "--out", str(file)]) == code
    said = capsys.readouterr()
    if isinstance(outcome, Exception):
        assert said.err == f"error: {outcome}\n"
        assert said.out == ""
        assert list(tmp_path.iterdir()) == []
    else:
        assert json.loads(file.read_text()) == EMPTY


def test_what_the_rules_say_for_programs(planned: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planned(Plan(EMPTY, (ADVISORY, MANDATORY)))
    assert main(["plan", "--format", "json", "--out", str(tmp_path / "out.json")]) == 1
    said = capsys.readouterr()
    about = {"resource": "p-dev", "urn": STACK["urn"]}
    assert json.loads(said.out) == {
        "resources": 0,
        "violations": [
            {"rule": "rule", "level": "advisory", **about, "message": "Odd."},
            {"rule": "rule", "level": "mandatory", **about, "message": "Wrong."},
        ],
        "notes": [],
    }
    assert said.err.endswith(f"Deployment written to {tmp_path / 'out.json'}\n")


def test_settings_of_the_command_line_are_handed_on(
    planned: Any, settings: list[Mapping[str, str] | None], capsys: pytest.CaptureFixture[str]
) -> None:
    planned(Plan(EMPTY, ()))
    agents = '{"greeter": {"tools": ["math=___greeting"]}}'
    given = ["--config", f"toolgate:agents={agents}", "-c", "logLevel=debug", "-c", "logLevel=", "-c", "x:y= z"]
    assert main(["plan", *given]) == 0
    assert settings == [{"toolgate:agents": agents, "logLevel": "", "x:y": " z"}]
    capsys.readouterr()
    for wrong in ("toolgate:protect", "=true"):
        assert main(["plan", "--config", wrong]) == 2
        assert f"{wrong} is no setting: write KEY=VALUE" in capsys.readouterr().err
    assert main(["plan", "--deployment", "x.json", "--config", "a:b=c"]) == 2
    assert "--deployment judges a file as it is" in capsys.readouterr().err
    assert len(settings) == 1


def test_a_setting_goes_before_the_stacks_file_which_stays_as_it_is(tmp_path: Path) -> None:
    """The real planner: a key of the project's own needs no namespace, and a value of the file's is not looked at."""
    folder = tmp_path / "program"
    folder.mkdir()
    files = {
        "Pulumi.yaml": "name: own\nruntime: python\n",
        "Pulumi.dev.yaml": "config:\n  aws:region: us-east-1\n  own:text: of the file\n",
        "__main__.py": "import pulumi\npulumi.export('said', [pulumi.Config().get(it) for it in ('text', 'more')])\n",
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    out = tmp_path / "out.json"
    command = ["plan", "--program", str(folder), "--out", str(out), "--config", "text=given", "-c", "own:more=too"]
    assert main(command) == 0
    [stack] = [it for it in json.loads(out.read_text())["deployment"]["resources"] if it["type"] == STACK["type"]]
    assert stack["outputs"] == {"said": ["given", "too"]}
    assert {it.name: it.read_text() for it in folder.iterdir() if it.is_file()} == files


def test_a_file_that_cannot_be_written_is_an_error(
    planned: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    planned(Plan(EMPTY, ()))
    (tmp_path / "no").touch()
    assert main(["plan", "--out", str(tmp_path / "no" / "out.json")]) == 2
    assert "cannot be written (File exists); give another --out" in capsys.readouterr().err


def test_the_folder_of_a_file_to_write_is_made(planned: Any, tmp_path: Path) -> None:
    planned(Plan(EMPTY, ()))
    assert main(["plan", "--out", str(tmp_path / "new" / "out.json")]) == 0
    assert json.loads((tmp_path / "new" / "out.json").read_text()) == EMPTY


@pytest.mark.parametrize("command", ["plan", "up"])
def test_the_rules_configuration_is_handed_on(
    command: str, planned: Any, given: list[PackConfig], tmp_path: Path
) -> None:
    planned(Plan(EMPTY, (MANDATORY,)))
    file = tmp_path / "rules.json"
    file.write_text('{"rule": "mandatory"}')
    assert main([command, "--policy-pack-config", str(file)]) == 1
    assert given == [{"rule": RuleConfig("mandatory", {})}]
    assert main([command]) == 1
    assert given[1:] == [None]


@pytest.mark.parametrize("command", [["plan"], ["up"], ["review", "--base", "HEAD"]])
def test_a_rules_configuration_that_is_none_is_one_line(
    command: list[str], planned: Any, given: list[PackConfig], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    planned(Plan(EMPTY, ()))
    file = tmp_path / "rules.json"
    file.write_text('{"rule": "loud"}')
    assert main([*command, "--policy-pack-config", str(file)]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f'error: {file}: rule: "loud" is no level')
    assert given == []


def test_up_serves_nothing_that_the_rules_forbid(planned: Any, capsys: pytest.CaptureFixture[str]) -> None:
    planned(Plan(EMPTY, (MANDATORY,)))
    assert main(["up"]) == 1
    assert "[mandatory] rule: p-dev" in capsys.readouterr().err


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"version": 3}', '{"version": 2, "deployment": {"resources": []}}']
)
def test_a_file_that_is_no_deployment_is_one_line(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file.json"
    file.write_text(content)
    assert main(["up", "--deployment", str(file)]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert str(file) in line or "deployment" in line


def test_a_port_in_use_is_one_line(gateway_only: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert main([*_up(gateway_only), "--port", str(port)]) == 2
    [line] = [line for line in capsys.readouterr().err.splitlines() if "waiting" not in line]
    assert line.startswith("error: ")
    assert str(port) in line


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("gpt", "error: --model: no model 'gpt': write scripted, bedrock, or the URL of an OpenAI-compatible API"),
        ("http://127.0.0.1:11434", "error: --model: http://127.0.0.1:11434 names no model; write its name after a #"),
        ("bedrock", "error: --model bedrock: there are no AWS credentials of yours: sign in, or set AWS_PROFILE"),
    ],
)
def test_a_model_that_cannot_be_asked_is_one_line_before_anything_starts(
    model: str, says: str, gateway_only: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert main([*_up(gateway_only), "--model", model]) == 2
    said = capsys.readouterr()
    [line] = [line for line in said.err.splitlines() if "waiting" not in line]
    assert line.startswith(says)
    assert said.out == ""


@pytest.mark.parametrize("port", ["http", "-1", "65536"])
def test_a_port_must_be_one(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up", "--port", port]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: Invalid value for '--port'")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_prints_the_variables_and_ends_cleanly(number: signal.Signals, gateway_only: Path) -> None:
    command = [sys.executable, "-m", "toolgate.cli", *_up(gateway_only)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("# http"):
                break
        os.kill(process.pid, number)
        _, errors = process.communicate()
    assert process.returncode == 0, errors
    variables = dict(re.findall(r"^export (\w+)=(.*)$", "".join(said), re.MULTILINE))
    assert said[0].startswith("# model: a script")
    assert variables["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert "Traceback" not in errors


def test_up_says_each_call_and_each_refusal_in_a_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    entry = Entry("r", last_words="KeyError: 'b'", log=tmp_path / "math.log")
    call = {
        "method": "tools/call",
        "tool": "math___add",
        "agent": "assistant",
        "decision": "allowed",
        "milliseconds": 3.4,
    }
    _tell(call | {"status": "ok"}, Entry("r"))
    _tell(call | {"status": "tool_failed"}, entry)
    denied = {"by": "signature", "effect": "deny", "reason": "Missing Authentication Token"}
    _tell({"decision": "denied", "decided_by": [denied], "milliseconds": 1.0, "method": "x\x1b[2J"}, Entry("r"))
    _tell({"method": "tools/list", "decision": "allowed", "milliseconds": 1.0}, Entry("r"))
    asked = {"by": "interceptor", "effect": "allow", "point": "RESPONSE", "function": "shown"}
    for more in ({}, {"changed": {"tools": 2}}, {"reason": "its time was over"}):
        _tell(call | {"method": "tools/list", "tool": "", "decided_by": [asked | more]}, Entry("r"))
    _tell(call | {"status": "ok", "decided_by": [asked, asked | {"changed": {"arguments": ["a"]}}]}, Entry("r"))
    said = [re.sub(r"^\d\d:\d\d:\d\d", "NOW", line) for line in capsys.readouterr().err.splitlines()]
    assert said == [
        "NOW assistant math___add allowed ok 3 ms",
        "NOW assistant math___add allowed tool_failed 3 ms",
        f"         KeyError: 'b' ({tmp_path / 'math.log'})",
        "NOW nobody x\\u001b[2J denied 1 ms (signature denies: Missing Authentication Token)",
        "NOW assistant tools/list allowed 3 ms (interceptor shown (RESPONSE) allows, and changes 2 tools less)",
        "NOW assistant tools/list allowed 3 ms (interceptor shown (RESPONSE) allows: its time was over)",
        "NOW assistant math___add allowed ok 3 ms (interceptor shown (RESPONSE) allows, and changes argument a)",
    ]


@pytest.mark.parametrize("resources", [None, []])
def test_the_pack_alone_judges_any_deployment(
    resources: list[Any] | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = sample()
    if resources is not None:
        made = Plan({"version": 3, "deployment": {"resources": resources}}, ())
    file = tmp_path / "deployment.json"
    planning.write(made.deployment, file)
    assert main(["plan", "--deployment", str(file)]) == 0
    assert capsys.readouterr().out == f"{planning.describe(made)}\n"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["access", "matrix", "{none}"], 0, "No agent and no tool."),
        (["access", "matrix", "{none}", "--format", "json"], 0, '"entries": ['),
        (["access", "matrix", "{none}", "--format", "md"], 0, "No agent and no tool."),
        (["access", "picture", "{none}", "--format", "mermaid"], 0, "flowchart"),
        (
            ["access", "explain", "{none}", "--agent", "a", "--tool", "t___t"],
            2,
            "no agent 'a'; the deployment has none",
        ),
        (
            ["access", "explain", "{none}", "--principal", "*", "--tool", "t___t"],
            2,
            "no tool 't___t'; the deployment has",
        ),
        (["deployer", "--deployment", "{none}"], 0, '"Statement": []'),
        (["deployer", "--deployment", "{none}", "--account", "111122223333"], 0, '"Statement": []'),
        (["deployer", "--deployment", "{none}", "--folder", "{folder}"], 0, "nothing that anybody must be allowed"),
        (["access", "diff", "{none}", "{none}"], 0, "Nobody's access changes."),
        (["access", "diff", "{some}", "{none}"], 3, "Access losses: 3"),
        (["access", "diff", "{none}", "{some}"], 1, "Access gains: 3"),
        (["access", "picture", "{none}"], 0, "<svg"),
        (["plan", "--deployment", "{none}"], 0, ""),
        (["up", "--deployment", "{none}"], 2, "error: there is nothing to serve"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_the_export_of_a_stack_without_resources(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, says: str
) -> None:
    """So Pulumi writes it for a stack that is new or destroyed, and PowerShell puts it into a file."""
    files = {"none": tmp_path / "none.json", "some": tmp_path / "some.json", "folder": tmp_path / "folder"}
    files["none"].write_text('{"version": 3, "deployment": {"manifest": {}, "metadata": {}}}', encoding="utf-16")
    planning.write(sample("prod").deployment, files["some"])
    assert main([argument.format(**files) for argument in arguments]) == code
    printed = capsys.readouterr()
    assert says in printed.out + printed.err
    assert "Traceback" not in printed.err


@pytest.mark.parametrize("command", ["plan", "deployer", "up"])
@pytest.mark.parametrize("given", ["nowhere", "acme/nowhere", "acme/sample/nowhere"])
def test_a_stack_is_named_as_pulumi_names_it(capfd: pytest.CaptureFixture[str], command: str, given: str) -> None:
    """pulumi/docs#4365: `pulumi stack ls` and CI write the organization and the project before it."""
    assert main([command, "--program", str(ROOT), "--stack", given]) == 2
    assert "no stack `nowhere`: Pulumi.nowhere.yaml is missing" in capfd.readouterr().err
