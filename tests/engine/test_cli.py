"""The CLI on `local/`: its project file, the plugin in its folder, the pack, one environment for all of them."""

import json
import os
import subprocess
from pathlib import Path

from tests.planning import ROOT, copy_project
from toolgate.access.deployment.deployment import parse
from toolgate.access.matrix.access_matrix import matrix


def pulumi(project: Path, folder: Path, *arguments: str) -> str:
    environment = os.environ | {"TOOLGATE_LOCAL": str(folder), "PULUMI_HOME": str(folder / "home")}
    done = subprocess.run(
        [project / "local" / "pulumi.sh", *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_up_and_destroy(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "copied")
    (project / ".venv").symlink_to(ROOT / ".venv")
    before = {path: path.read_text() for path in project.glob("Pulumi*.yaml")}
    assert "agentcore-guardrails" in pulumi(project, tmp_path, "up", "--yes", "--skip-preview")
    exported = json.loads(pulumi(project, tmp_path, "stack", "export"))
    kinds = {resource["type"] for resource in exported["deployment"]["resources"]}
    assert "aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget" in kinds
    roles = [it["outputs"]["name"] for it in exported["deployment"]["resources"] if it["type"] == "aws:iam/role:Role"]
    assert [name.startswith("toolgate-dev-") for name in roles] == [True] * 3
    # What the CLI exports is what `access` and `toolgate up` are told to be given.
    assert {entry.agent for entry in matrix(parse(exported)).entries} == {"assistant"}
    pulumi(project, tmp_path, "destroy", "--yes", "--skip-preview")
    assert json.loads((tmp_path / "account.json").read_text())["resources"] == {}
    assert {path: path.read_text() for path in project.glob("Pulumi*.yaml")} == before
