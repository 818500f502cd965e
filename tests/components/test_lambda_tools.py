import json
from pathlib import Path
from typing import Any

import pulumi
import pytest

from tests.planning import ROOT
from toolgate.components import lambda_tools
from toolgate.components.checks.arguments import UsageError
from toolgate.components.lambda_tools import FunctionLogLevel, LambdaTools

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
BOUNDARY = "arn:aws:iam::123456789012:policy/agents-boundary"

TOOLS = '''
from typing import Annotated, Literal
def ping(word: Annotated[Literal["a", "b"], "A word"]) -> str:
    """Answer."""
    return word
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "dispatch.py").write_text("")
    target = tmp_path / "echo"
    (target / "data" / "__pycache__").mkdir(parents=True)
    (target / "tools.py").write_text(TOOLS)
    (target / "data" / "words.txt").write_text("a b")
    for tests in (target / "tests", target / "data" / "tests"):
        tests.mkdir()
        (tests / "test_tools.py").write_text("")
    (target / "data" / "__pycache__" / "x.pyc").write_text("")
    return target


def test_the_zip_holds_the_folder_the_dispatcher_and_the_schema(run: Any, folder: Path) -> None:
    made: list[LambdaTools] = []
    recorded = run(lambda: made.append(LambdaTools("echo", {"directory": str(folder)})))
    assets = recorded.one("Function", "echo-function").inputs["code"]["assets"]
    assert sorted(assets) == ["data/tests/test_tools.py", "data/words.txt", "dispatch.py", "tools.json", "tools.py"]
    assert assets["dispatch.py"]["path"] == str(folder.parent / "dispatch.py")
    [tool] = json.loads(assets["tools.json"]["text"])
    assert tool["name"] == "ping"
    # What the gateway lists is made of what the function checks against.
    assert tool["inputSchema"]["properties"]["word"] == {"type": "string", "enum": ["a", "b"], "description": "A word"}
    assert made[0].tools[0]["inputSchema"]["properties"]["word"] == {
        "type": "string",
        "description": "A word. One of: 'a', 'b'.",
    }


def test_what_the_tools_author_should_know_is_a_warning(
    run: Any, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run(lambda: LambdaTools("echo", {"directory": str(folder)}))
    assert caplog.messages == []
    (folder / "tools.py").write_text('def ping(word: str) -> str:\n    """Answer."""\n    return word\n')
    run(lambda: LambdaTools("echo", {"directory": str(folder)}))
    text = "has no description, and the model reads nothing else. Write one into the docstring."
    assert caplog.messages == [f"{folder}/tools.py:1: ping parameter 'word': {text}"]


def test_the_programs_own_paths_are_relative(run: Any) -> None:
    recorded = run(lambda: LambdaTools("math", {"directory": "lambdas/math"}))
    assets = recorded.one("Function", "math-function").inputs["code"]["assets"]
    assert {assets[name]["path"] for name in ("tools.py", "dispatch.py")} == {
        "lambdas/math/tools.py",
        "lambdas/dispatch.py",
    }


def test_the_function_and_its_log(run: Any, folder: Path) -> None:
    args: Any = {
        "directory": str(folder),
        "memory_size": 512,
        "timeout": 60,
        "log_retention_days": 7,
        "log_level": FunctionLogLevel.WARN,
        "kms_key_arn": KEY,
        "permissions_boundary": BOUNDARY,
        "tags": {"a": "b"},
    }
    recorded = run(lambda: LambdaTools("echo", args))
    function = recorded.one("Function", "echo-function").inputs
    assert function["name"] == "toolgate-dev-echo"
    assert (function["handler"], function["runtime"]) == ("dispatch.handler", "python3.13")
    assert (function["architectures"], function["memorySize"], function["timeout"]) == (["arm64"], 512, 60)
    logs = recorded.one("LogGroup", "echo-logs").inputs
    assert (logs["name"], logs["retentionInDays"]) == ("/aws/lambda/toolgate-dev-echo", 7)
    assert logs["kmsKeyId"] == KEY
    assert function["loggingConfig"] == {"applicationLogLevel": "WARN", "logFormat": "JSON"}
    assert recorded.one("Role", "echo-role").inputs["permissionsBoundary"] == BOUNDARY
    [statement] = recorded.one("RolePolicy", "echo-logs").document()["Statement"]
    assert statement["Resource"].endswith(":log-group:/aws/lambda/toolgate-dev-echo:log-stream:*")
    for kind, name in (("Role", "echo-role"), ("LogGroup", "echo-logs"), ("Function", "echo-function")):
        assert recorded.one(kind, name).inputs["tags"] == {"a": "b"}


def test_removal_protection_leaves_alone_what_updates_replace(run: Any, folder: Path) -> None:
    recorded = run(lambda: LambdaTools("echo", {"directory": str(folder)}, pulumi.ResourceOptions(protect=True)))
    free = [(it.type.split(":")[-1], it.name) for it in recorded.resources if not it.protect]
    assert free == [("RolePolicy", "echo-logs")]


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("echo", {}, "LambdaTools 'echo': missing 'directory'"),
        (
            "echo",
            {"directory": "lambdas/math", "log_level": "WARNING"},
            "'WARNING' is not one of 'DEBUG', 'INFO', 'WARN'",
        ),
        ("echo", {"directory": "lambdas/math", "kms_key_arn": "x"}, "'x' is no ARN of a KMS key"),
        ("echo", {"directory": "lambdas/math", "permissions_boundary": "x"}, "'x' is no ARN of a managed policy"),
        ("echo", {"directory": "lambdas/math", "memory": 1}, "unknown key 'memory'. Did you mean 'memory_size'"),
        ("echo", {"directory": "nowhere"}, "nowhere/tools.py: cannot be read"),
        (
            "echo",
            {"directory": "lambdas/math", "log_retention_days": 2},
            r"'echo'\.log_retention_days: 2 is not one of",
        ),
        ("my_target", {"directory": "lambdas/math"}, "target name 'my_target' is refused"),
        ("t" * 60, {"directory": "lambdas/math"}, "full tool name .* at most 64"),
        ("t" * 52, {"directory": "lambdas/math"}, "full tool name|function name"),
    ],
)
def test_nothing_is_made_of_what_is_wrong(run: Any, name: str, args: Any, message: str) -> None:
    def program() -> None:
        with pytest.raises(UsageError, match=message):
            LambdaTools(name, args)

    assert run(program).resources == []


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda folder: (folder / "dispatch.py").write_text(""), "name is taken by the dispatcher"),
        (lambda folder: (folder / "tools.json").write_text(""), "name is taken by the dispatcher"),
        (lambda folder: (folder / "tools.py").write_text(""), "has no tool"),
    ],
)
def test_a_folder_that_is_no_target_is_refused(run: Any, folder: Path, break_it: Any, message: str) -> None:
    break_it(folder)

    def program() -> None:
        with pytest.raises(UsageError, match=message):
            LambdaTools("echo", {"directory": str(folder)})

    assert run(program).resources == []


def test_without_a_dispatcher_beside_the_folder_the_shipped_one_goes_in(run: Any, folder: Path) -> None:
    (folder.parent / "dispatch.py").unlink()
    made = run(lambda: LambdaTools("echo", {"directory": str(folder)}))
    code = made.one("Function", "echo-function").inputs["code"]
    assert Path(code["assets"]["dispatch.py"]["path"]).resolve() == ROOT / "lambdas" / "dispatch.py"


def test_where_there_is_none_at_all_that_is_said(run: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder.parent / "dispatch.py").unlink()
    monkeypatch.setattr(lambda_tools, "SHIPPED_DISPATCHER", folder / "nowhere.py")

    def program() -> None:
        with pytest.raises(UsageError, match=r"dispatch\.py: is missing"):
            LambdaTools("echo", {"directory": str(folder)})

    assert run(program).resources == []
