"""One stack with a target of every kind, by the components, under a real engine."""

import json
import runpy
from pathlib import Path

from pulumi import automation as auto

from tests.e2e.test_every_kind import AGENTS, FULL, TOOLS, write_program
from tests.engine.conftest import Start
from toolgate.access.deployment.deployment import parse
from toolgate.access.iam.evaluation import Access
from toolgate.access.matrix.access_matrix import matrix

HANDED = {
    AGENTS[0]: [*list(FULL)[::2], "web___WebSearch"],
    AGENTS[1]: [*list(FULL)[1::2], "handbook___Retrieve"],
}
WORLD = {"kinds": [*TOOLS, "web", "handbook"], "authorization": "tool", "agents": HANDED}


def test_it_comes_up_as_planned_and_a_second_plan_changes_nothing(start: Start, tmp_path: Path) -> None:
    folder = write_program(tmp_path / "every")
    engine = start(lambda: runpy.run_path(str(folder / "__main__.py")), folder=folder)
    engine.stack.set_config("every:world", auto.ConfigValue(json.dumps(WORLD)))
    engine.stack.preview()
    engine.up()
    export = engine.stack.export_stack()
    made = {"version": export.version, "deployment": export.deployment}
    found: dict[str, set[str]] = {agent: set() for agent in AGENTS}
    outer = next(it for it in parse(made).gateways if "tools" in it.label)
    for row in matrix(parse(made)).entries:
        if row.gateway == outer.arn and row.agent in found and row.decision is Access.ALLOW:
            found[row.agent].add(row.tool)
    assert found == {agent: set(tools) for agent, tools in HANDED.items()}
    engine.stack.preview(expect_no_changes=True)
    engine.stack.refresh()
    engine.stack.preview(expect_no_changes=True)
    engine.stack.destroy()
    assert engine.account() == []
