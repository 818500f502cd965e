"""Imports point one way: the contracts of pyproject.toml, and what import-linter does not see."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).parents[1]
FOLDERS = ("access", "cli", "components", "console", "deployer", "local", "policy", "review")
ALONE = ("agent", "interceptors", "lambdas", "servers")


def imported(folder: str) -> Iterator[tuple[str, str]]:
    """Files of a folder and the top-level names that they import."""
    for path in sorted((ROOT / folder).rglob("*.py")) or [ROOT / folder]:
        if ".venv" in path.parts or "tests" in path.relative_to(ROOT).parts[1:]:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((path.relative_to(ROOT).as_posix(), alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                yield path.relative_to(ROOT).as_posix(), node.module or ""


def test_the_arrows_between_the_folders(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("logging.config.dictConfig", lambda _: None)  # it would switch every other logger off
    assert lint_imports("pyproject.toml", no_cache=True) == EXIT_STATUS_SUCCESS, capsys.readouterr().out


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_module_has_one_name(folder: str) -> None:
    """`components.x` beside `toolgate.components.x` would be a second module with state and classes of its own."""
    assert [found for found in imported(folder) if found[1].split(".")[0] in FOLDERS] == []


@pytest.mark.parametrize("folder", ALONE)
def test_what_runs_on_aws_stands_alone(folder: str) -> None:
    assert [found for found in imported(folder) if found[1].split(".")[0] in {"toolgate", "pulumi", *FOLDERS}] == []


def test_of_the_agent_others_know_two_tables_and_its_connections() -> None:
    """They are read under other names than in the agent's zip, so they import nothing of the agent."""
    lines = [
        line
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        if ".venv" not in path.parts
        for line in path.open(encoding="utf-8")
    ]
    assert {line.strip() for line in lines if re.match(r"\s*(from|import) toolgate\.agent", line)} == {
        "from toolgate.agent import connections",
        "from toolgate.agent import model_ids",
        "from toolgate.agent.toolset import rules as tool_rules",
    }
    of_table = {name for file, name in imported("agent/toolset") if not file.endswith("/offer.py")}
    assert of_table <= sys.stdlib_module_names | {"collections.abc", "urllib.parse"}
    assert {name for _, name in imported("agent/model_ids.py")} <= sys.stdlib_module_names
    of_connections = {name.split(".")[0] for _, name in imported("agent/connections")}
    assert of_connections <= sys.stdlib_module_names | {"h11", "starlette", "uvicorn"}


def test_the_pack_reads_documents_without_pulumi() -> None:
    """`policy.language` is what others read documents with: the standard library, and how a name is quoted."""
    own = ("toolgate.policy.language", "toolgate.policy.messages")
    names = {name for _, name in imported("policy/language")} | {name for _, name in imported("policy/messages.py")}
    standard = sys.stdlib_module_names | {"collections.abc", "urllib.parse"}
    assert {name for name in names if not name.startswith(own)} <= standard
