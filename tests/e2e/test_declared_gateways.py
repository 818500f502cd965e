"""Over generated stacks of gateways and agents, by signature and by token, with a policy engine or without.

The pairs that a stack declares are those that the matrix has, that the gateways list, and whose calls reach a handler.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings

from tests.e2e.test_declared_pairs import ARGUMENTS, SECOND_TARGET, without_agents
from tests.e2e.ways_in import authorized, signed
from tests.planning import copy_project
from tests.stack_declarations import Declaration, Pair, declarations, every
from toolgate.access.deployment.deployment import Deployment, parse
from toolgate.access.iam.evaluation import Access
from toolgate.access.matrix.access_matrix import matrix
from toolgate.local.plan import plan
from toolgate.local.serve.gateway.search import NAME as SEARCH
from toolgate.local.serve.server import Serving

Served = Callable[..., AbstractContextManager[Serving]]
AVAILABLE = {"math": ["add_numbers", "multiply_numbers", "greeting"], "text": ["shout", "repeat"]}


@pytest.fixture(scope="module")
def two_targets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with a second target."""
    project = copy_project(tmp_path_factory.mktemp("gateways"))
    second = project / "lambdas" / "text"
    second.mkdir()
    (second / "tools.py").write_text(SECOND_TARGET)
    return project


OVERLAPPING = Declaration(
    AVAILABLE,
    {"front": {"authorization": "gateway", "targets": ["math"]}, "back": {"authorization": "tool"}},
    {
        "ada": {"tools": ["front", "back/text"]},
        "bob": {"tools": ["back/math___greeting", "back/text"]},
        "cleo-1": {"tools": []},
    },
)
APART = Declaration(
    AVAILABLE,
    {
        "front": {"authorization": "gateway", "targets": ["text"]},
        "x": {"authorization": "gateway", "targets": ["math"]},
    },
    {"ada": {}, "bob": {"tools": ["x/math"]}},
)
BOTH_WAYS = Declaration(
    AVAILABLE,
    {
        "front": {"authorization": "gateway", "inbound": "jwt", "targets": ["text"]},
        "back": {"authorization": "tool", "inbound": "jwt", "targets": ["math"]},
        "x": {"authorization": "tool", "inbound": "iam"},
    },
    {
        "ada": {"tools": ["front", "back/math___greeting", "x/math___add_numbers"]},
        "bob": {"tools": ["back/math___add_numbers", "x/text"]},
        "cleo-1": {"tools": ["front"]},
    },
)


@settings(
    max_examples=8,
    derandomize=True,
    database=None,
    # A stack is small as it is, and each try to make it smaller would take a plan.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(declared=declarations(AVAILABLE, inbounds=("iam", "jwt")))
@example(declared=OVERLAPPING)
@example(declared=APART)
@example(declared=BOTH_WAYS)
def test_what_is_declared_is_what_is_decided_and_what_is_done(
    two_targets: Path, served: Served, declared: Declaration
) -> None:
    export = plan("dev", config=declared.config(), root=two_targets).deployment
    deployment = parse(export)
    assert by_matrix(deployment) == declared.pairs()
    with served(without_agents(export), root=two_targets) as serving:
        done = list(by_gateways(serving, deployment))
    assert {pair for pair, listed, _ in done if listed} == declared.pairs()
    assert {pair for pair, _, called in done if called} == declared.pairs()


def by_gateways(serving: Serving, deployment: Deployment) -> Iterator[tuple[Pair, bool, bool]]:
    """Each agent with each gateway and tool: whether it is listed, and whether a call reaches the handler."""
    names = names_of(deployment)
    for runtime in deployment.runtimes:
        for gateway in deployment.gateways:
            by_token = gateway.jwt is not None and "TOKEN_GATEWAYS" in runtime.environment
            come = authorized(serving, deployment, runtime.agent) if by_token else signed(serving, runtime.role_arn)
            with httpx.Client(auth=come, trust_env=False, timeout=None) as client:
                url = serving.gateway_url(gateway.id)
                listed = {tool["name"] for tool in _rpc(client, url, "tools/list", {}).get("tools", [])} - {SEARCH}
                for tool, arguments in ARGUMENTS.items():
                    made = len(serving.calls)
                    _rpc(client, url, "tools/call", {"name": tool, "arguments": arguments})
                    pair = (runtime.agent, names[gateway.arn], tool)
                    yield pair, tool in listed, len(serving.calls) > made


def _rpc(client: httpx.Client, url: str, method: str, params: dict[str, Any]) -> dict[str, Any]:
    """The result; nothing where the gateway lets the caller not in, or its policy engine refuses."""
    answer = client.post(url, json={"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    assert answer.status_code in {200, 401, 403}
    found: dict[str, Any] = answer.json().get("result") or {}
    return found


def names_of(deployment: Deployment) -> dict[str, str]:
    """The gateways' names in the stack by their ARNs."""
    return {it.arn: str(it.name).removeprefix("toolgate-dev-") for it in deployment.gateways}


def by_matrix(deployment: Deployment) -> set[Pair]:
    """Agent, gateway and tool of every cell that is not denied; each is decided."""
    names = names_of(deployment)
    entries = [entry for entry in matrix(deployment).entries if entry.decision is not Access.DENY]
    assert {entry.decision for entry in entries} <= {Access.ALLOW}
    return {(str(entry.agent), names[entry.gateway], entry.tool) for entry in entries}


def test_a_grant_that_nobody_declared_is_seen(two_targets: Path) -> None:
    raw = plan("dev", config=APART.config(), root=two_targets).deployment
    before = by_matrix(parse(raw))
    front, back = (next(it.arn for it in parse(raw).gateways if name in str(it.name)) for name in ("-front", "-x"))
    for resource in raw["deployment"]["resources"]:
        if resource["urn"].endswith("::bob-tools"):
            for side in ("inputs", "outputs"):
                resource[side]["policy"] = resource[side]["policy"].replace(back, front)
    after = by_matrix(parse(raw))
    assert after - before == {("bob", "front", tool) for tool in every({"text": AVAILABLE["text"]})}
    assert before - after == {("bob", "x", tool) for tool in every({"math": AVAILABLE["math"]})}


def test_a_scope_that_nobody_declared_is_seen(two_targets: Path, served: Served) -> None:
    """The comparison can fail, of tokens as well: a client that has a scope more comes to a gateway more."""
    raw = plan("dev", config=BOTH_WAYS.config(), root=two_targets).deployment
    own, more = "toolgate-dev-back/invoke", "toolgate-dev-front/invoke"
    for resource in raw["deployment"]["resources"]:
        for side in ("inputs", "outputs"):
            if resource["urn"].endswith("::bob-tokens-client"):
                resource[side]["allowedOauthScopes"] = [own, more]
            if resource["urn"].endswith("::bob-runtime"):
                variables = resource[side]["environmentVariables"]
                variables["TOKEN_GATEWAYS"] = variables["TOKEN_GATEWAYS"].replace(f'"{own}"', f'"{own}","{more}"')
    gained = {("bob", "front", tool) for tool in every({"text": AVAILABLE["text"]})}
    deployment = parse(raw)
    assert by_matrix(deployment) - BOTH_WAYS.pairs() == gained
    with served(without_agents(raw), root=two_targets) as serving:
        assert {pair for pair, _, called in by_gateways(serving, deployment) if called} - BOTH_WAYS.pairs() == gained


def test_a_declaration_is_read_as_it_is_meant() -> None:
    assert {(agent, gateway) for agent, gateway, _ in OVERLAPPING.pairs()} == {
        ("ada", "front"),
        ("ada", "back"),
        ("bob", "back"),
    }
    assert [tool for agent, _, tool in sorted(OVERLAPPING.pairs()) if agent == "bob"] == [
        "math___greeting",
        "text___repeat",
        "text___shout",
    ]
    assert len(APART.pairs()) == 5 + 3
    assert json.loads(APART.config()["toolgate:agents"]) == APART.agents
