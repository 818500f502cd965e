"""What another stack made, handed over by a StackReference: the program of docs/other-tools.md, planned and judged."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.planning import ROOT
from toolgate.access.deployment.deployment import parse
from toolgate.access.iam.evaluation import IamRequest, decide
from toolgate.access.matrix.access_matrix import matrix
from toolgate.local.plan import ProgramError, plan, write

SHARED = "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/shared-a1b2c3d4e5"
URL = "https://shared-a1b2c3d4e5.gateway.bedrock-agentcore.us-east-1.amazonaws.com/mcp"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:stock"
OUTPUTS = {"gateways": {"crm": {"arn": SHARED, "url": URL}}, "stock_function_arn": FUNCTION}
FILE = Path("stacks", "acme", "shared", "prod.json")
OTHER = f"""
import pulumi

pulumi.export("gateways", {OUTPUTS["gateways"]!r})
pulumi.export("stock_function_arn", {FUNCTION!r})
"""


def _folder(folder: Path, program: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Pulumi.yaml").write_text("name: team\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text("config: {aws:region: us-east-1}\n")
    (folder / "__main__.py").write_text(program)
    (folder / "policy").mkdir()
    (folder / "policy" / "dev.json").write_text(json.dumps({"grant-matches-graph": {"externalGateways": [SHARED]}}))
    return folder


def page_program(folder: Path, other: str = "acme/shared/prod") -> Path:
    """The program of the page in a new folder, with another name of the other stack."""
    page = (ROOT / "docs" / "other-tools.md").read_text()
    [text] = [it for it in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "StackReference" in it]
    _folder(folder, text.replace("acme/shared/prod", other))
    for name in ("agent", "requirements"):
        (folder / name).symlink_to(ROOT / name)
    return folder


@pytest.fixture
def program(tmp_path: Path) -> Path:
    return page_program(tmp_path / "team")


def _outputs(_program: Path, file: Path) -> None:
    file.write_text(json.dumps(OUTPUTS))


def _planned(program: Path, file: Path) -> None:
    write(plan(root=_folder(program.parent / "shared", OTHER)).deployment, file)


@pytest.mark.parametrize("told", [_outputs, _planned])
def test_what_another_stack_made_is_handed_over(program: Path, told: Callable[[Path, Path], None]) -> None:
    (program / FILE).parent.mkdir(parents=True)
    told(program, program / FILE)
    made = plan(root=program)
    assert made.mandatory == ()
    deployment = parse(made.deployment)
    [gateway] = deployment.gateways
    targets: dict[str, Any] = {it.name: it for it in deployment.targets_of(gateway)}
    assert (targets["crm"].place.endpoint, targets["stock"].function_arn) == (URL, FUNCTION)
    role = deployment.role(gateway.role_arn)
    assert role is not None
    for action, arn in (("bedrock-agentcore:InvokeGateway", SHARED), ("lambda:InvokeFunction", FUNCTION)):
        assert decide(IamRequest(role, action, arn)).allowed
        assert not decide(IamRequest(role, action, f"{arn}x")).allowed
    assert {it.tool for it in matrix(deployment).entries if it.agent} == {"crm___orders___find", "stock___count"}


def test_without_the_file_the_plan_says_where_it_belongs(program: Path) -> None:
    with pytest.raises(ProgramError, match=rf"Write it into {FILE}: `pulumi stack output --stack acme/shared/prod"):
        plan(root=program)
