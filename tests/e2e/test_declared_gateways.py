"""Over generated stacks of several gateways and agents: the matrix has the pairs that are declared, and no other."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings

from tests.e2e.test_declared_pairs import SECOND_TARGET
from tests.planning import copy_project
from tests.stack_declarations import Declaration, Pair, declarations, every
from toolgate.access.deployment.deployment import Deployment, parse
from toolgate.access.iam.evaluation import Access
from toolgate.access.matrix.access_matrix import matrix
from toolgate.local.plan import plan

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


@settings(
    max_examples=12,
    derandomize=True,
    database=None,
    # A stack is small as it is, and each try to make it smaller would take a plan.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(declared=declarations(AVAILABLE))
@example(declared=OVERLAPPING)
@example(declared=APART)
def test_what_is_declared_is_what_the_matrix_has(two_targets: Path, declared: Declaration) -> None:
    assert by_matrix(planned(two_targets, declared)) == declared.pairs()


def planned(project: Path, declared: Declaration) -> Deployment:
    return parse(plan("dev", config=declared.config(), root=project).deployment)


def by_matrix(deployment: Deployment) -> set[Pair]:
    """Agent, gateway and tool of every cell that is not denied; each is decided."""
    prefix = "toolgate-dev-"
    names = {it.arn: str(it.name).removeprefix(prefix) for it in deployment.gateways}
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
