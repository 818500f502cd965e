"""Gateways of the real program whose interceptors' code hangs, dies, talks nonsense and is edited: they live on.

The interceptors are declared in a stack's settings, so that components, library and data plane are in it; once with
signatures and once with tokens. Whatever the code does its calls are denied, none is let through by a timeout of its
function's, the next one works, and no process is left.
"""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.test_interceptors import World, text
from tests.e2e.test_tool_authorization import ADD, GREETING, without_agents
from tests.e2e.ways_in import IAM, authorized
from tests.planning import copy_project
from toolgate.access.deployment.deployment import parse
from toolgate.local.plan import ProgramError, plan
from toolgate.local.serve.server import Serving
from toolgate.local.watch import PlanError, Watching

Export = dict[str, Any]
Served = Callable[..., AbstractContextManager[Serving]]
DENIED = -32002
GATEWAY = ":AgentcoreGateway"
PROC = Path("/proc/self/environ")

HOSTILE = """
import asyncio, ctypes, os, re, subprocess, sys, threading, time
from intercept import Call, Result, Verdict, allow, deny, on_call, on_result, redact, rewrite

if os.environ.get("WAITS"):  # in its import
    subprocess.Popen(["sleep", "3600"])
    time.sleep(float(os.environ["WAITS"]))

def backtracks(): re.match(r"(a+)+$", "a" * 64 + "b")
def sleeps_with_others():
    subprocess.Popen(["sleep", "3600"])
    time.sleep(3600)
def forks_and_hangs():
    os.fork()
    time.sleep(3600)
def exits(): os._exit(0)
def leaves(): sys.exit(0)
def crashes(): ctypes.string_at(0)
def raises(): raise ValueError("sesame")
def returns_none(): return None
def returns_true(): return True
def returns_a_text(): return "allow"
def returns_an_allowance_of_another_kind(): return Verdict("allowed")
def returns_what_is_no_json(): return rewrite({"a": object(), "b": 1})
def returns_what_the_other_point_returns(): return redact({"content": []})
def returns_a_coroutine(): return asyncio.sleep(0)
def writes_to_its_socket(): os.write(3, b"\\x00\\x00\\x00\\x03abc")
def closes_everything(): os.closerange(3, 256)
def waits_in_a_thread():
    threading.Thread(target=time.sleep, args=(3600,)).start()
    return allow()

NAMES = [it.__name__ for it in (
    backtracks, sleeps_with_others, forks_and_hangs, exits, leaves, crashes, raises,
    returns_none, returns_true, returns_a_text, returns_an_allowance_of_another_kind, returns_what_is_no_json,
    returns_what_the_other_point_returns, returns_a_coroutine, writes_to_its_socket, closes_everything,
    waits_in_a_thread)]

@on_call("math___add_numbers")
def asked(call: Call) -> Verdict:
    a = int(call.arguments["a"])
    return globals()[NAMES[a - 1000]]() if 1000 <= a < 2000 else allow()

@on_result("math___add_numbers")
def told(result: Result) -> Verdict:
    found = [int(it["text"]) for it in result.value.get("content", []) if it["text"].isdigit()]
    if found and 3000 <= found[0] < 4000:
        made = globals()[NAMES[found[0] - 3000]]()
        return rewrite({"a": 1}) if made and made.__class__ is Verdict and made.kind == "redact" else made
    return allow()
"""
_LISTED = HOSTILE.partition("NAMES = [")[2].partition(" in (")[2].partition(")]")[0]
NAMES = [it.strip() for it in _LISTED.split(",")]
SETTINGS = """
def settings(opts):
    return {{"seconds": {seconds}, "timeout": {timeout}, "environment": {{"WAITS": {waits!r}}}}}
"""


def with_hostile(project: Path, seconds: float = 3.0, timeout: int = 60, waits: str = "") -> Path:
    """The project with the interceptor `hostile`."""
    folder = project / "interceptors" / "hostile"
    folder.mkdir(exist_ok=True)
    (folder / "interceptor.py").write_text(HOSTILE)
    (folder / "settings.py").write_text(SETTINGS.format(seconds=seconds, timeout=timeout, waits=waits))
    return project


def planned(project: Path, way: str, **config: Any) -> Export:
    """The two agents' stack of a project whose gateway asks `hostile` at both points."""
    asked = {"toolgate:interceptors": {"request": "hostile", "response": "hostile"}, "toolgate:search": False}
    texts = {name: it if isinstance(it, str) else json.dumps(it) for name, it in {**asked, **config}.items()}
    made = plan("agents" if way == IAM else "jwt", config=texts, root=project)
    assert made.mandatory == ()
    return made.deployment


@contextlib.contextmanager
def world_of(served: Served, project: Path, export: Export) -> Iterator[World]:
    with served(without_agents(export), root=project) as serving:
        yield World(serving, export)
        code = serving._world._code
    assert left(code) == []


def processes(code: Path) -> list[str]:
    """Processes, by their commands, of functions whose code is in this folder: whoever they start is told its place."""
    mark, found = f"LAMBDA_TASK_ROOT={code}".encode(), []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it is gone, or another's
            if mark in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


def left(code: Path) -> list[str]:
    """Those that are there for good: what was killed the kernel may take a moment to end."""
    deadline = time.monotonic() + 20
    while (found := processes(code)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


@pytest.fixture(scope="module")
def world(way: str, served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    project = with_hostile(copy_project(tmp_path_factory.mktemp("hostile")))
    with world_of(served, project, planned(project, way)) as made:
        yield made


def outcomes(serving: Serving, since: int = 0) -> list[tuple[str, str]]:
    return [(it.point, it.outcome) for it in serving.interceptions[since:]]


@pytest.mark.parametrize("name", [it for it in NAMES if it != "waits_in_a_thread"])
def test_whatever_the_code_does_the_call_is_denied_and_the_next_one_works(world: World, name: str) -> None:
    serving = world.serving
    for point, arguments in (("REQUEST", {"a": 1000}), ("RESPONSE", {"a": 2000, "b": 1000})):
        asked, calls = len(serving.interceptions), len(serving.calls)
        answer = world.add(**{**arguments, "a": arguments["a"] + NAMES.index(name)})
        told = answer.json()
        assert (answer.status_code, told["id"], told["error"]["code"]) == (200, 7, DENIED)
        assert "sesame" not in answer.text
        assert len(serving.calls) - calls == (point == "RESPONSE")
        assert (point, "denied") in outcomes(serving, asked)
        assert text(world.add()) == 3
        assert {it for _, it in outcomes(serving, asked)} <= {"denied", "passed"}


def test_two_hundred_calls_with_hanging_ones_in_between(world: World) -> None:
    """No call leaves anything: processes, threads, open files."""
    serving = world.serving

    def kept() -> tuple[int, int]:
        return len(processes(serving._world._code)), threading.active_count()

    def open_files() -> int:
        return sum(1 for _ in Path("/proc/self/fd").iterdir()) if PROC.exists() else 0

    deployment = parse(world.export)
    url, auth = serving.gateway_url(deployment.gateways[0].id), authorized(serving, deployment, world.agent)
    with httpx.Client(auth=auth, trust_env=False, timeout=None) as client:

        def add(a: int, b: int = 2) -> httpx.Response:
            params = {"name": ADD, "arguments": {"a": a, "b": b}}
            return client.post(url, json={"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params})

        assert text(add(1)) == 3
        before, opened = kept(), open_files()
        hanging = {60: 1000 + NAMES.index("backtracks"), 140: 3000 + NAMES.index("backtracks")}  # at either point
        for number in range(200):
            assert text(add(number)) == number + 2
            if number in hanging:
                assert add(hanging[number], 0).json()["error"]["code"] == DENIED
        assert kept() == before
        assert open_files() < opened + 20
    assert {it.outcome for it in serving.interceptions} <= {"denied", "passed"}


def test_code_that_is_slow_to_import_denies_until_it_is_there(way: str, served: Served, project: Path) -> None:
    with_hostile(project, seconds=1.0, waits="7")  # longer than Lambda's init is made to wait
    with world_of(served, project, planned(project, way)) as world:
        assert world.add().json()["error"]["code"] == DENIED
        until_passed(world)
        assert {it.outcome for it in world.serving.interceptions} == {"denied", "passed"}
        assert "timed out" not in world.serving.function_logs[hostile(world)].read_text()


def until_passed(world: World) -> None:
    """Ask until a call is let through."""
    deadline = time.monotonic() + 60
    while "error" in world.add().json():
        assert time.monotonic() < deadline


def hostile(world: World) -> str:
    [name] = [it for it in world.serving.function_logs if it.endswith("hostile")]
    return name


@pytest.mark.skipif(not PROC.exists(), reason="/proc says who is still there")
@pytest.mark.parametrize("waits", ["", "3600"], ids=["a call and a thread", "an import"])
def test_whoever_ends_leaves_no_process(served: Served, project: Path, waits: str) -> None:
    """The interceptor's own process is in a group of its own, with what the author's code has started."""
    export = planned(with_hostile(project, seconds=30.0, waits=waits), IAM)
    with served(without_agents(export), root=project) as serving:
        world, code = World(serving, export), serving._world._code
        if not waits:
            assert world.add(a=1000 + NAMES.index("waits_in_a_thread")).status_code == 200
        calling = threading.Thread(target=unanswered, args=(world, 1000 + NAMES.index("sleeps_with_others")))
        calling.start()
        while not any(it.startswith("sleep") for it in processes(code)):
            time.sleep(0.05)
    calling.join()
    assert left(code) == []


def unanswered(world: World, a: int) -> None:
    with contextlib.suppress(httpx.HTTPError):  # whom it asks ends
        world.add(a=a)


LIMITED = """
from intercept import Call, Verdict, allow, deny, on_call

@on_call("math___*")
def limited(call: Call) -> Verdict:
    return deny("edition 1") if call.arguments.get("a") == 5 else allow()
"""
REDACTING = """
from intercept import Result, Verdict, on_result, redact

@on_result("math___*")
def masked(result: Result) -> Verdict:
    return redact(result.mapped(lambda text: text.replace("3", "*")))
"""


def test_code_is_edited_while_it_is_served(way: str, served: Served, project: Path) -> None:
    """As `toolgate up` does it. Two gateways ask one folder, each in a function of its own."""
    folder = project / "interceptors" / "edited"
    folder.mkdir()
    file = folder / "interceptor.py"
    file.write_text(LIMITED)
    gateways = {
        name: {"targets": [tool], "inbound": way, "interceptors": {"request": "edited"}}
        for name, tool in (("first", "math___add_numbers"), ("second", "math___greeting"))
    }
    config = {
        "toolgate:gateways": json.dumps(gateways),
        "toolgate:agents": '{"calculator": {"tools": ["first"]}, "greeter": {"tools": ["second"]}}',
    }

    def planned_anew() -> Export:
        try:
            made = plan("dev", config=config, root=project)
        except ProgramError as error:
            raise PlanError(str(error)) from error
        return without_agents(made.deployment)

    said: list[str] = []
    export = plan("dev", config=config, root=project).deployment
    with served(without_agents(export), root=project) as serving:
        watching = Watching(project, without_agents(export), planned_anew, serving, lambda: None, said.append, ())
        watching.start()
        names = [it["outputs"]["name"] for it in export["deployment"]["resources"] if it["type"].endswith(GATEWAY)]
        adds, greets = (
            World(serving, export, agent, next(at for at, it in enumerate(names) if it.endswith(name)))
            for agent, name in (("calculator", "first"), ("greeter", "second"))
        )

        def refusals() -> list[str | None]:
            """What is told of a call that is to be refused, of one that is to pass, and of one at the other gateway."""
            told = [adds.add(a=5), adds.add(a=1), greets.ask(name=GREETING, arguments={"name": "Alice"})]
            return [it.json().get("error", {}).get("message") for it in told]

        def edit(source: str) -> str:
            said.clear()
            file.write_text(source)
            watching.changed([file])
            return "\n".join(said)

        assert refusals() == ["Tool Execution Denied: edition 1", None, None]
        assert "answers the next call" in edit(LIMITED.replace("edition 1", "edition 2"))
        assert refusals() == ["Tool Execution Denied: edition 2", None, None]
        broken = edit(LIMITED.replace("-> Verdict:", "-> Verdict"))
        assert "What was there before is served on" in broken
        assert "interceptor.py" in broken
        assert refusals() == ["Tool Execution Denied: edition 2", None, None]
        assert "answers the next call" in edit(LIMITED.replace("edition 1", "edition 3"))
        assert refusals() == ["Tool Execution Denied: edition 3", None, None]
        # It can be read and planned, and not be run: both gateways' calls are denied.
        assert "planned anew and served" in edit("1 / 0\n" + LIMITED)
        assert all(str(it).endswith("did not decide in time") for it in refusals())
        # What would not be carried out is not served, and what asks for other tools is declared anew.
        assert "What was there before is served on" in edit(LIMITED + REDACTING)
        assert all(str(it).endswith("did not decide in time") for it in refusals())
        assert "planned anew and served" in edit(LIMITED.replace("edition 1", "edition 4").replace("math___*", "*"))
        assert refusals() == ["Tool Execution Denied: edition 4", None, None]
        code = serving._world._code
    assert left(code) == []
