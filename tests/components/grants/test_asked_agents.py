"""Handing an agent to an agent: the grant, the variable, and what is refused before anything is made."""

import json
from pathlib import Path
from typing import Any

import pytest

from toolgate.access.iam.evaluation import IamRequest, decide
from toolgate.access.iam.identities import Identity
from toolgate.access.iam.policies import Policy
from toolgate.components.agent_runtime import AgentRuntime
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants import asked_agents

INVOKE = "bedrock-agentcore:InvokeAgentRuntime"


@pytest.fixture
def args(tmp_path: Path) -> Any:
    (tmp_path / "agent.zip").write_bytes(b"a zip")
    return {"code": str(tmp_path / "agent.zip"), "model_id": "amazon.nova-lite-v1:0"}


def changed(args: Any, **more: Any) -> Any:
    return {**args, **more}


def handed(name: str = "orders", **more: Any) -> Any:
    arn = f"arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/shop_{name}-abcdefghij"
    return {"name": name, "runtime_arn": arn, "description": f"Knows {name}.", **more}


def test_an_agent_may_ask_exactly_what_it_was_handed(run: Any, args: Any) -> None:
    def program() -> None:
        orders = AgentRuntime("orders", changed(args, description="Knows orders."))
        AgentRuntime("desk", changed(args, agents=[orders.ask(), {**orders.ask("Ships."), "name": "shipping"}]))

    recorded = run(program)
    runtime = recorded.one("AgentcoreAgentRuntime", "desk-runtime")
    [first, second] = json.loads(runtime.inputs["environmentVariables"]["ASKED_AGENTS"])
    assert (first["name"], first["description"]) == ("orders", "Knows orders.")
    assert (second["name"], second["description"]) == ("shipping", "Ships.")
    policy = recorded.one("RolePolicy", "desk-agents").document()
    desk = Identity(arn="arn:aws:iam::123456789012:role/desk", name="desk", policies=(Policy("agents", policy),))
    arn = first["arn"]
    requests = {
        (INVOKE, arn): True,
        (INVOKE, f"{arn}/runtime-endpoint/DEFAULT"): True,
        (INVOKE, f"{arn}/runtime-endpoint/other"): False,
        (INVOKE, arn.replace("orders", "others")): False,
        ("bedrock-agentcore:InvokeAgentRuntimeForUser", arn): False,
        ("bedrock-agentcore:InvokeAgentRuntimeCommand", arn): False,
    }
    for (action, resource), allowed in requests.items():
        assert decide(IamRequest(desk, action, resource, {})).allowed is allowed


def test_without_agents_nothing_is_written(run: Any, args: Any) -> None:
    recorded = run(lambda: AgentRuntime("desk", args))
    assert "ASKED_AGENTS" not in recorded.one("AgentcoreAgentRuntime", "desk-runtime").inputs["environmentVariables"]
    assert [it.name for it in recorded.resources if it.type.endswith("RolePolicy")] == ["desk-policy"]


@pytest.mark.parametrize(
    ("agents", "fault"),
    [
        ([handed("a b")], r"agents\[0\].name: 'a b' is not 1 to 60"),
        ([handed(), handed()], r"agents\[1\].name: 'orders' is handed over twice"),
        ([handed("a-b"), handed("a_b")], r"agents\[1\].name: 'a_b' is handed over twice"),
        ([handed(description=" ")], r"agents\[0\].description"),
        ([handed(depth=3)], "4 agents would ask each other in a row; the most is 3"),
        ([handed(depth=0)], r"agents\[0\].depth"),
    ],
)
def test_what_cannot_be_handed_over(run: Any, args: Any, agents: Any, fault: str) -> None:
    with pytest.raises(UsageError, match=fault):
        run(lambda: AgentRuntime("desk", changed(args, agents=agents)))


def test_an_agent_says_what_it_is_asked_for(run: Any, args: Any) -> None:
    with pytest.raises(UsageError, match="say what the agent is asked for"):
        run(lambda: AgentRuntime("orders", args).ask())


def test_asking_is_no_statement(run: Any, args: Any) -> None:
    statement = {"actions": [INVOKE], "resources": ["arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/x"]}
    with pytest.raises(UsageError, match="write 'agents'"):
        run(lambda: AgentRuntime("desk", changed(args, statements=[statement])))


def test_who_is_asked_is_made_first() -> None:
    asks = {"a": ["b", "c"], "b": ["c"], "c": [], "d": []}
    assert asked_agents.order(asks, "agents") == ["c", "b", "a", "d"]


@pytest.mark.parametrize(
    ("asks", "fault"),
    [
        ({"a": ["x"]}, "agents.a.agents: 'x' is no agent. Agents: a."),
        ({"a": ["b", "b"], "b": []}, "agents.a.agents: 'b' is there twice"),
        ({"a": ["a"]}, "agents: a asks a: that never ends"),
        ({"a": ["b"], "b": ["c"], "c": ["b"]}, "agents: b asks c asks b: that never ends"),
        ({"a": [], "b": ["a"], "c": ["b"], "d": ["c"]}, "agents.d.agents: 4 agents would ask each other in a row"),
    ],
)
def test_circles_and_long_rows_are_refused(asks: Any, fault: str) -> None:
    with pytest.raises(UsageError, match=fault):
        asked_agents.order(asks, "agents")
