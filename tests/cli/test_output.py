"""Nothing that a tool, a model, an agent or a caller says is a command to the terminal."""

import ast
import json
import logging
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse

from tests.cli.conftest import Local
from tests.cli.test_ask import FakeRuntime, project, runtime  # noqa: F401  # fixtures
from toolgate.cli.main import main
from toolgate.cli.output import keep_logs_readable, say
from toolgate.cli.up import _tell
from toolgate.local.serve.access_log import Entry
from toolgate.local.terminal import one_line, readable

CLI = Path(__file__).parents[2] / "cli"
# Clear the screen, set the clipboard, a C1 command, over-print a line, turn the direction, another line's end.
EVIL = "a\x1b[2Jb\x1b]52;c;ZXZpbA==\x07c\x9b31md\re\u202ef\u2066g\u2028h\x00i\x7fj\x08k"
SHOWN = "a\\u001b[2Jb\\u001b]52;c;ZXZpbA==\\u0007c\\u009b31md\\u000de\\u202ef\\u2066g\\u2028h\\u0000i\\u007fj\\u0008k"


BIDI = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}


def commands(text: str) -> set[str]:
    """The characters that a terminal would not print."""
    return {it for it in text if unicodedata.category(it) in {"Cc", "Cs", "Zl", "Zp"} or _turns(it)} - set("\n\t")


def _turns(character: str) -> bool:
    return unicodedata.bidirectional(character) in BIDI


def test_every_command_is_written_out_and_all_else_stays() -> None:
    assert readable(EVIL) == SHOWN
    every = "".join(map(chr, range(0x110000)))
    assert commands(readable(every)) == set()
    plain = "größe\t日本語 עברית 👩\u200d🔬 \u00a0\n"
    assert readable(plain) == plain
    assert one_line("a\nb\x1b") == "a\\nb\\u001b"


def test_a_json_document_means_the_same_afterwards() -> None:
    document = {"text": EVIL, EVIL: ["\u202e"]}
    assert json.loads(readable(json.dumps(document, ensure_ascii=False))) == document


PRINTING = {"click.echo", "click.secho", "print", "sys.stdout.write", "sys.stderr.write"}


def test_no_command_prints_in_another_way() -> None:
    for path in CLI.glob("*.py"):
        if path.name != "output.py":
            calls = (it for it in ast.walk(ast.parse(path.read_text())) if isinstance(it, ast.Call))
            assert not {ast.unparse(it.func) for it in calls} & PRINTING, path.name


def test_an_answer_of_an_agent(runtime: FakeRuntime, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811  # fixtures
    runtime.response = JSONResponse({"status": "success", "response": EVIL})
    assert main(["ask", "sum", "--local"]) == 0
    assert capsys.readouterr().out == f"{SHOWN}\n"


def test_an_answer_in_pieces(runtime: FakeRuntime, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811  # fixtures
    pieces: list[dict[str, Any]] = [{"text": "x\x1b"}, {"text": "[2J"}, {"status": "success"}]
    runtime.events = tuple(f"data: {json.dumps(it)}\n\n" for it in pieces)
    assert main(["ask", "sum", "--local"]) == 0
    assert capsys.readouterr().out == "x\\u001b[2J\n"


def test_an_error_of_an_agent(runtime: FakeRuntime, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811  # fixtures
    runtime.response = JSONResponse({"status": "error", "error": {"code": EVIL, "message": EVIL}})
    assert main(["ask", "sum", "--local"]) == 1
    assert commands(capsys.readouterr().err) == set()


def test_a_result_of_a_tool(local: Local, capsys: pytest.CaptureFixture[str]) -> None:
    given = json.dumps({"name": EVIL})
    assert main(local.arguments("call", "greeting", given)) == 0
    said = capsys.readouterr()
    assert commands(said.out + said.err) == set()
    assert json.loads(said.out) == f"Hello, {EVIL}!"


def test_what_a_caller_asks_for_is_one_line_of_up(capsys: pytest.CaptureFixture[str]) -> None:
    call = {"method": "tools/call", "tool": f"x\n{EVIL}", "decision": "allowed", "milliseconds": 1.0}
    _tell(call, Entry("r", last_words=f"KeyError: {EVIL}\nmore"))
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 2
    assert commands(said) == set()


def test_what_is_logged(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    keep_logs_readable()
    assert logging.lastResort
    say(logging.lastResort.format(logging.makeLogRecord({"msg": "The model: %s", "args": (EVIL,)})))
    assert capsys.readouterr().out == f"The model: {SHOWN}\n"
