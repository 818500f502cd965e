"""A function's process and its log, through real handlers: what CloudWatch would show, and of how a process can end."""

import asyncio
import json
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.planning import SAMPLE
from toolgate.access.deployment.agentcore_resources import Function, FunctionLog
from toolgate.local.serve.bounded_file import BoundedFile
from toolgate.local.serve.gateway.function_process import FunctionProcess, Outcome
from toolgate.local.serve.gateway.lambda_log import last_words

ARN = "arn:aws:lambda:us-east-1:123456789012:function:own"
OPEN = Path("/proc/self/fd")
JSON = FunctionLog("JSON", "INFO", "INFO")
HANDLER = """
import asyncio, ctypes, datetime, decimal, logging, os, signal, subprocess, sys, time
print("imported")
log = logging.getLogger("own")
state = {"calls": 0}

def told(event, context):
    return {"environment": dict(os.environ), "arn": context.invoked_function_arn, "id": context.aws_request_id,
            "custom": context.client_context.custom, "memory": context.memory_limit_in_mb, "cwd": os.getcwd(),
            "left": context.get_remaining_time_in_millis(), "path": sys.path[0], "name": context.function_name}

def speaks(event, context):
    print("printed"); print("to stderr", file=sys.stderr)
    noisy = logging.getLogger("noisy"); noisy.setLevel("DEBUG"); noisy.debug("of a logger that wants it")
    log.debug("a detail"); log.info("a fact", extra={"order": 7}); log.warning("a worry")
    os.system("echo from a child")
    sys.stdout.write("unfinished")

def raises(event, context):
    return 1 // event["zero"]

def caught(event, context):
    try:
        return 1 // 0
    except ZeroDivisionError:
        log.exception("it failed")
        return {"error": {"code": "tool_failed", "message": "no"}}

def counts(event, context):
    state["calls"] += 1
    return state["calls"]

def exits(event, context):
    print("about to leave", end="")
    os._exit(event)

def leaves(event, context):
    sys.exit("enough")

def crashes(event, context):
    print("last words")
    ctypes.string_at(0)

def is_killed(event, context):  # what the kernel does to a process that takes all the memory
    os.kill(os.getpid(), signal.SIGKILL)

def hangs(event, context):
    child = subprocess.Popen(["sleep", "60"])
    print("child", child.pid)
    time.sleep(60)

def naps(event, context):
    time.sleep(event)
    return event

def floods(event, context):
    for _ in range(300):
        print("x" * 10_000)

def forks(event, context):
    if os.fork():
        return "parent"
    time.sleep(0.2)  # its parent has answered, and waits for the next call
    return "child"

def odd(event, context):
    return {"now": datetime.datetime.now()}

def exact(event, context):
    return decimal.Decimal("1.5")

async def later(event, context):
    return 1
"""


@pytest.fixture
def function(tmp_path: Path) -> Callable[..., Any]:
    """A function with the handler above, or with the given module."""

    def make(
        handler: str, *, module: str = "own", source: str = HANDLER, seconds: int = 20, form: FunctionLog = JSON
    ) -> FunctionProcess:
        code = tmp_path / "code"
        code.mkdir()
        (code / f"{module}.py").write_text(source, "utf-8")
        name = f"{module}.{handler}"
        own = Function("f", ARN, "own", "role", name, "python3.13", None, False, {}, (), seconds, False, 256, form)
        environment = {"PATH": os.environ["PATH"], "OWN": "yes"}
        return FunctionProcess(own, code=code, environment=environment, log=BoundedFile(tmp_path / "own.log"))

    return make


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "own.log"


def calls(process: FunctionProcess, *events: Any) -> list[Outcome]:
    """The answers to the events, one after another, with the request ids `id-0`, `id-1`, ..."""

    async def run() -> list[Outcome]:
        try:
            return [await process.call(event, {"tool": "t"}, f"id-{at}") for at, event in enumerate(events)]
        finally:
            await process.aclose()

    return asyncio.run(run())


def platform(log: Path) -> list[tuple[str, dict[str, Any]]]:
    """Lambda's own lines of a JSON log: their kinds and records."""
    found = [json.loads(line) for line in log.read_text().splitlines() if line.startswith('{"time"')]
    return [(it["type"].removeprefix("platform."), it["record"]) for it in found]


def application(log: Path) -> list[dict[str, Any]]:
    """The function's own structured lines."""
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith('{"timestamp"')]


def test_the_handler_is_told_what_lambda_tells(function: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OF_THE_DEVELOPER", "secret")
    (answer,) = calls(function("told"), {})
    told = answer.payload
    assert (told["arn"], told["id"], told["custom"], told["memory"]) == (ARN, "id-0", {"tool": "t"}, "256")
    assert told["name"] == told["environment"]["AWS_LAMBDA_FUNCTION_NAME"] == "own"
    assert told["environment"]["OWN"] == "yes"
    assert "OF_THE_DEVELOPER" not in told["environment"]
    assert 15_000 < told["left"] <= 20_000
    assert told["cwd"] == told["path"] == told["environment"]["LAMBDA_TASK_ROOT"]
    assert told["environment"]["AWS_LAMBDA_LOG_FORMAT"] == "JSON"
    assert told["environment"]["AWS_LAMBDA_LOG_LEVEL"] == "INFO"


def test_a_file_that_is_replaced_within_a_second_by_one_as_long_is_the_one_that_runs(
    function: Callable[..., Any],
) -> None:
    source = "def answers(event, context):\n    return {}\n"
    process = function("answers", source=source.format(0))

    async def run() -> list[Any]:
        answers = [(await process.call({}, {}, "id")).payload]
        for n in (1, 2, 3):
            await process.replace({"own.py": source.format(n).encode()})
            answers.append((await process.call({}, {}, "id")).payload)
        await process.aclose()
        return answers

    assert asyncio.run(run()) == [0, 1, 2, 3]


def test_the_log_in_json(function: Callable[..., Any], log: Path) -> None:
    (answer,) = calls(function("speaks"), {})
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    lines = log.read_text().splitlines()
    assert [line for line in lines if not line.startswith("{")] == [
        *("imported", "printed", "to stderr", "from a child", "unfinished")
    ]
    assert [(it["level"], it["message"], it["requestId"], it.get("order")) for it in application(log)] == [
        ("INFO", "a fact", "id-0", 7),
        ("WARNING", "a worry", "id-0", None),
    ]
    (init, start, report) = platform(log)
    assert (init[0], start) == ("initStart", ("start", {"requestId": "id-0", "version": "$LATEST"}))
    assert (report[0], report[1]["requestId"], report[1]["status"]) == ("report", "id-0", "success")
    assert report[1]["metrics"].keys() >= {"durationMs", "initDurationMs", "maxMemoryUsedMB"}
    assert 5 < report[1]["metrics"]["maxMemoryUsedMB"] < 60  # a small process, whatever ours takes
    assert answer.lines[-1] == lines[-1]


def test_the_log_in_text(function: Callable[..., Any], log: Path) -> None:
    calls(function("speaks", form=FunctionLog()), {})
    lines = log.read_text().splitlines()
    assert lines[1:5] == ["imported", "START RequestId: id-0 Version: $LATEST", "printed", "to stderr"]
    assert lines[5].endswith("of a logger that wants it")
    assert re.fullmatch(r"\[WARNING\]\t\d{4}-\d\d-\d\dT[\d:.]{12}Z\tid-0\ta worry", lines[6])
    assert lines[7:10] == ["from a child", "unfinished", "END RequestId: id-0"]
    assert re.match(
        r"REPORT RequestId: id-0\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 256", lines[10]
    )


@pytest.mark.parametrize(
    ("form", "levels", "kinds"),
    [
        (FunctionLog("JSON", "DEBUG", "INFO"), ["DEBUG", "DEBUG", "INFO", "WARNING"], ["initStart", "start", "report"]),
        (FunctionLog("JSON", "WARN", "WARN"), ["WARNING"], []),
        (FunctionLog("JSON", "FATAL", "DEBUG"), [], ["initStart", "start", "report"]),
        (
            FunctionLog("JSON", "TRACE", "DEBUG"),
            ["DEBUG", "DEBUG", "INFO", "WARNING"],
            ["initStart", "start", "report"],
        ),
    ],
)
def test_the_levels_that_the_function_has_are_kept(
    function: Callable[..., Any], log: Path, form: FunctionLog, levels: list[str], kinds: list[str]
) -> None:
    calls(function("speaks", form=form), {})
    assert [it["level"] for it in application(log)] == levels
    assert [kind for kind, _ in platform(log)] == kinds


def test_what_is_raised_stands_in_the_log_with_its_traceback(function: Callable[..., Any], log: Path) -> None:
    answer, good = calls(function("raises"), {"zero": 0}, {"zero": 1})
    assert answer.failed
    assert answer.payload["errorType"] == "ZeroDivisionError"
    (line,) = application(log)
    assert (line["level"], line["errorType"], line["requestId"]) == ("ERROR", "ZeroDivisionError", "id-0")
    (frame,) = line["stackTrace"]
    assert 'own.py"' in frame
    assert 'return 1 // event["zero"]' in frame
    assert [record.get("status") for kind, record in platform(log) if kind == "report"] == ["error", "success"]
    assert (good.payload, good.failed) == (1, False)


def test_a_raised_error_in_text(function: Callable[..., Any], log: Path) -> None:
    calls(function("raises", form=FunctionLog()), {"zero": 0})
    text = log.read_text()
    assert "[ERROR] ZeroDivisionError: integer division or modulo by zero\nTraceback (most recent call last):\n" in text
    assert "function_worker" not in text


def test_a_traceback_that_the_function_logs_itself(function: Callable[..., Any], log: Path) -> None:
    (answer,) = calls(function("caught"), {})
    assert not answer.failed
    (line,) = application(log)
    assert (line["message"], line["errorType"], line["logger"]) == ("it failed", "ZeroDivisionError", "own")
    assert "return 1 // 0" in line["stackTrace"][0]


def test_the_dispatcher_leaves_the_traceback_in_the_log(function: Callable[..., Any], log: Path) -> None:
    source = "def risky(a):\n    print('tried', file=__import__('sys').stderr)\n    return a['b']\n"
    process: FunctionProcess = function(
        "handler", module="dispatch", source=(SAMPLE / "lambdas" / "dispatch.py").read_text()
    )
    (log.parent / "code" / "tools.py").write_text(source)
    schema = {"type": "object", "properties": {"a": {"type": "object"}}, "required": ["a"]}
    (log.parent / "code" / "tools.json").write_text(json.dumps([{"name": "risky", "inputSchema": schema}]))

    async def run() -> Outcome:
        try:
            return await process.call({"a": {}}, {"bedrockAgentCoreToolName": "t___risky"}, "id-0")
        finally:
            await process.aclose()

    answer = asyncio.run(run())
    assert answer.payload["error"]["code"] == "tool_failed"
    assert last_words(answer.lines) == "KeyError: 'b'"
    (line,) = application(log)
    assert (line["level"], line["errorType"], line["requestId"]) == ("ERROR", "KeyError", "id-0")
    assert "return a['b']" in line["stackTrace"][-1]
    assert "tried" in log.read_text().splitlines()


@pytest.mark.parametrize(
    ("source", "kind", "says"),
    [
        ("import nothing_of_that_name", "Runtime.ImportModuleError", "No module named 'nothing_of_that_name'"),
        ("def handler(:", "Runtime.UserCodeSyntaxError", "Syntax error in module 'own'"),
        ("x = 1", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'own'"),
        ("def early():\n    return {}['key']\nearly()", "KeyError", "return {}['key']"),
        ("None.nothing", "AttributeError", "None.nothing"),
        ("import os; print('no', end=''); os._exit(3)", "Runtime.ExitError", "exited with error: exit status 3"),
    ],
)
def test_a_module_that_cannot_be_imported(
    function: Callable[..., Any], log: Path, source: str, kind: str, says: str
) -> None:
    answers = calls(function("handler", source=source), {}, {})
    assert [it.payload["errorType"] for it in answers] == [kind, kind]
    assert all(it.failed for it in answers)
    text = log.read_text()
    assert kind in text
    assert text.count(says) >= 2  # once for each call: each tries anew


@pytest.mark.parametrize(
    ("handler", "event", "how"),
    [
        ("exits", 7, "with error: exit status 7"),
        ("exits", 0, "without providing a reason"),
        ("leaves", None, "with error: exit status 1"),
        ("crashes", None, "with error: signal: segmentation fault"),
        ("is_killed", None, "with error: signal: killed"),
    ],
)
def test_a_process_that_dies(function: Callable[..., Any], log: Path, handler: str, event: Any, how: str) -> None:
    after = "def handler(event, context):\n    return event if event == 'next' else first(event, context)"
    source = f"{HANDLER}\nfirst = {handler}\n{after}"
    died, following = calls(function("handler", source=source), event, "next")
    assert died.payload == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: id-0 Error: Runtime exited {how}",
    }
    lines = log.read_text().splitlines()
    at = lines.index(f"RequestId: id-0 Error: Runtime exited {how}")
    if said := {"exits": "about to leave", "crashes": "last words", "leaves": "enough"}.get(handler):
        assert lines[at - 1] == said
    assert [r["status"] for kind, r in platform(log) if kind == "report"] == ["failure", "success"]
    assert following.payload == "next"


def test_a_call_that_takes_too_long_ends_with_all_that_it_started(function: Callable[..., Any], log: Path) -> None:
    (answer,) = calls(function("hangs", seconds=2), {})
    assert answer.payload["errorType"] == "Sandbox.Timedout"
    assert answer.payload["errorMessage"] == "RequestId: id-0 Error: Task timed out after 2.00 seconds"
    text = log.read_text()
    assert re.search(r"^\d{4}-\d\d-\d\dT[\d:.]+Z id-0 Task timed out after 2.00 seconds$", text, re.MULTILINE)
    assert platform(log)[-1][1]["status"] == "timeout"
    child = re.search(r"^child (\d+)$", text, re.MULTILINE)
    assert child is not None
    deadline = time.monotonic() + 5  # it was killed; the kernel may take a moment
    while _runs(int(child[1])):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_calls_are_made_one_after_another_in_one_process(function: Callable[..., Any]) -> None:
    async def run() -> list[Any]:
        process = function("counts")
        try:
            answers = await asyncio.gather(*(process.call({}, {}, f"id-{at}") for at in range(4)))
        finally:
            await process.aclose()
        return [it.payload for it in answers]

    assert asyncio.run(run()) == [1, 2, 3, 4]


def test_a_call_whose_caller_left_disturbs_no_other(function: Callable[..., Any]) -> None:
    async def run() -> Any:
        process = function("naps")
        try:
            left = asyncio.create_task(process.call(0.3, {}, "id-0"))
            await asyncio.sleep(0.1)
            left.cancel()
            return await process.call(0, {}, "id-1")
        finally:
            await process.aclose()

    answer = asyncio.run(run())
    assert answer.payload == 0
    assert "id-1" in answer.lines[0]
    assert not any("id-0" in line for line in answer.lines)


def test_a_fork_answers_no_call(function: Callable[..., Any]) -> None:
    async def run() -> list[Any]:
        process = function("forks")
        try:
            first = await process.call({}, {}, "id-0")
            await asyncio.sleep(0.4)  # an answer of the fork's would be taken for the second call's
            return [first.payload, (await process.call({}, {}, "id-1")).payload]
        finally:
            await process.aclose()

    assert asyncio.run(run()) == ["parent", "parent"]


def test_more_output_than_a_pipe_holds_is_all_in_the_log(function: Callable[..., Any], log: Path) -> None:
    (answer,) = calls(function("floods"), {})
    assert log.read_text().count("x" * 10_000) == 300
    assert sum(map(len, answer.lines)) < 70_000


@pytest.mark.parametrize(
    ("handler", "says"),
    [
        ("odd", "Unable to marshal response: Object of type datetime is not JSON serializable"),
        ("later", "Unable to marshal response: Object of type coroutine is not JSON serializable"),
    ],
)
def test_an_answer_that_cannot_be_sent(function: Callable[..., Any], handler: str, says: str) -> None:
    (answer,) = calls(function(handler), {})
    assert (answer.payload["errorType"], answer.payload["errorMessage"]) == ("Runtime.MarshalError", says)


def test_a_decimal_is_a_number(function: Callable[..., Any]) -> None:
    assert calls(function("exact"), {})[0].payload == 1.5


@contextmanager
def _descriptors() -> Iterator[None]:
    before = len(list(OPEN.iterdir()))
    yield
    assert len(list(OPEN.iterdir())) <= before + 1  # the log's own


def test_nothing_stays_open_after_a_process(function: Callable[..., Any]) -> None:
    with _descriptors():
        calls(function("is_killed"), *range(3))
