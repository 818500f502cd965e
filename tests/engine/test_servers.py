"""MCP servers under a real engine: the life of one, and no plan that wants to change what it has just made."""

from pathlib import Path

import pytest
from pulumi import automation as auto

from tests.components.servers.conftest import ADD
from tests.engine.conftest import Engine, Start
from tests.engine.test_agents import GATEWAY, POLICY, RUNTIME, allowed, configure, done

TOOLS = {"math___add_numbers", "math___multiply_numbers", "math___greeting"}
RESOURCE_POLICY = "aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy"
TARGET = "aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget"
COUNT = ADD.replace("def add", "def count")
TWO = COUNT + '\n@server.tool()\ndef reserve(sku: str | None) -> bool:\n    """Reserve."""\n    return bool(sku)\n'


def with_server(engine: Engine, source: str) -> Path:
    """An MCP server in the program's folder."""
    path = engine.folder / "servers" / "stock" / "server.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    return path


@pytest.mark.parametrize("authorization", ["gateway", "tool"])
def test_a_server_is_added_changed_and_taken_away(start: Start, authorization: str) -> None:
    engine = start()
    configure(engine, {"toolgate:authorization": authorization})
    engine.up()
    before = sorted(engine.account())

    # In a preview nothing of it is known yet but its tools.
    file = with_server(engine, COUNT)
    engine.stack.preview()
    engine.events.clear()
    engine.up()
    steps = done(engine)
    assert steps.index(("create", RUNTIME)) < steps.index(("create", RESOURCE_POLICY)) < steps.index(("create", TARGET))
    assert not [step for step in steps if "replace" in step[0]]
    assert allowed(engine) == {"assistant": {*TOOLS, "stock___count"}}
    engine.stack.preview(expect_no_changes=True)

    # A further tool: new code, and a new list; the gateway stays.
    file.write_text(TWO)
    engine.events.clear()
    engine.up()
    steps = done(engine)
    assert ("update", RUNTIME) in steps
    assert ("update", TARGET) in steps
    assert not [step for step in steps if step[1] in (GATEWAY, RESOURCE_POLICY)]
    assert allowed(engine) == {"assistant": {*TOOLS, "stock___count", "stock___reserve"}}
    engine.stack.preview(expect_no_changes=True)

    file.unlink()
    engine.events.clear()
    engine.up()
    assert sorted(engine.account()) == before
    assert (("update", POLICY) in done(engine)) is (authorization == "tool")
    engine.stack.destroy()
    assert engine.account() == []


def test_a_server_that_cannot_be_read_changes_nothing(start: Start) -> None:
    engine = start()
    with_server(engine, "import os\n\nTABLE = os.environ['TABLE']\n")
    with pytest.raises(auto.CommandError):
        engine.up()
    assert any("servers/stock/server.py:3: cannot be read: KeyError: 'TABLE'" in text for text in engine.messages())
    assert engine.account() == []
