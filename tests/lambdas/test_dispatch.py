import json
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.planning import SAMPLE

SOURCE = '''
from typing import NotRequired, TypedDict
from dispatch import ToolError

class Item(TypedDict):
    sku: str
    count: NotRequired[int]

def order(items: list[Item], note: str | None = None, express: bool = False) -> dict:
    """Order items."""
    return {"items": items, "note": note, "express": express}

def half(number: int) -> float:
    """Halve a number."""
    return number / 2

def scale(value: float, options: dict = {}) -> dict:
    """Scale a value."""
    return {"value": value, "options": options}

def refuse() -> str:
    """Refuse."""
    raise ToolError("The shop is closed.")

def crash(password: str) -> str:
    """Crash."""
    raise RuntimeError(f"cannot log in with {password}")

def large() -> str:
    """Answer too much."""
    return "x" * 7_000_000

def long() -> str:
    """Answer in letters of two bytes."""
    return "ü" * 3_000_000

def strange() -> float:
    """Answer what JSON has no word for."""
    return float("nan")
'''

Call = Callable[[str | None, Any], Any]


@pytest.fixture
def call(function: Callable[[str], Call]) -> Call:
    calling = function(SOURCE)
    return lambda tool, event: calling(f"shop___{tool}", event)


def code(answer: Any) -> str:
    assert set(answer) == {"error"}
    assert set(answer["error"]) == {"code", "message"}
    return str(answer["error"]["code"])


def test_calls_the_named_tool_with_the_event_as_arguments(call: Any) -> None:
    answer = call("order", {"items": [{"sku": "a", "count": 2}], "express": True})
    assert answer == {"items": [{"sku": "a", "count": 2}], "note": None, "express": True}


def test_the_tool_is_what_follows_the_first_separator(function: Any) -> None:
    call = function('def a___b() -> str:\n    """Answer."""\n    return "right"\n')
    assert call("shop___a___b", {}) == "right"


@pytest.mark.parametrize(
    ("tool", "event", "message"),
    [
        ("order", {}, "order: missing 'items'."),
        ("order", {"items": [], "colour": "red"}, "order: unknown 'colour'. Known: 'items', 'note', 'express'."),
        ("order", {"items": "a"}, "order.items: expected array, got string."),
        ("order", {"items": ["a"]}, "order.items[0]: expected object, got string."),
        ("order", {"items": [{}]}, "order.items[0]: missing 'sku'."),
        ("order", {"items": [{"sku": "a", "x": 1}]}, "order.items[0]: unknown 'x'. Known: 'sku', 'count'."),
        ("order", {"items": [{"sku": "a", "count": 1.5}]}, "order.items[0].count: expected integer, got number."),
        ("order", {"items": [], "express": "yes"}, "order.express: expected boolean, got string."),
        ("order", {"items": None}, "order.items: expected array, got null."),
        ("half", {"number": True}, "half.number: expected integer, got boolean."),
        ("half", {"number": "4"}, "half.number: expected integer, got string."),
        ("scale", {"value": True}, "scale.value: expected number, got boolean."),
        ("scale", {"value": 1, "options": []}, "scale.options: expected object, got array."),
        ("refuse", {"a": 1}, "refuse: unknown 'a'. Known: none."),
        ("order", ["items"], "order: expected object, got array."),
        ("order", None, "order: expected object, got null."),
    ],
)
def test_arguments_that_do_not_fit_are_named(call: Any, tool: str, event: Any, message: str) -> None:
    answer = call(tool, event)
    assert code(answer) == "invalid_arguments"
    assert answer["error"]["message"] == message


def test_an_integer_written_as_a_float_is_one(call: Any) -> None:
    assert call("half", {"number": 4.0}) == 2.0
    assert call("order", {"items": [{"sku": "a", "count": 2.0}]})["items"][0]["count"] == 2


def test_a_number_may_be_an_integer_and_stays_one(call: Any) -> None:
    answer = call("scale", {"value": 3, "options": {"anything": [1, {"goes": None}]}})
    assert answer == {"value": 3, "options": {"anything": [1, {"goes": None}]}}
    assert isinstance(answer["value"], int)


def test_a_null_for_an_optional_argument_counts_as_left_out(call: Any) -> None:
    assert call("order", {"items": [{"sku": "a", "count": None}], "note": None, "express": None}) == {
        "items": [{"sku": "a"}],
        "note": None,
        "express": False,
    }


def test_a_tool_error_reaches_the_model_in_its_own_words(call: Any) -> None:
    assert call("refuse", {}) == {"error": {"code": "tool_error", "message": "The shop is closed."}}


def test_any_other_exception_stays_in_the_log(call: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        answer = call("crash", {"password": "hunter2"})
    assert answer == {"error": {"code": "tool_failed", "message": "The tool crash failed. Its log says why."}}
    assert "RuntimeError: cannot log in with hunter2" in caplog.text


def test_what_cannot_be_sent_is_an_error(call: Any) -> None:
    assert code(call("large", {})) == "tool_error"
    assert code(call("strange", {})) == "tool_failed"


def test_a_results_size_is_that_of_its_text(call: Any) -> None:
    assert len(call("long", {})) == 3_000_000


@pytest.mark.parametrize("full_name", ["shop___nothing", "order", "", None])
def test_an_unknown_tool_is_an_error_that_lists_the_tools(function: Any, full_name: str | None) -> None:
    answer = function(SOURCE)(full_name, {})
    assert code(answer) == "unknown_tool"
    assert "crash, half, large, long, order, refuse, scale, strange" in answer["error"]["message"]


@pytest.mark.parametrize("context", [None, SimpleNamespace(client_context=None), SimpleNamespace()])
def test_a_call_that_did_not_come_from_a_gateway_is_answered(function: Any, context: Any) -> None:
    function(SOURCE)
    assert code(sys.modules["dispatch"].handler({}, context)) == "unknown_tool"


def test_a_module_that_does_not_import_is_a_failure_of_the_tool(call: Any, tmp_path: Path) -> None:
    (tmp_path / "tools.py").write_text("import a_package_nobody_installed\n" + SOURCE)
    assert code(call("half", {"number": 2})) == "tool_failed"


def test_the_dispatcher_needs_nothing_installed(tmp_path: Path, function: Any) -> None:
    function('def ping() -> str:\n    """Answer."""\n    return "pong"\n')
    script = (
        "import json, types, dispatch\n"
        "client = types.SimpleNamespace(custom={'bedrockAgentCoreToolName': 't___ping'})\n"
        "print(json.dumps(dispatch.handler({}, types.SimpleNamespace(client_context=client))))"
    )
    # -I -S: neither this environment's packages nor the project's folders.
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{script}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == "pong"


ENDING = """
import asyncio, sys
def leave() -> int:
    'Leave.'
    sys.exit(3)
async def leave_from_within() -> int:
    'Leave.'
    sys.exit(0)
async def cancel() -> int:
    'Cancel.'
    raise asyncio.CancelledError
def fail_in_a_group() -> int:
    'Fail.'
    raise BaseExceptionGroup("both", [SystemExit(1), ValueError()])
async def work() -> int:
    'Work.'
    await asyncio.sleep(0)
    return 5
def interrupt() -> int:
    'Interrupt.'
    raise KeyboardInterrupt
"""


def test_a_tool_that_ends_the_process_has_failed(function: Any) -> None:
    """PaloAltoNetworks/prismacloud-api-python#118, aws-samples/iam-identity-center-team#444: Runtime.ExitError."""
    call = function(ENDING)
    for name in ("leave", "leave_from_within", "cancel", "fail_in_a_group"):
        assert code(call(f"t___{name}", {})) == "tool_failed"
        assert call("t___work", {}) == 5
    with pytest.raises(KeyboardInterrupt):
        call("t___interrupt", {})


def test_the_samples_tools_answer_through_the_dispatcher(function: Any) -> None:
    call = function((SAMPLE / "lambdas" / "math" / "tools.py").read_text())
    assert call("math___add_numbers", {"a": 100, "b": 12}) == 112
    assert call("math___multiply_numbers", {"a": 6, "b": 7}) == 42
    assert "Alice" in call("math___greeting", {"name": "Alice"})
    assert code(call("math___add_numbers", {"a": "100", "b": 12})) == "invalid_arguments"


SIGNS = """
import logging, sys
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
{first}
logging.basicConfig(level=logging.DEBUG)
SigV4Auth(Credentials("AKIA", "secret", "the-token"), "s3", "us-east-1").add_auth(AWSRequest("GET", "https://s3/"))
"""


@pytest.mark.parametrize(("first", "logged"), [("", True), ("import dispatch", False)])
def test_at_debug_no_credential_is_logged(first: str, logged: bool) -> None:
    lambdas = Path(__file__).parents[2] / "lambdas"
    command = [sys.executable, "-c", SIGNS.format(first=first)]
    done = subprocess.run(command, cwd=lambdas, capture_output=True, text=True, check=True)
    assert ("the-token" in done.stderr) is logged
