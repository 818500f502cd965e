"""The handler under Lambda's worker: whatever the author's code does, there is an answer, and then another one."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.interceptors import events
from tests.interceptors.events import call, message, request, response, result, text_result
from tests.interceptors.functions import InterceptorFunction, function, gone
from toolgate.local.serve.gateway import process_session

SOURCE = """
import ctypes, json, logging, os, re, resource, signal, sys, threading, time
from pathlib import Path
from intercept import Call, Result, Verdict, allow, deny, on_call, on_result, redact, remaining, rewrite

log = logging.getLogger("own")

@on_call("t___*")
def decides(call: Call) -> Verdict:
    return globals()[call.name](call)

@on_result("t___*")
def came(result: Result) -> Verdict:
    return redact(result.mapped(lambda text: text.replace("secret", "****")))

def good(call): return allow()
def bad(call): return deny("no")
def other(call): return rewrite({"a": 2})

def backtracks(call): re.match(r"(a+)+$", "a" * 60 + "b"); return allow()
def sums(call): sum(range(10**12)); return allow()
def sleeps(call): time.sleep(1000); return allow()
def parses(call):
    while True:
        json.loads(call.arguments["text"])
def is_killed(call): os.kill(os.getpid(), signal.SIGKILL)
def crashes(call): ctypes.string_at(0)
def exits(call): os._exit(0)
def leaves(call): sys.exit(0)
def raises(call): raise ValueError(call.arguments["a"])
def hungry(call):
    resource.setrlimit(resource.RLIMIT_AS, (400_000_000, 400_000_000))
    return allow() if bytearray(10**10) else None
def closes(call): os.closerange(3, 256); return allow()
def garbles(call):
    for descriptor in range(3, 20):
        try: os.write(descriptor, b"\\x00\\x00\\x00\\x03abc")
        except OSError: pass
    return allow()
def forks(call):
    if os.fork() == 0:
        return deny("of the fork")
    os.wait()
    return allow()
def forks_and_ends(call):
    if os.fork() == 0:
        time.sleep(1000)
    os._exit(0)
def prints(call): os.write(1, b"written\\n"); print("printed"); return allow()
def logs(call):
    log.info("a fact", extra={"order": 7})
    log.debug("a detail")
    return allow()
def stops(call):
    # Once it has answered it is stopped, and reads no more.
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGSTOP)).start()
    return allow()
def threads(call):
    if "file" in call.arguments:
        Path(call.arguments["file"]).write_text(str(os.getpid()))
    threading.Thread(target=time.sleep, args=(1000,)).start()
    return allow()
def spins(call):
    Path(call.arguments["file"]).write_text(str(os.getpid()))
    while True:
        pass
def tells_time(call): return allow() if 0 < remaining() < 100 else deny("no")
"""
LOOKS_AT = {"calls": ["t___*"], "results": ["t___*"]}
GOOD = request(call("t___good"))


def denial(answer: Any) -> str:
    text: str = answer["transformedGatewayResponse"]["body"]["error"]["message"]
    return text.removeprefix("Tool Execution Denied: ")


def declared(**more: Any) -> str:
    return events.declared(**{**LOOKS_AT, "seconds": 10, **more})


LATE = ["backtracks", "sums", "sleeps", "parses", "forks_and_ends"]  # the last one's fork holds the socket open
ENDED = ["is_killed", "crashes", "exits", "closes", "garbles"]
FAILED = ["leaves", "raises", "hungry", "no_such_name"]


@pytest.mark.parametrize(
    ("name", "code"),
    [*((it, "deadline") for it in LATE), *((it, "process_ended") for it in ENDED), *((it, "failed") for it in FAILED)],
)
def test_what_does_not_decide_is_denied_and_the_next_call_works(tmp_path: Path, name: str, code: str) -> None:
    async def run() -> InterceptorFunction:
        arguments = {"a": "a value of an argument"}
        if name == "parses":
            arguments["text"] = json.dumps(
                [list(range(10))] * 140_000
            )  # 5 MB: with the raw request Lambda takes no more
        async with function(tmp_path, SOURCE, declared(seconds=2 if code == "deadline" else 10)) as own:
            assert await own.passes(GOOD)
            answer = await own.answer(request(call(f"t___{name}", arguments)))
            assert denial(answer).startswith("the interceptor did not decide")
            assert await own.passes(GOOD)
            return own

    own = asyncio.run(run())
    assert code in [line.get("code") for line in own.verdicts()]
    # The exception itself is the author's to word; the handler's own lines have no values.
    assert "a value of" not in json.dumps(own.verdicts())


def test_verdicts_of_both_points(tmp_path: Path) -> None:
    async def run() -> InterceptorFunction:
        async with function(tmp_path, SOURCE, declared()) as own:
            assert await own.passes(GOOD)
            assert denial(await own.answer(request(call("t___bad")))) == "no"
            rewritten = await own.answer(request(call("t___other", {"a": 1})))
            assert rewritten["transformedGatewayRequest"]["body"] == call("t___other", {"a": 2})
            back = await own.answer(response(call("t___x"), result(text_result("a secret"))))
            assert back["transformedGatewayResponse"] == {
                "statusCode": 200,
                "headers": {"Content-Type": "application/json"},
                "body": result(text_result("a ****")),
            }
            assert await own.passes(request(call("t___tells_time")))
            assert await own.passes(request(message("ping")))
            return own

    last = asyncio.run(run()).verdicts()[-5:]
    assert [(it["point"], it["verdict"], it.get("changed")) for it in last] == [
        ("REQUEST", "denied", None),
        ("REQUEST", "rewritten", ["a"]),
        ("RESPONSE", "redacted", None),
        ("REQUEST", "allowed", None),
        ("REQUEST", "allowed", None),
    ]
    assert last[0] | {"timestamp": "", "milliseconds": 0} == {
        "timestamp": "",
        "level": "INFO",
        "message": "REQUEST denied",
        "point": "REQUEST",
        "method": "tools/call",
        "tool": "t___bad",
        "verdict": "denied",
        "code": "by_author",
        "milliseconds": 0,
        "requestId": last[0]["requestId"],
    }


def test_a_large_request_that_nobody_reads_has_the_deadline_too(tmp_path: Path) -> None:
    async def run() -> InterceptorFunction:
        large = request(call("t___good", {"text": "x" * 4_500_000}))
        async with function(tmp_path, SOURCE, declared(seconds=2)) as own:
            assert await own.passes(large)
            assert await own.passes(request(call("t___stops")))
            await asyncio.sleep(1)
            assert denial(await own.answer(large)) == "the interceptor did not decide in time"
            assert await own.passes(large)
            return own

    assert "deadline" in [line.get("code") for line in asyncio.run(run()).verdicts()]


@pytest.mark.parametrize("name", ["forks", "prints", "threads"])
def test_what_is_odd_and_yet_decides(tmp_path: Path, name: str) -> None:
    async def run() -> InterceptorFunction:
        async with function(tmp_path, SOURCE, declared()) as own:
            for _ in range(3):
                assert await own.passes(request(call(f"t___{name}")))
                assert denial(await own.answer(request(call("t___bad")))) == "no"
            return own

    own = asyncio.run(run())
    assert "process_ended" not in [line.get("code") for line in own.verdicts()]
    if name == "prints":
        written = (tmp_path / "log").read_text().splitlines()
        assert written.count("written") == written.count("printed") >= 3


SLOW = "import time; time.sleep(8)\n" + SOURCE


def test_a_slow_start_is_denied_and_goes_on(tmp_path: Path) -> None:
    """It takes longer than init waits and than the first calls may: neither ever sees Lambda's own timeout."""

    async def run() -> InterceptorFunction:
        async with function(tmp_path, SLOW, declared(seconds=1), seconds=20) as own:
            assert denial(await own.answer(GOOD)) == "the interceptor did not decide in time"
            assert await own.passes(GOOD)
            return own

    codes = [line.get("code") for line in asyncio.run(run()).verdicts()]
    assert codes[0] == "starting"
    assert set(codes) <= {"starting", "deadline", None}


ASKS_WHO = """
import os, sys, types
from intercept import Caller, Tool, filter_tools

os.environ["AWS_REGION"] = "us-east-1"  # as Lambda has it
sys.modules["boto3"] = types.SimpleNamespace(client=lambda name, **_: print("made a client:", name))

@filter_tools
def shown(tool: Tool, caller: Caller) -> bool: ...
"""


@pytest.mark.parametrize("inbound", ["jwt", "iam"])
def test_what_a_caller_is_looked_up_with_is_there_before_the_first_call(tmp_path: Path, inbound: str) -> None:
    """boto3 takes about as long as a call may; who needs no table does not wait for it."""
    told: dict[str, Any] = {"callers": "/c/", "client": "sub"} if inbound == "jwt" else {"shown": []}
    variable = events.declared(tools=True, caller=True, inbound=inbound, seconds=10, **told)

    async def run() -> None:
        async with function(tmp_path, ASKS_WHO, variable) as own:
            assert await own.passes(request(message("ping")))

    asyncio.run(run())
    assert ("made a client: ssm" in (tmp_path / "log").read_text()) == (inbound == "jwt")


def test_where_lambda_leaves_no_time_nobody_is_asked(tmp_path: Path) -> None:
    async def run() -> None:
        async with function(tmp_path, SOURCE, declared(), seconds=1) as own:
            assert denial(await own.answer(GOOD)) == "the interceptor did not decide in time"

    asyncio.run(run())


@pytest.mark.parametrize(
    ("source", "variable", "code"),
    [
        ("1 // 0", declared(), "process_ended"),
        ("raise SystemExit(0)", declared(), "process_ended"),
        ("import os; os._exit(0)", declared(), "process_ended"),
        (SOURCE, declared(calls=["other___*"]), "declared_otherwise"),
        (SOURCE, declared(tools=True), "declared_otherwise"),
        ("", declared(), "declared_otherwise"),
        (SOURCE, None, "not_declared"),
        (SOURCE, "{", "not_declared"),
    ],
)
def test_without_code_that_is_what_it_says_everything_is_denied(
    tmp_path: Path, source: str, variable: str | None, code: str
) -> None:
    async def run() -> InterceptorFunction:
        async with function(tmp_path, source, variable) as own:
            for body in (call("t___good"), message("ping"), message("tools/list"), call("unmatched___x")):
                for event in (request(body), response(body, result(text_result("leak")))):
                    answer = await own.answer(event)
                    assert "error" in answer["transformedGatewayResponse"]["body"]
                    assert "leak" not in json.dumps(answer)
            return own

    own = asyncio.run(run())
    assert {line.get("code") for line in own.verdicts()} == {code}
    assert source != "1 // 0" or "ZeroDivisionError" in (tmp_path / "log").read_text()


def test_the_authors_lines_are_lambdas_lines(tmp_path: Path) -> None:
    async def run() -> InterceptorFunction:
        async with function(tmp_path, SOURCE, declared()) as own:
            assert await own.passes(request(call("t___logs")))
            await own.answer(request(call("t___raises", {"a": 1})))
            return own

    own = asyncio.run(run())
    [fact] = [line for line in own.lines() if line["message"] == "a fact"]
    assert (fact["level"], fact["logger"], fact["order"], fact["requestId"]) == ("INFO", "own", 7, "id-1")
    [error] = [line for line in own.lines() if line.get("errorType") == "ValueError"]
    assert error["level"] == "ERROR"
    assert "in raises" in "".join(error["stackTrace"])
    assert "a detail" not in (tmp_path / "log").read_text()


def test_as_text_too(tmp_path: Path) -> None:
    async def run() -> None:
        async with function(tmp_path, SOURCE, declared(), form="Text") as own:
            await own.answer(request(call("t___raises", {"a": 1})))

    asyncio.run(run())
    text = (tmp_path / "log").read_text()
    assert "[ERROR]\t" in text
    assert "ValueError: 1" in text


@pytest.mark.skipif(sys.platform != "linux", reason="/proc says who is still there")
@pytest.mark.parametrize("name", ["spins", "threads"])
def test_who_has_lost_its_parent_ends(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Whoever is killed itself ends nobody.
    monkeypatch.setattr(process_session, "end", lambda _leader: None)

    async def run() -> None:
        async with function(tmp_path, SOURCE, declared(seconds=3)) as own:
            assert await own.passes(GOOD)
            file = tmp_path / "pid"
            asking = asyncio.create_task(own.call(request(call(f"t___{name}", {"file": str(file)}))))
            while not file.exists() or not file.read_text():
                await asyncio.sleep(0.05)
            if name == "threads":
                await asking
            own.kill()
            assert await gone(int(file.read_text()))
            await asking

    asyncio.run(run())


@settings(max_examples=6)
@given(st.lists(st.sampled_from(["good", "bad", "other", *ENDED, *FAILED, "sleeps"]), min_size=3, max_size=7))
def test_calls_in_any_order(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    async def run() -> None:
        async with function(tmp_path_factory.mktemp("own"), SOURCE, declared(seconds=2)) as own:
            for at, name in enumerate(names):
                event = request(call(f"t___{name}", {"a": 1}, message_id=at))
                if name in ("good", "other"):
                    assert await own.passes(event)
                    continue
                body = (await own.answer(event))["transformedGatewayResponse"]["body"]
                assert (body["id"], body["error"]["code"]) == (at, -32002)

    asyncio.run(run())
