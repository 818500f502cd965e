"""What handing over or taking away a tool would come to: asked of the real planner, held against the real change."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # it ships no types

from tests.planning import copy_project, planned
from tests.waiting import wait_until
from toolgate.access.deployment.deployment import Deployment, parse
from toolgate.access.matrix.access_matrix import matrix
from toolgate.access.output.access_difference import as_json, difference
from toolgate.console import what_if as asking
from toolgate.console.source import Mistake, Unavailable
from toolgate.console.what_if import what_if
from toolgate.local.engine import settings_file, settings_keys
from toolgate.local.plan import plan

ADD, MULTIPLY, GREETING = (f"math___{name}" for name in ("add_numbers", "multiply_numbers", "greeting"))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that nobody edits."""
    return copy_project(tmp_path_factory.mktemp("program"))


def settings_of(found: Mapping[str, Any]) -> Any:
    return yaml.safe_load(found["settings"])["toolgate:agents"]


def content(folder: Path) -> dict[str, str]:
    """Every file of a folder, but for what a plan keeps in its own places."""
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.rglob("*")
        if file.is_file()
    }


def test_a_tool_more_and_one_less_are_what_the_changed_file_comes_to(tmp_path: Path) -> None:
    program = copy_project(tmp_path)
    before = parse(plan("agents", root=program).deployment)
    files = content(program)
    found = what_if(program, "agents", [("greeter", ADD)], [("calculator", MULTIPLY)], before)
    assert content(program) == files
    assert (found["ok"], found["error"], found["file"]) == (True, None, "Pulumi.agents.yaml")
    assert {it["level"] for it in found["violations"]} == {"advisory"}
    assert found["violations"][0].keys() == {"rule", "level", "resource", "urn", "message"}
    [gain], [loss] = found["diff"]["gains"], found["diff"]["losses"]
    assert (gain["agent"], gain["tool"]) == ("greeter", ADD)
    assert (loss["agent"], loss["tool"]) == ("calculator", MULTIPLY)
    # Pasted in the place of what stands there, it comes to what was told.
    file = program / "Pulumi.agents.yaml"
    lines = file.read_text().splitlines()
    assert lines[found["line"] - 1] == "  toolgate:agents:"
    pasted = [f"  {line}" for line in found["settings"].splitlines()]
    assert pasted == [
        "  toolgate:agents:",
        "    calculator:",
        f"      tools: [{ADD}]",
        "    greeter:",
        f"      tools: [{GREETING}, {ADD}]",
    ]
    file.write_text("\n".join([*lines[: found["line"] - 1], *pasted, ""]))
    after = parse(plan("agents", root=program).deployment)
    assert json.loads(as_json(difference(matrix(before), matrix(after)))) == found["diff"]


def test_without_what_is_served_it_plans_that_first(project: Path) -> None:
    found = what_if(project, "agents", [("greeter", ADD)], [])
    assert [(it["agent"], it["tool"]) for it in found["diff"]["gains"]] == [("greeter", ADD)]
    assert (found["diff"]["losses"], found["error"]) == ([], None)


def test_what_the_program_refuses_is_told_as_the_plan_tells_it(project: Path) -> None:
    """The one agent of a stack that names none is written out, with every tool but the one that it loses."""
    found = what_if(project, "dev", [], [("assistant", GREETING)], parse(planned().deployment))
    assert (found["ok"], found["diff"], found["violations"]) == (False, None, [])
    assert found["error"] == (
        "toolgate:agents.assistant.tools: with authorization 'gateway' whoever may invoke the gateway may call every "
        "tool, so leaving out math___greeting would not hold. Hand over all tools, or use authorization 'tool'."
    )
    assert settings_of(found) == {"assistant": {"tools": [ADD, MULTIPLY]}}
    assert (found["file"], found["line"]) == ("Pulumi.dev.yaml", 2)


def test_a_gateway_without_a_policy_engine_is_handed_over_whole(project: Path) -> None:
    before = parse(planned("gateways").deployment)
    found = what_if(project, "gateways", [("greeter", ADD)], [], before)
    assert settings_of(found)["greeter"] == {"tools": ["greetings", "arithmetic"]}
    assert {(it["agent"], it["tool"]) for it in found["diff"]["gains"]} == {("greeter", ADD), ("greeter", MULTIPLY)}


def test_a_mandatory_violation_is_not_ok(project: Path) -> None:
    """The rules' configuration is the stack's: here one that forbids what is advice elsewhere."""
    rules = project / "policy" / "agents.json"
    rules.write_text('{"logs-delivered": "mandatory"}')
    try:
        found = what_if(project, "agents", [("greeter", ADD)], [], parse(planned("agents").deployment))
    finally:
        rules.unlink()
    assert (found["ok"], found["error"]) == (False, None)
    assert {(it["rule"], it["level"]) for it in found["violations"]} == {("logs-delivered", "mandatory")}
    assert found["diff"]["gains"]


@pytest.mark.parametrize(
    ("give", "take", "says"),
    [
        ([("nobody", ADD)], [], "there is no agent nobody; the stack has calculator, greeter"),
        ([("greeter", "math___subtract")], [], "there is no tool math___subtract; the deployment has math___add"),
        ([], [("greeter", f"other/{GREETING}")], f"there is no tool {GREETING} at gateway other; the deployment has"),
    ],
)
def test_what_there_is_not(project: Path, give: Any, take: Any, says: str) -> None:
    with pytest.raises(Mistake) as raised:
        what_if(project, "agents", give, take, parse(planned("agents").deployment))
    assert str(raised.value).startswith(says)


def test_a_program_whose_source_says_it(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: own\nruntime: python\n")
    (tmp_path / "__main__.py").write_text("from toolgate import AgentRuntime\n")
    with pytest.raises(Unavailable, match="does not take its agents from `toolgate:agents`"):
        what_if(tmp_path, "dev", [("clerk", ADD)], [])


def test_a_stack_that_is_not_there(project: Path) -> None:
    found = what_if(project, "nowhere", [("greeter", ADD)], [])
    assert not found["ok"]
    assert found["error"].startswith("no stack `nowhere`: Pulumi.nowhere.yaml is missing")


def test_a_program_that_does_not_end_is_ended_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = copy_project(tmp_path)
    # Whoever of them lives holds an end of this open.
    held, hangs = tmp_path / "held", tmp_path / "hangs"
    os.mkfifo(held)
    ours = os.open(held, os.O_RDONLY | os.O_NONBLOCK)
    hanging = "\n".join(
        [
            "import os, subprocess, sys, time",
            f"held = os.open({str(held)!r}, os.O_WRONLY)",
            "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(3600)'], pass_fds=[held])",
            f"os.mkdir({str(hangs)!r})",
            "time.sleep(3600)",
            "",
        ]
    )
    main = program / "__main__.py"
    main.write_text(main.read_text().replace("import pulumi\n", f"import pulumi\n{hanging}", 1))
    # Its time is over once it hangs, however long it takes to come to that.
    monkeypatch.setattr(asking, "time", _Clock(hangs.exists))
    found = what_if(program, "agents", [("greeter", ADD)], [], parse(planned("agents").deployment))
    assert found["error"] == "planning did not end in time, and was stopped"
    wait_until(lambda: _nobody_holds(ours))
    os.close(ours)


def _nobody_holds(end: int) -> bool:
    try:
        return os.read(end, 1) == b""
    except BlockingIOError:
        return False


class _Clock:
    """A clock on which an hour has passed once something is so."""

    def __init__(self, over: Callable[[], bool]) -> None:
        self._over = over

    def monotonic(self) -> float:
        return 3600.0 if self._over() else 0.0


# --- the lists of tools


def edited(deployment: Deployment, agents: Any, give: Any, take: Any, *, named: bool) -> Any:
    return asking._changed(agents, asking._Stack(deployment, named=named), give, take)


@pytest.mark.parametrize(
    ("tools", "give", "take", "expected"),
    [
        (["math"], [], [ADD], [MULTIPLY, GREETING]),
        (["math"], [GREETING], [], ["math"]),
        ([ADD, GREETING], [], [ADD], [GREETING]),
        ([GREETING], [], [GREETING], []),
        ([GREETING], [], [ADD], [GREETING]),
        ([], [ADD], [], [ADD]),
        ([ADD], [GREETING], [ADD], [GREETING]),
    ],
)
def test_lists_of_one_gateway(tools: list[str], give: list[str], take: list[str], expected: list[str]) -> None:
    deployment = parse(planned("agents").deployment)
    agents = {"a": {"modelId": "m", "tools": tools}, "b": {"tools": ["math"]}}
    changed = edited(deployment, agents, [("a", it) for it in give], [("a", it) for it in take], named=False)
    assert changed == {"a": {"modelId": "m", "tools": expected}, "b": {"tools": ["math"]}}


def test_every_tool_is_written_out_where_one_is_taken() -> None:
    deployment = parse(planned("agents").deployment)
    assert edited(deployment, {"a": {}}, [("a", ADD)], [], named=False) == {"a": {}}
    assert edited(deployment, {"a": {}}, [], [("a", ADD)], named=False) == {"a": {"tools": [MULTIPLY, GREETING]}}


def test_lists_of_named_gateways() -> None:
    deployment = parse(planned("gateways").deployment)
    agents = {"a": {"tools": ["arithmetic/math", "greetings"]}, "b": {}}
    take = [("a", ADD), ("b", GREETING)]
    assert edited(deployment, agents, [], take, named=True) == {
        "a": {"tools": [f"arithmetic/{MULTIPLY}", "greetings"]},
        "b": {"tools": ["arithmetic"]},
    }


def test_a_tool_of_several_gateways_is_named_with_one() -> None:
    both = {"toolgate:gateways": json.dumps({"one": {}, "two": {}}), "toolgate:agents": '{"a": {"tools": ["one"]}}'}
    deployment = parse(planned("agents", both | {"toolgate:authorization": "tool"}).deployment)
    with pytest.raises(Mistake, match=f"name it as one of one/{ADD}, two/{ADD}"):
        edited(deployment, {"a": {"tools": []}}, [("a", ADD)], [], named=True)
    agents = edited(deployment, {"a": {"tools": []}}, [("a", f"two/{ADD}")], [], named=True)
    assert agents == {"a": {"tools": [f"two/{ADD}"]}}


@pytest.mark.parametrize("as_json", [False, True])
def test_settings_are_read_as_they_were_written(as_json: bool, tmp_path: Path) -> None:
    """Also what YAML 1.1 and 1.2 read differently, in the texts of a prompt as anywhere."""
    odd = ["on", "1e3", "0o17", "1:30", "1_000", "null", "~", "é", "", "a: b", "- x", "2026-01-01", "=", "<<", ".5"]
    values = {"toolgate:agents": {"a": {"tools": odd, "systemPrompt": "One.\nTwo: 'three' #4.", "recall": []}}}
    file = tmp_path / f"Pulumi.dev.{'json' if as_json else 'yaml'}"
    text = settings_file.written(values, as_json=as_json)
    file.write_text(text if as_json else f"config:\n{''.join(f'  {it}' for it in text.splitlines(keepends=True))}")
    read = settings_file.read(file, {**settings_keys.STACK, "toolgate:agents": settings_keys.Treatment.FOLLOWED})
    assert (read if as_json else read["config"]) == values
