"""Authorization per tool under a real engine: two agents through their life, and a stack that is switched over."""

import json
from collections import Counter
from typing import Any

import yaml  # type: ignore[import-untyped]
from pulumi import automation as auto

from tests.planning import SAMPLE
from toolgate.access.deployment.deployment import parse
from toolgate.access.iam.evaluation import Access
from toolgate.access.matrix.access_matrix import matrix

from .conftest import ROOT, Engine, Start

GATEWAY = "aws:bedrock/agentcoreGateway:AgentcoreGateway"
POLICY_ENGINE = "aws:bedrock/agentcorePolicyEngine:AgentcorePolicyEngine"
POLICY = "aws:bedrock/agentcorePolicy:AgentcorePolicy"
RUNTIME = "aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime"
ADD, MULTIPLY, GREETING = (f"math___{name}" for name in ("add_numbers", "multiply_numbers", "greeting"))


def two_agents() -> dict[str, Any]:
    """The settings of the stack `agents`."""
    settings = yaml.safe_load((SAMPLE / "Pulumi.agents.yaml").read_text())["config"]
    assert isinstance(settings, dict)
    return settings


def configure(engine: Engine, settings: dict[str, Any]) -> None:
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in settings.items()}
    engine.stack.set_all_config({key: auto.ConfigValue(text) for key, text in texts.items()})


def allowed(engine: Engine) -> dict[str, set[str]]:
    """The tools that each agent may call, by the documents of what the engine deployed."""
    judged = matrix(parse({"version": 3, "deployment": {"resources": engine.resources()}}))
    assert judged.unsupported == ()
    found: dict[str, set[str]] = {}
    for entry in judged.entries:
        assert entry.agent, f"somebody else may call something: {entry}"
        found.setdefault(entry.agent, set())
        if entry.decision is Access.ALLOW:
            found[entry.agent].add(entry.tool)
    return found


def the(engine: Engine, kind: str) -> dict[str, Any]:
    """The one resource of a type, as the engine's state has it."""
    [resource] = [item for item in engine.resources() if item["type"] == kind]
    return resource


def done(engine: Engine) -> list[tuple[str, str]]:
    """What the last update did, in the order in which it was finished: the operation and the resource's type."""
    finished = [event.res_outputs_event.metadata for event in engine.events if event.res_outputs_event]
    steps = [(str(getattr(step.op, "value", step.op)), step.type) for step in finished]
    return [(operation, kind) for operation, kind in steps if operation != "same" and kind.startswith("aws:")]


def test_two_agents_made_unchanged_changed_and_gone(start: Start) -> None:
    engine, settings = start(), two_agents()
    agents = settings["toolgate:agents"]
    configure(engine, settings)
    made = engine.up(policy_packs=[str(ROOT / "policy")])
    assert set(made) == {"create"}
    kinds = Counter(engine.account())
    assert [kinds[kind] for kind in (GATEWAY, POLICY_ENGINE, POLICY, RUNTIME)] == [1, 1, 2, 2]
    assert allowed(engine) == {"calculator": {ADD, MULTIPLY}, "greeter": {GREETING}}
    engine.stack.preview(expect_no_changes=True)

    # A tool that moves to another agent changes their permits, and nothing else.
    agents["calculator"]["tools"], agents["greeter"]["tools"] = [ADD], [GREETING, MULTIPLY]
    configure(engine, settings)
    engine.events.clear()
    engine.up()
    assert done(engine) == [("update", POLICY), ("update", POLICY)]
    assert allowed(engine) == {"calculator": {ADD}, "greeter": {GREETING, MULTIPLY}}

    # An agent that is taken out takes its permit along.
    del agents["greeter"]
    configure(engine, settings)
    engine.up()
    assert "greeter" not in the(engine, POLICY)["outputs"]["definition"]["cedar"]["statement"]
    assert allowed(engine) == {"calculator": {ADD}}

    engine.stack.destroy()
    assert engine.account() == []


def test_switched_to_tool_and_back_the_gateway_is_replaced_and_closed_until_the_permits_are_there(start: Start) -> None:
    engine = start()
    engine.up()
    before, every = the(engine, GATEWAY), allowed(engine)
    assert every == {"assistant": {ADD, MULTIPLY, GREETING}}
    replaced = ("create-replacement", GATEWAY)

    configure(engine, {"toolgate:authorization": "tool"})
    engine.events.clear()
    engine.up(policy_packs=[str(ROOT / "policy")])
    after = the(engine, GATEWAY)
    # AWS sets search at creation only: a gateway that goes on would go on searching.
    assert after["id"] != before["id"]
    assert "searchType" not in after["inputs"]["protocolConfiguration"]["mcp"]
    steps = done(engine)
    assert steps.index(("create", POLICY_ENGINE)) < steps.index(replaced) < steps.index(("create", POLICY))
    assert steps.index(("create", POLICY)) < steps.index(("update", RUNTIME))
    assert allowed(engine) == every

    configure(engine, {"toolgate:authorization": "gateway"})
    engine.events.clear()
    engine.up()
    assert the(engine, GATEWAY)["id"] not in {before["id"], after["id"]}
    assert the(engine, GATEWAY)["inputs"] == before["inputs"]
    steps = done(engine)
    order = [("delete-replaced", POLICY), ("delete-replaced", GATEWAY), replaced, ("delete", POLICY_ENGINE)]
    assert sorted(map(steps.index, order)) == [*map(steps.index, order)]
    assert allowed(engine) == every
