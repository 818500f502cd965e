"""`toolgate call`: what it prints, whom it calls for, and how it ends."""

import contextlib
import io
import itertools
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.conftest import Local
from toolgate.cli.call import _list
from toolgate.cli.main import main
from toolgate.local.offers import Offer
from toolgate.local.serve.serving_file import Endpoint, serving_file

Said = pytest.CaptureFixture[str]
type Call = Callable[..., tuple[int, str, list[str]]]


@pytest.fixture
def call(local: Local, capsys: Said) -> Call:
    def run(*words: str) -> tuple[int, str, list[str]]:
        code = main(local.arguments("call", *words))
        said = capsys.readouterr()
        return code, said.out, said.err.splitlines()

    return run


def test_the_result_can_be_piped_and_the_decision_is_said_beside_it(call: Call, local: Local) -> None:
    code, result, (decision, ended) = call("math___add_numbers", '{"a": 100, "b": 12}')
    assert (code, json.loads(result)) == (0, {"result": 112})
    assert result == '{\n  "result": 112\n}\n'
    assert decision == (
        "calculator: allowed. IAM allows: assistant-tools (InvokeGateway); Cedar allows: math___add_numbers-abcdefghij"
    )
    found = re.fullmatch(r"ok, [\d.]+ ms, request ([0-9a-f-]{36})", ended)
    assert found
    assert found[1] in local.serving.access_log.read_text()


def test_the_first_agent_that_may_call_it_does(call: Call) -> None:
    code, result, (decision, _) = call("greeting", '{"name": "Alice"}')
    assert (code, result) == (0, '"Hello, Alice!"\n')
    assert decision.startswith("greeter: allowed. ")


def test_arguments_may_come_from_standard_input(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO('{"a": 1, "b": 2}'.encode("utf-16"))))
    code, result, _ = call("math___add_numbers", "-", "--as", "calculator")
    assert (code, json.loads(result)) == (0, {"result": 3})


def test_a_call_that_cedar_refuses(call: Call) -> None:
    code, result, (decision, refusal, ended) = call("math___greeting", '{"name": "A"}', "--as", "calculator")
    assert (code, result) == (1, "")
    assert decision == "calculator: denied. Cedar denies: No policy applies to the request (denied by default)."
    assert refusal.startswith("refused: Tool Execution Denied: ")
    assert ended.startswith("refused, ")


def test_a_call_that_iam_refuses(call: Call) -> None:
    code, result, (decision, refusal, _) = call("math___greeting", '{"name": "A"}', "--as", "stranger")
    assert (code, result) == (1, "")
    assert decision.startswith("stranger: denied. IAM denies: because no identity-based policy allows the ")
    assert "assumed-role/nobody/local is not authorized to perform: bedrock-agentcore:InvokeGateway" in refusal


def test_a_gateway_with_sessions_whose_role_may_not_invoke_the_function(call: Call) -> None:
    code, result, (decision, *_) = call("math___add_numbers", '{"a": 1, "b": 2}', "--as", "greeter")
    assert code == 1
    assert result.startswith("Access denied while invoking Lambda function")
    assert decision.startswith("greeter: denied. IAM of arn:aws:iam::123456789012:role/other-role denies: ")


def test_a_function_that_fails(call: Call, local: Local) -> None:
    code, result, (decision, ended) = call("greeting", '{"name": "Nobody"}')
    assert (code, json.loads(result)["errorType"]) == (1, "LookupError")
    assert decision.startswith("greeter: allowed. ")
    found = re.fullmatch(r"function_failed, [\d.]+ ms, request [0-9a-f-]{36}, log: (.+)", ended)
    assert found
    assert 'raise LookupError("there is nobody to greet")' in Path(found[1]).read_text()


def test_the_list(call: Call) -> None:
    code, listed, said = call("--list")
    assert (code, said) == (0, [])
    assert [re.split(r"  +", line) for line in listed.splitlines()] == [
        ["math___add_numbers", "calculator, greeter", "Add two numbers."],
        ["math___greeting", "greeter", "Greet somebody by name."],
    ]
    code, listed, _ = call("--list", "--as", "calculator")
    assert [line.split()[0] for line in listed.splitlines()] == ["math___add_numbers"]
    assert call("--list", "--as", "stranger") == (0, "", ["stranger is offered no tool"])


OF_EVERY_KIND = [
    "x_amz_bedrock_agentcore_search",
    "handbook___Retrieve",
    "inner___inside___half",
    "inner___math___double",
    "inner-two___math___double",
    "math___double",
    "notes___find",
    "notes___write",
    "pets___addPet",
    "stage___getOrder",
    "stock___count",
    "web___WebSearch",
]
"""What gateways with targets of every kind list, by target."""


@given(st.permutations([(tool, who) for tool in OF_EVERY_KIND for who in ("ada", "bob")]))
def test_the_list_is_by_target_in_whatever_order_it_comes(found: list[tuple[str, str]]) -> None:
    gateway = Endpoint("tools-0123456789", "http://127.0.0.1:1/mcp", "2025-11-25", sessions=False)
    offers = [Offer(who, gateway, {"name": tool, "description": f"Of {tool}."}) for tool, who in found]
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert _list(offers, None) == 0
    rows = [re.split(r"  +", line) for line in out.getvalue().splitlines()]
    assert {(who, text) for _, who, text in rows} == {("ada, bob", f"Of {tool}.") for tool in OF_EVERY_KIND}
    assert sorted(tool for tool, *_ in rows) == sorted(OF_EVERY_KIND)
    targets = [tool.partition("___")[0] for tool, *_ in rows]
    assert [it for it, _ in itertools.groupby(targets)] == sorted({*targets})
    assert [tool for tool, *_ in rows if tool.startswith("inner___")] == OF_EVERY_KIND[2:4]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["math___ad_numbers"], "Did you mean math___add_numbers?"),
        (["greting"], "no agent is offered a tool 'greting'. Did you mean math___greeting?"),
        (["zzz"], "`toolgate call --list` shows which there are"),
        (["math___add_numbers", "{"], "what is given as arguments is no JSON (Expecting"),
        (["math___add_numbers", '{"a": NaN}'], "the arguments are not JSON (Out of range float values"),
        (["math___add_numbers", '{"a": 1e999}'], "the arguments are not JSON (Out of range float values"),
        (["math___greeting", r'{"name": "\ud800"}'], "the arguments are not JSON ('utf-8' codec can't encode"),
        (
            ["math___greeting", '{"name":' + "[" * 100_000],
            "what is given as arguments is nested more than 100 levels deep",
        ),
        (["math___add_numbers", "[1, 2]"], "the arguments are JSON, but not an object. Write an object"),
        (
            ["math___add_numbers", "{}", "--as", "nobody"],
            "no agent or client 'nobody'. There are: calculator, greeter, stranger",
        ),
        ([], "name a tool, or give --list"),
        (["math___add_numbers", "--list"], "name a tool, or give --list"),
    ],
)
def test_a_slip_is_one_line(call: Call, words: list[str], says: str) -> None:
    code, out, [line] = call(*words)
    assert (code, out) == (2, "")
    assert line.startswith("error: ")
    assert says in line


def test_nothing_is_served(tmp_path: Path, capsys: Said) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: p\n")
    assert main(["call", "--program", str(tmp_path), "t"]) == 2
    assert capsys.readouterr().err == "error: nothing is served on this machine. Start it with `toolgate up`.\n"


def test_what_was_served_is_gone(local: Local, tmp_path: Path, capsys: Said) -> None:
    shutil.copy(local.program / "Pulumi.yaml", tmp_path)
    left = serving_file(tmp_path)
    left.parent.mkdir()
    content = serving_file(local.program).read_text().replace(local.serving.url, "http://127.0.0.1:1")
    left.write_text(content)
    assert main(["call", "--program", str(tmp_path), "t"]) == 2
    assert capsys.readouterr().err == "error: nothing answers at 127.0.0.1:1. Start it again with `toolgate up`.\n"
    left.write_text(json.dumps(json.loads(content) | {"callers": {}}))
    assert main(["call", "--program", str(tmp_path), "t"]) == 2
    assert "has no agent" in capsys.readouterr().err
