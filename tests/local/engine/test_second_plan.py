"""A second plan, or one after a refresh, finds nothing to change: what AWS gives back is what the program writes."""

import json
from typing import Any

import pytest

from tests.planning import ROOT, planned
from toolgate.access.deployment.stack_export import SECRET, SIGNATURE
from toolgate.local import plan
from toolgate.local.cloud.catalogue import TYPES
from toolgate.local.engine.provider_diff import planned_changes

SEEN = json.dumps({"logs": True, "traces": True, "alarms": True, "dashboard": True})
TOOLS = {"toolgate:authorization": "tool"}


def changes(deployment: dict[str, Any]) -> dict[str, list[str]]:
    """What the plan of the same program over this deployment would change, by resource."""
    found = {}
    for resource in deployment["deployment"]["resources"]:
        if resource["type"] in TYPES:
            known, inputs = on_the_wire(resource["outputs"]), on_the_wire(resource["inputs"])
            found[resource["urn"].rpartition("::")[2]] = [*planned_changes(TYPES[resource["type"]], known, inputs)]
    return found


def on_the_wire(value: Any) -> Any:
    """A value of a deployment file as it crosses between engine and provider."""
    if isinstance(value, dict) and value.get(SIGNATURE) == SECRET:
        return {SIGNATURE: SECRET, "value": on_the_wire(json.loads(value["plaintext"]))}
    if isinstance(value, dict):
        return {key: on_the_wire(item) for key, item in value.items()}
    return [on_the_wire(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("stack", "config"),
    [
        *((stack, {}) for stack in ("dev", "agents", "gateways", "jwt", "prod")),
        ("dev", {"toolgate:observability": SEEN, **TOOLS}),
    ],
)
def test_a_second_plan_of_a_stack_is_empty(stack: str, config: dict[str, str]) -> None:
    found = changes(planned(stack, config).deployment)
    assert len(found) > 10
    assert {name: paths for name, paths in found.items() if paths} == {}


@pytest.mark.parametrize("example", ["orders", "python"])
def test_a_second_plan_of_an_example_is_empty(example: str) -> None:
    found = changes(plan.plan("dev", root=ROOT / "examples" / example).deployment)
    assert len(found) > 10
    assert {name: paths for name, paths in found.items() if paths} == {}


def test_what_the_program_writes_otherwise_is_found() -> None:
    deployment = planned().deployment
    [gateway] = [it for it in deployment["deployment"]["resources"] if it["type"].endswith(":AgentcoreGateway")]
    gateway["inputs"]["protocolConfiguration"]["mcp"]["supportedVersions"].reverse()
    gateway["inputs"]["description"] = "Tools."
    assert changes(deployment)["tools-gateway"] == ["description"]
