"""The program with agents of their authors' own: each in a folder, with the packages that it asks for."""

from pathlib import Path
from typing import Any

import pytest

from tests.components.test_program import SOURCES
from toolgate.components.checks.arguments import UsageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "research").mkdir()
    (tmp_path / "research" / "main.py").write_text("print()\n")
    return tmp_path / "research"


def runtime(recorded: Any, name: str) -> Any:
    return recorded.one("AgentcoreAgentRuntime", f"{name}-runtime").inputs


def source(recorded: Any, name: str) -> Any:
    return recorded.one("BucketObjectv2", f"{name}-code").inputs["source"]


def test_agents_of_one_folder_share_a_zip_and_the_others_have_theirs(run: Any, program: Any, folder: Path) -> None:
    agents = {"a": {"code": str(folder)}, "b": {"code": f"{folder}/"}, "c": {}}
    recorded = run(program, {**SOURCES, "agents": agents})
    assert source(recorded, "a") == source(recorded, "b") != source(recorded, "c")


def test_without_the_key_an_agent_has_the_zip_that_it_had(run: Any, program: Any) -> None:
    before = run(program, SOURCES)
    with_key = run(program, {**SOURCES, "agents": {"assistant": {"code": "agent"}}})
    assert source(before, "assistant") == source(with_key, "assistant")


def test_without_the_distro_an_agent_starts_plainly(run: Any, program: Any, folder: Path) -> None:
    started = "agentRuntimeArtifact"
    config = {**SOURCES, "agents": {"a": {"code": str(folder)}}}
    shipped = runtime(run(program, config), "a")
    assert shipped[started]["codeConfiguration"]["entryPoints"] == ["opentelemetry-instrument", "main.py"]
    (folder / "requirements.in").write_text("tiny\n")
    (folder / "requirements.txt").write_text("tiny==1.0 --hash=sha256:00\n")
    own = runtime(run(program, config), "a")
    assert own[started]["codeConfiguration"]["entryPoints"] == ["main.py"]
    assert not [name for name in own["environmentVariables"] if name.startswith("OTEL_")]


def test_a_folder_that_is_not_there_is_told(run: Any, program: Any) -> None:
    with pytest.raises(UsageError, match=r"toolgate:agents\.a\.code: there is no folder 'resarch'"):
        run(program, {**SOURCES, "agents": {"a": {"code": "resarch"}}})
