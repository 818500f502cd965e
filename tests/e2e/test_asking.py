"""An agent asks another one, through the served deployment: who may, what is logged where, and who may not."""

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.planning import planned
from toolgate.local.serve.server import Serving

AGENTS = {
    "desk": {"tools": [], "agents": ["calculator"]},
    "calculator": {"tools": ["math___add_numbers"], "description": "Adds numbers."},
    "greeter": {"tools": ["math___greeting"]},
}
QUESTION = 'Call ask_calculator with {"prompt": "What is 100 + 12?"}'
SESSION = "a-session-of-more-than-thirty-three-letters"


def plan() -> dict[str, Any]:
    return planned("agents", {"toolgate:agents": json.dumps(AGENTS)}).deployment


@pytest.fixture(scope="module")
def serving(served: Callable[[dict[str, Any]], AbstractContextManager[Serving]]) -> Iterator[Serving]:
    with served(plan()) as running:
        yield running


def ask(serving: Serving, agent: str, prompt: str) -> dict[str, Any]:
    """What an agent answers."""
    variables = serving.environment
    session = boto3.Session(
        variables["AWS_ACCESS_KEY_ID"],
        variables["AWS_SECRET_ACCESS_KEY"],
        variables.get("AWS_SESSION_TOKEN"),
        variables["AWS_REGION"],
    )
    client = session.client("bedrock-agentcore", endpoint_url=serving.url)
    answer = client.invoke_agent_runtime(
        agentRuntimeArn=serving.agents[agent], runtimeSessionId=SESSION, payload=json.dumps({"prompt": prompt})
    )
    found: dict[str, Any] = json.loads(answer["response"].read())
    return found


def lines(log: Path) -> list[dict[str, Any]]:
    """The invocation lines of an agent's log."""
    read = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return [line for line in read if line["event"] == "invocation"]


def test_one_asks_and_one_calls_its_tool(serving: Serving) -> None:
    answer = ask(serving, "desk", QUESTION)
    assert "112" in answer["response"]
    [asking], [asked] = lines(serving.logs["desk"]), lines(serving.logs["calculator"])
    assert [tool["name"] for tool in asking["tools"]] == ["ask_calculator"]
    assert [tool["name"] for tool in asked["tools"]] == ["math___add_numbers"]
    assert asked["origin_request_id"] == asking["request_id"]
    assert asked["session_id"] != asking["session_id"]
    assert [call.tool for call in serving.calls][-1:] == ["math___add_numbers"]


def test_without_the_right_nobody_is_asked(served: Callable[..., AbstractContextManager[Serving]]) -> None:
    export = copy.deepcopy(plan())
    resources = export["deployment"]["resources"]
    resources[:] = [it for it in resources if not it["urn"].endswith("::desk-agents")]
    with served(export) as serving:
        with pytest.raises(Exception, match="Received error \\(502\\)"):
            ask(serving, "desk", QUESTION)
        [line] = lines(serving.logs["desk"])
        assert line["code"] == "agent_refused"
        failed = [json.loads(it) for it in serving.logs["desk"].read_text().splitlines() if "agent_failed" in it]
        assert failed[0]["action"] == "bedrock-agentcore:InvokeAgentRuntime"
        assert lines(serving.logs["calculator"]) == []
