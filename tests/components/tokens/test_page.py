"""What docs/tokens.md shows is a program."""

import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[3] / "docs/tokens.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
TOOLS = [{"name": name, "description": "It.", "inputSchema": {"type": "object"}} for name in ("add", "greeting")]


@pytest.mark.parametrize("block", BLOCKS)
def test_each_block_is_a_program(run: Any, tmp_path: Path, block: str) -> None:
    (tmp_path / "agent.zip").write_bytes(b"a zip")
    given = {
        "targets": {"math": {"function_arn": "arn:aws:lambda:us-east-1:123456789012:function:f", "tools": TOOLS}},
        "zip": str(tmp_path / "agent.zip"),
        "model": "amazon.nova-lite-v1:0",
        "secret_arn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:okta-a1B2c3",
    }
    imports = BLOCKS[0].partition("\n\n")[0]
    recorded = run(lambda: exec(f"{imports}\n{block}", given))  # our own page
    kinds = {kind for kind, _ in recorded.types()}
    assert {"AgentcoreOauth2CredentialProvider", "AgentcoreWorkloadIdentity", "AgentcorePolicy"} <= kinds
    assert len(BLOCKS) == 2
