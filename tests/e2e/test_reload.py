"""One deployment after another at the same address: what changes, and what goes on."""

import copy
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.planning import planned
from toolgate.access.deployment.stack_export import DeploymentError
from toolgate.local import invoke_agent
from toolgate.local.invoke_agent import AgentError
from toolgate.local.serve.server import Serving

Deployment = dict[str, Any]


def ask(serving: Serving, agent: str, prompt: str) -> str:
    """The agent's answer, or what the service says against it."""
    try:
        return invoke_agent.ask(serving.environment, serving.agents[agent], prompt)
    except AgentError as error:
        cause: Any = error.__cause__
        return f"{cause.response['Error']['Code']}: {error}"


def without(deployment: Deployment, name: str) -> Deployment:
    """The deployment without the resource of this name."""
    less = copy.deepcopy(deployment)
    kept = [
        it for it in less["deployment"]["resources"] if not it["urn"].endswith(f"aws:iam/rolePolicy:RolePolicy::{name}")
    ]
    assert len(kept) == len(less["deployment"]["resources"]) - 1
    less["deployment"]["resources"] = kept
    return less


def process_of(serving: Serving, agent: str) -> int:
    process = serving._world._agents[serving.agents[agent]].process._process
    assert process
    return process.pid


@pytest.fixture(scope="module")
def serving(served: Callable[[Deployment], AbstractContextManager[Serving]]) -> Any:
    with served(planned().deployment) as running:
        yield running


def test_a_grant_that_is_taken_away_and_given_back(serving: Serving) -> None:
    before = planned().deployment
    assert ask(serving, "assistant", "What is 100 + 12?") == "The result is 112."
    process = process_of(serving, "assistant")
    serving.reload(without(before, "assistant-tools"))
    assert ask(serving, "assistant", "What is 100 + 12?").startswith("RuntimeClientError: Received error (502)")
    serving.reload(before)
    assert ask(serving, "assistant", "What is 100 + 12?") == "The result is 112."
    # Nothing of the agent has changed: its process, and its credentials, went on.
    assert process_of(serving, "assistant") == process


def test_what_cannot_be_served_leaves_what_is(serving: Serving) -> None:
    broken = copy.deepcopy(planned().deployment)
    [runtime] = [it for it in broken["deployment"]["resources"] if it["type"].endswith(":AgentcoreAgentRuntime")]
    for part in (runtime["inputs"], runtime["outputs"]):
        part["agentRuntimeArtifact"]["codeConfiguration"]["entryPoints"] = ["nowhere.py"]
    with pytest.raises(DeploymentError, match=r"its code has no nowhere\.py"):
        serving.reload(broken)
    elsewhere = json.loads(json.dumps(planned().deployment).replace("us-east-1", "eu-west-1"))
    with pytest.raises(DeploymentError, match="another account or Region"):
        serving.reload(elsewhere)
    assert ask(serving, "assistant", "What is 3 * 4?") == "The result is 12."


def test_a_file_of_a_function_is_replaced(serving: Serving) -> None:
    [name] = serving.function_logs
    source = "def add_numbers(a, b):\n    return 1000\n"
    serving.replace_files(name, {"tools.py": source.encode()})
    assert ask(serving, "assistant", "What is 100 + 12?") == "The result is 1000."
    serving.reload(planned().deployment)
    assert ask(serving, "assistant", "What is 100 + 12?") == "The result is 112."


def test_other_agents_and_another_gateway(serving: Serving) -> None:
    was = serving.agents["assistant"]
    serving.reload(planned("agents").deployment)
    assert set(serving.agents) == {"calculator", "greeter"}
    assert ask(serving, "calculator", "What is 100 + 12?") == "The result is 112."
    assert set(serving.callers) == set(serving.agents)
    environment = serving.environment
    # The one before is gone, also for who still has credentials.
    serving.agents["assistant"] = was
    assert ask(serving, "assistant", "Hello").startswith(("AccessDeniedException", "ResourceNotFoundException"))
    assert environment == serving.environment
