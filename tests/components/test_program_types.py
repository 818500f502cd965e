"""The program as the type checker sees it: a slip in the file that users copy is found before anything runs."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SLIPS = {
    'shared["kms_key_arn"] =': 'shared["kms_key"] =',
    '"log_level": level, **own, **with_role()': '"log_level": level, **own, **seen.watched',
    '"authorization": gateway.authorization': '"autorization": gateway.authorization',
    '{"code": codes[agent.code or AGENT]}': '{"code": Path(codes[agent.code or AGENT])}',
}
FOUND = (
    'TypedDict "Shared" has no key "kms_key"',
    'for TypedDict "LambdaToolsArgs"',
    'Extra key "autorization" for TypedDict "ToolGatewayArgs"',
    'expression has type "Path"',
)


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What mypy says of the program with the slips in it; a fraction of a second where `make lint` has run."""
    program = (ROOT / "__main__.py").read_text("utf-8")
    for right, wrong in SLIPS.items():
        assert right in program
        program = program.replace(right, wrong)
    copied = tmp_path_factory.mktemp("program") / "copied_program.py"
    copied.write_text(program, "utf-8")
    command = [sys.executable, "-m", "mypy", "--no-error-summary", str(copied)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("found", FOUND)
def test_a_wrong_key_or_type_is_found(findings: str, found: str) -> None:
    assert found in findings


def test_nothing_else_is_found(findings: str) -> None:
    assert findings.count(": error:") == len(SLIPS), findings
