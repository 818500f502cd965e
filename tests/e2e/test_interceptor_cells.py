"""Stacks with the shipped interceptors: what each caller may call, is listed and finds, cell by cell.

What an agent is handed stands in the stack's settings, and is compared with what is really done: by plain requests with
what its role has, and by the shipped agent. A gateway with a policy engine is searched only behind `shown_tools`, and
then nothing is found that may not be called.
"""

import copy
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_interceptors import World, text
from tests.e2e.test_tool_authorization import ADD, ARGUMENTS, GREETING, MULTIPLY, SEARCH, without_agents
from tests.e2e.ways_in import IAM, JWT
from tests.interceptor_export import PARAMETER
from tests.planning import ROOT
from toolgate.local.invoke_agent import ask
from toolgate.local.plan import plan
from toolgate.local.serve.server import Serving

Export = dict[str, Any]
Served = Callable[..., AbstractContextManager[Serving]]
Handed = Mapping[str, Sequence[str]]
EVERYTHING = "add multiply numbers greeting name"  # every tool has some of these words
DENIED = -32002
HANDED: dict[str, Handed] = {
    "apart": {"calculator": [ADD, MULTIPLY], "greeter": [GREETING]},
    "overlapping": {"calculator": [ADD, MULTIPLY], "greeter": [ADD, GREETING]},
    "one with all": {"calculator": [ADD, MULTIPLY, GREETING], "greeter": [MULTIPLY]},
}
# By IAM an interceptor tells nobody apart: where the agents have nothing in common there is nothing to show.
CELLS = [(JWT, "apart"), (JWT, "overlapping"), (JWT, "one with all"), (IAM, "overlapping"), (IAM, "one with all")]


@pytest.fixture
def program(project: Path) -> Path:
    """The project with the shipped interceptors as they are."""
    for name in ("limits", "redact", "shown_tools"):
        shutil.copytree(ROOT / "interceptors" / name, project / "interceptors" / name, dirs_exist_ok=True)
    return project


def planned(program: Path, way: str, handed: Handed, response: str, *, search: bool) -> Export:
    config = {
        "toolgate:inbound": way,
        "toolgate:authorization": "tool",
        "toolgate:search": json.dumps(search),
        "toolgate:interceptors": json.dumps({"request": "limits", "response": response}),
        "toolgate:agents": json.dumps({agent: {"tools": [*tools]} for agent, tools in handed.items()}),
    }
    made = plan("jwt" if way == JWT else "agents", config=config, root=program)
    assert made.mandatory == ()
    return made.deployment


def listed(world: World) -> set[str]:
    answer = world.ask("tools/list").json()
    assert "result" in answer, answer
    return {it["name"] for it in answer["result"]["tools"]}


def found(world: World) -> set[str]:
    """What a search shows, in either of the answer's two forms."""
    result = world.ask("tools/call", name=SEARCH, arguments={"query": EVERYTHING}).json()["result"]
    shown = {it["name"] for it in result["structuredContent"]["tools"]}
    assert {it["name"] for it in json.loads(result["content"][0]["text"])["tools"]} == shown
    return shown


def called(world: World) -> Iterator[str]:
    """The tools whose calls reach the handler; the others' are Cedar's denials."""
    for tool, arguments in ARGUMENTS.items():
        made = len(world.serving.calls)
        answer = world.ask("tools/call", name=tool, arguments=arguments).json()
        if len(world.serving.calls) > made:
            assert not answer["result"]["isError"]
            yield tool
        else:
            assert answer["error"]["code"] == DENIED


@pytest.mark.parametrize(("way", "stack"), CELLS)
def test_search_and_lists_show_what_may_be_called(served: Served, program: Path, way: str, stack: str) -> None:
    handed = HANDED[stack]
    shared = set.intersection(*map(set, handed.values()))
    export = planned(program, way, handed, "shown_tools", search=True)
    with served(without_agents(export), root=program) as serving:
        for agent, own in handed.items():
            world = World(serving, export, agent)
            shown = set(own) if way == JWT else shared
            assert shown
            assert listed(world) == shown | {SEARCH}
            assert found(world) == shown
            assert set(called(world)) == set(own)
            # The limit is no one's in particular; it is refused before Cedar is asked.
            calls, denials = len(serving.calls), len(serving.denials)
            over = world.add(a=1_000_001).json()["error"]
            assert over == {
                "code": DENIED,
                "message": "Tool Execution Denied: a is no number of at most 1000000",
            }
            assert (len(serving.calls), len(serving.denials)) == (calls, denials)
        assert {it.outcome for it in serving.interceptions} <= {"passed", "changed", "denied"}


def test_who_is_not_in_the_callers_table_is_shown_nothing(served: Served, program: Path) -> None:
    """The table only shows: what Cedar permits can still be called."""
    handed = HANDED["apart"]
    export = planned(program, JWT, handed, "shown_tools", search=True)
    less = copy.deepcopy(export)
    resources = less["deployment"]["resources"]
    [row] = [it for it in resources if it["type"] == PARAMETER and "greeter" in str(it["outputs"])]
    resources.remove(row)
    with served(without_agents(less), root=program) as serving:
        greeter, calculator = (World(serving, export, agent) for agent in ("greeter", "calculator"))
        assert listed(greeter) <= {SEARCH}
        assert found(greeter) == set()
        assert set(called(greeter)) == {GREETING}
        assert found(calculator) == {ADD, MULTIPLY}


@pytest.mark.parametrize("way", [IAM, JWT])
def test_the_shipped_agent_searches_is_limited_and_sees_no_more(served: Served, program: Path, way: str) -> None:
    handed = HANDED["apart" if way == JWT else "overlapping"]
    export = planned(program, way, handed, "shown_tools", search=True)
    with served(export, root=program) as serving:

        def asked(agent: str, prompt: str) -> tuple[str, list[str]]:
            made = len(serving.calls)
            said = ask(serving.environment, serving.agents[agent], prompt)
            return said, [it.tool for it in serving.calls[made:] if it.tool != SEARCH]

        assert asked("calculator", "What is 100 + 12?") == ("The result is 112.", [ADD])
        said, calls = asked("calculator", "What is 1000001 + 1?")
        assert ("failed" in said, calls) == (True, [])
        said, calls = asked("calculator", "Greet Alice")
        assert ("no tool for greetings" in said, calls) == (True, [])
        said, calls = asked("greeter", "Greet Alice")
        # By IAM the greeter's own tool is not what all are handed, so that it is shown to none.
        assert calls == ([GREETING] if way == JWT else [])
        said, calls = asked("greeter", "What is 100 + 12?")
        assert calls == ([] if way == JWT else [ADD])
        assert "timed_out" not in {it.outcome for it in serving.interceptions}


@pytest.mark.parametrize("way", [IAM, JWT])
def test_results_are_redacted_for_requests_and_for_the_agent(served: Served, program: Path, way: str) -> None:
    export = planned(program, way, HANDED["apart"], "redact", search=False)
    with served(export, root=program) as serving:
        world = World(serving, export, "greeter")
        answer = world.ask("tools/call", name=GREETING, arguments={"name": "ada.lovelace@example.com"})
        assert serving.calls[-1].arguments == {"name": "ada.lovelace@example.com"}
        assert "Hello" in text(answer)
        assert "lovelace" not in answer.text
        assert listed(world) == {GREETING}
        said = ask(serving.environment, serving.agents["greeter"], "Greet ada.lovelace@example.com")
        assert serving.calls[-1].tool == GREETING
        assert "lovelace" not in said
        refused = world.ask("tools/call", name=GREETING, arguments={"name": "x" * 101}).json()["error"]
        assert refused["message"] == "Tool Execution Denied: name is no text of at most 100 characters"
