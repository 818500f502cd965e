"""examples/servers as a reader of its page would run it: planned, judged, served and called."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.examples import copied
from toolgate.access.deployment.deployment import parse
from toolgate.access.iam.evaluation import Access
from toolgate.access.matrix.access_matrix import matrix
from toolgate.cli.main import main
from toolgate.local.plan import Plan, plan
from toolgate.local.serve.server import Serving, serve
from toolgate.local.serve.serving_file import announced, serving_file


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example in a folder of its own, in which nothing was made before."""
    return copied("servers", tmp_path_factory.mktemp("clone"))


@pytest.fixture(scope="module")
def planned(program: Path) -> Plan:
    return plan(root=program)


@pytest.fixture(scope="module")
def serving(program: Path, planned: Plan) -> Iterator[Serving]:
    with serve(planned.deployment, program) as running, announced(running, serving_file(program)):
        yield running


type Call = Callable[[str, Any], tuple[int, str]]


@pytest.fixture
def call(program: Path, serving: Serving, capsys: pytest.CaptureFixture[str]) -> Call:
    """`toolgate call` as the agent: its exit code, and all that it says."""

    def calling(tool: str, arguments: Any) -> tuple[int, str]:
        code = main(["call", "--program", str(program), "--as", "clerk", tool, json.dumps(arguments)])
        said = capsys.readouterr()
        return code, said.out + said.err

    return calling


def test_the_pack_has_nothing_to_object(planned: Plan) -> None:
    assert [it for it in planned.violations if it.level == "mandatory"] == []


def test_the_agent_may_call_what_it_was_handed(planned: Plan) -> None:
    found = {(entry.agent, entry.tool): entry.decision for entry in matrix(parse(planned.deployment)).entries}
    assert found == {
        ("clerk", "shipping___quote"): Access.ALLOW,
        ("clerk", "stock___find_items"): Access.ALLOW,
        ("clerk", "stock___reserve"): Access.CONDITIONAL,
    }


@pytest.mark.parametrize(
    ("tool", "arguments", "code", "says"),
    [
        ("shipping___quote", {"country": "AT", "kilograms": 2.5}, 0, "6.0"),
        ("stock___find_items", {"sku": "lamp", "depot": "south"}, 0, '"pieces": 1'),
        ("stock___reserve", {"sku": "lamp", "depot": "north", "pieces": 2}, 0, '"pieces": 2'),
        # Cedar's bound, which the server does not have; the server's own words; and its schema.
        ("stock___reserve", {"sku": "lamp", "depot": "north", "pieces": 11}, 1, "denied"),
        ("stock___reserve", {"sku": "lamp", "depot": "south", "pieces": 9}, 1, "There are only 1 pieces of lamp"),
        ("shipping___quote", {"country": "XX", "kilograms": 1}, 1, "'XX' is not one of"),
    ],
)
def test_its_tools_are_called(call: Call, tool: str, arguments: Any, code: int, says: str) -> None:
    ended, said = call(tool, arguments)
    assert ended == code
    assert says in said
