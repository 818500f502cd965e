"""The rules' verdict on a deployment is that of `pulumi policy analyze`."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from toolgate.local.engine.pack_config import load
from toolgate.local.engine.pack_process import running

from .conftest import ROOT, planned

CONFIGURED: dict[str, Any] = {
    "all": "advisory",
    "runtime-in-vpc": {"enforcementLevel": "mandatory", "required": True},
    "logs-delivered": "disabled",
    "gateway-authorizer-iam": {"exceptions": [{"resource": "tools-gateway", "reason": "a test"}]},
}


@pytest.mark.parametrize("config", [{}, CONFIGURED], ids=["as it is", "configured"])
def test_the_same_findings(config: dict[str, Any], tmp_path: Path) -> None:
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps(config))
    resources = planned()
    for resource in resources:
        if resource["type"].endswith(":AgentcoreGateway"):
            resource["inputs"]["authorizerType"] = resource["outputs"]["authorizerType"] = "NONE"
        if "assumeRolePolicy" in resource["inputs"]:
            trust = resource["inputs"]["assumeRolePolicy"].replace("aws:SourceArn", "aws:Other")
            resource["inputs"]["assumeRolePolicy"] = resource["outputs"]["assumeRolePolicy"] = trust
    manifest = {"time": "2026-01-01T00:00:00Z", "magic": "", "version": ""}
    deployment = {"version": 3, "deployment": {"manifest": manifest, "resources": resources}}
    file = tmp_path / "deployment.json"
    file.write_text(json.dumps(deployment))
    command = ["pulumi", "policy", "analyze", "--json", "--file", str(file), "--policy-pack", str(ROOT / "policy")]
    command += ["--policy-pack-config", str(rules)]
    lines = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    events = [event["policyEvent"] for event in map(json.loads, lines) if "policyEvent" in event]
    with running(ROOT / "policy", "toolgate", "dev", {}, load(rules)) as pack:
        ours = pack.violations(deployment)
    assert any(violation.level == "mandatory" for violation in ours)
    assert {(item.rule, item.level, item.urn, item.message) for item in ours} == {
        (item["policyName"], item["enforcementLevel"], item["resourceUrn"], item["message"].strip()) for item in events
    }
