"""Over generated programs: what a stack declares is what the access matrix says and what the local gateway allows."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from tests.e2e.ways_in import signed
from tests.planning import copy_project
from toolgate.access.deployment.deployment import Deployment, parse
from toolgate.access.iam.evaluation import Access
from toolgate.access.matrix.access_matrix import matrix
from toolgate.local.plan import plan
from toolgate.local.serve.server import Serving

Export = dict[str, Any]
Served = Callable[..., AbstractContextManager[Serving]]
Pairs = set[tuple[str, str]]

SECOND_TARGET = '''"""Tools for text."""


def shout(text: str) -> str:
    """Write in capitals.

    Args:
        text: What to write.
    """
    return text.upper()


def repeat(text: str, times: int) -> str:
    """Write several times.

    Args:
        text: What to write.
        times: How often.
    """
    return text * times
'''
ARGUMENTS: dict[str, dict[str, Any]] = {
    "math___add_numbers": {"a": 1, "b": 2},
    "math___multiply_numbers": {"a": 1.5, "b": 2},
    "math___greeting": {"name": "Alice"},
    "text___shout": {"text": "a"},
    "text___repeat": {"text": "a", "times": 2},
}
TARGETS = ("math", "text")
Handed = Sequence[str] | None
Agents = Mapping[str, Handed]


@pytest.fixture(scope="module")
def two_targets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with a second target."""
    project = copy_project(tmp_path_factory.mktemp("two-targets"))
    second = project / "lambdas" / "text"
    second.mkdir()
    (second / "tools.py").write_text(SECOND_TARGET)
    return project


programs = st.dictionaries(
    st.sampled_from(["ada", "bob", "cleo"]),
    st.none() | st.lists(st.sampled_from([*ARGUMENTS, *TARGETS]), max_size=4, unique=True),
    min_size=1,
)
"""Agents and what each is handed: tools, and targets for all of theirs; None stands for every tool there is."""


@settings(
    max_examples=6,
    derandomize=True,
    database=None,
    # A program is small as it is, and each try to make it smaller would take a plan.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(agents=programs)
@example(agents={"ada": None, "bob": [], "cleo": ["text", "math___greeting"]})
def test_what_is_declared_is_what_is_decided_and_what_is_done(
    two_targets: Path, served: Served, agents: Agents
) -> None:
    declared = {(agent, tool) for agent, handed in agents.items() for tool in ARGUMENTS if handed_over(tool, handed)}
    export = planned(two_targets, agents)
    deployment = parse(export)
    assert by_matrix(deployment) == declared
    with served(without_agents(export), root=two_targets) as serving:
        listed, called = by_gateway(serving, deployment, list(agents))
    assert listed == declared
    assert called == declared


def handed_over(tool: str, handed: Handed) -> bool:
    return handed is None or tool in handed or tool.split("___", maxsplit=1)[0] in handed


def planned(project: Path, agents: Agents) -> Export:
    configured = {name: {} if handed is None else {"tools": list(handed)} for name, handed in agents.items()}
    config = {"toolgate:authorization": "tool", "toolgate:agents": json.dumps(configured)}
    result = plan("dev", config=config, root=project)
    assert result.mandatory == ()
    return result.deployment


def by_matrix(deployment: Deployment) -> Pairs:
    entries = [entry for entry in matrix(deployment).entries if entry.decision is not Access.DENY]
    assert {entry.decision for entry in entries} <= {Access.ALLOW}
    return {(str(entry.agent), entry.tool) for entry in entries}


def without_agents(export: Export) -> Export:
    """Without the runtimes, so that no agent is started: the test calls as the agents' roles."""
    resources = export["deployment"]["resources"]
    kept = [one for one in resources if not one["type"].endswith(":AgentcoreAgentRuntime")]
    return {**export, "deployment": {**export["deployment"], "resources": kept}}


def by_gateway(serving: Serving, deployment: Deployment, agents: Sequence[str]) -> tuple[Pairs, Pairs]:
    """What the gateway shows to each agent's role, and which calls of it reach a handler."""
    url = serving.gateway_url(deployment.gateways[0].id)
    listed: Pairs = set()
    called: Pairs = set()
    for agent in agents:
        (runtime,) = [runtime for runtime in deployment.runtimes if runtime.agent == agent]
        auth = signed(serving, runtime.role_arn)
        with httpx.Client(auth=auth, headers={"accept": "application/json, text/event-stream"}, timeout=None) as client:
            shown = rpc(client, url, "tools/list", {})
            listed |= {(agent, tool["name"]) for tool in shown.get("result", {}).get("tools", [])}
            for tool, arguments in ARGUMENTS.items():
                made = len(serving.calls)
                answer = rpc(client, url, "tools/call", {"name": tool, "arguments": arguments})
                if len(serving.calls) > made:
                    assert not answer["result"]["isError"]
                    called.add((agent, tool))
    return listed, called


def rpc(client: httpx.Client, url: str, method: str, params: dict[str, Any]) -> dict[str, Any]:
    """The gateway's answer; an agent that was handed nothing is refused by IAM, which is no JSON-RPC."""
    answer = client.post(url, json={"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    assert answer.status_code in {200, 403}
    body: dict[str, Any] = answer.json()
    return body


def test_handing_over_a_target_is_handing_over_its_tools() -> None:
    assert [tool for tool in ARGUMENTS if handed_over(tool, ["text"])] == ["text___shout", "text___repeat"]
    assert not handed_over("math___greeting", [])
    assert handed_over("math___greeting", None)


def test_the_gateway_is_really_asked(two_targets: Path, served: Served) -> None:
    """The comparison can fail: an undeclared permit is seen."""
    export = planned(two_targets, {"ada": ["text___shout"]})
    changed = json.loads(json.dumps(export).replace('Action::\\"text___shout\\"', 'Action::\\"text___repeat\\"'))
    assert changed != export
    with served(without_agents(changed), root=two_targets) as serving:
        listed, called = by_gateway(serving, parse(changed), ["ada"])
    assert listed == called == by_matrix(parse(changed)) == {("ada", "text___repeat")}
