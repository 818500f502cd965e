import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from toolgate.access.deployment.deployment import read
from toolgate.access.matrix.access_matrix import matrix
from toolgate.cli.main import main

DEPLOYMENT = Path(__file__).parent / "deployment.json"


def test_the_table_has_a_column_per_agent_and_a_row_per_tool(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["access", "matrix", str(DEPLOYMENT)]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["tool", "assistant", "role/other-gateway-role", "role/denied-role"] in lines
    assert ["math___add_numbers", "deny", "allow", "allow"] in lines
    assert ["tool", "assistant", "role/tagged-role", "role/office-role"] in lines
    assert ["math___greeting", "allow", "conditional", "conditional"] in lines


def test_json_is_only_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["access", "matrix", str(DEPLOYMENT), "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {entry["decision"] for entry in told["entries"]} == {"allow", "deny", "conditional"}
    assert told == json.loads(matrix(read(DEPLOYMENT)).as_json())


def test_markdown_has_a_table_per_gateway(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["access", "matrix", str(DEPLOYMENT), "--format", "md"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n| tool | assistant | ") == 2
    assert "\n| `math___greeting` | allow | conditional | conditional |\n" in out


@pytest.mark.parametrize("format_", ["table", "md"])
def test_what_is_conditional_or_not_judged_is_said_below(
    tmp_path: Path, handmade: dict[str, Any], capsys: pytest.CaptureFixture[str], format_: str
) -> None:
    for entry in handmade["deployment"]["resources"]:
        if entry["urn"].endswith("::assistant-tools"):
            document = json.loads(entry["outputs"]["policy"])
            document["Statement"][0]["Condition"] = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
            entry["outputs"]["policy"] = json.dumps(document)
        if entry["urn"].endswith("AgentcoreGateway::other"):
            entry["outputs"]["interceptorConfigurations"] = [{}]
    file = tmp_path / "deployment.json"
    file.write_text(json.dumps(handmade))
    assert main(["access", "matrix", str(file), "--format", format_]) == 0
    out = capsys.readouterr().out
    assert "assistant at handmade-tools-abcdefghij: Allow if IpAddress aws:SourceIp 10.0.0.0/8" in out
    assert "Not judged:" in out
    assert "AgentcoreGateway 'other': it does not say which function an interceptor is" in out


def test_a_deployment_with_nothing_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "empty.json"
    file.write_text('{"version": 3, "deployment": {"resources": []}}')
    assert main(["access", "matrix", str(file)]) == 0
    assert capsys.readouterr().out == "No agent and no tool.\n"


def test_a_file_that_is_no_deployment_ends_with_one_line_and_code_2(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text('{"version": 1}')
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "toolgate.cli", "access", "matrix", str(file)]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith("error: ")
