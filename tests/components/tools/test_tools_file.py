import json
from pathlib import Path
from typing import Any

import pytest

from toolgate.components.checks.arguments import UsageError
from toolgate.components.tools import tools_file

FIND: Any = {"name": "find", "description": "Finds.", "inputSchema": {"type": "object", "properties": {}}}


def test_the_tools_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "orders.json"
    file.write_text(json.dumps([FIND]))
    assert tools_file.read(file, "here") == [FIND]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "here: {file} cannot be read ("),
        ('[\n{"name": }]', "{file}:2: is not valid JSON: Expecting value."),
        ("{}", "{file}: must be a list, not {{}}."),
        ('[{"name": "find", "description": "Finds."}]', "{file}[0]: missing 'inputSchema'."),
        (json.dumps([{**FIND, "outputs": {}}]), "{file}[0]: unknown key 'outputs'."),
        (json.dumps([{**FIND, "inputSchema": {"type": "array"}}]), "{file}[0].inputSchema.type: must be 'object'"),
        (
            json.dumps([{**FIND, "inputSchema": {"type": "object", "properties": {"a": {"type": "date"}}}}]),
            "{file}[0].inputSchema.properties.a.type: 'date' is not one of 'string'",
        ),
        (json.dumps([FIND, FIND]), "{file}: has several tools named 'find'."),
    ],
)
def test_what_is_wrong_is_said_with_path_and_member(tmp_path: Path, text: str | None, message: str) -> None:
    file = tmp_path / "orders.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(UsageError) as raised:
        tools_file.read(file, "here")
    assert str(raised.value).startswith(message.format(file=file))
