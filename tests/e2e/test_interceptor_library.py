"""The library behind a gateway that fails as AWS was measured to fail: no code of an author opens it.

An interceptor that never answers, dies or writes nonsense is denied by the library, long before Lambda's own time is
over, which would let the call through. Once with signatures and once with tokens.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.e2e.test_interceptors import World
from tests.e2e.test_tool_authorization import ADD, GREETING, Caller, without_agents
from tests.e2e.ways_in import planned_agents
from tests.interceptor_export import Written, with_interceptors
from tests.planning import ROOT
from toolgate.local.serve.server import Serving
from toolgate.policy.language.interceptors import HANDLER, VARIABLE

Export = dict[str, Any]
Served = Callable[[Export], AbstractContextManager[Serving]]
LIBRARY = ("intercept.py", "mcp_messages.py", "supervised.py", "callers.py")
_SECONDS = 20.0  # a machine that is busy must not be late; what never ends is late whenever

CODE = """
import os
import re
from intercept import Call, Result, Tool, Verdict, allow, deny, filter_tools, on_call, on_result, redact, rewrite

@on_call("math___*")
def limited(call: Call) -> Verdict:
    a = call.arguments.get("a", 0)
    if a == 13:
        raise ValueError("sesame")
    if a == 14:
        os._exit(1)
    if a == 15:
        return None
    if a == 16:
        re.match(r"(a+)+$", "a" * 64 + "b")
    if a == 17:
        return rewrite(call.arguments | {"a": 100})
    return deny("a is over 100") if a > 100 else allow()

@on_result("math___*")
def masked(result: Result) -> Verdict:
    return redact(result.mapped(lambda text: text.replace("7", "*")))

@filter_tools
def visible(tool: Tool) -> bool:
    return tool.name.endswith("add_numbers")
"""


def interceptor(way: str, seconds: float = _SECONDS) -> Written:
    said = {"calls": ["math___*"], "results": ["math___*"], "tools": True, "prompts": False, "resources": False}
    said |= {"headers": False, "claims": False, "caller": False, "inbound": way, "seconds": seconds}
    files = {name: (ROOT / "interceptors" / name).read_text() for name in LIBRARY}
    environment = {"variables": {VARIABLE: json.dumps(said, separators=(",", ":"))}}
    return Written(CODE, files=files, function={"handler": HANDLER, "timeout": 60, "environment": environment})


@pytest.fixture(scope="module")
def world(way: str, served: Served) -> Iterator[World]:
    whole = planned_agents(way).deployment
    with served(with_interceptors(without_agents(whole), limits=interceptor(way))) as serving:
        yield World(serving, whole)


def error(world: World, **arguments: Any) -> tuple[int, int, str]:
    answer = world.add(**arguments)
    told = answer.json()["error"]
    assert answer.json()["id"] == 7
    return answer.status_code, told["code"], told["message"]


def test_a_client_is_told_and_the_tool_is_not_called(world: World) -> None:
    caller = Caller(world.serving, world.export, "calculator")
    calls = len(world.serving.calls)
    refusal = caller.refusal(ADD, {"a": 101, "b": 1})
    assert refusal == (-32002, "Tool Execution Denied: a is over 100")
    assert len(world.serving.calls) == calls
    assert caller.refusal(ADD, {"a": 100, "b": 1}) is None
    assert caller.tools() == {ADD}
    greeter = Caller(world.serving, world.export, "greeter")
    assert greeter.refusal(GREETING, {"name": "Alice"}) is None
    assert greeter.tools() == set()


def test_cedar_and_the_tool_get_what_was_rewritten_and_the_caller_what_was_redacted(world: World) -> None:
    answer = world.add(a=17, b=7)
    assert answer.json()["result"]["content"][0]["text"] == "10*"
    assert world.serving.calls[-1].arguments == {"a": 100, "b": 7}


@pytest.mark.parametrize("a", [13, 14, 15], ids=["raises", "ends its process", "answers nothing"])
def test_code_that_decides_nothing_denies(world: World, a: int) -> None:
    calls = len(world.serving.calls)
    status, code, message = error(world, a=a)
    assert (status, code) == (200, -32002)
    assert "sesame" not in message
    assert len(world.serving.calls) == calls
    assert world.serving.interceptions[-2].outcome == "denied"
    assert world.add(a=1).status_code == 200


def test_code_that_never_ends_is_denied_before_lambda_lets_the_call_through(way: str, served: Served) -> None:
    whole = planned_agents(way).deployment
    with served(with_interceptors(without_agents(whole), limits=interceptor(way, seconds=1.0))) as serving:
        world = World(serving, whole)
        assert error(world, a=16)[1] == -32002
        assert serving.calls == []
        assert [it for it in serving.interceptions if it.outcome == "timed_out"] == []
