"""A permissions boundary that the deployment only names, given on the command line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from toolgate.cli.main import main

BOUNDARY = "arn:aws:iam::123456789012:policy/limits/agents-boundary"
Give = Callable[[dict[str, Any]], list[str]]


@pytest.fixture
def file(handmade: dict[str, Any], tmp_path: Path) -> Path:
    """A deployment whose agent's role is within a boundary that is not in it."""
    for item in handmade["deployment"]["resources"]:
        if item["urn"].endswith("::assistant-role"):
            item["inputs"]["permissionsBoundary"] = BOUNDARY
    path = tmp_path / "deployment.json"
    path.write_text(json.dumps(handmade))
    return path


@pytest.fixture
def give(tmp_path: Path) -> Give:
    """The option that gives the boundary this document."""

    def giving(document: dict[str, Any]) -> list[str]:
        path = tmp_path / "boundary.json"
        path.write_text(json.dumps(document))
        return ["--policy", f"{BOUNDARY}={path}"]

    return giving


def document(action: str) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}


def decisions(told: str) -> set[str]:
    return {entry["decision"] for entry in json.loads(told)["entries"] if entry["agent"] == "assistant"}


def test_a_boundary_decides_once_it_is_given(file: Path, give: Give, capsys: pytest.CaptureFixture[str]) -> None:
    def judged(*more: str) -> tuple[set[str], list[str]]:
        assert main(["access", "matrix", str(file), "--format", "json", *more]) == 0
        told = capsys.readouterr().out
        return decisions(told), json.loads(told)["unsupported"]

    unknown, notes = judged()
    assert "undecided" in unknown
    assert "allow" not in unknown
    assert [note for note in notes if BOUNDARY in note and "--policy ARN=FILE" in note]
    wide, notes = judged(*give(document("bedrock-agentcore:*")))
    assert "allow" in wide
    assert "undecided" not in wide
    assert not [note for note in notes if BOUNDARY in note]
    assert judged(*give(document("s3:*")))[0] == {"deny"}


def test_explanations_name_the_boundary(file: Path, give: Give, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["access", "explain", str(file), "--agent", "assistant", "--tool", "math___greeting"]
    assert main(asked) == 0
    said = capsys.readouterr().out
    assert f"Anything in permissions boundary '{BOUNDARY}' (its document is not in the deployment)" in said
    assert main([*asked, *give(document("*"))]) == 0
    assert "allow: assistant" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("boundary.json", "is not ARN=FILE with the ARN of a managed policy"),
        ("arn:aws:iam::123456789012:role/x=boundary.json", "is not ARN=FILE"),
        (f"{BOUNDARY}=nowhere.json", "nowhere.json: cannot be read (No such file or directory)"),
        (f"{BOUNDARY}=pyproject.toml", "pyproject.toml: is no JSON (Expecting value: line 1, column 2)"),
    ],
)
def test_what_is_no_policy_is_an_error(text: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["access", "matrix", "any.json", "--policy", text]) == 2
    assert says in capsys.readouterr().err


def test_a_document_that_iam_would_not_take_is_one_line(
    file: Path, give: Give, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["access", "matrix", str(file), *give({"Version": "2012-10-17"})]) == 2
    assert "agents-boundary" in capsys.readouterr().err
