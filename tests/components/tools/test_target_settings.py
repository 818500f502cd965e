"""`target.py`: read before anything is made, asked for what it makes, checked whole."""

import os
from pathlib import Path
from typing import Any

import pulumi
import pytest

from toolgate.components.checks.arguments import UsageError
from toolgate.components.lambda_tools import LambdaTools, LambdaToolsArgs
from toolgate.components.tools import target_settings
from toolgate.components.tools.target_settings import TargetSettings

HEAD = "import pulumi\n"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "web-shop"
    folder.mkdir()
    return folder


def _settings(target: Path, source: str) -> Any:
    (target / "target.py").write_text(HEAD + source)
    return target_settings.read(target)(pulumi.ResourceOptions())


def test_without_the_file_there_are_none(target: Path) -> None:
    assert target_settings.read(target)(pulumi.ResourceOptions()) == {}


def test_it_says_what_it_wants(target: Path) -> None:
    source = """
from dataclasses import dataclass

@dataclass
class Memory:
    of: "int"

def settings(opts):
    assert isinstance(opts, pulumi.ResourceOptions)
    return {"memory_size": Memory(512).of, "environment": {"TABLE": "orders"}}
"""
    assert _settings(target, source) == {"memory_size": 512, "environment": {"TABLE": "orders"}}


def test_an_edit_within_the_second_counts(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    file = target / "target.py"
    for seconds in (5, 6):
        file.write_text(f"def settings(opts):\n    return {{'timeout': {seconds}}}\n")
        os.utime(file, (1, 1))
        assert target_settings.read(target)(pulumi.ResourceOptions()) == {"timeout": seconds}


def test_importing_it_makes_nothing(target: Path) -> None:
    (target / "target.py").write_text(HEAD + "def settings(opts):\n    raise AssertionError\n")
    target_settings.read(target)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def settings(opts:\n", r"target\.py:2: is not valid Python"),
        ("import nowhere_at_all\n", r"target\.py:2: cannot be imported: ModuleNotFoundError: No module named 'nowhere"),
        ("x = 1\n", r"target\.py: has no function `settings`"),
        ("settings = 1\n", r"target\.py: has no function `settings`"),
        ("def settings():\n    return {}\n", r"target\.py:2: `settings` takes the resource options, and nothing else"),
        ("def settings(a, b):\n    return {}\n", r"target\.py:2: `settings` takes"),
        (
            "def settings(*, opts):\n    return {}\n",
            r"target\.py:2: `settings` takes the resource options, and nothing else",
        ),
        (
            "async def settings(opts):\n    return {}\n",
            r"target\.py:2: `settings` is asynchronous. Write `def settings",
        ),
        ("x = '\0'\n", r"target\.py:1: is not valid Python"),
        ("def settings(opts):\n    return None\n", r"target\.py:2: `settings` returns nothing. Write `return {}`"),
        ("def settings(opts):\n    return {'memory': 1}\n", r"unknown key 'memory'. Did you mean 'memory_size'"),
        ("def settings(opts):\n    return {'timeout': '9'}\n", r"settings\(\)\.timeout: must be a whole number"),
        ("def settings(opts):\n    return {'statements': [{'actions': []}]}\n", "statements.0.*missing 'resources'"),
    ],
)
def test_what_is_wrong_names_the_file(target: Path, source: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        _settings(target, source)


def test_an_argument_goes_before_it_variable_by_variable() -> None:
    settings: TargetSettings = {
        "timeout": 10,
        "memory_size": 512,
        "environment": {"A": "target", "B": "target"},
    }
    by: Any = {"timeout": 20, "environment": {"B": "stack"}, "secrets": {"KEY": "arn"}}
    assert target_settings.overridden(settings, by) == {
        "timeout": 20,
        "memory_size": 512,
        "environment": {"A": "target", "B": "stack"},
        "secrets": {"KEY": "arn"},
    }
    assert settings["environment"] == {"A": "target", "B": "target"}


def test_each_setting_is_an_argument_of_the_same_type() -> None:
    arguments = LambdaToolsArgs.__annotations__
    assert {key: arguments[key] for key in TargetSettings.__annotations__} == TargetSettings.__annotations__


def test_what_it_makes_stands_beside_the_function(run: Any, target: Path) -> None:
    (target / "tools.py").write_text('def ping() -> str:\n    """Answer."""\n    return "pong"\n')
    (target / "target.py").write_text(
        """
import pulumi_aws as aws
from toolgate import TargetSettings

def settings(opts) -> TargetSettings:
    bucket = aws.s3.Bucket("files", opts=opts)
    statement = {"actions": ["s3:ListBucket"], "resources": [bucket.arn]}
    return {"environment": {"BUCKET": bucket.bucket, "LEVEL": "1"}, "statements": [statement], "timeout": 5}
"""
    )
    args: LambdaToolsArgs = {"directory": str(target), "timeout": 9, "environment": {"LEVEL": "2"}}
    recorded = run(lambda: LambdaTools("web-shop", args, pulumi.ResourceOptions(protect=True)))
    bucket = recorded.one("Bucket", "files")
    assert bucket.protect
    function = recorded.one("Function", "web-shop-function").inputs
    assert function["timeout"] == 9
    assert function["environment"]["variables"].keys() == {"BUCKET", "LEVEL"}
    assert function["environment"]["variables"]["LEVEL"] == "2"
    [statement] = recorded.one("RolePolicy", "web-shop-tools").document()["Statement"]
    assert statement["Action"] == ["s3:ListBucket"]


def test_nothing_is_made_where_an_argument_is_wrong(run: Any, target: Path) -> None:
    (target / "target.py").write_text("def settings(opts):\n    raise AssertionError\n")

    def program() -> None:
        wrong: Any = {"directory": str(target), "memory": 1}
        with pytest.raises(UsageError, match="unknown key 'memory'"):
            LambdaTools("web-shop", wrong)

    assert run(program).resources == []
