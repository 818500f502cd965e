"""examples/agents: each planned, judged, served and asked, with the packages that its author locked.

They are installed from the package registry, as the product does it; where that cannot be reached this is skipped.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from tests.planning import ROOT
from toolgate.local.function_packages import PackagesError, agents, packages
from toolgate.local.plan import Plan, plan
from toolgate.local.serve.agents import agent_process
from toolgate.local.serve.server import Serving, serve

EXAMPLE = ROOT / "examples" / "agents"
# What is installed is some 400 MB the first time.
pytestmark = pytest.mark.timeout(1800)

NAMES = ("plain", "graph", "direct", "listed")
_UNREACHABLE = re.compile(r"error sending request|dns error|[Cc]onnect|[Ff]ailed to fetch|[Nn]etwork")


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    for folder in agents(EXAMPLE):
        try:
            packages(folder, EXAMPLE)
        except PackagesError as error:
            if _UNREACHABLE.search(str(error)):
                pytest.skip(f"the package registry cannot be reached: {error}")
            raise


@pytest.fixture(scope="module")
def planned() -> Plan:
    return plan(root=EXAMPLE)


@pytest.fixture(scope="module")
def serving(planned: Plan, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(
            agent_process, "START_SECONDS", 240.0
        )  # four of them start at once, on a machine that has others
        with serve(planned.deployment, EXAMPLE, logs=tmp_path_factory.mktemp("logs")) as running:
            yield running


def asked(serving: Serving, agent: str, prompt: str) -> Any:
    keys = {
        name.lower(): it for name, it in serving.environment.items() if re.match("AWS_(ACCESS|SECRET|SESSION)", name)
    }
    client = boto3.client("bedrock-agentcore", endpoint_url=serving.url, region_name="us-east-1", **keys)
    body = json.dumps({"prompt": prompt}).encode()
    answer = client.invoke_agent_runtime(agentRuntimeArn=serving.agents[agent], payload=body)
    return json.loads(answer["response"].read())


def test_no_rule_has_anything_against_it_but_the_advice_to_deliver_logs(planned: Plan) -> None:
    assert {it.rule for it in planned.violations} == {"logs-delivered"}


@pytest.mark.parametrize("agent", NAMES)
def test_it_answers_with_a_tool_that_it_called_as_its_own_role(serving: Serving, agent: str) -> None:
    before = len(serving.calls)
    assert asked(serving, agent, "What is 100 + 12?") == {"status": "success", "response": "The result is 112."}
    [call] = list(serving.calls)[before:]
    assert call.tool == "math___add_numbers"
    assert f"{agent}-role" in serving.access_log.read_text().splitlines()[-1]


@pytest.mark.parametrize("agent", NAMES)
def test_it_answers_several_requests_each_with_its_own_calls(serving: Serving, agent: str) -> None:
    assert asked(serving, agent, "Greet Alice")["response"] == "Hello, Alice! Welcome."
    assert asked(serving, agent, "What is 6 * 7?")["response"] == "The result is 42."


def test_each_runs_with_its_own_packages_alone(serving: Serving) -> None:
    assert {it.name for it in agents(EXAMPLE)} == {"plain", "langgraph", "article_direct", "article_with"}
    assert "ModuleNotFoundError" not in "".join(log.read_text() for log in serving.logs.values())
