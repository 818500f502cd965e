"""Break each link between the caller and the handler, and see the answer fail where it was broken."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.planning import SAMPLE, planned
from toolgate.access.deployment.deployment import parse
from toolgate.local import refusals
from toolgate.local.invoke_agent import AgentError, ask
from toolgate.local.serve.server import Serving

AGENT = "assistant"
QUESTION = "What is 100 + 12?"
Served = Callable[[dict[str, Any]], AbstractContextManager[Serving]]


def without(deployment: dict[str, Any], policy: str, action: str) -> dict[str, Any]:
    """The deployment without the statements of one policy resource that allow one action."""
    resources = deployment["deployment"]["resources"]
    (found,) = [one for one in resources if one["urn"].endswith(f"RolePolicy::{policy}")]
    document = json.loads(found["inputs"]["policy"])
    kept = [statement for statement in document["Statement"] if action not in statement["Action"]]
    assert len(kept) < len(document["Statement"])
    if kept:
        found["inputs"]["policy"] = found["outputs"]["policy"] = json.dumps({**document, "Statement": kept})
    else:
        resources.remove(found)  # IAM takes no document without a statement
    return deployment


def faults(serving: Serving, event: str) -> list[dict[str, Any]]:
    """Events of one kind in the agent's log."""
    lines = serving.logs[AGENT].read_text().splitlines()
    return [found for line in lines if line.startswith("{") and (found := json.loads(line))["event"] == event]


def refused(serving: Serving) -> str:
    """The code of the agent's refusal, from its log; the caller must get no answer."""
    with pytest.raises(AgentError):
        ask(serving.environment, serving.agents[AGENT], QUESTION)
    return str(faults(serving, "invocation")[-1]["code"])


def test_without_the_grant_the_gateway_refuses_the_agent(deployment: dict[str, Any], served: Served) -> None:
    with served(without(deployment, "assistant-tools", "bedrock-agentcore:InvokeGateway")) as running:
        assert refused(running) == "gateway_refused"
        assert "InvokeGateway" in faults(running, "gateway_call_failed")[-1]["reason"]
        assert running.calls == []


def test_a_grant_on_another_gateway_lets_nobody_in(deployment: dict[str, Any], served: Served) -> None:
    gateway = parse(deployment).gateways[0]
    with served(refusals.with_grant_moved(deployment, gateway)) as running:
        assert refused(running) == "gateway_refused"
        assert gateway.arn in faults(running, "gateway_call_failed")[-1]["reason"]


def test_without_model_access_the_model_refuses_the_agent(deployment: dict[str, Any], served: Served) -> None:
    with served(without(deployment, "assistant-policy", "bedrock:InvokeModelWithResponseStream")) as running:
        assert refused(running) == "model_refused"


def test_a_gateway_role_without_the_function_gives_a_tool_error(deployment: dict[str, Any], served: Served) -> None:
    with served(without(deployment, "tools-invoke", "lambda:InvokeFunction")) as running:
        assert "failed" in ask(running.environment, running.agents[AGENT], QUESTION)
        assert running.calls == []


def test_a_caller_without_a_permission_may_not_invoke_the_runtime(serving: Serving) -> None:
    somebody = serving.session(parse(planned().deployment).functions[0].role_arn).environment()
    with pytest.raises(AgentError, match="not authorized to perform: bedrock-agentcore:InvokeAgentRuntime"):
        ask(serving.environment | somebody, serving.agents[AGENT], QUESTION)


def test_a_wrong_secret_is_refused(serving: Serving) -> None:
    forged = serving.environment | {"AWS_SECRET_ACCESS_KEY": "x" * 40}
    with pytest.raises(AgentError, match="signature we calculated does not match"):
        ask(forged, serving.agents[AGENT], QUESTION)


def test_every_attempt_of_the_demo_is_refused(deployment: dict[str, Any]) -> None:
    made = list(refusals.attempts(deployment, parse(deployment), root=SAMPLE))
    assert [attempt.refused for attempt in made] == [True, True, True]
    assert "Missing Authentication Token" in made[0].message
    for attempt in made[1:]:
        assert "is not authorized to perform: bedrock-agentcore:InvokeGateway on resource: arn:aws:" in attempt.message


def test_an_open_lock_is_seen(serving: Serving) -> None:
    """The demo's own judgement can fail: with the grant in place the agent is let in."""
    runtime = parse(planned().deployment).runtimes[0]
    attempt = refusals.agent_without_grant(serving, runtime)
    assert not attempt.refused
    assert "112" in attempt.message
