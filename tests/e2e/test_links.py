"""Break each link between the caller and the handler, and see the answer fail where it was broken."""

import copy
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.e2e.ways_in import IAM, JWT, planned_dev
from tests.planning import SAMPLE
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


# By way in: each statement that leads the agent to the gateway, and what it says without it.
GRANT = {
    IAM: [("assistant-tools", "bedrock-agentcore:InvokeGateway", "gateway_refused", "gateway_call_failed")],
    JWT: [
        ("assistant-tokens", action, "gateway_token_unavailable", "token_unavailable")
        for action in (
            "bedrock-agentcore:GetWorkloadAccessToken",
            "bedrock-agentcore:GetResourceOauth2Token",
            "secretsmanager:GetSecretValue",
        )
    ],
}


def test_without_the_grant_the_gateway_is_closed_to_the_agent(
    way: str, deployment: dict[str, Any], served: Served
) -> None:
    for policy, action, code, event in GRANT[way]:
        with served(without(copy.deepcopy(deployment), policy, action)) as running:
            assert refused(running) == code
            assert action.partition(":")[2] in faults(running, event)[-1]["reason"]
            assert running.calls == []


def test_a_grant_on_another_gateway_lets_nobody_in(way: str, deployment: dict[str, Any], served: Served) -> None:
    gateway = parse(deployment).gateways[0]
    moved = refusals.with_grant_moved(deployment, gateway) if way == IAM else with_scope_moved(deployment)
    with served(moved) as running:
        assert refused(running) == "gateway_refused"
        said = faults(running, "gateway_call_failed")[-1]
        assert gateway.arn in said["reason"] if way == IAM else said["needs_scope"] == "another/invoke"


def with_scope_moved(deployment: dict[str, Any]) -> dict[str, Any]:
    """The deployment with a gateway that asks for another scope than the agent's client has."""
    for resource in deployment["deployment"]["resources"]:
        if resource["type"].endswith(":AgentcoreGateway"):
            for side in ("inputs", "outputs"):
                resource[side]["authorizerConfiguration"]["customJwtAuthorizer"]["allowedScopes"] = ["another/invoke"]
    return deployment


def test_without_model_access_the_model_refuses_the_agent(deployment: dict[str, Any], served: Served) -> None:
    with served(without(deployment, "assistant-policy", "bedrock:InvokeModelWithResponseStream")) as running:
        assert refused(running) == "model_refused"


def test_a_gateway_role_without_the_function_gives_a_tool_error(deployment: dict[str, Any], served: Served) -> None:
    with served(without(deployment, "tools-invoke", "lambda:InvokeFunction")) as running:
        assert "failed" in ask(running.environment, running.agents[AGENT], QUESTION)
        assert running.calls == []


def test_a_caller_without_a_permission_may_not_invoke_the_runtime(way: str, serving: Serving) -> None:
    somebody = serving.session(parse(planned_dev(way).deployment).functions[0].role_arn).environment()
    with pytest.raises(AgentError, match="not authorized to perform: bedrock-agentcore:InvokeAgentRuntime"):
        ask(serving.environment | somebody, serving.agents[AGENT], QUESTION)


def test_a_wrong_secret_is_refused(serving: Serving) -> None:
    forged = serving.environment | {"AWS_SECRET_ACCESS_KEY": "x" * 40}
    with pytest.raises(AgentError, match="signature we calculated does not match"):
        ask(forged, serving.agents[AGENT], QUESTION)


def test_every_attempt_of_the_demo_is_refused(way: str, deployment: dict[str, Any]) -> None:
    made = list(refusals.attempts(deployment, parse(deployment), root=SAMPLE))
    assert [attempt.refused for attempt in made] == [True, True, True]
    if way == JWT:
        said = ["401: Missing Bearer token", "401: Invalid Bearer token", "403: Insufficient scope"]
        assert [attempt.message for attempt in made] == [f"HTTP {it}" for it in said]
        return
    assert "Missing Authentication Token" in made[0].message
    for attempt in made[1:]:
        assert "is not authorized to perform: bedrock-agentcore:InvokeGateway on resource: arn:aws:" in attempt.message


def test_an_open_lock_is_seen(way: str, serving: Serving) -> None:
    """The demo's own judgement can fail: with the grant in place the agent is let in."""
    runtime = parse(planned_dev(way).deployment).runtimes[0]
    attempt = refusals.agent_without_grant(serving, runtime)
    assert not attempt.refused
    assert "112" in attempt.message
