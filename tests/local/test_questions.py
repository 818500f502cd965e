"""What a demo asks, of the sample and of tools that are quite another thing."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.planning import copy_project, planned
from toolgate.access.deployment.deployment import Deployment, parse
from toolgate.local.plan import plan
from toolgate.local.questions import Ask, asks

SHOP = '''"""A shop."""

from typing import TypedDict


class Line(TypedDict):
    """A line of an order."""

    sku: str
    count: int


def find_products(query: str, limit: int | None = None, page: int | None = None) -> list[str]:
    """Find products of an address."""
    return [query]


def order(line: Line) -> str:
    """Order something."""
    return line["sku"]


def refund(order: str) -> bool:
    """Refund an order."""
    return True


def stock() -> int:
    """How much there is."""
    return 1
'''
WHICH = "Tell me what I can do with these tools"
FIND = 'Call shop___find_products with {"query": "example"}'
ORDER = 'Call shop___order with {"line": {"count": 1, "sku": "example"}}'
REFUND = 'Call shop___refund with {"order": "example"}'


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Deployment]:
    """Plans a program whose only tools are the shop's."""
    project = copy_project(tmp_path_factory.mktemp("shop"))
    (project / "lambdas" / "math").rename(project / "lambdas" / "shop")
    (project / "lambdas" / "shop" / "tools.py").write_text(SHOP)

    def deployment(**agents: list[str]) -> Deployment:
        handed = {name: {"tools": tools} for name, tools in agents.items()}
        config = {"toolgate:agents": json.dumps(handed), "toolgate:authorization": "tool"} if agents else {}
        return parse(plan("dev", config=config, root=project).deployment)

    return deployment


def test_the_sample_is_asked_in_words() -> None:
    assert asks(parse(planned().deployment)) == [
        *(Ask("assistant", it) for it in ("What is 100 + 12?", "What is 6 * 7?", "Greet Alice", WHICH)),
    ]
    assert asks(parse(planned("agents").deployment)) == [
        Ask("calculator", "What is 100 + 12?"),
        Ask("calculator", "Greet Alice", calls_a_tool=False),
        Ask("greeter", "Greet Alice"),
        Ask("greeter", "What is 6 * 7?", calls_a_tool=False),
    ]


def test_other_tools_are_asked_for_by_their_names(shop: Callable[..., Deployment]) -> None:
    assert asks(shop()) == [Ask("assistant", it) for it in (FIND, ORDER, REFUND, WHICH)]


def test_each_agent_is_asked_for_what_only_another_one_can(shop: Callable[..., Deployment]) -> None:
    found = asks(shop(clerk=["shop___order", "shop___refund"], customer=["shop___find_products"], guest=[]))
    assert sorted(found, key=lambda it: (it.agent, not it.calls_a_tool)) == [
        Ask("clerk", ORDER),
        Ask("clerk", FIND, calls_a_tool=False),
        Ask("customer", FIND),
        Ask("customer", REFUND, calls_a_tool=False),
        Ask("guest", FIND, calls_a_tool=False),
    ]


def test_an_only_agent_without_a_search_lists_its_tools(shop: Callable[..., Deployment]) -> None:
    assert asks(shop(clerk=["shop___stock"])) == [
        Ask("clerk", "Call shop___stock with {}"),
        Ask("clerk", WHICH, calls_a_tool=False),
    ]


def test_an_only_agent_without_a_tool_is_asked_which_it_has(shop: Callable[..., Deployment], tmp_path: Path) -> None:
    assert asks(shop(clerk=[])) == [Ask("clerk", WHICH, calls_a_tool=False)]
