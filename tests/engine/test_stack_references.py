"""Two stacks of a real engine: what one made the other is handed by a StackReference; and a plan without an engine."""

import json
import runpy
from pathlib import Path
from typing import Any

import pulumi
from pulumi import automation as auto

from tests.e2e.test_stack_references import FILE, OUTPUTS, page_program
from tests.engine.conftest import Start
from toolgate.local.plan import plan

OTHER = "organization/shared/prod"  # as a backend of files calls everybody's


def _shared() -> None:
    for name, value in OUTPUTS.items():
        pulumi.export(name, value)


def _told(resources: list[dict[str, Any]]) -> dict[str, bool]:
    """The resources by what is the same of their URNs in projects of two names, and whether each is only read."""
    left_out = ("pulumi:providers:", "pulumi:pulumi:Stack:")
    urns = {it["urn"].split("::", 2)[2]: it.get("external", False) for it in resources}
    return {urn: external for urn, external in urns.items() if not urn.startswith(left_out)}


def test_the_other_stack_is_read_and_a_plan_by_its_file_has_the_same_resources(start: Start, tmp_path: Path) -> None:
    folder = page_program(tmp_path / "team", OTHER)
    engine = start(lambda: runpy.run_path(str(folder / "__main__.py")), folder=folder)
    options = auto.LocalWorkspaceOptions(env_vars=engine.stack.workspace.env_vars)
    other = auto.create_stack("prod", project_name="shared", program=_shared, opts=options)
    other.up()

    engine.up()
    assert engine.up().keys() == {"same"}
    made = engine.resources()
    [reference] = [it for it in made if it["type"] == "pulumi:pulumi:StackReference"]
    assert reference["outputs"]["outputs"] == OUTPUTS

    file = folder / FILE.parents[2] / f"{OTHER}.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({key: it.value for key, it in other.outputs().items()}))
    planned = plan(root=folder).deployment["deployment"]["resources"]
    [read] = [it for it in planned if it["type"] == "pulumi:pulumi:StackReference"]
    assert {key: read[key] for key in ("id", "external", "inputs", "outputs")} == {
        key: reference[key] for key in ("id", "external", "inputs", "outputs")
    }
    assert _told(planned) == _told(made)
    engine.stack.destroy()
    assert engine.account() == []
